//! Story: a token is checked as it should be, or it opens nothing.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use tincan_server::config::Config;
use tincan_testkit::device::{Device, Proof};
use tincan_testkit::socket::{Event, Socket};

use crate::process::Process;
use crate::util::{Server, refused, roomy};

const SECRET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// The claims of a good token, with one of them changed, or left out if `null`.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({ "sub": "alice", "aud": "tincan", "exp": now() + 600 });
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn good() -> Value {
    claims("jti", json!("1"))
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn private_file(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    use std::io::Write as _;
    let path = folder.join(name);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(content).unwrap();
    path
}

fn with_secret(folder: &Path) -> impl FnOnce(&mut Config) {
    let path = private_file(folder, "secret", SECRET);
    move |config| {
        roomy(config);
        config.auth.token_secret_file = Some(path);
    }
}

/// What a hello with this token is answered with: the error's sentence and the close code.
async fn turned_away(server: &Server, token: &str) -> (String, u16) {
    let headers = [("Sec-WebSocket-Protocol", "tincan.v2")];
    let mut socket = Socket::open(server.addr, "/ws", &headers).await.unwrap();
    let hello = json!({ "type": "hello", "data": { "token": token, "device": "web" } }).to_string();
    socket.text(&hello).await.unwrap();
    let Ok(Event::Text(answer)) = socket.next().await else { panic!("no answer to {token:.80}") };
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["data"]["code"], "unauthorized", "{answer} to {token:.80}");
    (answer["data"]["message"].as_str().unwrap().to_owned(), socket.closed().await.unwrap())
}

async fn welcomed(server: &Server, token: String) {
    let device = Device::open(server.addr, Proof::Token(token), "web").await.unwrap();
    assert_eq!(device.welcome["user"], "alice");
}

#[tokio::test]
async fn a_token_signed_with_the_shared_secret_names_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(with_secret(folder.path())).await;
    welcomed(&server, hs256(SECRET, &good())).await;
    for (name, value) in [
        ("aud", json!(["other", "tincan"])),
        ("exp", json!(now() - 30)),
        ("nbf", json!(now() + 30)),
        ("nbf", json!(now() - 600)),
        ("iat", json!(now() + 600)),
    ] {
        welcomed(&server, hs256(SECRET, &claims(name, value))).await;
    }
    let mut alice = Device::open(server.addr, Proof::Token(hs256(SECRET, &good())), "web").await.unwrap();
    alice.ring("alice", &crate::util::call_id('c')).await.unwrap();
    refused(&mut alice, "ring", "bad_state").await;
}

#[tokio::test]
async fn a_token_that_is_not_wholly_right_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(with_secret(folder.path())).await;
    let (later, earlier) = (json!(now() + 600), json!(now() - 600));
    for (name, value) in [
        ("exp", earlier),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("exp", json!((now() + 600).to_string())),
        ("exp", json!([now() + 600])),
        ("exp", json!(-1)),
        ("nbf", later),
        ("nbf", json!("now")),
        ("aud", Value::Null),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!("tincan2")),
        ("aud", json!({ "tincan": true })),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("a b")),
        ("sub", json!("alice/web")),
        ("sub", json!("al\u{202e}ice")),
        ("sub", json!("alice\u{0}")),
        ("sub", json!("x".repeat(65))),
    ] {
        let (sentence, code) = turned_away(&server, &hs256(SECRET, &claims(name, value.clone()))).await;
        assert_eq!(code, 4501, "{name} = {value}");
        assert!(!sentence.is_empty());
    }
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(with_secret(folder.path())).await;
    let token = hs256(SECRET, &good());
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let none = part(&json!({ "alg": "none", "typ": "JWT" }));
    let other =
        |alg: Algorithm| encode(&Header::new(alg), &good(), &EncodingKey::from_secret(SECRET)).unwrap();
    let with_header =
        part(&json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" }, "kid": "../../secret" }));
    for wrong in [
        String::new(),
        "token".into(),
        "..".into(),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{}.{body}.", part(&json!({ "alg": "None" }))),
        other(Algorithm::HS384),
        other(Algorithm::HS512),
        hs256(b"another secret that is long enough, too", &good()),
        hs256(b"", &good()),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}.{}.{signature}", part(&claims("sub", json!("bob")))),
        format!("{with_header}.{body}.{signature}"),
        format!("{token}A"),
        format!(" {token}"),
        "x".repeat(20 * 1024),
        hs256(SECRET, &claims("jti", json!("x".repeat(20 * 1024)))),
    ] {
        assert_eq!(turned_away(&server, &wrong).await.1, 4501, "{wrong:.80}");
    }
}

#[tokio::test]
async fn a_token_of_100_kib_is_not_even_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(with_secret(folder.path())).await;
    let token = hs256(SECRET, &claims("jti", json!("x".repeat(75 * 1024))));
    assert!(token.len() > 100 * 1024);
    let headers = [("Sec-WebSocket-Protocol", "tincan.v2")];
    let mut socket = Socket::open(server.addr, "/ws", &headers).await.unwrap();
    let hello = json!({ "type": "hello", "data": { "token": token, "device": "web" } }).to_string();
    socket.text(&hello).await.unwrap();
    assert_eq!(socket.closed().await.unwrap(), 1009);
}

