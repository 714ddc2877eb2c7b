//! What an operator sees, on a listener of its own: metrics, and a page with the quality of calls.
//!
//! | route | what | who |
//! |---|---|---|
//! | `/metrics` | Prometheus' text format | whoever may read |
//! | `/calls` | live and ended calls, JSON | whoever may read |
//! | `/`, `/operator.html`, `/assets/…` | the page; it holds nothing of this server | everyone |
//!
//! Not here: what is counted (`metrics`), what calls were like (`service::media`, `store`).

mod calls;

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;

use super::{assets, headers, upgrade};
use crate::clock::Clock;
use crate::config::Secret;
use crate::metrics::{Gauges, Metrics};
use crate::service::media::Known;
use crate::store::Store;

pub use calls::{Calls, Day, Ended, EndedLeg, Live, LiveLeg, Measured};

/// Looks up what is not counted.
pub type LookUp = Arc<dyn Fn() -> BoxFuture<'static, Gauges> + Send + Sync>;

/// What the routes need.
#[derive(Clone)]
pub struct Operator {
    /// What is counted.
    pub metrics: Metrics,
    /// What is looked up.
    pub gauges: LookUp,
    /// Live calls.
    pub live: Known,
    /// Ended ones.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Who may read.
    pub readers: Readers,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operator")
    }
}

/// Who may read.
#[derive(Clone, Debug)]
pub enum Readers {
    /// Whoever is on this machine, and asks for it by a name that only means this machine: a stranger's page may have
    /// changed what its own name means.
    ThisMachine,
    /// Whoever shows this token.
    Token(Secret<Vec<u8>>),
    /// Everyone.
    Everyone,
}

/// All routes.
pub fn router(operator: Operator) -> Router {
    let readers = operator.readers.clone();
    Router::new()
        .route("/metrics", get(metrics))
        .route("/calls", get(calls::calls))
        .layer(middleware::from_fn_with_state(readers, only_readers))
        .fallback(assets::operators_page)
        .layer(middleware::map_response(headers::harden))
        .with_state(operator)
}

/// `GET /metrics`.
async fn metrics(State(operator): State<Operator>) -> impl IntoResponse {
    let gauges = (operator.gauges)().await;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], operator.metrics.text(&gauges))
}

async fn only_readers(State(readers): State<Readers>, request: Request, next: Next) -> Response {
    let refused = match &readers {
        Readers::Everyone => None,
        Readers::ThisMachine if upgrade::host_is_loopback(request.headers()) => None,
        Readers::ThisMachine => Some((StatusCode::FORBIDDEN, "open this as localhost or 127.0.0.1\n")),
        Readers::Token(token) if shows(request.headers(), token) => None,
        Readers::Token(_) => {
            Some((StatusCode::UNAUTHORIZED, "send the word in metrics.token_file as a bearer token\n"))
        }
    };
    match refused {
        None => next.run(request).await,
        Some((status, sentence)) => {
            (status, [(header::WWW_AUTHENTICATE, "Bearer")], sentence).into_response()
        }
    }
}

/// Whether the request shows the token. How long it takes tells nothing of it.
fn shows(headers: &HeaderMap, token: &Secret<Vec<u8>>) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
    });
    shown.is_some_and(|shown| verify_slices_are_equal(shown, token.expose()).is_ok())
}
