//! The operator's door: what is seen behind it is gathered from all services, when somebody looks.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::http::operator::{self, LookUp, Operator, Readers};
use crate::listen::{self, Inside, ListenError, Options, Tls};
use crate::metrics::{Gauges, Metrics, RelayGauges};
use crate::service::call::{CallService, Census};
use crate::service::media::{Counted, Media, Relay};
use crate::service::signaling::Signaling;
use crate::store::Store;

/// Connections of operators in all.
const OPERATORS: usize = 64;

/// A door that is open, and behind which nobody serves yet.
pub(super) struct OperatorsDoor {
    pub(super) addr: SocketAddr,
    listener: TcpListener,
    readers: Readers,
}

/// What operators see.
pub(super) struct Seen<'a> {
    pub(super) signaling: &'a Signaling,
    pub(super) call: &'a CallService,
    pub(super) media: &'a Media,
    pub(super) store: &'a Store,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl OperatorsDoor {
    /// Takes the address at which the operator reads, if there is one.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(address) = config.metrics.listen else { return Ok(None) };
        let readers = readers(&config.metrics)?;
        let listener = listen::bind(address).await.map_err(|error| match error {
            ListenError::Taken(at) => {
                anyhow::anyhow!("metrics.listen: {at} is taken by another program; choose another")
            }
            error => anyhow::anyhow!("metrics.listen: {error}"),
        })?;
        Ok(Some(Self { addr: listener.local_addr()?, listener, readers }))
    }

    /// Serves until `shutdown`: with TLS, unless only this machine can come.
    pub(super) fn serve(
        self,
        seen: Seen<'_>,
        tls: Option<Tls>,
        options: Options,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let Self { addr, listener, readers } = self;
        let Seen { signaling, call, media, store, metrics, clock } = seen;
        let operator = Operator {
            gauges: gauges(signaling.clone(), call.census().clone(), media.relay().cloned()),
            live: media.quality().clone(),
            store: store.clone(),
            metrics,
            clock,
            readers,
        };
        let inside = Inside { router: Some(operator::router(operator)), streams: None };
        let tls = tls.filter(|_| !config::is_loopback(addr));
        tracing::info!(metrics.addr = %addr, "metrics and the operator's page are served");
        listen::serve(listener, tls, Options { total: OPERATORS, ..options }, inside, shutdown)
    }
}

fn readers(metrics: &config::Metrics) -> anyhow::Result<Readers> {
    let token = metrics.token().map_err(|fault| anyhow::anyhow!("metrics.token_file: {fault}"))?;
    Ok(match token {
        Some(token) => Readers::Token(token),
        None if metrics.dangerous_without_token => Readers::Everyone,
        None => Readers::ThisMachine,
    })
}

/// Looks up what is not counted, when somebody reads.
fn gauges(signaling: Signaling, census: Census, relay: Option<Relay>) -> LookUp {
    Arc::new(move || {
        let (sessions, connections) = signaling.present();
        let relay = relay.as_ref().map(relay_gauges).unwrap_or_default();
        let census = census.clone();
        Box::pin(async move {
            let calls = census.count().await;
            Gauges {
                sessions: sessions as u64,
                connections: connections as u64,
                ringing: calls.ringing,
                negotiating: calls.negotiating,
                connected: calls.connected,
                reconnecting: calls.reconnecting,
                relay,
            }
        })
    })
}

fn relay_gauges(relay: &Relay) -> RelayGauges {
    let Counted { open, totals } = relay.counted();
    RelayGauges {
        open: open as u64,
        opened: totals.opened,
        refused: totals.refused,
        ignored: totals.ignored,
        media: totals.media,
        other: totals.other,
    }
}
