//! The table: a row for each figure, a column for each server, then Tincan's ratios, its target and the verdict.

use std::io::{self, Write as _};

use super::{Contender, Figures};

/// One row.
struct Row {
    name: String,
    value: Box<dyn Fn(Contender) -> Option<f64>>,
    target: Target,
}

/// What Tincan's figure has to be.
enum Target {
    None,
    AtMost(f64),
    /// Times PeerJS's, and times the tuned hub's.
    AtLeastTimes(f64, f64),
}

/// A load with less spare time than this was itself the limit.
const LEAST_IDLE: f64 = 0.02;
/// Seconds a second that other processes may take of the two cores before latencies tell of them.
const MOST_DISTURBED: f64 = 0.1;

/// Prints the table; returns whether every target that could be checked is met and nothing went wrong anywhere.
pub(crate) fn print(contenders: &[Contender], figures: &Figures, many: usize) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    write!(out, "\n| |")?;
    for contender in contenders {
        write!(out, " {} |", contender.name())?;
    }
    writeln!(out, " ÷ peerjs | ÷ hub tuned | target | |")?;
    writeln!(out, "|---|{}---:|---:|---|---|", "---:|".repeat(contenders.len()))?;
    let mut is_good = true;
    for row in rows(figures, many) {
        write!(out, "| {} |", row.name)?;
        for &contender in contenders {
            write!(out, " {} |", number((row.value)(contender)))?;
        }
        let ratio =
            |other| Some((row.value)(Contender::Tincan)? / (row.value)(other).filter(|value| *value > 0.0)?);
        let (peerjs, tuned) = (ratio(Contender::Peerjs), ratio(Contender::HubTuned));
        let verdict = row.target.verdict((row.value)(Contender::Tincan), peerjs, tuned);
        is_good &= verdict != Some(false);
        let verdict = verdict.map_or("", |is_met| if is_met { "met" } else { "**missed**" });
        writeln!(out, " {} | {} | {} | {verdict} |", times(peerjs), times(tuned), row.target.text())?;
    }
    for &contender in contenders {
        let faults = figures.sum(contender, "total_faults");
        if faults > 0.0 {
            is_good = false;
            writeln!(out, "\n**{} lost, doubled, damaged or refused {faults} messages.**", contender.name())?;
        }
        let share = |key| figures.median(contender, "dialogs", key);
        if share("disturbed_share").is_some_and(|share| share > MOST_DISTURBED) {
            writeln!(
                out,
                "\nOther processes disturbed the runs with {}: do not trust its latencies.",
                contender.name()
            )?;
        } else if share("load_idle_share").is_some_and(|share| share < LEAST_IDLE) {
            writeln!(
                out,
                "\nThe load was the limit of {}'s dialogs: it can do more than shown.",
                contender.name()
            )?;
        }
    }
    Ok(is_good)
}

