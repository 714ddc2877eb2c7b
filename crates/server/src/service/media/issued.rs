//! For which calls somebody was given credentials: only those have relays to end.
//!
//! Most calls of a busy server may never ask; then this is empty, and their ends cost nothing here.

use std::collections::HashMap;
use std::time::Duration;

use tincan_proto::id::CallId;
use tincan_proto::time::Millis;

/// The table is swept when it has doubled, first at this size.
const FIRST_SWEEP: usize = 1024;

/// The calls, without a clock and a lock.
#[derive(Debug)]
pub(super) struct Issued {
    calls: HashMap<CallId, Until>,
    sweep_at: usize,
}

/// How long a call is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Until {
    /// It may never come about, and then nobody tells its end: as long as the credentials are good.
    Expired(Millis),
    /// It was accepted.
    Ended,
}

impl Default for Issued {
    fn default() -> Self {
        Self { calls: HashMap::new(), sweep_at: FIRST_SWEEP }
    }
}

impl Issued {
    /// Somebody got credentials for a call, good for `ttl`.
    pub(super) fn issue(&mut self, now: Millis, call: CallId, ttl: Duration) {
        if self.calls.len() >= self.sweep_at {
            self.calls.retain(|_, until| !matches!(until, Until::Expired(at) if *at <= now));
            self.sweep_at = (self.calls.len() * 2).max(FIRST_SWEEP);
        }
        let until = self.calls.entry(call).or_insert(Until::Expired(now + ttl));
        if *until != Until::Ended {
            *until = Until::Expired(now + ttl);
        }
    }

    /// A call was accepted.
    pub(super) fn accepted(&mut self, call: CallId) {
        if let Some(until) = self.calls.get_mut(&call) {
            *until = Until::Ended;
        }
    }

    /// A call is over. Returns whether it may have relays.
    pub(super) fn ended(&mut self, call: CallId) -> bool {
        self.calls.remove(&call).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);
    const TTL: Duration = Duration::from_secs(600);

    fn call(number: usize) -> CallId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        CallId::from_bytes(bytes)
    }

    #[test]
    fn only_a_call_that_somebody_asked_for_has_relays_to_end_and_only_once() {
        let mut issued = Issued::default();
        issued.accepted(call(1));
        assert!(!issued.ended(call(1)), "nobody asked");
        issued.issue(NOW, call(2), TTL);
        issued.accepted(call(2));
        assert_eq!([issued.ended(call(2)), issued.ended(call(2))], [true, false]);
    }

    #[test]
    fn calls_that_never_came_about_are_forgotten_and_long_ones_are_not() {
        let mut issued = Issued::default();
        issued.issue(NOW, call(0), TTL);
        issued.accepted(call(0));
        for number in 1..100_000 {
            issued.issue(NOW + Duration::from_secs(number as u64), call(number), TTL);
        }
        assert!(issued.calls.len() < 4 * FIRST_SWEEP, "{}", issued.calls.len());
        assert!(issued.ended(call(0)));
    }
}
