//! Latencies in buckets of 1.6 % width: constant memory, exact counts, quantiles from above.

/// Sub-buckets of one octave; a value is known to one part in this many.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// A histogram of nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    /// Counts one value in nanoseconds.
    pub(crate) fn record(&mut self, ns: u64) {
        let at = bucket(ns);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.total += 1;
        self.max = self.max.max(ns);
    }

    /// The value in microseconds that a share `q` (0.0–1.0) of the recorded values does not exceed; 0 when empty.
    pub(crate) fn quantile_us(&self, q: f64) -> f64 {
        let rank = (q * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return upper(at).min(self.max) as f64 / 1000.0;
            }
        }
        0.0
    }

    /// The largest value in microseconds; 0 when empty.
    pub(crate) fn max_us(&self) -> f64 {
        self.max as f64 / 1000.0
    }
}

/// The bucket of a value: exact below [`STEPS`], then [`STEPS`] buckets an octave.
fn bucket(ns: u64) -> usize {
    if ns < STEPS {
        return ns as usize;
    }
    let octave = 63 - ns.leading_zeros() - STEP_BITS;
    (u64::from(octave + 1) * STEPS + ((ns >> octave) - STEPS)) as usize
}

/// The largest value that falls into a bucket.
fn upper(at: usize) -> u64 {
    let at = at as u64;
    if at < STEPS {
        return at;
    }
    let octave = at / STEPS - 1;
    ((at % STEPS + STEPS + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_are_narrow() {
        for ns in (0..2000).chain([4095, 4096, 1_000_000, 999_999_999, 1 << 40]) {
            let at = bucket(ns);
            assert!(ns <= upper(at), "{ns} above its bucket");
            assert!(at == 0 || ns > upper(at - 1), "{ns} below its bucket");
            assert!(upper(at) - ns <= ns / STEPS, "{ns} in a bucket up to {}", upper(at));
        }
    }

    #[test]
    fn quantiles_come_from_above_and_never_exceed_the_maximum() {
        let mut histogram = Histogram::default();
        (1..=1000_u64).for_each(|us| histogram.record(us * 1000));
        let p99 = histogram.quantile_us(0.99);
        assert!((990.0..=1000.0).contains(&p99), "{p99}");
        assert!((histogram.quantile_us(1.0) - 1000.0).abs() < f64::EPSILON);
        assert!((histogram.max_us() - 1000.0).abs() < f64::EPSILON);
        assert!(Histogram::default().quantile_us(0.5).abs() < f64::EPSILON);
    }
}
