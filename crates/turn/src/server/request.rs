//! Requests: from a question to its answer.

use std::net::SocketAddr;
use std::time::Duration;

use tincan_proto::time::Millis;

use super::allocation::Allocation;
use super::answer::{
    ALLOCATION_MISMATCH, Answer, BAD_REQUEST, Bad, FAMILY_MISMATCH, FAMILY_NOT_SUPPORTED, FORBIDDEN, Good,
    NO_CAPACITY, QUOTA_REACHED, STALE_NONCE, TRANSPORT_NOT_SUPPORTED, UNAUTHENTICATED, UNKNOWN_ATTRIBUTE,
    WRONG_CREDENTIALS,
};
use super::{Client, Family, Host, LIFETIME, LIFETIME_MAX, RelayId, Server};
use crate::channel::Channel;
use crate::credential::Username;
use crate::stun::{AttributeType, Key, Message, Method};

/// The attributes that a request may have. `RESERVATION-TOKEN` and `DONT-FRAGMENT` are not among them: nothing that
/// carries WebRTC asks for them, and RFC 8656 lets a server say so.
pub(super) const KNOWN: [AttributeType; 12] = [
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::CHANNEL_NUMBER,
    AttributeType::LIFETIME,
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::REQUESTED_ADDRESS_FAMILY,
    AttributeType::EVEN_PORT,
    AttributeType::REQUESTED_TRANSPORT,
    AttributeType::FINGERPRINT,
];

/// The same for a Binding: RFC 8489 and what ICE adds to it (RFC 8445 §16.1), since that is where a Binding comes from.
pub(super) const KNOWN_IN_BINDING: [AttributeType; 5] = [
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType(0x0024), // PRIORITY
    AttributeType(0x0025), // USE-CANDIDATE
    AttributeType::FINGERPRINT,
];

/// IANA's number of UDP.
const UDP: u8 = 17;

/// Shortest request that is told what it lacks: with a shorter one the answer would be more than twice as long.
const SHORTEST: usize = 28;

impl Server {
    /// Answers a request.
    pub(super) fn request(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        host: &mut impl Host,
    ) {
        if message.method() == Method::BINDING {
            if self.budget.take(now, client.remote.ip()) {
                self.binding(client, message, host);
            } else {
                self.totals.ignored += 1;
            }
            return;
        }
        match self.authenticate(now, client, message) {
            Ok(key) => {
                let answer = self.carry_out(now, client, message, &key, host);
                if matches!(answer, Answer::Bad(_)) {
                    self.totals.refused += 1;
                }
                self.answer(client, message, answer, Some(&key), host);
            }
            Err(bad) if self.budget.take(now, client.remote.ip()) => {
                let bad = if message.length() < SHORTEST { BAD_REQUEST } else { bad };
                self.challenge(now, client, message, bad, host);
            }
            Err(_) => self.totals.ignored += 1,
        }
    }

    /// What is my address? Nobody has to prove anything for that.
    fn binding(&mut self, client: Client, message: &Message<'_>, host: &mut impl Host) {
        let answer = match message.unknown(&KNOWN_IN_BINDING).next() {
            Some(_) => Answer::Bad(UNKNOWN_ATTRIBUTE),
            None => Answer::Good(Good { mapped: Some(client.remote), ..Good::default() }),
        };
        self.answer(client, message, answer, None, host);
    }