fn rows(figures: &Figures, many: usize) -> Vec<Row> {
    // Each row keeps its own values, by server, so that a ratio can ask for servers in any order.
    let row = |name: &str, target: Target, value: &dyn Fn(Contender) -> Option<f64>| {
        let all: Vec<_> =
            <Contender as clap::ValueEnum>::value_variants().iter().map(|&c| (c, value(c))).collect();
        let value = move |wanted| {
            all.iter().find(|(contender, _)| *contender == wanted).and_then(|(_, value)| *value)
        };
        Row { name: name.into(), value: Box::new(value), target }
    };
    let median = |scenario, key: &'static str| move |c| figures.median(c, scenario, key);
    let quiet = |scenario, key: &'static str| move |c| figures.quietest(c, scenario, key);
    let (cpu, p99) = ("cpu_us_per_message", "p99_us");
    let at = |key: &str, clients: usize| format!("{key}_{clients}");
    let cpu_growth = |c| {
        let of = |clients| figures.median(c, "grow", &at(cpu, clients));
        Some(of(many)? / of(1000)?)
    };
    let p99_growth = |c| {
        let of = |clients| figures.quietest(c, "grow", &at(p99, clients));
        Some(of(many)? / of(1000)?)
    };
    vec![
        row(
            "dialogs per server CPU s",
            Target::AtLeastTimes(2.0, 1.0),
            &median("dialogs", "dialogs_per_cpu_s"),
        ),
        row("dialogs/s", Target::None, &median("dialogs", "dialogs_per_s")),
        row("CPU µs/message", Target::None, &median("dialogs", cpu)),
        row("p50 µs", Target::None, &quiet("dialogs", "p50_us")),
        row("p99 µs", Target::None, &quiet("dialogs", p99)),
        row("burst: dialogs per server CPU s", Target::None, &median("burst", "dialogs_per_cpu_s")),
        row("burst: dialogs/s", Target::None, &median("burst", "dialogs_per_s")),
        row("10k/s over 1,000: CPU µs/message", Target::None, &median("rate", cpu)),
        row("10k/s over 1,000: p50 µs", Target::None, &quiet("rate", "p50_us")),
        row("10k/s over 1,000: p99 µs", Target::AtMost(250.0), &quiet("rate", p99)),
        row("10k/s over 1,000: p99.9 µs", Target::None, &quiet("rate", "p999_us")),
        row(&format!("CPU at {many} clients ÷ at 1,000"), Target::AtMost(1.15), &cpu_growth),
        row(&format!("p99 at {many} clients ÷ at 1,000"), Target::AtMost(1.5), &p99_growth),
        row(
            &format!("KB/connection, {many} idle"),
            Target::AtMost(4.0),
            &median("idle", "kb_per_connection"),
        ),
        row(
            &format!("KB/connection, {many} after a call each"),
            Target::AtMost(4.0),
            &median("idle", "kb_per_connection_after_call"),
        ),
        row("CPU µs/upgrade", Target::None, &median("idle", "cpu_us_per_upgrade")),
        row(&format!("CPU ms/s, {many} idle"), Target::AtMost(10.0), &median("idle", "idle_cpu_ms_per_s")),
        row("CPU ms/s, 2,000 idle", Target::None, &median("calls-idle", "idle_cpu_ms_per_s")),
        row("CPU ms/s, the same in 1,000 calls", Target::None, &median("calls-idle", "calls_cpu_ms_per_s")),
        row(&format!("s until {many} are back"), Target::AtMost(1.5), &median("return", "back_s")),
    ]
}

impl Target {
    fn text(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::AtLeastTimes(peerjs, tuned) => format!("≥ {peerjs}× peerjs, ≥ {tuned}× hub tuned"),
        }
    }

    /// Whether it is met; `None` if there is no target or no figure.
    fn verdict(&self, value: Option<f64>, peerjs: Option<f64>, tuned: Option<f64>) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtMost(most) => Some(value? <= *most),
            Self::AtLeastTimes(least_peerjs, least_tuned) => match (peerjs, tuned) {
                (None, None) => None,
                _ => {
                    Some(peerjs.is_none_or(|r| r >= *least_peerjs) && tuned.is_none_or(|r| r >= *least_tuned))
                }
            },
        }
    }
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or("–".into(), |ratio| format!("{ratio:.2}×"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_figure_is_neither_met_nor_missed() {
        let ratio = Target::AtLeastTimes(2.0, 1.0);
        assert_eq!(ratio.verdict(Some(1.0), None, None), None);
        assert_eq!(ratio.verdict(Some(1.0), Some(2.1), None), Some(true));
        assert_eq!(ratio.verdict(Some(1.0), Some(2.1), Some(0.9)), Some(false));
        assert_eq!(Target::AtMost(4.0).verdict(Some(4.1), None, None), Some(false));
        assert_eq!(Target::AtMost(4.0).verdict(None, None, None), None);
        assert_eq!(Target::None.verdict(Some(1.0), Some(1.0), Some(1.0)), None);
    }
}
