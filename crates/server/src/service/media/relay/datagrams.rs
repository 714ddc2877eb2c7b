//! Datagrams by the batch: many share one system call, and none is needed to learn that a socket is empty.
//!
//! ```text
//! socket --recvmmsg--> Inbox: up to BATCH datagrams, each in a place of its own
//! Outgoing: what one socket is to send, copied --Sending: sendmmsg--> socket
//! ```
//!
//! Inbox and Sending stay with the thread that uses them. Not here: whose datagrams they are, and what they say.

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

use super::local::{Info, Kind, Local};

/// Datagrams of one system call.
pub(super) const BATCH: usize = 32;

/// Bytes for a datagram: for the longest, and a little more, so that the beginnings of all do not compete for the same
/// lines of the processor's cache. What is never written takes no memory.
const ROOM: usize = 64 * 1024 + 64;

/// A datagram that was received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Datagram<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) remote: SocketAddr,
    /// Where it came in, if its socket tells.
    pub(super) local: Option<Local>,
}

/// Where datagrams are received.
pub(super) struct Inbox {
    /// By kind of socket: the system notes in them how long addresses are, and then writes no longer ones.
    headers: [MultiHeaders<SockaddrStorage>; 4],
    room: Box<[u8]>,
    /// The length of each datagram, where it is from, and where it came in.
    received: Vec<(usize, SocketAddr, Option<Local>)>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let headers = |control| MultiHeaders::preallocate(BATCH, control);
        let headers = [
            headers(None),
            headers(None),
            headers(Some(cmsg_space!(in_pktinfo))),
            headers(Some(cmsg_space!(in6_pktinfo))),
        ];
        Self { headers, room: vec![0; ROOM * BATCH].into(), received: Vec::with_capacity(BATCH) }
    }

    /// Receives up to `N` datagrams, at most [`BATCH`], in place of those before. Fewer than `N`: there were no more.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn receive<const N: usize>(
        &mut self,
        socket: &impl AsRawFd,
        kind: Kind,
    ) -> Result<usize, Errno> {
        self.received.clear();
        let mut room = self.room.chunks_exact_mut(ROOM);
        let mut slices: [_; N] = std::array::from_fn(|_| [IoSliceMut::new(room.next().unwrap_or_default())]);
        let headers = &mut self.headers[usize::from(kind.is_ipv6) + 2 * usize::from(kind.tells_local)];
        let datagrams =
            recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
        for datagram in datagrams {
            let remote = datagram.address.as_ref().and_then(address).unwrap_or(NOBODY);
            let local = if kind.tells_local {
                datagram
                    .cmsgs()
                    .ok()
                    .and_then(|mut control| control.find_map(|one| Local::from_control(&one)))
            } else {
                None
            };
            self.received.push((datagram.bytes, remote, local));
        }
        Ok(self.received.len())
    }

    /// One that was received.
    pub(super) fn datagram(&self, at: usize) -> Datagram<'_> {
        let (length, remote, local) = self.received[at];
        Datagram { bytes: &self.room[at * ROOM..][..length], remote, local }
    }
}

/// What one socket is to send.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The address that it leaves from, if that is not the socket's to say.
    from: Option<Local>,
    bytes: Vec<u8>,
    /// Where each datagram ends in `bytes`, and where it goes.
    ends: Vec<usize>,
    remotes: Vec<Option<SockaddrStorage>>,
}

impl Outgoing {
    /// Nothing yet, and from where that will leave.
    pub(super) fn from(from: Option<Local>) -> Self {
        Self { from, ..Self::default() }
    }

    /// Whether it leaves from there.
    pub(super) fn is_from(&self, local: Option<Local>) -> bool {
        self.from == local
    }

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
    plain: MultiHeaders<SockaddrStorage>,
    /// With room for an address that is to be left from, which they must say then.
    from_v4: MultiHeaders<SockaddrStorage>,
    from_v6: MultiHeaders<SockaddrStorage>,
}

impl Sending {
    pub(super) fn new() -> Self {
        let headers = |control| MultiHeaders::preallocate(BATCH, control);
        Self {
            plain: headers(None),
            from_v4: headers(Some(cmsg_space!(in_pktinfo))),
            from_v6: headers(Some(cmsg_space!(in6_pktinfo))),
        }
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
        let Outgoing { from, bytes, ends, remotes } = outgoing;
        let mut start = first.checked_sub(1).map_or(0, |before| ends[before]);
        let mut slices = [[IoSlice::new(&[])]; BATCH];
        let ends = &ends[first..ends.len().min(first + BATCH)];
        for (slice, &end) in slices.iter_mut().zip(ends) {
            *slice = [IoSlice::new(&bytes[start..end])];
            start = end;
        }
        let (slices, remotes) = (&slices[..ends.len()], &remotes[first..]);
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let sent = match from.map(Local::info) {
            None => sendmmsg(fd, &mut self.plain, slices, remotes, [], flags)?.count(),
            Some(Info::V4(info)) => {
                let control = [ControlMessage::Ipv4PacketInfo(&info)];
                sendmmsg(fd, &mut self.from_v4, slices, remotes, control, flags)?.count()
            }
            Some(Info::V6(info)) => {
                let control = [ControlMessage::Ipv6PacketInfo(&info)];
                sendmmsg(fd, &mut self.from_v6, slices, remotes, control, flags)?.count()
            }
        };
        Ok(sent)
    }
}

/// Where a datagram is from that does not say: nobody is there, and nothing is answered.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

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
                let count = inbox.receive::<5>(&to, Kind::of(receiver.ip())).unwrap();
                for at in 0..count {
                    let Datagram { bytes, remote, local } = inbox.datagram(at);
                    assert_eq!((remote, local), (origin, None));
                    got.push(bytes.to_vec());
                }
            }
            assert_eq!(got, expected);
            assert_eq!(inbox.receive::<5>(&to, Kind::of(receiver.ip())), Err(Errno::EAGAIN));
        }
    }

    #[test]
    fn a_socket_that_has_every_address_answers_from_the_one_that_was_asked() {
        let (mut inbox, mut sending) = (Inbox::new(), Sending::new());
        for (every, asked) in [
            ("0.0.0.0:0", "127.0.0.5"),
            ("[::]:0", "::1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.7.7.7"),
        ] {
            let server = UdpSocket::bind(every).unwrap();
            let own = server.local_addr().unwrap();
            let kind = Kind::of_listening(&server, own.ip()).unwrap();
            let asked: IpAddr = asked.parse().unwrap();
            let [client, _] = pair(if own.is_ipv6() { "[::1]" } else { "127.0.0.1" });
            // Hears only from where it asked.
            client.connect((asked, own.port())).unwrap();
            for number in 0..BATCH as u8 {
                client.send(&[number]).unwrap();
            }
            let mut outgoing = Outgoing::from(Some(Local::at(asked)));
            for _ in 0..BATCH {
                server.peek_from(&mut [0]).unwrap();
                inbox.receive::<1>(&server, kind).unwrap();
                let Datagram { bytes, remote, local } = inbox.datagram(0);
                assert!(outgoing.is_from(local), "{local:?} for {asked}");
                outgoing.push(remote, [bytes, b"!"]);
            }
            sending.send(&server, &mut outgoing);
            for number in 0..BATCH as u8 {
                let mut answer = [0; 9];
                assert_eq!(client.recv(&mut answer).unwrap(), 2);
                assert_eq!(answer[..2], [number, b'!']);
            }
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
