//! The sockets: those that clients know, one for each relay, and the outboxes of streams.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use tincan_proto::time::Millis;
use tincan_turn::credential::Username;
use tincan_turn::policy;
use tincan_turn::server::{Client, Family, Host, RelayId, Used, Via};

use super::datagrams::{BATCH, Inbox, Outgoing, Sending};
use super::local::{Kind, Local};
use super::stream::Outbox;
use super::{Settings, token};
use crate::config::Cidr;
use crate::places::{self, Place};

/// Tokens that are no relay's number: the waker's, and below it those of the clients' sockets.
pub(super) const WAKER: Token = Token(usize::MAX - 1);
const CLIENTS_END: usize = usize::MAX - 1;

/// Datagrams that one relay's socket is asked for at once: a peer sends one every 20 ms, or a few in a row.
const RELAY_BATCH: usize = 4;

/// Datagrams that one socket may have handled before the others get their turn.
pub(super) const SHARE: usize = 64;

/// Entrances there may be: more than a machine has addresses, unless all of a network are its own.
const ENTRANCES: usize = 256;

/// How long a call that is over is remembered: longer than its credentials are good.
const OVER: Duration = Duration::from_secs(15 * 60);

/// Where a datagram came from: a listening socket, by its number, or a relay's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Clients(u16),
    Peers(RelayId),
}

struct Socket {
    udp: UdpSocket,
    kind: Kind,
}

/// Where clients come in: a listening socket and, where that one has every address of this machine, one of those. To a
/// client each is a server of its own (RFC 8656 §2: the 5-tuple has the server's address, too).
struct Entrance {
    socket: u16,
    outgoing: Outgoing,
}

pub(super) struct Sockets {
    registry: Registry,
    listening: Vec<Socket>,
    /// The first ones are those of the listening sockets, in their order.
    entrances: Vec<Entrance>,
    relays: Vec<Option<Socket>>,
    streams: HashMap<u64, Arc<Outbox>>,
    /// What may have something to read. The poll says so once; it stays here until it was read empty.
    ready: VecDeque<Source>,
    /// Had their share in this turn.
    more: Vec<Source>,
    places: Vec<Place>,
    ports: RangeInclusive<u16>,
    reach: Option<Vec<Cidr>>,
    /// Calls that are over, and until when that is remembered.
    over: HashMap<String, Millis>,
    over_by_time: VecDeque<(Millis, String)>,
}

impl Sockets {
    pub(super) fn new(settings: Settings, registry: Registry) -> io::Result<Self> {
        let (mut listening, mut entrances) = (Vec::new(), Vec::new());
        for (number, socket) in (0..).zip(settings.clients) {
            socket.set_nonblocking(true)?;
            let kind = Kind::of_listening(&socket, socket.local_addr()?.ip())?;
            let mut udp = UdpSocket::from_std(socket);
            let token = Token(CLIENTS_END - 1 - usize::from(number));
            registry.register(&mut udp, token, Interest::READABLE)?;
            listening.push(Socket { udp, kind });
            entrances.push(Entrance { socket: number, outgoing: Outgoing::default() });
        }
        Ok(Self {
            registry,
            listening,
            entrances,
            relays: Vec::new(),
            streams: HashMap::new(),
            ready: VecDeque::new(),
            more: Vec::new(),
            places: settings.places,
            ports: settings.ports,
            reach: settings.reach,
            over: HashMap::new(),
            over_by_time: VecDeque::new(),
        })
    }

    /// The poll says that this one can be read.
    pub(super) fn note(&mut self, token: Token) {
        let from_end = CLIENTS_END.wrapping_sub(token.0);
        if token == WAKER {
            return;
        }
        if (1..=self.listening.len()).contains(&from_end) {
            self.ready.extend(u16::try_from(from_end - 1).map(Source::Clients));
        } else if let Ok(relay) = u32::try_from(token.0) {
            self.ready.push_back(Source::Peers(RelayId(relay)));
        }
    }

    /// The next one to read in this turn.
    pub(super) fn next_ready(&mut self) -> Option<Source> {
        let next = self.ready.pop_front();
        if next.is_none() {
            self.ready.extend(self.more.drain(..));
        }
        next
    }

    /// It had its share, and may have more.
    pub(super) fn put_back(&mut self, from: Source) {
        self.more.push(from);
    }

    /// Whether something waits that the poll will not say again.
    pub(super) fn has_more(&self) -> bool {
        !self.ready.is_empty()
    }

    /// A client came on a stream.
    pub(super) fn opened(&mut self, client: Client, outbox: Arc<Outbox>) {
        if let Via::Stream(number) = client.via {
            self.streams.insert(number, outbox);
        }
    }

    /// Its stream has ended.
    pub(super) fn closed(&mut self, client: Client) {
        if let Via::Stream(number) = client.via {
            self.streams.remove(&number);
        }
    }

    /// A call is over.
    pub(super) fn over(&mut self, now: Millis, call: String) {
        while let Some((until, old)) = self.over_by_time.pop_front_if(|(until, _)| *until <= now) {
            if self.over.get(&old) == Some(&until) {
                self.over.remove(&old);
            }
        }
        self.over_by_time.push_back((now + OVER, call.clone()));
        self.over.insert(call, now + OVER);
    }

