//! The door: an accept loop of our own, with TLS, time limits and a count of who is inside.
//!
//! ```text
//! bind --> accept --> [TLS handshake] --> first byte --> HTTP/1.1 requests --> router
//!            |   (timeout, per address)       |     (head timeout)       '--> upgrade: the connection leaves this module
//!            '-- at the limit: waits          '--> STUN, TURN: whoever takes streams
//! ```
//!
//! Every request carries two extensions: [`Peer`], who is at the other end, and [`Slot`], the connection's place in the
//! count. Whoever takes over an upgraded connection keeps its `Slot` for as long; nothing else of it stays here. The
//! upgraded IO is a `TokioIo<TcpStream>`, with TLS a `TokioIo<TlsStream<TcpStream>>`.
//!
//! Not here: routes, headers of responses, WebSocket.

mod accept;
mod certificate;
mod connection;
mod descriptors;
mod gate;
mod peer;
mod slot;
#[cfg(test)]
mod tests;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tincan_proto::limit::Rate;
use tokio::net::TcpListener;

use crate::config::{Cidr, Config, MediaMode, plain};

pub use accept::serve;
pub use certificate::not_after;
pub use connection::{Inside, Stream, TakeStream};
pub use descriptors::{Descriptors, raise_descriptors};
pub use peer::Peer;
pub use slot::Slot;
pub use tls::{Tls, TlsError};

/// How many connections the system may hold until we take them.
const BACKLOG: i32 = 4096;

/// What the door allows.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Cidr>,
    /// Open connections in all, upgraded ones too as long as their [`Slot`] is kept.
    pub total: usize,
    /// New connections from one source address.
    pub rate: Rate,
    /// Open connections from one source address until [`Slot::authenticated`].
    pub unauthenticated_per_address: u32,
    /// For the head of a request, and between two requests.
    pub header_timeout: Duration,
    /// For the TLS handshake.
    pub tls_timeout: Duration,
    /// How long running requests may go on once the door is closed.
    pub drain: Duration,
}

impl Options {
    /// As configured, and never more connections than the process has file descriptors for.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let limits = &config.limits;
        let wanted = limits.connections_total as usize;
        let relays = if config.media.mode == MediaMode::Relay { config.media.allocations_total } else { 0 };
        let possible = descriptors::for_connections().saturating_sub(relays as usize).max(1);
        if possible < wanted {
            tracing::warn!(
                connections.wanted = wanted,
                connections.possible = possible,
                "fewer connections than configured: the process may not open enough files (see ulimit -n)"
            );
        }
        Self {
            trusted_proxies: config.server.trusted_proxies.clone(),
            total: wanted.min(possible),
            rate: limits.connections,
            unauthenticated_per_address: limits.unauthenticated_per_address,
            header_timeout: limits.header_timeout,
            tls_timeout: limits.tls_timeout,
            drain: Duration::from_secs(5),
        }
    }
}

/// Why nobody can connect.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0} is taken by another program; choose another with --listen")]
    Taken(SocketAddr),
    #[error("{0} needs rights that this user does not have; choose a port from 1024 up with --listen")]
    Forbidden(SocketAddr),
    #[error("{0} is no address of this machine; choose another with --listen")]
    NotHere(SocketAddr),
    #[error("cannot listen on {0}: {reason}", reason = plain(.1))]
    Other(SocketAddr, #[source] io::Error),
}

/// Takes `address`; port 0 takes any free port.
///
/// # Errors
/// One sentence: it is taken, forbidden or not of this machine.
#[expect(clippy::unused_async, reason = "needs the runtime, and says so")]
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    open(address).map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken(address),
        io::ErrorKind::PermissionDenied => ListenError::Forbidden(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address),
        _ => ListenError::Other(address, e),
    })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for the connections of the process before (TIME_WAIT).
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
