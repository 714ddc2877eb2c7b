//! One relayed address, and whom it lets through.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use tincan_proto::time::Millis;

use super::{Client, RelayId, Used};
use crate::channel::Channel;
use crate::credential::Username;
use crate::stun::{Key, TransactionId};

/// How long a permission lasts (RFC 8656 §9), and a channel (§12).
const PERMISSION: Duration = Duration::from_secs(300);
const CHANNEL: Duration = Duration::from_secs(600);

/// A client's relayed address.
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) relay: RelayId,
    pub(super) client: Client,
    pub(super) address: SocketAddr,
    pub(super) username: Box<str>,
    /// Where its call stands in it.
    call: Range<usize>,
    pub(super) key: Key,
    /// The request that made it: it may come again, because its answer was lost.
    pub(super) made_by: TransactionId,
    pub(super) expires: Millis,
    permissions: Vec<(IpAddr, Millis)>,
    channels: Vec<Binding>,
    pub(super) to_peers: Meter,
    pub(super) to_client: Meter,
}

/// A peer that is called by a number.
#[derive(Clone, Copy, Debug)]
struct Binding {
    channel: Channel,
    peer: SocketAddr,
    until: Millis,
}

/// Why a peer cannot be let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// The channel is another peer's, or the peer has another channel.
    Taken,
    /// There are too many.
    Full,
}

impl Allocation {
    pub(super) fn new(
        relay: RelayId,
        client: Client,
        address: SocketAddr,
        (username, key): (&str, Key),
        made_by: TransactionId,
        expires: Millis,
    ) -> Self {
        Self {
            relay,
            client,
            address,
            username: username.into(),
            call: call_in(username),
            key,
            made_by,
            expires,
            permissions: Vec::new(),
            channels: Vec::new(),
            to_peers: Meter::default(),
            to_client: Meter::default(),
        }
    }

    /// Whose it is. The user name was read when the allocation was made.
    pub(super) fn who(&self) -> Username<'_> {
        Username::parse(&self.username).unwrap_or(Username { expires: 0, call: "", user: "" })
    }

    /// What passed.
    pub(super) const fn used(&self) -> Used {
        Used {
            to_peers: self.to_peers.packets,
            bytes_to_peers: self.to_peers.bytes,
            to_client: self.to_client.packets,
            bytes_to_client: self.to_client.bytes,
        }
    }

    /// Whether it is of the same call as another.
    pub(super) fn is_with(&self, other: &Self) -> bool {
        self.username[self.call.clone()] == other.username[other.call.clone()]
    }

    /// Lets a peer through, whatever its port, or goes on to.
    pub(super) fn permit(&mut self, now: Millis, peer: IpAddr, most: usize) -> Result<(), Refused> {
        let until = now + PERMISSION;
        if let Some(known) = self.permissions.iter_mut().find(|(ip, _)| *ip == peer) {
            known.1 = until;
            return Ok(());
        }
        self.permissions.retain(|(_, until)| *until > now);
        if self.permissions.len() >= most {
            return Err(Refused::Full);
        }
        self.permissions.push((peer, until));
        Ok(())
    }

    /// Gives a peer a number, or goes on to; and lets it through.
    pub(super) fn bind(
        &mut self,
        now: Millis,
        channel: Channel,
        peer: SocketAddr,
        most: usize,
    ) -> Result<(), Refused> {
        self.channels.retain(|binding| binding.until > now);
        let same = |binding: &Binding| binding.channel == channel && binding.peer == peer;
        let either = |binding: &&mut Binding| binding.channel == channel || binding.peer == peer;
        let known = match self.channels.iter_mut().find(either) {
            Some(binding) if !same(binding) => return Err(Refused::Taken),
            known => known.is_some(),
        };
        if !known && self.channels.len() >= most {
            return Err(Refused::Full);
        }
        self.permit(now, peer.ip(), most)?;
        self.channels.retain(|binding| !same(binding));
        self.channels.push(Binding { channel, peer, until: now + CHANNEL });
        Ok(())
    }

    /// Whether a peer is let through.
    pub(super) fn permits(&self, now: Millis, peer: IpAddr) -> bool {
        self.permissions.iter().any(|(ip, until)| *ip == peer && *until > now)
    }

    /// The peer that is called by this number.
    pub(super) fn peer(&self, now: Millis, channel: Channel) -> Option<SocketAddr> {
        let bound = self.channels.iter().find(|binding| binding.channel == channel && binding.until > now);
        bound.map(|binding| binding.peer)
    }

    /// The number that this peer is called by. A bound peer is let through for as long as it is bound.
    pub(super) fn channel(&self, now: Millis, peer: SocketAddr) -> Option<Channel> {
        let bound = self.channels.iter().find(|binding| binding.peer == peer && binding.until > now);
        bound.map(|binding| binding.channel)
    }
}

/// Where the call stands in a user name; nowhere, if it is not of our form.
fn call_in(username: &str) -> Range<usize> {
    let mut colons = username.match_indices(':').map(|(at, _)| at);
    match (colons.next(), colons.next()) {
        (Some(first), Some(second)) => first + 1..second,
        _ => 0..0,
    }
}

/// What passed one way, and whether more may.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// When all that passed would have passed at the allowed rate, in microseconds since 1970.
    paid_until_us: u64,
}

/// How far ahead of the allowed rate a relay may run: a few seconds of speech, or a burst of a key frame.
const AHEAD_US: u64 = 2_000_000;

impl Meter {
    /// Counts a packet, unless it is too much.
    pub(super) fn take(&mut self, now: Millis, bytes: usize, bytes_per_s: u32) -> bool {
        let now_us = now.0.saturating_mul(1000);
        let cost = bytes as u64 * 1_000_000 / u64::from(bytes_per_s.max(1));
        let paid_until_us = self.paid_until_us.max(now_us) + cost;
        if paid_until_us > now_us + AHEAD_US {
            return false;
        }
        self.paid_until_us = paid_until_us;
        self.packets += 1;
        self.bytes += bytes as u64;
        true
    }
}
