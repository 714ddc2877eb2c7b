//! Rate limits by key: a table of buckets that forgets the full ones.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_proto::limit::{Bucket, Rate};
use tincan_proto::time::Millis;

/// Keys that a table holds before it forgets. It never lets anyone through for lack of room: what it forgets is unused.
const ROOM: usize = 100_000;

/// One rate for each key.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    used: HashMap<K, Bucket>,
    /// Forget the full ones when there are this many.
    sweep_at: usize,
}

impl<K: Eq + Hash> Limiter<K> {
    /// A table without keys.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(Buckets { used: HashMap::new(), sweep_at: 1024 }) }
    }

    /// Takes one event of `key`.
    ///
    /// # Errors
    /// How long to wait; nothing was taken.
    pub fn take(&self, now: Millis, key: K) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        if buckets.used.len() >= buckets.sweep_at {
            buckets.used.retain(|_, bucket| !bucket.is_full(now));
            buckets.used.shrink_to(1024);
            // Twice what is in use, so that sweeping costs each event little.
            buckets.sweep_at = (buckets.used.len() * 2).clamp(1024, ROOM);
        }
        if buckets.used.len() >= ROOM && !buckets.used.contains_key(&key) {
            return Err(Duration::from_secs(1));
        }
        buckets.used.entry(key).or_default().take(now, self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_disturb_each_other_and_unused_ones_are_forgotten() {
        let limiter = Limiter::new(Rate { per_minute: 60, burst: 2 });
        for key in 0..5000 {
            let now = Millis(1_000_000 + key * 10);
            assert_eq!([limiter.take(now, key), limiter.take(now, key)], [Ok(()), Ok(())]);
            assert!(limiter.take(now, key).is_err());
        }
        assert!(limiter.buckets.lock().used.len() < 1500);
    }
}
