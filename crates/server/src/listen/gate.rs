//! How many connections one source address may open, and how fast.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tincan_proto::limit::{Bucket, Rate};
use tincan_proto::time::Millis;

/// More source addresses than this are not told apart: the newcomers are refused.
const MOST_ADDRESSES: usize = 100_000;
/// The table is swept when it has doubled, first at this size.
const FIRST_SWEEP: usize = 1024;

/// All source addresses that have connected lately.
pub(super) struct Gate {
    rate: Rate,
    open_at_once: u32,
    table: Mutex<Table>,
}

struct Table {
    sources: HashMap<Source, Use>,
    sweep_at: usize,
}

/// An IPv4 address, or the /64 that one IPv6 subscriber has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Source {
    V4(u32),
    V6(u64),
}

#[derive(Default)]
struct Use {
    open: u32,
    bucket: Bucket,
}

/// The right to have one connection open; given back when dropped.
pub(super) struct Pass {
    gate: Arc<Gate>,
    source: Source,
}

impl Gate {
    pub(super) fn new(rate: Rate, open_at_once: u32) -> Arc<Self> {
        let table = Mutex::new(Table { sources: HashMap::new(), sweep_at: FIRST_SWEEP });
        Arc::new(Self { rate, open_at_once, table })
    }

    /// Lets one connection from `ip` in; `None` if that would be too many or too fast.
    pub(super) fn admit(self: &Arc<Self>, now: Millis, ip: IpAddr) -> Option<Pass> {
        let source = Source::of(ip);
        let mut table = self.table.lock();
        table.sweep(now);
        if table.sources.len() >= MOST_ADDRESSES && !table.sources.contains_key(&source) {
            return None;
        }
        let used = table.sources.entry(source).or_default();
        if used.open >= self.open_at_once || used.bucket.take(now, self.rate).is_err() {
            return None;
        }
        used.open += 1;
        Some(Pass { gate: Arc::clone(self), source })
    }
}

impl Table {
    /// Forgets who has nothing open and could open a full burst again.
    fn sweep(&mut self, now: Millis) {
        if self.sources.len() >= self.sweep_at {
            self.sources.retain(|_, used| used.open > 0 || !used.bucket.is_full(now));
            self.sweep_at = (self.sources.len() * 2).clamp(FIRST_SWEEP, MOST_ADDRESSES);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(used) = self.gate.table.lock().sources.get_mut(&self.source) {
            used.open -= 1;
        }
    }
}

impl Source {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.to_bits()),
            IpAddr::V6(ip) => Self::V6((ip.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_may_have_so_many_open_and_one_more_when_one_is_gone() {
        let gate = Gate::new(Rate { per_minute: 6000, burst: 100 }, 2);
        let first = gate.admit(NOW, ip("192.0.2.1"));
        let _second = gate.admit(NOW, ip("192.0.2.1")).unwrap();
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_none());
        assert!(gate.admit(NOW, ip("192.0.2.2")).is_some(), "another address has its own count");
        drop(first);
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_some());
    }

    #[test]
    fn an_address_may_open_so_many_at_once_and_then_at_its_rate() {
        let gate = Gate::new(Rate { per_minute: 60, burst: 2 }, 1000);
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_some());
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_some());
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_none());
        assert!(gate.admit(Millis(NOW.0 + 1000), ip("192.0.2.1")).is_some());
    }

    #[test]
    fn ipv6_counts_by_the_64_and_mapped_ipv4_as_ipv4() {
        let gate = Gate::new(Rate { per_minute: 60, burst: 1 }, 1000);
        assert!(gate.admit(NOW, ip("2001:db8::1")).is_some());
        assert!(gate.admit(NOW, ip("2001:db8::ffff:2")).is_none());
        assert!(gate.admit(NOW, ip("2001:db8:0:1::1")).is_some());
        assert!(gate.admit(NOW, ip("192.0.2.1")).is_some());
        assert!(gate.admit(NOW, ip("::ffff:192.0.2.1")).is_none());
    }

    #[test]
    fn the_table_forgets_addresses_that_are_gone() {
        let gate = Gate::new(Rate { per_minute: 600, burst: 10 }, 10);
        let kept = gate.admit(NOW, ip("192.0.2.1"));
        for i in 0..3000_u32 {
            let later = Millis(NOW.0 + u64::from(i) * 1000);
            assert!(gate.admit(later, IpAddr::V4((0x0a00_0000 + i).into())).is_some());
        }
        assert!(gate.table.lock().sources.len() <= FIRST_SWEEP);
        assert!(
            gate.table.lock().sources.contains_key(&Source::of(ip("192.0.2.1"))),
            "it is still connected"
        );
        drop(kept);
    }
}
