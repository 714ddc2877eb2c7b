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
        let reports = self.reports.get(&(contender, scenario))?;
        let is_quiet = |report: &&Value| noise(report, key) <= MOST_DISTURBED;
        let quiet: Vec<_> = reports.iter().filter(is_quiet).collect();
        let chosen = if quiet.is_empty() { reports.iter().collect() } else { quiet };
        let mut values: Vec<f64> =
            chosen.into_iter().filter_map(|report| report.get(key)?.as_f64()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(values[middle]),
            _ => Some((values[middle - 1] + values[middle]) / 2.0),
        }
    }

    /// The value from the repetition in which others took least of the two cores. For latencies: one neighbour's
    /// time slice is a tail of its own.
    pub(crate) fn quietest(&self, contender: Contender, scenario: &'static str, key: &str) -> Option<f64> {
        let reports = self.reports.get(&(contender, scenario))?;
        reports.iter().min_by(|a, b| noise(a, key).total_cmp(&noise(b, key)))?.get(key)?.as_f64()
    }

    /// The sum over all runs of the server.
    pub(crate) fn sum(&self, contender: Contender, key: &str) -> f64 {
        self.all(contender).filter_map(|report| report.get(key)?.as_f64()).sum()
    }

    fn all(&self, contender: Contender) -> impl Iterator<Item = &Value> {
        self.reports
            .iter()
            .filter(move |((whose, _), _)| *whose == contender)
            .flat_map(|(_, reports)| reports)
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
}