    /// Receives some of what a socket has; returns how many there were, and whether there may be more.
    pub(super) fn receive(&self, from: Source, inbox: &mut Inbox) -> (usize, bool) {
        loop {
            let (received, most) = match from {
                Source::Clients(number) => {
                    let Some(socket) = self.listening.get(usize::from(number)) else { return (0, false) };
                    (inbox.receive::<BATCH>(&socket.udp, socket.kind), BATCH)
                }
                Source::Peers(relay) => {
                    let Some(socket) = self.relay(relay) else { return (0, false) };
                    (inbox.receive::<RELAY_BATCH>(&socket.udp, socket.kind), RELAY_BATCH)
                }
            };
            match received {
                // Fewer than there was room for: the next one is a new edge (epoll(7)).
                Ok(count) => return (count, count == most),
                Err(Errno::EAGAIN) => return (0, false),
                // An ICMP error of something sent before: it says nothing about what is there to read.
                Err(Errno::ECONNREFUSED | Errno::EINTR) => {}
                Err(error) => {
                    tracing::warn!(%error, "a socket of the relay cannot be read");
                    return (0, false);
                }
            }
        }
    }

    /// The client that a datagram is from which came in by a listening socket, at an address of this machine.
    pub(super) fn client(&mut self, socket: u16, local: Option<Local>, remote: SocketAddr) -> Client {
        let is_it = |one: &Entrance| one.socket == socket && one.outgoing.is_from(local);
        let entrance = self.entrances.iter().position(is_it).and_then(|at| u16::try_from(at).ok());
        Client { remote, via: Via::Datagram(entrance.unwrap_or_else(|| self.add_entrance(socket, local))) }
    }

    fn add_entrance(&mut self, socket: u16, local: Option<Local>) -> u16 {
        match u16::try_from(self.entrances.len()) {
            Ok(next) if self.entrances.len() < ENTRANCES => {
                self.entrances.push(Entrance { socket, outgoing: Outgoing::from(local) });
                next
            }
            // From here answers leave from the address that the route prefers.
            Ok(_) | Err(_) => socket,
        }
    }

    /// Sends what waits for clients, where at least so many datagrams do.
    pub(super) fn flush(&mut self, sending: &mut Sending, least: usize) {
        for Entrance { socket, outgoing } in &mut self.entrances {
            if outgoing.len() >= least
                && let Some(socket) = self.listening.get(usize::from(*socket))
            {
                sending.send(&socket.udp, outgoing);
            }
        }
    }

    fn relay(&self, RelayId(relay): RelayId) -> Option<&Socket> {
        self.relays.get(relay as usize)?.as_ref()
    }
}

impl Host for Sockets {
    fn open(&mut self, relay: RelayId, family: Family, even: bool) -> Option<SocketAddr> {
        let place = *self.places.iter().find(|place| (family == Family::V4) == place.public.is_ipv4())?;
        let socket = places::free_port(place.bind, &self.ports, even)?;
        socket.set_nonblocking(true).ok()?;
        let mut udp = UdpSocket::from_std(socket);
        let port = udp.local_addr().ok()?.port();
        self.registry.register(&mut udp, token(relay), Interest::READABLE).ok()?;
        let at = relay.0 as usize;
        if self.relays.len() <= at {
            self.relays.resize_with(at + 1, || None);
        }
        self.relays[at] = Some(Socket { udp, kind: Kind::of(place.bind) });
        Some(SocketAddr::new(place.public, port))
    }

    fn close(&mut self, relay: RelayId, who: &Username<'_>, used: Used) {
        if let Some(place) = self.relays.get_mut(relay.0 as usize) {
            *place = None;
        }
        tracing::debug!(
            call.id = who.call,
            relay.packets_to_peers = used.to_peers,
            relay.packets_to_client = used.to_client,
            "a relay was closed"
        );
    }

    fn to_client(&mut self, client: Client, parts: [&[u8]; 2]) {
        match client.via {
            Via::Datagram(entrance) => {
                if let Some(Entrance { outgoing, .. }) = self.entrances.get_mut(usize::from(entrance)) {
                    outgoing.push(client.remote, parts);
                }
            }
            Via::Stream(number) => {
                if let Some(outbox) = self.streams.get(&number) {
                    outbox.push(parts);
                }
            }
        }
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, data: &[u8]) {
        if let Some(socket) = self.relay(relay) {
            // What the network does not take is lost, here as there.
            let _ = socket.udp.send_to(data, peer);
        }
    }

    fn admits(&self, who: &Username<'_>) -> bool {
        !self.over.contains_key(who.call)
    }

    fn may_reach(&self, _: &Username<'_>, peer: IpAddr) -> bool {
        let ip = policy::canonical(peer);
        let reached = |also: &Vec<Cidr>| policy::is_public(ip) || also.iter().any(|net| net.contains(ip));
        self.reach.as_ref().is_some_and(reached)
    }
}
