//! What passes: from clients to peers, and from peers to clients.

use std::net::SocketAddr;

use tincan_proto::time::Millis;

use super::{Client, Host, RelayId, Server, Used};
use crate::channel;
use crate::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};

impl Server {
    /// Takes a datagram of a client, or one frame of its stream.
    pub fn receive(&mut self, now: Millis, client: Client, bytes: &[u8], host: &mut impl Host) {
        // An answer to port 0 goes nowhere; a question from there was made up.
        if client.remote.port() == 0 {
            return;
        }
        if let Some((channel, data)) = channel::read(bytes) {
            let limit = self.limits.bytes_per_s;
            let Some(allocation) = self.of_client(client) else { return };
            let Some(peer) = allocation.peer(now, channel) else { return };
            if allocation.to_peers.take(now, data.len(), limit) {
                let relay = allocation.relay;
                self.count_to_peers(data);
                self.send(now, relay, peer, data, host);
            }
            return;
        }
        let Ok(message) = Message::parse(bytes) else { return };
        match message.class() {
            Class::Request => self.request(now, client, &message, host),
            Class::Indication if message.method() == Method::SEND => {
                self.send_indication(now, client, &message, host);
            }
            // Binding indications keep a path open and want nothing; nobody has been asked for answers.
            Class::Indication | Class::Success | Class::Error => {}
        }
    }

    /// Takes a datagram of a peer.
    pub fn relayed(
        &mut self,
        now: Millis,
        relay: RelayId,
        peer: SocketAddr,
        data: &[u8],
        host: &mut impl Host,
    ) {
        let limit = self.limits.bytes_per_s;
        let Some(allocation) = self.get(relay) else { return };
        let client = allocation.client;
        let bound = allocation.channel(now, peer);
        let may = bound.is_some() || allocation.permits(now, peer.ip());
        if !may || !allocation.to_client.take(now, data.len(), limit) {
            return;
        }
        let passed = self.passed(data);
        passed.to_client += 1;
        passed.bytes_to_client += data.len() as u64;
        if let Some(channel) = bound {
            if let Some(header) = channel::header(channel, data.len()) {
                host.to_client(client, [&header, data]);
            }
            return;
        }
        self.out.clear();
        // An indication's transaction means nothing to anyone.
        Writer::new(&mut self.out, Class::Indication, Method::DATA, TransactionId([0; 12]))
            .address(AttributeType::XOR_PEER_ADDRESS, peer)
            .put(AttributeType::DATA, data);
        host.to_client(client, [&self.out, &[]]);
    }

    /// RFC 8656 §11.2. An indication is not signed: its client is known by its address.
    fn send_indication(&mut self, now: Millis, client: Client, message: &Message<'_>, host: &mut impl Host) {
        const KNOWN: [AttributeType; 3] =
            [AttributeType::XOR_PEER_ADDRESS, AttributeType::DATA, AttributeType::FINGERPRINT];
        let limit = self.limits.bytes_per_s;
        let (Some(peer), Some(data)) =
            (message.address(AttributeType::XOR_PEER_ADDRESS), message.get(AttributeType::DATA))
        else {
            return;
        };
        let Some(allocation) = self.of_client(client) else { return };
        let may = allocation.permits(now, peer.ip()) && message.unknown(&KNOWN).next().is_none();
        if may && allocation.to_peers.take(now, data.len(), limit) {
            let relay = allocation.relay;
            self.count_to_peers(data);
            self.send(now, relay, peer, data, host);
        }
    }

    /// Hands data to a peer. One that is a relay of ours gets it here and now.
    fn send(&mut self, now: Millis, relay: RelayId, peer: SocketAddr, data: &[u8], host: &mut impl Host) {
        match self.by_address.get(&peer).copied() {
            Some(other) => {
                if let Some(from) = self.within_call(relay, other) {
                    self.relayed(now, other, from, data, host);
                }
            }
            // Whoever may reach one relay of ours may, by the letter of a permission, reach every port beside it.
            None if self.own.contains(&peer.ip()) && !self.neighbours.contains(&peer) => {}
            None => host.to_peer(relay, peer, data),
        }
    }

    /// The address of `relay`, if `other` is of the same call.
    pub(super) fn within_call(&self, relay: RelayId, other: RelayId) -> Option<SocketAddr> {
        let at = |RelayId(relay)| self.allocations.get(relay as usize)?.as_ref();
        let (from, to) = (at(relay)?, at(other)?);
        from.is_with(to).then_some(from.address)
    }

    const fn count_to_peers(&mut self, data: &[u8]) {
        let passed = self.passed(data);
        passed.to_peers += 1;
        passed.bytes_to_peers += data.len() as u64;
    }

    /// Where a packet is counted. Its first byte tells what it carries (RFC 7983 §7).
    const fn passed(&mut self, data: &[u8]) -> &mut Used {
        match data {
            [128..=191, ..] => &mut self.totals.media,
            _ => &mut self.totals.other,
        }
    }
}
