//! How often something may happen: a token bucket that is one number.
//!
//! The generic cell rate algorithm (ITU-T I.371 Annex A): instead of counting tokens it keeps the instant at which the
//! bucket will be full again. No timer, no refill, eight bytes for each thing that is limited.

use std::time::Duration;

use serde::Deserialize;

use crate::time::Millis;

/// So many in a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Sustained events a minute, at least 1.
    pub per_minute: u32,
    /// Events that may come at once, at least 1.
    pub burst: u32,
}

impl Rate {
    /// Microseconds that one event costs.
    const fn cost_us(self) -> u64 {
        60_000_000 / if self.per_minute == 0 { 1 } else { self.per_minute as u64 }
    }
}

/// The use that something has made of its [`Rate`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Bucket {
    /// When it will be unused again, in microseconds since the Unix epoch.
    full_at_us: u64,
}

impl Bucket {
    /// Takes one event.
    ///
    /// # Errors
    /// How long to wait until one is free; nothing was taken.
    pub fn take(&mut self, now: Millis, rate: Rate) -> Result<(), Duration> {
        let now_us = now.0.saturating_mul(1000);
        let cost = rate.cost_us();
        let full_at = self.full_at_us.max(now_us) + cost;
        let latest = now_us + cost * u64::from(rate.burst.max(1));
        if full_at > latest {
            return Err(Duration::from_micros(full_at - latest));
        }
        self.full_at_us = full_at;
        Ok(())
    }

    /// Whether it is as good as new, so that a table may forget it.
    #[must_use]
    pub const fn is_full(self, now: Millis) -> bool {
        self.full_at_us <= now.0.saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_burst_and_rate(
            gaps in proptest::collection::vec(0_u64..2_000, 1..300), per_minute in 1_u32..6_000, burst in 1_u32..50,
        ) {
            let rate = Rate { per_minute, burst };
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                if bucket.take(Millis(now), rate).is_ok() {
                    taken.push(now);
                }
            }
            for (i, from) in taken.iter().enumerate() {
                for (j, to) in taken.iter().enumerate().skip(i) {
                    let refilled = (to - from) as f64 / 60_000.0 * f64::from(per_minute);
                    prop_assert!((j - i + 1) as f64 <= f64::from(burst) + refilled + 1.0);
                }
            }
        }

        #[test]
        fn waiting_as_told_is_enough(per_minute in 1_u32..6_000, burst in 1_u32..50) {
            let rate = Rate { per_minute, burst };
            let (mut bucket, now) = (Bucket::default(), Millis(1_000_000));
            for _ in 0..burst {
                prop_assert!(bucket.take(now, rate).is_ok());
            }
            let wait = bucket.take(now, rate).expect_err("the burst is used up");
            prop_assert!(bucket.take(now + wait + Duration::from_millis(1), rate).is_ok());
        }
    }
}
