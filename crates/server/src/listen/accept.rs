//! The loop that lets connections in, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::connection::{Door, Inside, Phase, run};
use super::gate::Gate;
use super::peer::is_trusted;
use super::tls::LOOK_EVERY;
use super::{Options, Slot, Tls};
use crate::clock::Clock;

/// How long to wait when the system has no descriptor or memory for one more connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// How often to say that all connections are in use.
const FULL_AGAIN: Duration = Duration::from_secs(60);

/// Serves what is `inside` to everyone who connects, until `shutdown` is done. Then the listener is closed, running requests get
/// [`Options::drain`] to end, and what is still there is dropped. Upgraded connections are not waited for: they belong
/// to whoever took them.
///
/// With `tls`, changed certificate files are taken up meanwhile.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    options: Options,
    inside: Inside,
    shutdown: impl Future<Output = ()>,
) {
    let (phase, _) = watch::channel(Phase::Open);
    let drain = options.drain;
    let door = Arc::new(Door {
        gate: Gate::new(options.rate, options.unauthenticated_per_address),
        places: Arc::new(Semaphore::new(options.total.min(Semaphore::MAX_PERMITS))),
        clock: Clock::start(),
        tls: tls.clone(),
        options,
        inside,
    });
    tokio::select! {
        () = shutdown => {}
        () = accept(&listener, &door, &phase) => {}
        () = reload(tls.as_ref()) => {}
    }
    drop(listener);
    phase.send_replace(Phase::Draining);
    if tokio::time::timeout(drain, phase.closed()).await.is_err() {
        tracing::info!(
            connections = phase.receiver_count(),
            "closing connections whose requests did not end in time"
        );
        phase.send_replace(Phase::Closed);
        phase.closed().await;
    }
}

async fn reload(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.watch(LOOK_EVERY).await,
        None => std::future::pending().await,
    }
}

async fn accept(listener: &TcpListener, door: &Arc<Door>, phase: &watch::Sender<Phase>) {
    let (mut exhausted, mut said_full_at) = (false, None);
    loop {
        let place = door.place(&mut said_full_at).await;
        match listener.accept().await {
            Ok((stream, addr)) => {
                exhausted = false;
                welcome(stream, addr, place, door, phase);
            }
            Err(e) if is_of_one_connection(&e) => {}
            Err(e) => {
                if !exhausted {
                    tracing::error!(error = %e, "no more connections can be accepted; trying again every 100 ms");
                }
                exhausted = true;
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// A trusted proxy carries many clients: those are counted one by one, at their requests.
fn welcome(
    stream: TcpStream,
    addr: SocketAddr,
    place: OwnedSemaphorePermit,
    door: &Arc<Door>,
    phase: &watch::Sender<Phase>,
) {
    let is_proxy = is_trusted(addr.ip(), &door.options.trusted_proxies);
    let pass = if is_proxy { None } else { door.gate.admit(door.clock.now(), addr.ip()) };
    if !is_proxy && pass.is_none() {
        tracing::debug!(peer.addr = %addr, "connection refused: its address has too many, or opens them too fast");
        return;
    }
    tokio::spawn(run(stream, addr, Slot::new(place, pass), Arc::clone(door), phase.subscribe()));
}

impl Door {
    /// A place for one more connection. Waits while all are taken; the system keeps the next ones in its own queue.
    /// `said_full_at` is when that was last logged.
    async fn place(&self, said_full_at: &mut Option<Instant>) -> OwnedSemaphorePermit {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return place;
        }
        if said_full_at.is_none_or(|at| at.elapsed() > FULL_AGAIN) {
            *said_full_at = Some(Instant::now());
            tracing::warn!(
                connections.total = self.options.total,
                "all connections are in use; others have to wait"
            );
        }
        Arc::clone(&self.places).acquire_owned().await.expect("this semaphore is never closed")
    }
}

/// The client was gone before we took it; the next one is unharmed.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
