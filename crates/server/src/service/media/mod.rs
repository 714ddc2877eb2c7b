//! The media service: how two people reach each other, and how well.
//!
//! ```text
//! bus: ice  --> servers: which STUN and TURN servers, with credentials for this call
//! bus: news --> a call is over: its relays end
//! bus: quality --> quality: how good the call was
//! UDP, TCP, TLS --> relay: STUN and TURN
//! ```
//!
//! The sound itself goes from browser to browser, and where that cannot be, through the relay as ciphertext.
//!
//! Not here: STUN and TURN as protocols (`tincan_turn`), what a call is, who connects by TCP or TLS (`listen`).

mod doors;
mod issued;
mod quality;
mod relay;
mod secrets;
mod self_test;
mod servers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_turn::server::Limits;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bus::{Bus, IcePurpose, IceRequest, News, Reply, Subscription};
use crate::clock::Clock;
use crate::config::{Config, MediaMode};
use crate::metrics::Metrics;
use crate::places::Place;
use crate::store::{Store, StoreError};
use doors::Doors;
use issued::Issued;
use quality::Quality;
use servers::Servers;

pub use doors::{DoorError, addresses};
pub use quality::{Known, Live, LiveCall, LiveLeg};
pub use relay::{Counted, REALM, Relay, Settings};
pub use secrets::{SecretError, Secrets};
pub use self_test::{SelfTestError, self_test};

/// How long relays outlive their call: for what is still on its way, and for a hang-up that was lost.
const AFTER_CALL: Duration = Duration::from_secs(5);

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Where clients come in.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// What credentials are made with.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What live calls were like before the server stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else that the system refuses.
    #[error("STUN and TURN cannot be served: {0}")]
    System(#[from] std::io::Error),
}

/// The running service.
#[derive(Debug)]
pub struct Media {
    relay: Option<Relay>,
    ice: Subscription<(), IceRequest>,
    news: Subscription<(), News>,
    quality: Quality,
    rotation: Option<JoinHandle<()>>,
}

/// What the service finds around itself at its start.
#[derive(Debug)]
pub struct Surroundings {
    /// Where the web server listens, with its real port.
    pub web: SocketAddr,
    /// Where relays can be.
    pub places: Vec<Place>,
    /// Addresses of this server that are no relays and that relays may reach.
    pub neighbours: Vec<SocketAddr>,
}

/// The service, and what its owner has to do for it.
#[derive(Debug)]
pub struct Started {
    /// The service.
    pub media: Media,
    /// Where clients come in by TCP, unless that is where the web server listens.
    pub tcp: Option<TcpListener>,
}

impl Media {
    /// Opens its doors, and starts to serve. `store` and `metrics`: where the quality of calls goes.
    ///
    /// # Errors
    /// [`MediaError`], with a sentence that says what to do.
    pub async fn start(
        bus: &Bus,
        clock: Clock,
        config: &Config,
        surroundings: Surroundings,
        (store, metrics): (Store, Metrics),
    ) -> Result<Started, MediaError> {
        let Surroundings { web, places, neighbours } = surroundings;
        let secrets = Secrets::open(&config.media.secret_path(&config.server.data_dir))?;
        let (relay, servers, tcp) = match config.media.mode {
            MediaMode::Off => (None, Servers::external(config)?, None),
            MediaMode::Relay | MediaMode::Stun => {
                let Doors { clients, tcp, port } = doors::open(config, web)?;
                if config.media.mode == MediaMode::Relay {
                    prove(&places, port, secrets.clone(), clock);
                }
                let mut settings = settings(config, &secrets);
                (settings.clients, settings.places, settings.neighbours) = (clients, places, neighbours);
                let relay = Relay::start(settings, clock)?;
                (Some(relay), Servers::own(config, secrets.clone(), web.port(), port)?, tcp)
            }
        };
        let rotation = relay.clone().map(|relay| tokio::spawn(secrets.watch(relay)));
        let issued = Arc::new(Mutex::new(Issued::default()));
        let media = Self {
            ice: answer(bus, clock, servers, Arc::clone(&issued)),
            news: end_relays(bus, relay.clone(), issued),
            quality: Quality::start(bus, clock, store, metrics, quality::LATE).await?,
            rotation,
            relay,
        };
        Ok(Started { media, tcp })
    }

