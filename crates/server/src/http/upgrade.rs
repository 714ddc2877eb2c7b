//! The opening handshake of `/ws` (RFC 6455 §4.2): who may open what is decided before the upgrade.

use aws_lc_rs::digest;
use axum::extract::{Extension, Query, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tincan_proto::id::UserId;
use tincan_proto::wire::SUBPROTOCOL;

use super::Web;
use crate::config::{GuestAccess, V1Access};
use crate::listen::{Peer, Slot};
use crate::service::signaling::{Language, Opening};

/// What RFC 6455 §1.3 adds to the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[derive(Deserialize)]
pub(super) struct V1Query {
    id: Option<String>,
}

/// `GET /ws`.
pub(super) async fn websocket(
    State(web): State<Web>,
    Extension(peer): Extension<Peer>,
    Extension(slot): Extension<Slot>,
    Query(query): Query<V1Query>,
    mut request: Request,
) -> Response {
    if request.method() != Method::GET {
        // HEAD: axum hands it to whoever serves GET.
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let headers = request.headers();
    let (accept, opening) = match check(&web, &peer, headers, query) {
        Ok(checked) => checked,
        Err((status, sentence)) => return (status, format!("{sentence}\n")).into_response(),
    };
    let is_v2 = matches!(opening.language, Language::V2 { .. });
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            // The slot is this connection's place in the listener's count for as long as it lasts.
            Ok(upgraded) => web.signaling.serve(upgraded, opening, || slot.authenticated()).await,
            Err(error) => tracing::debug!(%error, "a client left during its handshake"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let head = response.headers_mut();
    head.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    head.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    head.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if is_v2 {
        head.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

type Refused = (StatusCode, &'static str);

/// Checks everything that HTTP knows. Returns the handshake's answer and what to open.
fn check(
    web: &Web,
    peer: &Peer,
    headers: &HeaderMap,
    query: V1Query,
) -> Result<(HeaderValue, Opening), Refused> {
    let accept = accept(headers)?;
    if !origin_allowed(web, peer, headers) {
        return Err((StatusCode::FORBIDDEN, "this origin may not connect; see server.public_origins"));
    }
    let on_this_machine = is_on_this_machine(peer, headers);
    let host = host(headers).map(Into::into);
    if has_token(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        let guests = web.guests == GuestAccess::Loopback && on_this_machine;
        return Ok((accept, Opening { language: Language::V2 { guests }, host }));
    }
    let Some(id) = query.id else {
        return Err((
            StatusCode::BAD_REQUEST,
            "open /ws with the subprotocol tincan.v2, or as /ws?id=<user> for v1",
        ));
    };
    if !v1_is_served(web, peer, headers) {
        return Err((
            StatusCode::FORBIDDEN,
            "v1 proves nobody's name and is served on this machine only; see server.v1",
        ));
    }
    let user: UserId = id
        .parse()
        .map_err(|_| (StatusCode::BAD_REQUEST, "an id has 1 to 64 characters of A-Z a-z 0-9 . _ -"))?;
    Ok((accept, Opening { language: Language::V1(user), host }))
}

/// Whether a client may come with a name alone.
pub(super) fn v1_is_served(web: &Web, peer: &Peer, headers: &HeaderMap) -> bool {
    match web.v1 {
        V1Access::Open => true,
        V1Access::Loopback => is_on_this_machine(peer, headers),
        V1Access::Off => false,
    }
}

fn is_on_this_machine(peer: &Peer, headers: &HeaderMap) -> bool {
    peer.local && host_is_loopback(headers)
}

/// The value of `Sec-WebSocket-Accept`.
fn accept(headers: &HeaderMap) -> Result<HeaderValue, Refused> {
    let websocket =
        has_token(headers, header::UPGRADE, "websocket") && has_token(headers, header::CONNECTION, "upgrade");
    if !websocket {
        return Err((StatusCode::UPGRADE_REQUIRED, "this address speaks WebSocket"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err((StatusCode::BAD_REQUEST, "only WebSocket version 13 is spoken here"));
    }
    let bad_key = (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(bad_key)?.as_bytes();
    if STANDARD.decode(key).map(|key| key.len()) != Ok(16) {
        return Err(bad_key);
    }
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(GUID);
    HeaderValue::try_from(STANDARD.encode(hash.finish())).map_err(|_| bad_key)
}

/// Whether a list header has a token, in any case.
fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    let mut tokens = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tokens.any(|given| given.trim().eq_ignore_ascii_case(token))
}

/// A browser always says where a page comes from. It must come from here, or from an origin that the operator named; a
/// client without an origin is no browser, and carries no cookies that someone else's page could use.
fn origin_allowed(web: &Web, peer: &Peer, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if web.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let scheme = if peer.secure { "https" } else { "http" };
    origin
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_prefix("://"))
        .is_some_and(|own| own.eq_ignore_ascii_case(host))
}

/// Whether the client asked for this machine by a name that only means this machine. A name that merely resolves to it
/// may be a stranger's page that had its name's address changed (DNS rebinding).
pub(super) fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return false };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The name by which the client reached this server, without a port; an IPv6 address in its brackets.
pub(super) fn host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    Some(host.parse::<Authority>().ok()?.host().to_owned())
}