    /// The key that the request is signed with, if that is the one it should be.
    fn authenticate(&mut self, now: Millis, client: Client, message: &Message<'_>) -> Result<Key, Bad> {
        if message.get(AttributeType::MESSAGE_INTEGRITY).is_none() {
            return Err(UNAUTHENTICATED);
        }
        let username = message.text(AttributeType::USERNAME).ok_or(BAD_REQUEST)?;
        let realm = message.text(AttributeType::REALM).ok_or(BAD_REQUEST)?;
        let nonce = message.get(AttributeType::NONCE).ok_or(BAD_REQUEST)?;
        if !self.nonces.is_fresh(now, client.remote, nonce) {
            return Err(STALE_NONCE);
        }
        let signed = |key: &Key| message.is_signed_with(key) == Some(true);
        // A relay lives as long as its call: its credentials are those that it was made with, whether or not they would
        // still make another one.
        if let Some(allocation) = self.of_client(client) {
            return match (*allocation.username == *username, signed(&allocation.key)) {
                (true, true) => Ok(allocation.key.clone()),
                (true, false) => Err(UNAUTHENTICATED),
                (false, _) => Err(WRONG_CREDENTIALS),
            };
        }
        let who = Username::parse(username).ok_or(UNAUTHENTICATED)?;
        if realm != self.realm || who.expires.saturating_mul(1000) <= now.0 {
            return Err(UNAUTHENTICATED);
        }
        self.secrets.keys(username, realm).find(signed).ok_or(UNAUTHENTICATED)
    }

    fn carry_out(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        key: &Key,
        host: &mut impl Host,
    ) -> Answer {
        if message.unknown(&KNOWN).next().is_some() {
            return Answer::Bad(UNKNOWN_ATTRIBUTE);
        }
        let done = match message.method() {
            Method::ALLOCATE => self.allocate(now, client, message, key, host),
            Method::REFRESH => self.refresh(now, client, message, host),
            Method::CREATE_PERMISSION => self.create_permission(now, client, message, host),
            Method::CHANNEL_BIND => self.channel_bind(now, client, message, host),
            _ => Err(BAD_REQUEST),
        };
        done.map_or_else(Answer::Bad, Answer::Good)
    }

    /// RFC 8656 §7.2.
    fn allocate(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        key: &Key,
        host: &mut impl Host,
    ) -> Result<Good, Bad> {
        if let Some(allocation) = self.of_client(client) {
            if allocation.made_by != message.transaction() {
                return Err(ALLOCATION_MISMATCH);
            }
            let lifetime = Some(allocation.expires.since(now));
            return Ok(Good { relayed: Some(allocation.address), mapped: Some(client.remote), lifetime });
        }
        match message.get(AttributeType::REQUESTED_TRANSPORT) {
            Some([UDP, _, _, _]) => {}
            Some([_, _, _, _]) => return Err(TRANSPORT_NOT_SUPPORTED),
            _ => return Err(BAD_REQUEST),
        }
        let family = requested_family(message)?.unwrap_or(Family::V4);
        let even = match message.get(AttributeType::EVEN_PORT) {
            None => false,
            Some([0]) => true,
            // It asks to keep the next port for later, for which WebRTC has no use.
            Some([_]) => return Err(NO_CAPACITY),
            Some(_) => return Err(BAD_REQUEST),
        };
        let username = message.text(AttributeType::USERNAME).ok_or(BAD_REQUEST)?;
        let who = Username::parse(username).ok_or(BAD_REQUEST)?;
        if !host.admits(&who) {
            return Err(FORBIDDEN);
        }
        let user = who.user;
        let has = self.by_user.get(user).copied().unwrap_or(0);
        if has >= self.limits.allocations_per_user {
            return Err(QUOTA_REACHED);
        }
        if self.by_client.len() >= self.limits.allocations as usize {
            return Err(NO_CAPACITY);
        }
        let relay = RelayId(self.gaps.last().copied().unwrap_or(self.allocations.len() as u32));
        let address = host.open(relay, family, even).ok_or(NO_CAPACITY)?;
        let lifetime = lifetime(message);
        let (made_by, expires) = (message.transaction(), now + lifetime);
        let allocation = Allocation::new(relay, client, address, (username, key.clone()), made_by, expires);
        if self.gaps.pop().is_none() {
            self.allocations.push(None);
        }
        self.allocations[relay.0 as usize] = Some(allocation);
        self.by_client.insert(client, relay);
        self.by_address.insert(address, relay);
        self.own.insert(address.ip());
        *self.by_user.entry(user.into()).or_default() += 1;
        self.deadlines.insert((expires, relay));
        self.totals.opened += 1;
        Ok(Good { relayed: Some(address), mapped: Some(client.remote), lifetime: Some(lifetime) })
    }

