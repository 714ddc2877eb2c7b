//! The reports of all runs, and the one number that stands for several repetitions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::contender::Contender;

/// Above this share of the two cores, others disturb a run.
pub(crate) const MOST_DISTURBED: f64 = 0.1;

/// Reports by server and scenario, in the order of the repetitions.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    reports: BTreeMap<(Contender, &'static str), Vec<Value>>,
}

impl Figures {
    pub(crate) fn add(&mut self, contender: Contender, scenario: &'static str, report: Value) {
        self.reports.entry((contender, scenario)).or_default().push(report);
    }

    /// The median over the repetitions in which others took little of the two cores, or over all if there are none: what
    /// the host of a virtual machine takes is charged to whoever was running.
    pub(crate) fn median(&self, contender: Contender, scenario: &'static str, key: &str) -> Option<f64> {
        let of = |report: &Value| report.get(key)?.as_f64();
        middle(self.all(contender, scenario).map(|report| (noise(report, key), of(report))))
    }

    /// The median over the same repetitions of one server's figure in proportion to another's: what one repetition has in
    /// common, as the speed of the machine in that minute, is in both.
    pub(crate) fn ratio(
        &self,
        (one, other): (Contender, Contender),
        scenario: &'static str,
        key: &str,
    ) -> Option<f64> {
        let of = |report: &Value| report.get(key)?.as_f64();
        let pairs = self.all(one, scenario).zip(self.all(other, scenario));
        middle(pairs.map(|(one, other)| {
            let ratio = of(one).zip(of(other)).map(|(one, other)| one / other);
            (noise(one, key).max(noise(other, key)), ratio.filter(|ratio| ratio.is_finite()))
        }))
    }

    /// The value from the repetition in which others took least of the two cores. For latencies: one neighbour's
    /// time slice is a tail of its own.
    pub(crate) fn quietest(&self, contender: Contender, scenario: &'static str, key: &str) -> Option<f64> {
        let reports = self.all(contender, scenario);
        reports.min_by(|a, b| noise(a, key).total_cmp(&noise(b, key)))?.get(key)?.as_f64()
    }

    /// The sum over all runs of the server.
    pub(crate) fn sum(&self, contender: Contender, key: &str) -> f64 {
        let runs = self.reports.iter().filter(|((whose, _), _)| *whose == contender);
        runs.flat_map(|(_, reports)| reports).filter_map(|report| report.get(key)?.as_f64()).sum()
    }

    fn all(&self, contender: Contender, scenario: &'static str) -> impl Iterator<Item = &Value> {
        self.reports.get(&(contender, scenario)).into_iter().flatten()
    }
}

/// The median of the values that were got while others took little, or of all if there are none; each beside their share.
fn middle(values: impl Iterator<Item = (f64, Option<f64>)>) -> Option<f64> {
    let values: Vec<(f64, f64)> = values.filter_map(|(noise, value)| Some((noise, value?))).collect();
    let is_quiet = |noise: f64| noise <= MOST_DISTURBED;
    let none_is_quiet = !values.iter().any(|(noise, _)| is_quiet(*noise));
    let chosen = values.into_iter().filter(|(noise, _)| none_is_quiet || is_quiet(*noise));
    let mut chosen: Vec<f64> = chosen.map(|(_, value)| value).collect();
    chosen.sort_by(f64::total_cmp);
    let middle = chosen.len() / 2;
    match chosen.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(chosen[middle]),
        _ => Some((chosen[middle - 1] + chosen[middle]) / 2.0),
    }
}

/// The share of the two cores that others took while `key` was measured.
fn noise(report: &Value, key: &str) -> f64 {
    // Where there are several measurements in a run, their keys end in `_` and a number.
    let of = |key: &str| report.get(key).and_then(Value::as_f64);
    let last = key.rsplit_once('_').map_or("", |(_, last)| last);
    of(&format!("disturbed_share_{last}")).or_else(|| of("disturbed_share")).unwrap_or(f64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn costs_are_medians_of_quiet_repetitions_and_latencies_come_from_the_quietest() {
        let mut figures = Figures::default();
        for (cost, p99, others) in [(1.0, 90.0, 0.3), (9.0, 70.0, 0.01), (2.0, 60.0, 0.2)] {
            let report = json!({"cost": cost, "p99_us": p99, "p99_us_1000": p99 + 1.0, "disturbed_share": others,
                "disturbed_share_1000": others, "total_faults": 2});
            figures.add(Contender::Hub, "rate", report);
        }
        assert_eq!(figures.median(Contender::Hub, "rate", "cost"), Some(9.0), "the only quiet one");
        let of = |costs: [(f64, f64); 3]| {
            let mut figures = Figures::default();
            for (cost, others) in costs {
                figures.add(Contender::Hub, "idle", json!({"cost": cost, "disturbed_share": others}));
            }
            figures.median(Contender::Hub, "idle", "cost")
        };
        assert_eq!(of([(1.0, 0.0), (9.0, 0.1), (2.0, 0.2)]), Some(5.0));
        assert_eq!(of([(1.0, 0.3), (9.0, 0.4), (2.0, 0.2)]), Some(2.0), "none was quiet");
        assert_eq!(figures.quietest(Contender::Hub, "rate", "p99_us"), Some(70.0));
        assert_eq!(figures.quietest(Contender::Hub, "rate", "p99_us_1000"), Some(71.0));
        assert!((figures.sum(Contender::Hub, "total_faults") - 6.0).abs() < f64::EPSILON);
        assert_eq!(figures.median(Contender::Peerjs, "rate", "cost"), None);
    }

    #[test]
    fn a_ratio_is_that_of_the_same_repetition() {
        let mut figures = Figures::default();
        // The machine is twice as slow in the second, and others are at work in the last.
        for (ours, theirs, others) in [(1.0, 2.0, 0.0), (2.0, 4.0, 0.0), (3.0, 5.0, 0.0), (9.0, 1.0, 0.2)] {
            let report = |cost: f64, others: f64| json!({"cost": cost, "disturbed_share": others});
            figures.add(Contender::Tincan, "idle", report(ours, 0.0));
            figures.add(Contender::Hub, "idle", report(theirs, others));
        }
        let of = |pair| figures.ratio(pair, "idle", "cost");
        assert_eq!(of((Contender::Tincan, Contender::Hub)), Some(0.5));
        assert_eq!(of((Contender::Tincan, Contender::Peerjs)), None);
    }
}
