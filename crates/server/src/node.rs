//! One process: puts the services together. With `operators`, the only file that knows them all.

mod operators;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bus::{Bus, News, Subscription};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{self, Web};
use crate::listen::{self, Inside, Options, Stream, TakeStream, Tls};
use crate::metrics::Metrics;
use crate::places;
use crate::service::call::CallService;
use crate::service::echo::{self, Echo};
use crate::service::media::{self, Media, Relay, Secrets, Started, Surroundings};
use crate::service::signaling::{Settings, Signaling, Tokens};
use crate::store::Store;
use operators::{OperatorsDoor, Seen};

/// Over how long clients come back after the server went down.
const COME_BACK: Duration = Duration::from_secs(2);

/// A running server.
#[derive(Debug)]
pub struct Node {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where the operator reads, if that is anywhere.
    pub metrics_addr: Option<SocketAddr>,
    counting: Subscription<(), News>,
    signaling: Signaling,
    call: CallService,
    echo: Option<Echo>,
    media: Media,
    store: Store,
    ready: Arc<AtomicBool>,
    close_doors: watch::Sender<bool>,
    doors: Vec<JoinHandle<()>>,
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
        let operators = OperatorsDoor::open(&config).await?;
        let metrics_addr = operators.as_ref().map(|door| door.addr);
        let store = Store::open(&config.store.path(&config.server.data_dir)).await?;
        let (bus, clock, metrics) = (Bus::default(), Clock::start(), Metrics::default());
        let counting = metrics.follow(&bus);
        let places = places::find(&config, config.media.listen.unwrap_or(addr).ip()).await;
        // These two before the calls: they hear of those that were taken up.
        let echo = echo(&bus, &config, &places)?;
        let neighbours = echo.iter().flat_map(|echo| echo.addresses().to_vec()).collect();
        let surroundings = Surroundings { web: addr, places, neighbours };
        let keep = (store.clone(), metrics.clone());
        let Started { media, tcp } = Media::start(&bus, clock, &config, surroundings, keep).await?;
        let call = CallService::start(bus.clone(), clock, store.clone(), config.call.limits()).await?;
        let echo = echo.map(echo::Waiting::start);
        let signaling = Signaling::new(bus, clock, settings(&config)?);
        let ready = Arc::new(AtomicBool::new(true));
        let web = Web {
            signaling: signaling.clone(),
            origins: config.server.public_origins.clone().into(),
            v1: config.server.v1,
            guests: config.server.guests,
            ready: Arc::clone(&ready),
        };
        let (close_doors, closed) = watch::channel(false);
        let options = Options::new(&config);
        let streams = media.relay().cloned().map(streams);
        let inside = Inside { router: Some(http::router(web)), streams: streams.clone() };
        let mut doors = Vec::new();
        if let Some(door) = operators {
            let seen =
                Seen { signaling: &signaling, call: &call, media: &media, store: &store, metrics, clock };
            let served = door.serve(seen, tls.clone(), options.clone(), closes(closed.clone()));
            doors.push(tokio::spawn(served));
        }
        doors.push(tokio::spawn(listen::serve(
            listener,
            tls,
            options.clone(),
            inside,
            closes(closed.clone()),
        )));
        if let Some(tcp) = tcp {
            let inside = Inside { router: None, streams };
            doors.push(tokio::spawn(listen::serve(tcp, None, options, inside, closes(closed))));
        }
        Ok(Self {
            addr,
            metrics_addr,
            counting,
            signaling,
            call,
            echo,
            media,
            store,
            ready,
            close_doors,
            doors,
        })
    }

    /// Stops: no new connections, every client is told to come back later, what was asked for is finished and stored.
    /// Connected calls go on without the server.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        self.close_doors.send_replace(true);
        // While its callers can still hear that it hangs up.
        if let Some(echo) = self.echo {
            echo.stop().await;
        }
        self.signaling.drain(COME_BACK);
        for door in self.doors {
            let _ = door.await;
        }
        self.call.stop().await;
        drop(self.counting);
        self.media.stop().await;
        self.store.close().await;
    }
}

/// Tries out the relay of a server that runs with this configuration: where it relays, or in one sentence what is wrong.
///
/// # Errors
/// That sentence.
pub async fn try_relay(config: &Config) -> Result<String, String> {
    let secrets =
        Secrets::read(&config.media.secret_path(&config.server.data_dir)).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    for address in media::addresses(config).await {
        let (secrets, now_s) = (secrets.clone(), Clock::start().now().0 / 1000);
        let tried = tokio::task::spawn_blocking(move || media::self_test(address, &secrets, now_s)).await;
        match tried {
            Ok(Ok(_)) => found.push(address.to_string()),
            Ok(Err(e)) => return Err(e.to_string()),
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(format!("relays at {}", found.join(" and ")))
}

/// The echo, if there is to be one.
fn echo(bus: &Bus, config: &Config, places: &[places::Place]) -> anyhow::Result<Option<echo::Waiting>> {
    if !config.echo.enabled {
        return Ok(None);
    }
    let settings = echo::Settings {
        user: echo::USER.parse()?,
        places: places.to_vec(),
        ports: config.media.relay_ports.clone(),
        calls: usize::try_from(config.echo.calls)?,
        call_limit: config.echo.call_limit,
    };
    Ok(Some(echo::Waiting::open(bus, settings)?))
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
        relay_only: config.media.relay_only,
        reserved: if config.echo.enabled { vec![echo::USER.parse()?] } else { Vec::new() },
        tokens: key.map(|key| Tokens::new(&key, &config.auth.audience)),
    })
}

/// Ends when the doors are to be closed.
async fn closes(mut closed: watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}

/// Hands streams that speak STUN or TURN to the relay.
fn streams(relay: Relay) -> TakeStream {
    Arc::new(move |stream, remote| {
        let relay = relay.clone();
        Box::pin(async move {
            match stream {
                Stream::Plain(stream) => relay.serve(stream, remote).await,
                Stream::Tls(stream) => relay.serve(*stream, remote).await,
            }
        })
    })
}
