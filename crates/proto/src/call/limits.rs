//! How long each stage of a call may last.

use std::time::Duration;

/// How long each stage of a call may last. The defaults are those of `default.toml`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// From the request until someone accepts; then the call ends as `no_answer`.
    pub ring: Duration,
    /// How long a call waits for a device of the callee that rings, at the start and whenever the last one is gone;
    /// then it ends as `unreachable`.
    pub reach: Duration,
    /// How long a caller whose connection is lost may stay away while the callee rings; then the call ends as
    /// `cancelled`. Long enough for a page to come back after a restart of the server, too short for a ghost to ring.
    pub caller_away: Duration,
    /// From accept to sound on both legs; then the call ends as `media_failed`.
    pub setup: Duration,
    /// How long both legs may be without media; then the call ends as `connection_lost`.
    pub media_lost: Duration,
    /// How long a user whose device is gone still counts as busy.
    pub busy_away: Duration,
    /// How long a call whose two devices are both gone stays open: either may come back and hang up.
    pub abandoned: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(45),
            reach: Duration::from_secs(15),
            caller_away: Duration::from_secs(15),
            setup: Duration::from_secs(20),
            media_lost: Duration::from_secs(60),
            busy_away: Duration::from_secs(60),
            abandoned: Duration::from_secs(24 * 3600),
        }
    }
}
