//! How many answers a network gets that has not proven anything: an answer that is longer than its question, sent to
//! whatever address the question claims to come from, is a weapon.
//!
//! A table of fixed size: a million spoofed sources take no more memory than one. Networks that share a place share
//! its budget.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;

use tincan_proto::limit::{Bucket, Rate};
use tincan_proto::time::Millis;

/// Power of two.
const PLACES: usize = 4096;

#[derive(Debug)]
pub(super) struct Budget {
    buckets: Box<[Bucket]>,
    hasher: RandomState,
    rate: Rate,
}

impl Budget {
    pub(super) fn new(rate: Rate) -> Self {
        Self { buckets: vec![Bucket::default(); PLACES].into(), hasher: RandomState::new(), rate }
    }

    /// Whether the network of `ip` may have one more answer.
    pub(super) fn take(&mut self, now: Millis, ip: IpAddr) -> bool {
        let network = match ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits() >> 8),
            IpAddr::V6(ip) => ip.to_bits() >> 72,
        };
        let place = usize::try_from(self.hasher.hash_one(network) % PLACES as u64).unwrap_or(0);
        self.buckets[place].take(now, self.rate).is_ok()
    }
}
