//! The sockets: one for all clients, one for each relay.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use tincan_turn::credential::Username;
use tincan_turn::policy;
use tincan_turn::server::{Client, Family, Host, RelayId, Via};

use super::{MediaError, Settings, token};
use crate::config::Cidr;

/// Tokens that are no relay's number.
const CLIENTS: Token = Token(usize::MAX - 1);
pub(super) const WAKER: Token = Token(usize::MAX - 2);

/// Datagrams that one socket may have handled before the others get their turn.
pub(super) const SHARE: usize = 64;

/// How many ports are tried for a relay before there is none left.
const TRIES: usize = 64;

/// Where a datagram came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Clients,
    Peers(RelayId),
}

pub(super) struct Sockets {
    registry: Registry,
    clients: UdpSocket,
    relays: Vec<Option<UdpSocket>>,
    /// What may have something to read. The poll says so once; it stays here until it was read empty.
    ready: VecDeque<Source>,
    /// Had their share in this turn.
    more: Vec<Source>,
    relay_ip: IpAddr,
    public_ip: IpAddr,
    ports: RangeInclusive<u16>,
    reach: Vec<Cidr>,
}

/// A client on the listening socket.
pub(super) const fn client(remote: SocketAddr) -> Client {
    Client { remote, via: Via::Datagram(0) }
}

impl Sockets {
    pub(super) fn bind(settings: &Settings, registry: Registry) -> Result<Self, MediaError> {
        let listen = settings.listen;
        let mut clients = UdpSocket::bind(listen).map_err(|source| MediaError::Listen { listen, source })?;
        registry.register(&mut clients, CLIENTS, Interest::READABLE)?;
        Ok(Self {
            registry,
            clients,
            relays: Vec::new(),
            ready: VecDeque::new(),
            more: Vec::new(),
            relay_ip: settings.relay_ip,
            public_ip: settings.public_ip,
            ports: settings.ports.clone(),
            reach: settings.reach.clone(),
        })
    }

    pub(super) fn addr(&self) -> io::Result<SocketAddr> {
        self.clients.local_addr()
    }

    /// The poll says that this one can be read.
    pub(super) fn note(&mut self, token: Token) {
        match token {
            WAKER => {}
            CLIENTS => self.ready.push_back(Source::Clients),
            Token(relay) => {
                if let Ok(relay) = u32::try_from(relay) {
                    self.ready.push_back(Source::Peers(RelayId(relay)));
                }
            }
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

    /// One datagram; `None` if there is none.
    pub(super) fn receive(&self, from: Source, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let socket = match from {
            Source::Clients => &self.clients,
            Source::Peers(relay) => self.relay(relay)?,
        };
        loop {
            match socket.recv_from(buffer) {
                Ok((length, remote)) => return Some((length, remote)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // An ICMP error of something sent before: it says nothing about what is there to read.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "a socket of the relay cannot be read");
                    return None;
                }
            }
        }
    }

    fn relay(&self, RelayId(relay): RelayId) -> Option<&UdpSocket> {
        self.relays.get(relay as usize)?.as_ref()
    }

    /// A socket on a port that nobody can guess.
    fn free_port(&self, even: bool) -> Option<UdpSocket> {
        let count = u32::from(*self.ports.end()) - u32::from(*self.ports.start()) + 1;
        (0..TRIES).find_map(|_| {
            let mut random = [0; 4];
            aws_lc_rs::rand::fill(&mut random).ok()?;
            let offset = u16::try_from(u32::from_ne_bytes(random) % count).ok()?;
            let port = self.ports.start() + offset;
            let port = if even { port & !1 } else { port };
            let socket =
                self.ports.contains(&port).then(|| UdpSocket::bind(SocketAddr::new(self.relay_ip, port)));
            socket?.ok()
        })
    }
}

impl Host for Sockets {
    fn open(&mut self, relay: RelayId, family: Family, even: bool) -> Option<SocketAddr> {
        if (family == Family::V4) != self.relay_ip.is_ipv4() {
            return None;
        }
        let mut socket = self.free_port(even)?;
        let port = socket.local_addr().ok()?.port();
        self.registry.register(&mut socket, token(relay), Interest::READABLE).ok()?;
        let place = relay.0 as usize;
        if self.relays.len() <= place {
            self.relays.resize_with(place + 1, || None);
        }
        self.relays[place] = Some(socket);
        Some(SocketAddr::new(self.public_ip, port))
    }

    fn close(&mut self, relay: RelayId) {
        if let Some(place) = self.relays.get_mut(relay.0 as usize) {
            *place = None;
        }
    }

    // What the network does not take is lost, as datagrams are: whoever sent it notices and sends less.

    fn to_client(&mut self, client: Client, [head, body]: [&[u8]; 2]) {
        let parts = [IoSlice::new(head), IoSlice::new(body)];
        let _ = SockRef::from(&self.clients).send_to_vectored(&parts, &client.remote.into());
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, data: &[u8]) {
        if let Some(socket) = self.relay(relay) {
            let _ = socket.send_to(data, peer);
        }
    }

    fn may_reach(&self, _: &Username<'_>, peer: IpAddr) -> bool {
        let ip = policy::canonical(peer);
        policy::is_public(ip) || self.reach.iter().any(|net| net.contains(ip))
    }
}