    /// RFC 8656 §8.2.
    fn refresh(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        host: &mut impl Host,
    ) -> Result<Good, Bad> {
        let asked = message.number(AttributeType::LIFETIME);
        let allocation = self.of_client(client).ok_or(ALLOCATION_MISMATCH)?;
        if requested_family(message)?.is_some_and(|family| family != Family::of(allocation.address.ip())) {
            return Err(FAMILY_MISMATCH);
        }
        let (relay, old) = (allocation.relay, allocation.expires);
        if asked == Some(0) {
            self.remove(relay, host);
            return Ok(Good { lifetime: Some(Duration::ZERO), ..Good::default() });
        }
        let lifetime = lifetime(message);
        allocation.expires = now + lifetime;
        self.deadlines.remove(&(old, relay));
        self.deadlines.insert((now + lifetime, relay));
        Ok(Good { lifetime: Some(lifetime), ..Good::default() })
    }

    /// RFC 8656 §10.2: all of the peers, or none.
    fn create_permission(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        host: &impl Host,
    ) -> Result<Good, Bad> {
        let mut peers = Vec::new();
        for peer in message.addresses(AttributeType::XOR_PEER_ADDRESS) {
            peers.push(self.reachable(client, peer.ok_or(BAD_REQUEST)?, host)?);
        }
        if peers.is_empty() {
            return Err(BAD_REQUEST);
        }
        let most = self.limits.peers;
        if peers.len() > most {
            return Err(NO_CAPACITY);
        }
        let allocation = self.of_client(client).ok_or(ALLOCATION_MISMATCH)?;
        for peer in peers {
            allocation.permit(now, peer.ip(), most)?;
        }
        Ok(Good::default())
    }

    /// RFC 8656 §12.2.
    fn channel_bind(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        host: &impl Host,
    ) -> Result<Good, Bad> {
        let number = message.get(AttributeType::CHANNEL_NUMBER);
        let Some(&[a, b, _, _]) = number else { return Err(BAD_REQUEST) };
        let channel = Channel::new(u16::from_be_bytes([a, b])).ok_or(BAD_REQUEST)?;
        let peer = message.address(AttributeType::XOR_PEER_ADDRESS).ok_or(BAD_REQUEST)?;
        let peer = self.reachable(client, peer, host)?;
        let most = self.limits.peers;
        let allocation = self.of_client(client).ok_or(ALLOCATION_MISMATCH)?;
        allocation.bind(now, channel, peer, most)?;
        Ok(Good::default())
    }

    /// A peer that this client may reach; of its relay's family.
    fn reachable(&mut self, client: Client, peer: SocketAddr, host: &impl Host) -> Result<SocketAddr, Bad> {
        let ours = self.by_address.get(&peer).copied();
        let own = *self.by_client.get(&client).ok_or(ALLOCATION_MISMATCH)?;
        let is_neighbour = self.neighbours.contains(&peer);
        let within_call = ours.is_some_and(|other| self.within_call(own, other).is_some());
        let allocation = self.of_client(client).ok_or(ALLOCATION_MISMATCH)?;
        if Family::of(peer.ip()) != Family::of(allocation.address.ip()) {
            return Err(FAMILY_MISMATCH);
        }
        let may = match ours {
            Some(_) => within_call,
            None if is_neighbour => true,
            None => host.may_reach(&allocation.who(), peer.ip()),
        };
        if may { Ok(peer) } else { Err(FORBIDDEN) }
    }
}

/// The family that is asked for, if one is.
fn requested_family(message: &Message<'_>) -> Result<Option<Family>, Bad> {
    match message.get(AttributeType::REQUESTED_ADDRESS_FAMILY) {
        None => Ok(None),
        Some([1, _, _, _]) => Ok(Some(Family::V4)),
        Some([2, _, _, _]) => Ok(Some(Family::V6)),
        Some(_) => Err(FAMILY_NOT_SUPPORTED),
    }
}

/// How long the relay shall live.
fn lifetime(message: &Message<'_>) -> Duration {
    let asked = message.number(AttributeType::LIFETIME).unwrap_or(0);
    Duration::from_secs(asked.into()).clamp(LIFETIME, LIFETIME_MAX)
}
