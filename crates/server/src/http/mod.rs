//! The routes: health, ICE servers, the pages, and the door to the signaling service; and those of the operator.
//!
//! Not here: connections and TLS (`listen`), what is said on a WebSocket (`service::signaling`).

mod assets;
mod headers;
pub mod operator;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::config::{GuestAccess, V1Access};
use crate::listen::Peer;
use crate::service::signaling::Signaling;

/// What the routes need.
#[derive(Clone, Debug)]
pub struct Web {
    /// Where WebSockets go.
    pub signaling: Signaling,
    /// Origins allowed besides the server's own.
    pub origins: Arc<[String]>,
    /// Who may speak v1.
    pub v1: V1Access,
    /// Who may come without a token.
    pub guests: GuestAccess,
    /// Whether new work is welcome.
    pub ready: Arc<AtomicBool>,
}

/// All routes.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/ws", get(upgrade::websocket))
        .route("/ice-servers", get(ice_servers))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .fallback(assets::page)
        .layer(middleware::map_response(headers::harden))
        .with_state(web)
}

/// `GET /ice-servers`: `{"iceServers": […]}`, as an `RTCPeerConnection` takes it.
///
/// With a relay only for those who may call without a session: nobody else has a name that its use could be counted by.
async fn ice_servers(
    State(web): State<Web>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let page = upgrade::v1_is_served(&web, &peer, &headers);
    let body = web.signaling.ice_servers(peer.ip, upgrade::host(&headers).as_deref(), page).await;
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body)
}

/// `GET /health`: the process answers.
async fn health() -> &'static str {
    "ok\n"
}

/// `GET /ready`: new connections are welcome; 503 while the server goes down.
async fn ready(State(web): State<Web>) -> (StatusCode, &'static str) {
    if web.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "going down\n")
    }
}
