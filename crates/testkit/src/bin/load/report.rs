//! What a run found: lines for people, one JSON object for programs.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

use crate::{
    histogram::Histogram,
    tally::{Fault, Tally},
};

/// The figures of one run, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Report {
    scenario: String,
    figures: Vec<(String, f64, &'static str)>,
    faults: Map<String, Value>,
    total_faults: u64,
    notes: String,
}

impl Report {
    pub(crate) fn new(scenario: &str) -> Self {
        Self { scenario: scenario.into(), ..Self::default() }
    }

    /// Adds a figure; `key` is its name in JSON, `unit` is for people.
    pub(crate) fn figure(&mut self, key: &str, value: f64, unit: &'static str) {
        self.figures.push((key.into(), value, unit));
    }

    /// Adds a histogram's usual quantiles, in microseconds.
    pub(crate) fn latencies(&mut self, suffix: &str, latencies: &Histogram) {
        self.quantiles("", suffix, latencies);
    }

    /// The same of the moments in which nobody else ran.
    pub(crate) fn quiet_latencies(&mut self, suffix: &str, latencies: &Histogram) {
        self.quantiles("quiet_", suffix, latencies);
    }

    fn quantiles(&mut self, prefix: &str, suffix: &str, latencies: &Histogram) {
        for (name, q) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
            self.figure(&format!("{prefix}{name}_us{suffix}"), latencies.quantile_us(q), "µs");
        }
        self.figure(&format!("{prefix}max_us{suffix}"), latencies.max_us(), "µs");
    }

    /// Adds what went wrong; may be called for each part of a run.
    pub(crate) fn tally(&mut self, tally: &Tally) {
        for (fault, name) in Fault::ALL {
            let sum = self.faults.get(name).and_then(Value::as_u64).unwrap_or(0) + tally.count(fault);
            self.faults.insert(name.into(), sum.into());
        }
        let delivered = self.faults.get("delivered").and_then(Value::as_u64).unwrap_or(0) + tally.delivered;
        self.faults.insert("delivered".into(), delivered.into());
        let compared =
            self.faults.get("compared_whole").and_then(Value::as_u64).unwrap_or(0) + tally.compared;
        self.faults.insert("compared_whole".into(), compared.into());
        self.total_faults += tally.total();
        self.notes.push_str(&tally.describe());
    }

    /// Whether nothing went wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.total_faults == 0
    }

    /// The figure of this name.
    #[cfg(test)]
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|(name, ..)| name == key).map(|(_, value, _)| *value)
    }

    /// How often a fault of this name (or `delivered`, `compared_whole`) was counted.
    #[cfg(test)]
    pub(crate) fn faults(&self, name: &str) -> u64 {
        self.faults.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    /// Prints lines for people, or one line of JSON.
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            let mut object = Map::new();
            object.insert("scenario".into(), self.scenario.as_str().into());
            object.extend(self.figures.iter().map(|(key, value, _)| (key.clone(), (*value).into())));
            object.insert("total_faults".into(), self.total_faults.into());
            object.insert("faults".into(), self.faults.clone().into());
            return writeln!(out, "{}", Value::Object(object));
        }
        writeln!(out, "{}", self.scenario)?;
        for (key, value, unit) in &self.figures {
            let decimals = if value.abs() < 100.0 { 2 } else { 0 };
            writeln!(out, "  {key:32} {value:>14.decimals$} {unit}")?;
        }
        match self.total_faults {
            0 => writeln!(out, "  nothing lost, doubled, damaged or misattributed"),
            count => writeln!(out, "  {count} FAULTS\n{}", self.notes.trim_end()),
        }
    }
}
