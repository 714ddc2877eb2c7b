//! One connection, from the socket to its last request or its upgrade.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::header::{RETRY_AFTER, UPGRADE};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
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

/// What all connections share.
pub(super) struct Door {
    pub(super) options: Options,
    pub(super) gate: Arc<Gate>,
    pub(super) places: Arc<Semaphore>,
    pub(super) clock: Clock,
    pub(super) tls: Option<Tls>,
    pub(super) router: Router,
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
    let Some(tls) = &door.tls else {
        return http(TokioIo::new(stream), Link { addr, slot, tls: false, door: Arc::clone(door) }, phase)
            .await;
    };
    match tokio::time::timeout(door.options.tls_timeout, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            http(TokioIo::new(stream), Link { addr, slot, tls: true, door: Arc::clone(door) }, phase).await;
        }
        Ok(Err(e)) => tracing::debug!(peer.addr = %addr, error = %e, "TLS handshake failed"),
        Err(_) => tracing::debug!(peer.addr = %addr, "TLS handshake took too long"),
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
    match tokio::time::timeout(REQUEST_TIMEOUT, door.router.clone().oneshot(request)).await {
        Ok(response) => response,
        Err(_) => Ok(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}
