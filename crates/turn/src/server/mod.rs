//! The server: who has which relayed address, and what may pass through it (RFC 8656).
//!
//! ```text
//! client --datagram, or frame of a stream--> receive --> request --> answer ----------------> client
//!                                                \-> ChannelData, Send --> permission --> peer
//! peer ----datagram at a relayed address----> relayed --> permission --> ChannelData, Data --> client
//! ```
//!
//! Nothing is kept for someone who has not proven who they are, and what they are told is hardly longer than what they
//! said. A peer that is itself an address of ours is reached without a socket in between.

mod allocation;
mod answer;
mod budget;
mod nonce;
mod relay;
mod request;

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tincan_proto::limit::Rate;
use tincan_proto::time::Millis;

use crate::credential::{Secrets, Username};
use allocation::Allocation;
use budget::Budget;
use nonce::Nonces;

/// How a client is connected, and from where: what RFC 8656 calls the 5-tuple.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Client {
    /// The client's address, as we see it.
    pub remote: SocketAddr,
    /// The socket it came in by.
    pub via: Via,
}

/// The socket of a client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Via {
    /// A datagram socket that many share and the address of ours that it was reached at, by their number.
    Datagram(u16),
    /// A stream of its own, by its number.
    Stream(u64),
}

/// One relayed address, by its number. A number is used again after its relay was closed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RelayId(pub u32);

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    pub(crate) const fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// What the server asks of whoever owns the sockets.
pub trait Host {
    /// Opens a relay and returns the address at which peers reach it, with an even port if `even`; `None` if there is none
    /// left, or not in this family.
    fn open(&mut self, relay: RelayId, family: Family, even: bool) -> Option<SocketAddr>;
    /// Closes a relay; tells whose it was, and what passed.
    fn close(&mut self, relay: RelayId, who: &Username<'_>, used: Used);
    /// Sends `parts` in a row to a client: one datagram, or the next bytes of its stream.
    fn to_client(&mut self, client: Client, parts: [&[u8]; 2]);
    /// Sends a datagram from a relay to a peer.
    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, data: &[u8]);
    /// Whether this user may have a relay now: not if the call is over that the credentials are for.
    fn admits(&self, who: &Username<'_>) -> bool;
    /// Whether this user may reach this peer. [`crate::policy`] has the usual answer; one of our own relays is not asked
    /// for: it is reached from within its call, and from nowhere else.
    fn may_reach(&self, who: &Username<'_>, peer: IpAddr) -> bool;
}

/// What passed a relay, or all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Used {
    /// Packets from the client.
    pub to_peers: u64,
    /// What they carried, in bytes.
    pub bytes_to_peers: u64,
    /// Packets to the client.
    pub to_client: u64,
    /// What they carried, in bytes.
    pub bytes_to_client: u64,
}

/// What the server has done since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Sound that passed relays: RTP and RTCP.
    pub media: Used,
    /// Everything else that passed: ICE's checks, DTLS, data channels. A call that goes direct may leave some here, since its
    /// relays are tried too.
    pub other: Used,
    /// Relays that were opened.
    pub opened: u64,
    /// Requests of people who proved who they are that were refused.
    pub refused: u64,
    /// Questions that were not answered: their network had its share.
    pub ignored: u64,
}

/// Limits, none of which an honest call meets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Relayed addresses in all.
    pub allocations: u32,
    /// Relayed addresses of one user.
    pub allocations_per_user: u32,
    /// Peers that one relay lets through at a time, and channels.
    pub peers: usize,
    /// Bytes that pass one relay each way in a second, in the long run.
    pub bytes_per_s: u32,
    /// Answers to those who have not proven who they are, for one network (/24, /56).
    pub unproven: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allocations: 16_000,
            allocations_per_user: 12,
            peers: 64,
            bytes_per_s: 64 * 1024,
            unproven: Rate { per_minute: 3000, burst: 200 },
        }
    }
}

