//! The one place that reads the time.

use std::time::{SystemTime, UNIX_EPOCH};

use tincan_proto::time::{Millis, whole_ms};
use tokio::time::Instant;

/// Wall-clock time that only moves forward: read once, then carried on by the monotonic clock, so that setting the
/// system's clock ends no call and delays no timer.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Millis,
    started: Instant,
}

impl Clock {
    /// A clock that starts from the system's time.
    #[must_use]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Millis(whole_ms(since_epoch));
        Self { wall, started: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.at(Instant::now())
    }

    /// The time at `instant`.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Millis {
        self.wall + instant.saturating_duration_since(self.started)
    }

    /// The instant to sleep until for `at`.
    #[must_use]
    pub fn instant(&self, at: Millis) -> Instant {
        self.started + at.since(self.wall)
    }
}
