//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use super::histogram::Histogram;
use super::table::Metric;

type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text as it grows. Label values are our own words, which need no escape.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    now: Option<Metric>,
}

impl Text {
    /// Begins a metric: what follows are its values.
    pub(super) fn metric(&mut self, metric: Metric) -> &mut Self {
        let Metric { name, kind, help, .. } = metric;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
        self.now = Some(metric);
        self
    }

    pub(super) fn number(&mut self, labels: Labels<'_>, value: u64) {
        self.line("", labels, value);
    }

    pub(super) fn histogram(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let scale = self.now.map_or(1, |metric| metric.scale);
        let scaled = |value: f64| value / f64::from(scale);
        let mut count = 0;
        for (bound, seen) in histogram.cumulated() {
            let bound = bound.map_or_else(|| "+Inf".into(), |bound| scaled(bound.into()).to_string());
            self.line("_bucket", &[labels, &[("le", bound.as_str())]].concat(), seen);
            count = seen;
        }
        #[expect(clippy::cast_precision_loss, reason = "the format's numbers are of this kind")]
        self.line("_sum", labels, scaled(histogram.sum() as f64));
        self.line("_count", labels, count);
    }

    pub(super) fn done(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, value: impl Display) {
        let name = self.now.map_or("", |metric| metric.name);
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{name}{suffix}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::table;

    #[test]
    fn a_histogram_is_written_in_base_units() {
        let (mut text, histogram) = (Text::default(), Histogram::new(&[100, 250]));
        histogram.add(200);
        text.metric(table::SETUP).histogram(&[("path", "direct")], &histogram);
        let expected = "# HELP tincan_call_setup_seconds From accept to sound on both sides, of connected calls that ended.\n\
            # TYPE tincan_call_setup_seconds histogram\n\
            tincan_call_setup_seconds_bucket{path=\"direct\",le=\"0.1\"} 0\n\
            tincan_call_setup_seconds_bucket{path=\"direct\",le=\"0.25\"} 1\n\
            tincan_call_setup_seconds_bucket{path=\"direct\",le=\"+Inf\"} 1\n\
            tincan_call_setup_seconds_sum{path=\"direct\"} 0.2\n\
            tincan_call_setup_seconds_count{path=\"direct\"} 1\n";
        assert_eq!(text.done(), expected);
    }
}
