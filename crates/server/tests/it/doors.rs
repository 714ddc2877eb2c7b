//! Story: who may come in is decided at the door, before a WebSocket is opened.

use std::net::SocketAddr;

use tincan_server::config::{GuestAccess, V1Access};
use tincan_testkit::device::Device;
use tincan_testkit::socket::Socket;
use tincan_testkit::v1::V1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::util::{Server, roomy};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";

/// The head of the answer to a request, and its body.
pub(crate) async fn ask(addr: SocketAddr, request: &str, headers: &[&str]) -> (String, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let text = format!("{request} HTTP/1.1\r\n{}\r\n\r\n", headers.join("\r\n"));
    let text = text.replace("PORT", &addr.port().to_string());
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut heard = String::new();
    loop {
        let answer = heard.split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.to_owned()));
        if let Some((head, body)) = answer {
            let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return (head, body);
            }
        }
        let mut more = [0; 4096];
        let read = stream.read(&mut more).await.unwrap();
        assert!(read > 0, "the server closed behind {heard:?}");
        heard.push_str(std::str::from_utf8(&more[..read]).unwrap());
    }
}

pub(crate) async fn get(addr: SocketAddr, path: &str) -> (String, String) {
    ask(addr, &format!("GET {path}"), &["Host: localhost:PORT", "Connection: close"]).await
}

/// The status of an attempt to open `/ws` with these header lines besides those of the handshake.
async fn opened(addr: SocketAddr, path: &str, headers: &[&str]) -> u16 {
    let (head, _) = ask(addr, &format!("GET {path}"), &[&[UPGRADE, KEY], headers].concat()).await;
    status(&head)
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {head}"))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let of = |line: &'h str| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find_map(of).map(|(_, value)| value)
}

#[tokio::test]
async fn a_page_of_another_origin_is_turned_away_before_the_upgrade() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.server.public_origins = vec!["https://app.example.org".into()];
    })
    .await;
    let rows = [
        (None, 101),
        (Some("Origin: http://localhost:PORT"), 101),
        (Some("Origin: HTTP://LOCALHOST:PORT"), 403),
        (Some("Origin: http://LOCALHOST:PORT"), 101),
        (Some("Origin: https://app.example.org"), 101),
        (Some("Origin: http://app.example.org"), 403),
        (Some("Origin: https://app.example.org:444"), 403),
        (Some("Origin: https://app.example.org.evil.example"), 403),
        (Some("Origin: https://evil.example/https://app.example.org"), 403),
        (Some("Origin: http://localhost"), 403),
        (Some("Origin: http://localhost:1"), 403),
        (Some("Origin: https://localhost:PORT"), 403),
        (Some("Origin: http://localhost:PORT.evil.example"), 403),
        (Some("Origin: http://evil.example@localhost:PORT"), 403),
        (Some("Origin: http://127.0.0.1:PORT"), 403),
        (Some("Origin: null"), 403),
        (Some("Origin:"), 403),
        (Some("Origin: http://localhost:PORT, http://evil.example"), 403),
    ];
    for (origin, expected) in rows {
        let headers: Vec<&str> = ["Host: localhost:PORT"].into_iter().chain(origin).collect();
        assert_eq!(opened(server.addr, "/ws?id=a", &headers).await, expected, "v1, {origin:?}");
        let headers = [&headers[..], &["Sec-WebSocket-Protocol: tincan.v2"]].concat();
        assert_eq!(opened(server.addr, "/ws", &headers).await, expected, "v2, {origin:?}");
    }
}