#[tokio::test]
async fn a_public_key_checks_what_its_private_key_signed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (KeyPair::generate_for(&PKCS_ED25519), KeyPair::generate_for(&PKCS_ED25519));
    let (ours, other) = (ours.unwrap(), other.unwrap());
    let pem = ours.public_key_pem();
    let path = private_file(folder.path(), "public.pem", pem.as_bytes());
    let server = Server::start_with(|config| {
        roomy(config);
        config.auth.token_public_key_file = Some(path);
    })
    .await;
    let sign = |key: &KeyPair, claims: &Value| {
        encode(&Header::new(Algorithm::EdDSA), claims, &EncodingKey::from_ed_der(key.serialized_der()))
            .unwrap()
    };
    welcomed(&server, sign(&ours, &good())).await;
    let raw = ours.public_key_raw();
    for wrong in [
        sign(&other, &good()),
        sign(&ours, &claims("exp", json!(now() - 600))),
        // The public key is known to everyone: as a shared secret it must open nothing.
        hs256(pem.as_bytes(), &good()),
        hs256(pem.trim_end().as_bytes(), &good()),
        hs256(raw, &good()),
        hs256(URL_SAFE_NO_PAD.encode(raw).as_bytes(), &good()),
    ] {
        assert_eq!(turned_away(&server, &wrong).await.1, 4501, "{wrong:.80}");
    }
}

#[tokio::test]
async fn a_server_without_a_key_takes_no_token() {
    let server = Server::start().await;
    assert_eq!(turned_away(&server, &hs256(SECRET, &good())).await.1, 4501);
    assert_eq!(turned_away(&server, &hs256(b"", &good())).await.1, 4501);
}

#[tokio::test]
async fn whoever_says_nothing_or_no_hello_is_sent_away() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.session.hello_timeout = crate::util::SHORT;
    })
    .await;
    let open = async || {
        let headers = [("Sec-WebSocket-Protocol", "tincan.v2")];
        Socket::open(server.addr, "/ws", &headers).await.unwrap()
    };
    assert_eq!(open().await.closed().await.unwrap(), 4011);
    let server = Server::start_with(roomy).await;
    let open = async || {
        let headers = [("Sec-WebSocket-Protocol", "tincan.v2")];
        Socket::open(server.addr, "/ws", &headers).await.unwrap()
    };
    for (first, code) in [
        (r#"{"type":"ping"}"#, "hello_required"),
        (r#"{"type":"call-request","call":"AAAAAAAAAAAAAAAAAAAAAA","to":"b","seq":1}"#, "hello_required"),
        (r#"{"type":"call-request","to":"bob"}"#, "bad_frame"),
        (r#"{"type":"hello"}"#, "bad_frame"),
        (r#"{"type":"hello","data":{"device":"web"}}"#, "bad_frame"),
        (r#"{"type":"hello","data":{"guest":"a","token":"b","device":"web"}}"#, "bad_frame"),
        (r#"{"type":"hello","data":{"guest":"a b","device":"web"}}"#, "bad_frame"),
        (r#"{"type":"hello","data":{"guest":"a","device":"web/2"}}"#, "bad_frame"),
        (r#"{"type":"hello","data":{"guest":"a"}}"#, "bad_frame"),
        ("hello", "bad_frame"),
    ] {
        let mut socket = open().await;
        socket.text(first).await.unwrap();
        let Ok(Event::Text(answer)) = socket.next().await else { panic!("no answer to {first}") };
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!(code)), "{first}");
        assert_eq!(socket.closed().await.unwrap(), 4520, "{first}");
    }
}

#[tokio::test]
async fn no_token_and_no_secret_is_ever_logged() {
    let folder = tempfile::tempdir().unwrap();
    let secret = private_file(folder.path(), "secret", SECRET);
    let settings =
        [("TINCAN_AUTH__TOKEN_SECRET_FILE", secret.to_str().unwrap()), ("TINCAN_LOG__FILTER", "trace")];
    let process = Process::start(&folder.path().join("data"), &settings);
    let (token, wrong) = (hs256(SECRET, &good()), hs256(b"not the secret", &good()));
    let mut alice = Device::open(process.addr, Proof::Token(token.clone()), "web").await.unwrap();
    Device::open(process.addr, Proof::Token(wrong.clone()), "web").await.unwrap_err();
    let first = alice.welcome["secret"].as_str().unwrap().to_owned();
    alice.socket.cut();
    assert!(alice.come_back().await.unwrap());
    let sdp = json!({ "type": "call-request", "call": crate::util::call_id('c'), "to": "alice", "data": "sdp-marker" });
    alice.send(sdp).await.unwrap();
    refused_any(&mut alice).await;
    let log = process.log();
    assert!(log.contains("DEBUG"), "it does log: {log}");
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let unspeakable =
        [signature(&token), signature(&wrong), first, alice.welcome["secret"].as_str().unwrap().to_owned()];
    for text in unspeakable.iter().map(String::as_str).chain(["sdp-marker", "0123456789abcdefghij"]) {
        assert!(!log.contains(text), "{text} is in the log");
    }
}

async fn refused_any(device: &mut Device) {
    assert_eq!(device.expect("error").await.unwrap()["data"]["code"], "bad_state");
}