    /// The relay, for those who hand it streams or look at its counters.
    #[must_use]
    pub const fn relay(&self) -> Option<&Relay> {
        self.relay.as_ref()
    }

    /// The calls of which quality is reported.
    #[must_use]
    pub const fn quality(&self) -> &Known {
        self.quality.known()
    }

    /// Stops: what was reported is stored, and all relays end.
    pub async fn stop(self) {
        drop((self.ice, self.news));
        self.quality.stop().await;
        if let Some(rotation) = self.rotation {
            rotation.abort();
        }
        if let Some(relay) = self.relay {
            // It waits for its thread, which is about to end.
            let _ = tokio::task::spawn_blocking(move || relay.stop()).await;
        }
    }
}

/// Tries the relay out in the background, as a client would, and says what came of it.
fn prove(places: &[Place], port: u16, secrets: Secrets, clock: Clock) {
    let addresses: Vec<_> = places.iter().map(|place| SocketAddr::new(place.public, port)).collect();
    tokio::task::spawn_blocking(move || {
        for address in addresses {
            match self_test(address, &secrets.current(), clock.now().0 / 1000) {
                Ok(took) => tracing::info!(
                    relay.addr = %address, relay.round_trip_us = took.as_micros() as u64, "the relay works"
                ),
                Err(error) => tracing::warn!(
                    relay.addr = %address, %error, "the relay could not be tried out; `tincan doctor` tries again"
                ),
            }
        }
    });
}

/// What the configuration says of the relay; where it is comes to that.
fn settings(config: &Config, secrets: &Secrets) -> Settings {
    let media = &config.media;
    let allocations = if media.mode == MediaMode::Relay { media.allocations_total } else { 0 };
    Settings {
        clients: Vec::new(),
        places: Vec::new(),
        ports: media.relay_ports.clone(),
        reach: (!media.relay_only).then(|| media.dangerous_allow_peers.clone()),
        neighbours: Vec::new(),
        secrets: secrets.current(),
        limits: Limits {
            allocations,
            allocations_per_user: media.allocations_per_user,
            bytes_per_s: media.kbit_per_s * 125,
            ..Limits::default()
        },
    }
}

/// Answers whoever asks for ICE servers.
fn answer(
    bus: &Bus,
    clock: Clock,
    servers: Servers,
    issued: Arc<Mutex<Issued>>,
) -> Subscription<(), IceRequest> {
    let hear = move |request: &IceRequest, reply: Option<Reply<_>>| {
        let Some(reply) = reply else { return };
        let now = clock.now();
        let answer = servers.answer(now, request);
        if let IcePurpose::Call(call) = request.purpose {
            issued.lock().issue(now, call, Duration::from_secs(answer.ttl_s));
        }
        reply.send(answer);
    };
    bus.ice.subscribe((), Arc::new(hear))
}

/// Ends the relays of calls that are over.
fn end_relays(bus: &Bus, relay: Option<Relay>, issued: Arc<Mutex<Issued>>) -> Subscription<(), News> {
    let runtime = tokio::runtime::Handle::current();
    let hear = move |news: &News, _: Option<Reply<()>>| match news {
        News::Accepted { call, .. } => issued.lock().accepted(*call),
        News::Ended { call, .. } => {
            if !issued.lock().ended(*call) {
                return;
            }
            if let Some(relay) = relay.clone() {
                let call = call.to_string();
                runtime.spawn(async move {
                    tokio::time::sleep(AFTER_CALL).await;
                    relay.end(&call);
                });
            }
        }
    };
    bus.news.subscribe((), Arc::new(hear))
}
