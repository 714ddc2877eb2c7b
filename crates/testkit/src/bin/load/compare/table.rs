//! A table: a row for each figure, a column for each server, then Tincan's ratios, its target and the verdict.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use clap::ValueEnum as _;

use super::{
    contender::Contender,
    figures::{Figures, MOST_DISTURBED},
};

/// One row.
pub(crate) struct Row {
    name: String,
    values: BTreeMap<Contender, f64>,
    /// Tincan's figure in proportion to theirs.
    ratios: BTreeMap<Contender, f64>,
    target: Target,
}

/// What Tincan's figure has to be.
pub(crate) enum Target {
    None,
    AtMost(f64),
    /// So many times each of these servers'.
    AtLeastTimes(&'static [(Contender, f64)]),
}

/// What is printed besides the rows.
pub(crate) struct Frame<'a> {
    pub(crate) contenders: &'a [Contender],
    /// Those whom Tincan is set in proportion to.
    pub(crate) beside: &'a [Contender],
    pub(crate) figures: &'a Figures,
    /// The run that tells whether the load was the limit, or disturbed.
    pub(crate) telling: &'static str,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        target: Target,
        value: impl Fn(Contender) -> Option<f64>,
    ) -> Self {
        let values = each(&value);
        let ours = value(Contender::Tincan);
        let ratios = each(|other| Some(ours? / value(other).filter(|value| *value > 0.0)?));
        Self { name: name.into(), values, ratios, target }
    }

    /// A figure that every repetition has: medians of it, and of its ratios.
    pub(crate) fn repeated(
        name: impl Into<String>,
        target: Target,
        figures: &Figures,
        (scenario, key): (&'static str, &'static str),
    ) -> Self {
        let values = each(|contender| figures.median(contender, scenario, key));
        let ratios = each(|other| figures.ratio((Contender::Tincan, other), scenario, key));
        Self { name: name.into(), values, ratios, target }
    }

    fn value(&self, contender: Contender) -> Option<f64> {
        self.values.get(&contender).copied()
    }

    fn ratio(&self, other: Contender) -> Option<f64> {
        self.ratios.get(&other).copied()
    }
}

fn each(value: impl Fn(Contender) -> Option<f64>) -> BTreeMap<Contender, f64> {
    Contender::value_variants().iter().filter_map(|&contender| Some((contender, value(contender)?))).collect()
}

/// A load with less spare time than this was itself the limit, unless the server had hardly more.
const LEAST_IDLE: f64 = 0.02;
/// A server that has so much of its core is at its own limit.
const BUSY: f64 = 0.95;

/// Prints the table; returns whether every target that could be checked is met and nothing went wrong anywhere.
pub(crate) fn print(frame: &Frame<'_>, rows: &[Row]) -> io::Result<bool> {
    let Frame { contenders, beside, .. } = *frame;
    let mut out = io::stdout().lock();
    write!(out, "\n| |")?;
    for contender in contenders {
        write!(out, " {} |", contender.name())?;
    }
    for other in beside {
        write!(out, " ÷ {} |", other.name())?;
    }
    writeln!(out, " target | |")?;
    let numbers = "---:|".repeat(contenders.len() + beside.len());
    writeln!(out, "|---|{numbers}---|---|")?;
    let mut is_good = true;
    for row in rows {
        write!(out, "| {} |", row.name)?;
        for &contender in contenders {
            write!(out, " {} |", number(row.value(contender)))?;
        }
        for &other in beside {
            write!(out, " {} |", times(row.ratio(other)))?;
        }
        let verdict = row.target.verdict(row.value(Contender::Tincan), |other| row.ratio(other));
        is_good &= verdict != Some(false);
        let verdict = verdict.map_or("", |is_met| if is_met { "met" } else { "**missed**" });
        writeln!(out, " {} | {verdict} |", row.target.text())?;
    }
    for &contender in contenders {
        is_good &= remark(&mut out, frame, contender)?;
    }
    Ok(is_good)
}

/// Says what has to be known of a server's figures; returns whether nothing went wrong with it.
fn remark(out: &mut impl io::Write, frame: &Frame<'_>, contender: Contender) -> io::Result<bool> {
    let (figures, name) = (frame.figures, contender.name());
    let faults = figures.sum(contender, "total_faults");
    if faults > 0.0 {
        writeln!(out, "\n**{name} lost, doubled, damaged or refused {faults} messages.**")?;
    }
    let share = |key| figures.median(contender, frame.telling, key);
    if share("disturbed_share").is_some_and(|share| share > MOST_DISTURBED) {
        writeln!(out, "\nOther processes disturbed the runs with {name}: do not trust its latencies.")?;
    } else if share("load_idle_share").is_some_and(|share| share < LEAST_IDLE)
        && share("server_cpu_share").is_none_or(|share| share < BUSY)
    {
        writeln!(
            out,
            "\nThe load was the limit of the {} with {name}: it can do more than shown.",
            frame.telling
        )?;
    }
    Ok(faults == 0.0)
}

impl Target {
    fn text(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::AtLeastTimes(all) => {
                let times: Vec<_> =
                    all.iter().map(|(other, least)| format!("≥ {least}× {}", other.name())).collect();
                times.join(", ")
            }
        }
    }

    /// Whether it is met; `None` if there is no target or no figure.
    fn verdict(&self, value: Option<f64>, ratio: impl Fn(Contender) -> Option<f64>) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtMost(most) => Some(value? <= *most),
            Self::AtLeastTimes(all) => {
                let mut known =
                    all.iter().filter_map(|(other, least)| Some(ratio(*other)? >= *least)).peekable();
                known.peek()?;
                Some(known.all(|is_met| is_met))
            }
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
        const TARGET: Target = Target::AtLeastTimes(&[(Contender::Peerjs, 2.0), (Contender::HubTuned, 1.0)]);
        let verdict = |peerjs, tuned| {
            TARGET.verdict(Some(1.0), |other| if other == Contender::Peerjs { peerjs } else { tuned })
        };
        assert_eq!(verdict(None, None), None);
        assert_eq!(verdict(Some(2.1), None), Some(true));
        assert_eq!(verdict(Some(2.1), Some(0.9)), Some(false));
        assert_eq!(verdict(Some(1.9), Some(1.1)), Some(false));
        let none = |_| None;
        assert_eq!(Target::AtMost(4.0).verdict(Some(4.1), none), Some(false));
        assert_eq!(Target::AtMost(4.0).verdict(None, none), None);
        assert_eq!(Target::None.verdict(Some(1.0), |_| Some(1.0)), None);
    }
}