#[tokio::test]
async fn a_name_that_only_resolves_to_this_machine_gets_neither_v1_nor_guests() {
    let server = Server::start_with(roomy).await;
    for (host, local) in [
        ("localhost:PORT", true),
        ("app.localhost:PORT", true),
        ("127.0.0.1:PORT", true),
        ("127.8.9.1", true),
        ("[::1]:PORT", true),
        ("evil.example:PORT", false),
        ("localhost.evil.example:PORT", false),
        ("notlocalhost:PORT", false),
        ("127.0.0.1.evil.example", false),
        ("192.0.2.1", false),
        ("", false),
    ] {
        let line = format!("Host: {host}");
        let origin = format!("Origin: http://{host}");
        let v1 = opened(server.addr, "/ws?id=a", &[&line, &origin]).await;
        assert_eq!(v1, if local { 101 } else { 403 }, "{host}");
        let name = host.replace("PORT", &server.addr.port().to_string());
        let stream = Box::new(TcpStream::connect(server.addr).await.unwrap());
        let headers = [("Host", name.as_str()), ("Sec-WebSocket-Protocol", "tincan.v2")];
        let mut socket = Socket::over(stream, "/ws", &headers).await.unwrap();
        socket.text(r#"{"type":"hello","data":{"guest":"a","device":"b"}}"#).await.unwrap();
        let answer = format!("{:?}", socket.next().await.unwrap());
        assert_eq!(answer.contains("welcome"), local, "{host}: {answer}");
        if !local {
            assert!(answer.contains("forbidden"), "{answer}");
            assert_eq!(socket.closed().await.unwrap(), 4503);
        }
    }
}

#[tokio::test]
async fn v1_is_served_to_whom_the_operator_says() {
    for (access, local, elsewhere) in
        [(V1Access::Loopback, 101, 403), (V1Access::Open, 101, 101), (V1Access::Off, 403, 403)]
    {
        let server = Server::start_with(|config| config.server.v1 = access).await;
        let by = async |host: &str| opened(server.addr, "/ws?id=a", &[&format!("Host: {host}")]).await;
        assert_eq!((by("localhost").await, by("calls.example.org").await), (local, elsewhere), "{access:?}");
        // Behind a proxy that nobody named, nobody is local.
        let proxied = ["Host: localhost", "X-Forwarded-For: 127.0.0.1"];
        assert_eq!(opened(server.addr, "/ws?id=a", &proxied).await, elsewhere, "{access:?}");
    }
}

#[tokio::test]
async fn guests_are_refused_where_the_operator_says_so() {
    let server = Server::start_with(|config| config.server.guests = GuestAccess::Off).await;
    let refused = Device::guest(server.addr, "alice", "web").await.unwrap_err().to_string();
    assert!(refused.contains("forbidden"), "{refused}");
    V1::connect(server.addr, "alice").await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_is_none_is_answered_in_words() {
    let server = Server::start_with(roomy).await;
    let host = "Host: localhost:PORT";
    let (no_upgrade, no_connection) = ("Connection: Upgrade", "Upgrade: websocket");
    let version = "Sec-WebSocket-Version: 13";
    let rows: [(&str, &[&str], u16); 11] = [
        ("no upgrade", &[no_upgrade, version, KEY], 426),
        ("no connection", &[no_connection, version, KEY], 426),
        ("another upgrade", &[no_upgrade, "Upgrade: h2c", version, KEY], 426),
        ("no key", &[UPGRADE], 400),
        ("a short key", &[UPGRADE, "Sec-WebSocket-Key: AAAA"], 400),
        ("a key that is not base64", &[UPGRADE, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="], 400),
        ("no version", &[no_upgrade, no_connection, KEY], 400),
        ("version 8", &[no_upgrade, no_connection, "Sec-WebSocket-Version: 8", KEY], 400),
        ("neither an id nor a subprotocol", &[UPGRADE, KEY], 400),
        ("another subprotocol", &[UPGRADE, KEY, "Sec-WebSocket-Protocol: tincan.v9"], 400),
        ("all is well", &[UPGRADE, KEY, "Sec-WebSocket-Protocol: chat, tincan.v2"], 101),
    ];
    for (what, headers, expected) in rows {
        let headers = [&[host, "X: close"], headers].concat();
        let (head, body) = ask(server.addr, "GET /ws", &headers).await;
        assert_eq!(status(&head), expected, "{what}: {head}");
        assert_eq!(body.ends_with('\n'), expected != 101, "{what}: a sentence, and not {body:?}");
    }
    for id in ["", "a/b", "a%20b", "%00", "%E2%80%AE", &"x".repeat(65)] {
        assert_eq!(opened(server.addr, &format!("/ws?id={id}"), &[host]).await, 400, "{id}");
    }
}

#[tokio::test]
async fn the_answer_proves_that_the_key_was_read_and_names_the_subprotocol_of_v2_only() {
    let server = Server::start().await;
    let headers = [UPGRADE, KEY, "Host: localhost:PORT"];
    // The key and its answer are those of RFC 6455 §1.3.
    let (head, _) = ask(server.addr, "GET /ws?id=a", &headers).await;
    assert_eq!(header(&head, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(header(&head, "sec-websocket-protocol"), None);
    let headers = [&headers[..], &["Sec-WebSocket-Protocol: tincan.v2"]].concat();
    let (head, _) = ask(server.addr, "GET /ws", &headers).await;
    assert_eq!(header(&head, "sec-websocket-protocol"), Some("tincan.v2"));
    assert_eq!(header(&head, "sec-websocket-extensions"), None, "nothing is compressed");
}

#[tokio::test]
async fn every_route_answers_with_the_headers_that_keep_a_page_in_its_bounds() {
    let server = Server::start_with(roomy).await;
    let close = ["Host: localhost:PORT", "Connection: close"];
    let rows = [
        ("GET /health", 200),
        ("GET /ready", 200),
        ("GET /ice-servers", 200),
        ("GET /no/such/page", 404),
        ("GET /../../etc/passwd", 404),
        ("GET /..%2f..%2fetc%2fpasswd", 404),
        ("GET /%00", 404),
        ("GET /ws", 426),
        ("POST /ws", 405),
        ("POST /health", 405),
        ("DELETE /ice-servers", 405),
        ("TRACE /health", 405),
    ];
    for (request, expected) in rows {
        let (head, _) = ask(server.addr, request, &close).await;
        assert_eq!(status(&head), expected, "{request}");
        let policy = header(&head, "content-security-policy").unwrap_or_default();
        for word in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(word), "{request}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&head, name), Some(value), "{request}");
        }
        assert!(header(&head, "permissions-policy").unwrap().contains("microphone=(self)"), "{request}");
        for name in ["access-control-allow-origin", "server", "set-cookie"] {
            assert_eq!(header(&head, name), None, "{request}");
        }
    }
}

#[tokio::test]
async fn only_get_opens_a_websocket() {
    let server = Server::start_with(roomy).await;
    for method in ["HEAD", "POST", "PUT", "OPTIONS"] {
        let (head, _) =
            ask(server.addr, &format!("{method} /ws?id=a"), &[UPGRADE, KEY, "Host: localhost:PORT"]).await;
        assert_eq!(status(&head), 405, "{method}");
    }
}

#[tokio::test]
async fn health_and_readiness_and_ice_servers_answer_plainly() {
    let server = Server::start().await;
    assert_eq!(get(server.addr, "/health").await.1, "ok\n");
    assert_eq!(get(server.addr, "/ready").await.1, "ready\n");
    let (head, body) = get(server.addr, "/ice-servers").await;
    assert_eq!(header(&head, "cache-control"), Some("no-store"));
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&answer["relay_only"], answer["iceServers"].as_array().unwrap().len()), (&false.into(), 2));
    assert_eq!(header(&head, "content-type"), Some("application/json"));
}
