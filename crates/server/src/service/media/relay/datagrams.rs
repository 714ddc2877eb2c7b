//! Datagrams by the batch: many share one system call, and none is needed to learn that a socket is empty.
//!
//! ```text
//! socket --recvmmsg--> Inbox: up to BATCH datagrams, each in a place of its own
//! Outgoing: what one socket is to send, copied --Sending: sendmmsg--> socket
//! ```
//!
//! Inbox and Sending stay with the thread that uses them. Not here: whose datagrams they are, and what they say.

use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

/// Datagrams of one system call.
pub(super) const BATCH: usize = 32;

/// Bytes for a datagram: for the longest, and a little more, so that the beginnings of all do not compete for the same
/// lines of the processor's cache. What is never written takes no memory.
const ROOM: usize = 64 * 1024 + 64;

/// Where datagrams are received.
pub(super) struct Inbox {
    /// For IPv4 and for IPv6: the system notes in them how long addresses are, and then writes no longer ones.
    headers: [MultiHeaders<SockaddrStorage>; 2],
    room: Box<[u8]>,
    /// The length of each datagram, and where it is from.
    received: Vec<(usize, SocketAddr)>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            headers: std::array::from_fn(|_| MultiHeaders::preallocate(BATCH, None)),
            room: vec![0; ROOM * BATCH].into(),
            received: Vec::with_capacity(BATCH),
        }
    }

    /// Receives up to `N` datagrams, at most [`BATCH`], in place of those before. Fewer than `N`: there were no more.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn receive<const N: usize>(
        &mut self,
        socket: &impl AsRawFd,
        is_ipv6: bool,
    ) -> Result<usize, Errno> {
        self.received.clear();
        let mut room = self.room.chunks_exact_mut(ROOM);
        let mut slices: [_; N] = std::array::from_fn(|_| [IoSliceMut::new(room.next().unwrap_or_default())]);
        let headers = &mut self.headers[usize::from(is_ipv6)];
        let datagrams =
            recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
        for datagram in datagrams {
            let remote = datagram.address.as_ref().and_then(address).unwrap_or(NOBODY);
            self.received.push((datagram.bytes, remote));
        }
        Ok(self.received.len())
    }

    /// One that was received, and where it is from.
    pub(super) fn datagram(&self, at: usize) -> (&[u8], SocketAddr) {
        let (length, remote) = self.received[at];
        (&self.room[at * ROOM..][..length], remote)
    }
}

/// What one socket is to send.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// Where each datagram ends in `bytes`, and where it goes.
    ends: Vec<usize>,
    remotes: Vec<Option<SockaddrStorage>>,
}

impl Outgoing {
    /// Adds a datagram.
    pub(super) fn push(&mut self, remote: SocketAddr, [head, body]: [&[u8]; 2]) {
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(body);
        self.ends.push(self.bytes.len());
        self.remotes.push(Some(remote.into()));
    }

    /// Datagrams that wait.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Sends what is outgoing.
pub(super) struct Sending {
    headers: MultiHeaders<SockaddrStorage>,
}

impl Sending {
    pub(super) fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Sends everything. What the network does not take is lost, as datagrams are: whoever sent it notices and sends less.
    pub(super) fn send(&mut self, socket: &impl AsRawFd, outgoing: &mut Outgoing) {
        let mut done = 0;
        while done < outgoing.len() {
            match self.send_some(socket, outgoing, done) {
                Ok(sent) => done += sent.max(1),
                Err(Errno::EINTR) => {}
                // The socket is full.
                Err(Errno::EAGAIN) => break,
                // This one cannot be sent, which says nothing of the next.
                Err(_) => done += 1,
            }
        }
        outgoing.bytes.clear();
        outgoing.ends.clear();
        outgoing.remotes.clear();
    }

    /// Sends up to a batch of those from `first` on; returns how many were taken.
    fn send_some(
        &mut self,
        socket: &impl AsRawFd,
        outgoing: &Outgoing,
        first: usize,
    ) -> Result<usize, Errno> {
        let Outgoing { bytes, ends, remotes } = outgoing;
        let mut start = first.checked_sub(1).map_or(0, |before| ends[before]);
        let mut slices = [[IoSlice::new(&[])]; BATCH];
        let ends = &ends[first..ends.len().min(first + BATCH)];
        for (slice, &end) in slices.iter_mut().zip(ends) {
            *slice = [IoSlice::new(&bytes[start..end])];
            start = end;
        }
        let (slices, remotes) = (&slices[..ends.len()], &remotes[first..]);
        let flags = MsgFlags::MSG_DONTWAIT;
        Ok(sendmmsg(socket.as_raw_fd(), &mut self.headers, slices, remotes, [], flags)?.count())
    }
}

/// Where a datagram is from that does not say: nobody is there, and nothing is answered.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn pair(ip: &str) -> [UdpSocket; 2] {
        std::array::from_fn(|_| {
            let socket = UdpSocket::bind(format!("{ip}:0")).unwrap();
            socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
            socket
        })
    }

    #[test]
    fn what_is_sent_arrives_whole_in_order_and_with_its_sender_in_both_families() {
        let (mut inbox, mut sending) = (Inbox::new(), Sending::new());
        for ip in ["127.0.0.1", "[::1]", "127.0.0.1"] {
            let [from, to] = pair(ip);
            let (origin, receiver) = (from.local_addr().unwrap(), to.local_addr().unwrap());
            let (mut outgoing, mut expected) = (Outgoing::default(), Vec::new());
            for number in 0..BATCH + 7 {
                let body = vec![number as u8; number * 40];
                outgoing.push(receiver, [b"head", &body]);
                expected.push([&b"head"[..], &body].concat());
            }
            assert_eq!(outgoing.len(), expected.len());
            sending.send(&from, &mut outgoing);
            sending.send(&from, &mut outgoing);
            let mut got = Vec::new();
            while got.len() < expected.len() {
                to.peek_from(&mut [0]).unwrap();
                let count = inbox.receive::<5>(&to, receiver.is_ipv6()).unwrap();
                for at in 0..count {
                    let (bytes, remote) = inbox.datagram(at);
                    assert_eq!(remote, origin);
                    got.push(bytes.to_vec());
                }
            }
            assert_eq!(got, expected);
            assert_eq!(inbox.receive::<5>(&to, receiver.is_ipv6()), Err(Errno::EAGAIN));
        }
    }

    #[test]
    fn one_that_cannot_be_sent_does_not_stop_the_others() {
        let [from, to] = pair("127.0.0.1");
        let receiver = to.local_addr().unwrap();
        let mut outgoing = Outgoing::default();
        let elsewhere = "[2001:db8::1]:9".parse().unwrap();
        for remote in [elsewhere, receiver, elsewhere, elsewhere, receiver] {
            outgoing.push(remote, [b"x", b""]);
        }
        Sending::new().send(&from, &mut outgoing);
        for _ in 0..2 {
            assert_eq!(to.recv(&mut [0; 9]).unwrap(), 1);
        }
    }
}
