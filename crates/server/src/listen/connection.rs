//! One connection, from the socket to its last request or its upgrade.
//!
//! Its first byte says what it speaks: TLS begins with 0x16, a STUN message with 0 to 3 (RFC 8489 §5), HTTP with a letter.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{RETRY_AFTER, UPGRADE};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncBufReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::gate::Gate;
use super::{Options, Peer, Slot, Tls};
use crate::clock::Clock;

/// Largest head of a request, and largest buffer of a connection in either direction, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Most header lines of a request.
const HEADERS: usize = 64;
/// From the head of a request to the head of its response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What connections find behind the door.
#[derive(Clone, Default)]
pub struct Inside {
    /// For HTTP; without it, who speaks HTTP is sent away.
    pub router: Option<Router>,
    /// For STUN and TURN; without it, who speaks them is sent away.
    pub streams: Option<TakeStream>,
}

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (router, streams) = (self.router.is_some(), self.streams.is_some());
        f.debug_struct("Inside").field("router", &router).field("streams", &streams).finish()
    }
}

/// Serves a stream that speaks STUN or TURN, from the given address, until it ends.
pub type TakeStream = Arc<dyn Fn(Stream, SocketAddr) -> BoxFuture<'static, ()> + Send + Sync>;

/// A stream that speaks STUN or TURN.
#[derive(Debug)]
pub enum Stream {
    /// By TCP.
    Plain(TcpStream),
    /// By TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What all connections share.
pub(super) struct Door {
    pub(super) options: Options,
    pub(super) gate: Arc<Gate>,
    pub(super) places: Arc<Semaphore>,
    pub(super) clock: Clock,
    pub(super) tls: Option<Tls>,
    pub(super) inside: Inside,
}

/// What the door tells its connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Open,
    /// End after the running request.
    Draining,
    /// End now.
    Closed,
}

/// Ends when the connection is closed, upgraded or told to. The receiver in it is what the door counts by.
pub(super) async fn run(
    stream: TcpStream,
    addr: SocketAddr,
    slot: Slot,
    door: Arc<Door>,
    mut phase: watch::Receiver<Phase>,
) {
    // Small frames must not wait for the acknowledgement of those before (Nagle).
    if let Err(e) = stream.set_nodelay(true) {
        tracing::debug!(peer.addr = %addr, error = %e, "connection was gone at once");
        return;
    }
    let mut closed = phase.clone();
    tokio::select! {
        () = talk(stream, addr, slot, &door, &mut phase) => {}
        _ = closed.wait_for(|phase| *phase == Phase::Closed) => {}
    }
}

async fn talk(
    stream: TcpStream,
    addr: SocketAddr,
    slot: Slot,
    door: &Arc<Door>,
    phase: &mut watch::Receiver<Phase>,
) {
    let Options { header_timeout, tls_timeout, .. } = door.options;
    let patience = if door.tls.is_some() { tls_timeout } else { header_timeout };
    let peeked = async {
        let mut first = [0];
        (stream.peek(&mut first).await.ok()? == 1).then_some(first[0])
    };
    let Some(first) = first_byte(patience, phase, peeked).await else { return };
    if is_stun(first) {
        return door.stun(Stream::Plain(stream), addr, phase).await;
    }
    let Some(tls) = &door.tls else {
        return http(TokioIo::new(stream), Link { addr, slot, tls: false, door: Arc::clone(door) }, phase)
            .await;
    };
    let mut stream = match tokio::time::timeout(door.options.tls_timeout, tls.acceptor().accept(stream)).await
    {
        Ok(Ok(stream)) => stream,
        Ok(Err(e)) => return tracing::debug!(peer.addr = %addr, error = %e, "TLS handshake failed"),
        Err(_) => return tracing::debug!(peer.addr = %addr, "TLS handshake took too long"),
    };
    let peeked = async { stream.fill_buf().await.ok()?.first().copied() };
    match first_byte(header_timeout, phase, peeked).await {
        Some(first) if is_stun(first) => door.stun(Stream::Tls(Box::new(stream)), addr, phase).await,
        Some(_) => {
            http(TokioIo::new(stream), Link { addr, slot, tls: true, door: Arc::clone(door) }, phase).await;
        }
        None => {}
    }
}

/// The first byte that comes, if one comes in time and before the door closes. It stays to be read.
async fn first_byte(
    patience: Duration,
    phase: &mut watch::Receiver<Phase>,
    byte: impl Future<Output = Option<u8>>,
) -> Option<u8> {
    tokio::select! {
        byte = tokio::time::timeout(patience, byte) => byte.ok()?,
        _ = phase.wait_for(|phase| *phase != Phase::Open) => None,
    }
}

const fn is_stun(first: u8) -> bool {
    first < 4
}

impl Door {
    async fn stun(&self, stream: Stream, addr: SocketAddr, phase: &mut watch::Receiver<Phase>) {
        let Some(take) = &self.inside.streams else {
            return tracing::debug!(peer.addr = %addr, "STUN and TURN are not served here");
        };
        let remote = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        tokio::select! {
            () = take(stream, remote) => {}
            _ = phase.wait_for(|phase| *phase != Phase::Open) => {}
        }
    }
}

async fn http<Io>(io: Io, link: Link, phase: &mut watch::Receiver<Phase>)
where
    Io: Read + Write + Unpin + Send + 'static,
{
    let addr = link.addr;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(link.door.options.header_timeout)
        .max_headers(HEADERS)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES);
    let service = service_fn(move |request| answer(link.clone(), request));
    let mut connection = pin!(http.serve_connection(io, service).with_upgrades());
    let mut draining = pin!(phase.wait_for(|phase| *phase != Phase::Open));
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            _ = &mut draining, if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    };
    if let Err(e) = ended {
        tracing::debug!(peer.addr = %addr, error = %e, "connection ended early");
    }
}

/// What each request of a connection is answered with.
#[derive(Clone)]
struct Link {
    addr: SocketAddr,
    slot: Slot,
    tls: bool,
    door: Arc<Door>,
}

async fn answer(link: Link, mut request: Request<Incoming>) -> Result<Response, Infallible> {
    let Link { addr, slot, tls, door } = link;
    let Some(router) = door.inside.router.clone() else {
        return Ok((StatusCode::NOT_FOUND, "only STUN and TURN are served here\n").into_response());
    };
    let trusted = &door.options.trusted_proxies;
    let peer = Peer::new(addr, tls, request.headers(), trusted);
    // A proxy's connection has no count of its own: the client that will own it has.
    if request.headers().contains_key(UPGRADE) && super::peer::is_trusted(addr.ip(), trusted) {
        match door.gate.admit(door.clock.now(), peer.ip) {
            Some(pass) => slot.counts_for(pass),
            None => return Ok((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "5")]).into_response()),
        }
    }
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(slot);
    match tokio::time::timeout(REQUEST_TIMEOUT, router.oneshot(request)).await {
        Ok(response) => response,
        Err(_) => Ok(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}
