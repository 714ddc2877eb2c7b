//! One process: puts the services together. The only file that knows them all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bus::Bus;
use crate::clock::Clock;
use crate::config::{Config, IceServer};
use crate::http::{self, Web};
use crate::listen::{self, Options, Tls};
use crate::service::call::CallService;
use crate::service::signaling::{Settings, Signaling, Tokens};
use crate::store::Store;

/// Over how long clients come back after the server went down.
const COME_BACK: Duration = Duration::from_secs(2);

/// A running server.
#[derive(Debug)]
pub struct Node {
    /// Where it listens.
    pub addr: SocketAddr,
    signaling: Signaling,
    call: CallService,
    store: Store,
    ready: Arc<AtomicBool>,
    close_door: oneshot::Sender<()>,
    door: JoinHandle<()>,
}

impl Node {
    /// Opens the store, starts the services and listens.
    ///
    /// # Errors
    /// One sentence that says what to do: the port is taken, the data folder cannot be written, the database is newer.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let tls = config.tls.files().map(|(cert, key)| Tls::load(cert, key)).transpose()?;
        let listener = listen::bind(config.server.listen).await?;
        let addr = listener.local_addr()?;
        let store = Store::open(&config.store.path(&config.server.data_dir)).await?;
        let (bus, clock) = (Bus::default(), Clock::start());
        let call = CallService::start(bus.clone(), clock, store.clone(), config.call.limits()).await?;
        let signaling = Signaling::new(bus, clock, settings(&config)?);
        let ready = Arc::new(AtomicBool::new(true));
        let web = Web {
            signaling: signaling.clone(),
            origins: config.server.public_origins.clone().into(),
            v1: config.server.v1,
            guests: config.server.guests,
            ready: Arc::clone(&ready),
        };
        let (close_door, closed) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = closed.await;
        };
        let door =
            tokio::spawn(listen::serve(listener, tls, Options::new(&config), http::router(web), shutdown));
        Ok(Self { addr, signaling, call, store, ready, close_door, door })
    }

    /// Stops: no new connections, every client is told to come back later, what was asked for is finished and stored.
    /// Connected calls go on without the server.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        let _ = self.close_door.send(());
        self.signaling.drain(COME_BACK);
        let _ = self.door.await;
        self.call.stop().await;
        self.store.close().await;
    }
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    let key = config.auth.token_key().map_err(|(setting, fault)| anyhow::anyhow!("{setting}: {fault}"))?;
    Ok(Settings {
        resume: config.session.resume,
        hello_timeout: config.session.hello_timeout,
        ping: config.session.ping,
        pong_timeout: config.session.pong_timeout,
        v1_settle: config.session.v1_settle,
        write_stall: config.session.write_stall,
        frames: config.limits.frames,
        call_requests: config.limits.call_requests,
        call_requests_pair: config.limits.call_requests_pair,
        ice_servers: serde_json::Value::from_iter(config.ice.servers.iter().map(ice_server)).to_string(),
        tokens: key.map(|key| Tokens::new(&key, &config.auth.audience)),
    })
}

/// As `RTCIceServer`.
fn ice_server(server: &IceServer) -> serde_json::Value {
    match (&server.username, &server.credential) {
        (Some(username), Some(credential)) => {
            json!({ "urls": server.urls, "username": username, "credential": credential.expose() })
        }
        _ => json!({ "urls": server.urls }),
    }
}
