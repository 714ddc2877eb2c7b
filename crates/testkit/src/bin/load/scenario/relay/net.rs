//! The sockets of a run on one thread: one for each client, connected to the server, and one that is every client's peer.
//!
//! Real clients have a socket each, and so have these: the server can batch only what it could batch for them. The peer
//! receives and sends in batches.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket as StdSocket},
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use mio::{Events, Interest, Poll, Token, net::UdpSocket};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg},
};
use socket2::SockRef;

use super::packet::{self, Wrapped};
use crate::scenario::watch::Moment;

/// Clients for each network of 256 addresses: servers limit what a network may ask before it has proven who it is.
const CLIENTS_PER_NETWORK: usize = 100;
/// Where the peer is. It is not where relays are, beside which servers let nobody reach anything.
const PEER: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
/// Datagrams that are received, or sent, by one system call.
pub(super) const BATCH: usize = 32;
/// A client gets one packet at a time, or a few.
const CLIENTS_BATCH: usize = 4;
/// Bytes of the longest datagram, and more.
const ROOM: usize = 2048;
/// Bytes that may wait at the peer, which gets what all clients send. The system may grant less; what is lost here is counted.
const BUFFER: usize = 8 * 1024 * 1024;

/// Hears what arrives: at a client, by its number, or at the peer, whose number comes after the last one's.
pub(super) trait Sink {
    fn datagram(&mut self, at: usize, bytes: &[u8], now_ns: u64);
}

pub(super) struct Net {
    poll: Poll,
    events: Events,
    /// The clients, then the peer.
    sockets: Vec<UdpSocket>,
    inbox: Inbox,
    start: Instant,
    idle_ns: u64,
}

impl Net {
    /// `clients` clients of the server at `target`, and a peer.
    pub(super) fn new(target: SocketAddr, clients: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(clients + 1);
        for client in 0..=clients {
            let network = (client / CLIENTS_PER_NETWORK) as u8;
            let address = if client == clients { PEER } else { Ipv4Addr::new(127, 0, network, 1) };
            let socket = StdSocket::bind((address, 0))?;
            socket.set_nonblocking(true)?;
            if client == clients {
                SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
            } else {
                socket.connect(target).context("connecting to the server")?;
            }
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(client), Interest::READABLE)?;
            sockets.push(socket);
        }
        let events = Events::with_capacity(1024);
        Ok(Self { poll, events, sockets, inbox: Inbox::new(), start: Instant::now(), idle_ns: 0 })
    }

    pub(super) fn clients(&self) -> usize {
        self.sockets.len() - 1
    }

    /// Where the peer is.
    pub(super) fn peer(&self) -> io::Result<SocketAddr> {
        self.sockets[self.clients()].local_addr()
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now_ns: self.now_ns(), idle_ns: self.idle_ns }
    }

    /// Sends from a client to the server.
    pub(super) fn send(&self, client: usize, bytes: &[u8]) -> io::Result<()> {
        self.sockets[client].send(bytes).map(drop)
    }

    /// Sends packets from the peer to relays; returns how many were taken.
    pub(super) fn send_from_peer(&self, packets: &[Wrapped], to: &[Option<SockaddrIn>]) -> io::Result<usize> {
        let fd = self.sockets[self.clients()].as_raw_fd();
        let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|at| {
            [IoSlice::new(packets.get(at).map_or(&[][..], |packet| &packet[packet::HEADER..]))]
        });
        let mut headers = MultiHeaders::preallocate(to.len().min(BATCH), None);
        let slices = slices.iter().take(packets.len());
        Ok(sendmmsg(fd, &mut headers, slices, to, [], MsgFlags::MSG_DONTWAIT)?.count())
    }

    /// Handles what has arrived, without waiting: a load that sleeps has to be woken, and the kernel charges that to the
    /// server that sends to it.
    pub(super) fn turn(&mut self, sink: &mut impl Sink) -> Result<()> {
        let before = self.now_ns();
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        if self.events.is_empty() {
            self.idle_ns += self.now_ns() - before;
        }
        for event in &self.events {
            let Token(at) = event.token();
            let socket = &self.sockets[at];
            let is_peer = at == self.sockets.len() - 1;
            loop {
                let start = self.start;
                let mut now_ns = None;
                let mut hear = |bytes: &[u8]| {
                    let now_ns = now_ns.get_or_insert_with(|| start.elapsed().as_nanos() as u64);
                    sink.datagram(at, bytes, *now_ns);
                };
                // Fewer than there was room for: the socket is empty, and what comes later is a new edge (epoll(7)).
                let has_more = if is_peer {
                    self.inbox.receive::<BATCH>(socket, &mut hear)? == BATCH
                } else {
                    self.inbox.receive::<CLIENTS_BATCH>(socket, &mut hear)? == CLIENTS_BATCH
                };
                if !has_more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Datagrams that arrived and found no room in a socket of ours, as the kernel counts them.
    pub(super) fn dropped(&self) -> Result<u64> {
        let mut own = Vec::new();
        for socket in &self.sockets {
            if let SocketAddr::V4(address) = socket.local_addr()? {
                own.push(in_proc(address));
            }
        }
        own.sort_unstable();
        Ok(drops(&std::fs::read_to_string("/proc/net/udp")?, |local| {
            own.binary_search_by(|known| known.as_str().cmp(local)).is_ok()
        }))
    }
}

/// An address as `/proc/net/udp` writes it: in hexadecimal, as it lies in memory.
fn in_proc(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

/// The sum of the last column, `drops`, over the sockets whose local address is `own`.
fn drops(table: &str, own: impl Fn(&str) -> bool) -> u64 {
    let drops = |line: &str| {
        let mut fields = line.split_whitespace();
        own(fields.nth(1)?).then(|| fields.last()?.parse::<u64>().ok())?
    };
    table.lines().filter_map(drops).sum()
}

/// Where datagrams are received.
struct Inbox {
    headers: MultiHeaders<SockaddrIn>,
    buffers: Box<[[u8; ROOM]; BATCH]>,
}

impl Inbox {
    fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), buffers: Box::new([[0; ROOM]; BATCH]) }
    }

    /// Takes up to `N` datagrams (at most [`BATCH`]); returns how many there were.
    fn receive<const N: usize>(&mut self, socket: &UdpSocket, mut take: impl FnMut(&[u8])) -> Result<usize> {
        let Some(buffers) = self.buffers.first_chunk_mut::<N>() else { return Ok(0) };
        let mut slices = buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(received) => {
                let datagrams = received.map(|datagram| take(datagram.iovs().next().unwrap_or_default()));
                Ok(datagrams.count())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(Errno::ECONNREFUSED) => anyhow::bail!("the server is gone"),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_at_our_own_sockets_only() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref \
            pointer drops\n\
            1: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 2 2 0000000000000000 5\n\
            2: 0100007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 2 2 0000000000000000 7\n";
        let own = in_proc(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));
        assert_eq!(drops(table, |local| local == own), if cfg!(target_endian = "little") { 5 } else { 0 });
        assert_eq!(drops(table, |_| true), 12);
    }
}
