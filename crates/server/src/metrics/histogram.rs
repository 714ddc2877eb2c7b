//! A histogram: whole numbers counted by size, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const TALK_MS: [u32; 9] =
    [10_000, 30_000, 60_000, 180_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000];
pub(super) const RING_MS: [u32; 9] = [1000, 2000, 5000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000];
pub(super) const SETUP_MS: [u32; 8] = [100, 250, 500, 1000, 2000, 5000, 10_000, 20_000];
/// Close together where voice calls are: 4.2 is excellent, 3.6 fair, 3 poor.
pub(super) const MOS: [u32; 9] = [150, 200, 250, 300, 330, 360, 400, 420, 440];
pub(super) const CONCEALED_PPM: [u32; 8] = [1000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];
pub(super) const ROUND_TRIP_MS: [u32; 10] = [10, 25, 50, 100, 150, 200, 300, 400, 600, 1000];
pub(super) const JITTER_MS: [u32; 8] = [2, 5, 10, 20, 30, 50, 100, 200];

/// What was seen, by upper bound.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [u32],
    /// One for each bound, and one for what is above the last.
    seen: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u32]) -> Self {
        let seen = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, seen, sum: AtomicU64::default() }
    }

    pub(super) fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| u64::from(*bound) < value);
        if let Some(seen) = self.seen.get(at) {
            seen.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Adds what is known.
    pub(super) fn add_some(&self, value: Option<u64>) {
        if let Some(value) = value {
            self.add(value);
        }
    }

    /// How many were at most each bound; the last, without a bound, is how many there were.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (Option<u32>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let seen = self.seen.iter().scan(0, |sum, seen| {
            *sum += seen.load(Ordering::Relaxed);
            Some(*sum)
        });
        bounds.zip(seen)
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_its_own_bound_and_at_all_above() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000_000] {
            histogram.add(value);
        }
        histogram.add_some(None);
        let cumulated: Vec<_> = histogram.cumulated().collect();
        assert_eq!(cumulated, [(Some(10), 2), (Some(20), 4), (None, 6)]);
        assert_eq!(histogram.sum(), 1_000_062);
    }
}