/// What the server is made with.
#[derive(Debug)]
pub struct Settings {
    /// What the credentials belong to.
    pub realm: String,
    /// What they are checked with.
    pub secrets: Secrets,
    /// What nonces are made with: random, kept for as long as the server runs.
    pub nonce_secret: [u8; 32],
    /// Addresses of ours that are no relays and that everyone may reach through theirs.
    pub neighbours: Vec<SocketAddr>,
    /// Limits.
    pub limits: Limits,
}

/// A STUN and TURN server.
#[derive(Debug)]
pub struct Server {
    realm: String,
    secrets: Secrets,
    nonces: Nonces,
    limits: Limits,
    budget: Budget,
    /// By number; a gap where a relay was closed.
    allocations: Vec<Option<Allocation>>,
    gaps: Vec<u32>,
    by_client: HashMap<Client, RelayId>,
    by_address: HashMap<SocketAddr, RelayId>,
    by_user: HashMap<Box<str>, u32>,
    neighbours: Vec<SocketAddr>,
    /// The addresses that relays have, or had.
    own: BTreeSet<IpAddr>,
    deadlines: BTreeSet<(Millis, RelayId)>,
    totals: Totals,
    /// Where answers are written.
    out: Vec<u8>,
}

/// How long a relay lives unless it is refreshed (RFC 8656 §7.2), and at most.
const LIFETIME: Duration = Duration::from_secs(600);
const LIFETIME_MAX: Duration = Duration::from_secs(3600);

impl Server {
    /// A server without a relay.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { realm, secrets, nonce_secret, neighbours, limits } = settings;
        Self {
            realm,
            secrets,
            nonces: Nonces::new(nonce_secret),
            limits,
            budget: Budget::new(limits.unproven),
            allocations: Vec::new(),
            gaps: Vec::new(),
            by_client: HashMap::new(),
            by_address: HashMap::new(),
            by_user: HashMap::new(),
            neighbours,
            own: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            totals: Totals::default(),
            out: Vec::new(),
        }
    }

    /// Takes other secrets from now on. Relays that are open stay.
    pub fn rotate(&mut self, secrets: Secrets) {
        self.secrets = secrets;
    }

    /// Relays that are open.
    #[must_use]
    pub fn relays(&self) -> usize {
        self.by_client.len()
    }

    /// What was done.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// When to call [`Self::expire`].
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Closes the relays whose time is over.
    pub fn expire(&mut self, now: Millis, host: &mut impl Host) {
        while let Some((at, relay)) = self.deadlines.first().copied() {
            if at > now {
                return;
            }
            self.remove(relay, host);
        }
    }

    /// Closes the relay of a client whose stream has ended.
    pub fn gone(&mut self, client: Client, host: &mut impl Host) {
        if let Some(relay) = self.by_client.get(&client) {
            self.remove(*relay, host);
        }
    }

    /// Closes the relays of a call.
    pub fn end(&mut self, call: &str, host: &mut impl Host) {
        let of_it = self.allocations.iter().flatten().filter(|allocation| allocation.who().call == call);
        let ended: Vec<RelayId> = of_it.map(|allocation| allocation.relay).collect();
        for relay in ended {
            self.remove(relay, host);
        }
    }

    fn get(&mut self, relay: RelayId) -> Option<&mut Allocation> {
        self.allocations.get_mut(relay.0 as usize)?.as_mut()
    }

    fn of_client(&mut self, client: Client) -> Option<&mut Allocation> {
        let relay = *self.by_client.get(&client)?;
        self.get(relay)
    }

    fn remove(&mut self, relay: RelayId, host: &mut impl Host) {
        let Some(allocation) = self.allocations.get_mut(relay.0 as usize).and_then(Option::take) else {
            return;
        };
        self.deadlines.remove(&(allocation.expires, relay));
        self.by_client.remove(&allocation.client);
        self.by_address.remove(&allocation.address);
        let user = allocation.who().user;
        if let Some(count) = self.by_user.get_mut(user) {
            *count -= 1;
            if *count == 0 {
                self.by_user.remove(user);
            }
        }
        self.gaps.push(relay.0);
        host.close(relay, &allocation.who(), allocation.used());
    }
}

#[cfg(test)]
mod tests;
