//! The pages, built by `web/app` and part of the binary.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` in `web/` left. Empty if it was not run: the server then still does everything but show pages.
#[derive(RustEmbed)]
#[folder = "../../web/app/dist"]
#[allow_missing = true]
struct Assets;

/// The operator's page, which only its own listener serves.
const OPERATORS: &str = "operator.html";

/// Serves a file; `/` is `index.html`.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match uri.path().trim_start_matches('/') {
        "" => file("index.html", &method, &headers),
        OPERATORS => file("", &method, &headers),
        path => file(path, &method, &headers),
    }
}

/// Serves the operator's page and what belongs to it; `/` is the page.
pub(super) async fn operators_page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match uri.path().trim_start_matches('/') {
        "" => file(OPERATORS, &method, &headers),
        path if path == OPERATORS || path.starts_with("assets/") => file(path, &method, &headers),
        _ => file("", &method, &headers),
    }
}

fn file(path: &str, method: &Method, headers: &HeaderMap) -> Response {
    let Some(file) = Assets::get(path) else {
        let text = if Assets::get("index.html").is_some() {
            "no such page\n"
        } else {
            "the pages were not built: run make build\n"
        };
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    serve(path, file, headers)
}

fn serve(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = etag(&file);
    // The build puts a hash into the names of everything in assets/, so those never change.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let head = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::CACHE_CONTROL, cache),
        (header::ETAG, etag.as_str()),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag)) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, Body::from(file.data.into_owned())).into_response()
}

fn etag(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
