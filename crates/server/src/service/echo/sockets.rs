//! The UDP sockets that all calls share: at most one of a family.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::task::{Context, Poll};

use str0m::net::Transmit;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::EchoError;
use crate::places::{self, Place};

/// One datagram in the buffer it was read into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram {
    pub(super) length: usize,
    pub(super) from: SocketAddr,
    /// Our address, as its sender sees it.
    pub(super) to: SocketAddr,
}

#[derive(Debug)]
struct Socket {
    udp: UdpSocket,
    public: SocketAddr,
}

#[derive(Debug)]
pub(super) struct Sockets(Vec<Socket>);

impl Sockets {
    pub(super) fn bind(places: &[Place], ports: &RangeInclusive<u16>) -> Result<Self, EchoError> {
        let bind = |place: &Place| {
            let socket = places::free_port(place.bind, ports, false);
            let socket = socket.ok_or_else(|| EchoError::Port(ports.clone()))?;
            socket.set_nonblocking(true)?;
            let public = SocketAddr::new(place.public, socket.local_addr()?.port());
            Ok(Socket { udp: UdpSocket::from_std(socket)?, public })
        };
        places.iter().map(bind).collect::<Result<_, EchoError>>().map(Self)
    }

    /// Our addresses, as others see them.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|socket| socket.public).collect()
    }

    /// The next datagram. Nothing is lost if this is dropped.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> Datagram {
        poll_fn(|context| {
            let ready = self.0.iter().find_map(|socket| match socket.poll(context, buffer) {
                Poll::Ready(datagram) => Some(datagram),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Sends a datagram. What the network does not take is lost, as datagrams are.
    pub(super) fn send(&self, transmit: &Transmit) {
        if let Some(socket) = self.0.iter().find(|socket| socket.public == transmit.source) {
            let _ = socket.udp.try_send_to(&transmit.contents, transmit.destination);
        }
    }
}

impl Socket {
    fn poll(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Datagram> {
        loop {
            let mut buffer = ReadBuf::new(buffer);
            match self.udp.poll_recv_from(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(from)) => {
                    return Poll::Ready(Datagram { length: buffer.filled().len(), from, to: self.public });
                }
                // An ICMP error of something sent before: it says nothing about what is there to read.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Poll::Ready(Err(error)) => {
                    // Tried again when the task does something else.
                    tracing::warn!(%error, "a socket of the echo cannot be read");
                    return Poll::Pending;
                }
            }
        }
    }
}
