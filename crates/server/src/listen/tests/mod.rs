//! The door, over real sockets of this machine. Whoever waits here waits for the other end, never for a time.

mod tls;

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::Request;
use axum::routing::get;
use axum::{Extension, Router};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_request_is_answered_and_names_its_peer() {
    let door = Open::plain(options()).await;
    let answer = door.ask("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("127.0.0.1 secure=false local=true"), "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_closed_after_the_header_timeout() {
    let door = Open::plain(Options { header_timeout: SHORT, ..options() }).await;
    assert_eq!(door.ask("").await, "");
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_not_waited_for() {
    let door = Open::plain(Options { header_timeout: SHORT, ..options() }).await;
    let answer = door.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_the_next_request_and_then_closed() {
    let door = Open::plain(Options { header_timeout: SHORT, ..options() }).await;
    let answer = door.ask("GET /peer HTTP/1.1\r\nHost: a\r\n\r\nGET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
}

#[tokio::test]
async fn a_head_over_16_kib_or_64_lines_is_refused() {
    let door = Open::plain(options()).await;
    let long = format!("GET /peer HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(17 * 1024));
    let many = format!("GET /peer HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(64));
    for head in [long, many] {
        let answer = door.ask(&head).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_no_other() {
    let door = Open::plain(options()).await;
    assert_eq!(door.ask("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await, "");
    assert!(door.ask("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.contains("200 OK"));
}

#[tokio::test]
async fn an_upgraded_connection_is_the_bare_socket_and_nothing_of_it_stays() {
    let mut door = Open::plain(Options { header_timeout: SHORT, ..options() }).await;
    let mut client = door.connect().await;
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let (upgraded, slot) = door.upgraded.recv().await.unwrap();
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().unwrap();
    let (mut server, _slot) = (parts.io.into_inner(), slot);
    assert!(server.nodelay().unwrap());
    assert_eq!(&parts.read_buf[..], b"early");
    // The door has nothing more to wait for, although the socket is open.
    door.stop.send(()).unwrap();
    door.served.await.unwrap();
    server.write_all(b"late").await.unwrap();
    drop(server);
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert!(heard.ends_with("late"), "{heard}");
}

#[tokio::test]
async fn a_connection_waits_until_one_of_all_places_is_free() {
    let mut door = Open::plain(Options { total: 1, ..options() }).await;
    let mut first = door.connect().await;
    first.write_all(UPGRADE.as_bytes()).await.unwrap();
    let held = door.upgraded.recv().await.unwrap();
    let mut second = door.connect().await;
    second.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    drop(held);
    let mut heard = String::new();
    second.read_to_string(&mut heard).await.unwrap();
    assert!(heard.contains("200 OK"), "{heard}");
}

#[tokio::test]
async fn an_address_with_too_many_unproved_connections_is_turned_away() {
    let mut door = Open::plain(Options { unauthenticated_per_address: 1, ..options() }).await;
    let mut first = door.connect().await;
    first.write_all(UPGRADE.as_bytes()).await.unwrap();
    let (_upgraded, slot) = door.upgraded.recv().await.unwrap();
    assert_eq!(door.ask("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await, "");
    slot.authenticated();
    assert!(door.ask("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.contains("200 OK"));
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let options = Options {
        unauthenticated_per_address: 1,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..options()
    };
    let mut door = Open::plain(options).await;
    let upgrade_for = |ip: &str| UPGRADE.replace("Host: a", &format!("Host: a\r\nX-Forwarded-For: {ip}"));
    let mut first = door.connect().await;
    first.write_all(upgrade_for("192.0.2.1").as_bytes()).await.unwrap();
    let _held = door.upgraded.recv().await.unwrap();
    let again = upgrade_for("192.0.2.1").replace("Connection: upgrade", "Connection: upgrade, close");
    let refused = door.ask(&again).await;
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    let mut other = door.connect().await;
    other.write_all(upgrade_for("192.0.2.2").as_bytes()).await.unwrap();
    assert!(door.upgraded.recv().await.is_some());
}

#[tokio::test]
async fn a_running_request_may_end_when_the_door_closes() {
    let mut door = Open::plain(options()).await;
    let (mut client, idle) = (door.connect().await, door.connect().await);
    client.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    door.waiting.recv().await.unwrap();
    door.stop.send(()).unwrap();
    assert_eq!(read_all(idle).await, "", "an idle connection is closed at once");
    assert!(TcpStream::connect(door.addr).await.is_err(), "nobody new is let in");
    door.go_on.notify_one();
    assert!(read_all(client).await.contains("200 OK"));
    door.served.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_in_time_is_dropped_when_the_door_closes() {
    let mut door = Open::plain(Options { drain: SHORT, ..options() }).await;
    let mut client = door.connect().await;
    client.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    door.waiting.recv().await.unwrap();
    door.stop.send(()).unwrap();
    door.served.await.unwrap();
    assert_eq!(read_all(client).await, "");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_in_one_sentence() {
    let first = bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let addr = first.local_addr().unwrap();
    let error = bind(addr).await.unwrap_err().to_string();
    assert_eq!(error, format!("{addr} is taken by another program; choose another with --listen"));
    let error = bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err().to_string();
    assert_eq!(error, "192.0.2.1:0 is no address of this machine; choose another with --listen");
}

#[test]
fn no_more_connections_than_file_descriptors() {
    let mut config = Config::default();
    config.limits.connections_total = u32::MAX;
    config.media.allocations_total = 100;
    let descriptors = Descriptors::now();
    assert_eq!(Options::new(&config).total as u64, descriptors.connections().min(u32::MAX.into()) - 100);
    assert_eq!(Descriptors { soft: 1024, hard: 1024 }.connections(), 896);
}

const UPGRADE: &str = "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\nearly";

fn options() -> Options {
    Options {
        trusted_proxies: Vec::new(),
        total: 100,
        rate: Rate { per_minute: 60_000, burst: 1000 },
        unauthenticated_per_address: 100,
        header_timeout: LONG,
        tls_timeout: LONG,
        drain: LONG,
    }
}

/// A door that is open, with a few routes behind it.
struct Open {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    /// Whatever took the route `/upgrade`.
    upgraded: mpsc::UnboundedReceiver<(hyper::upgrade::Upgraded, Slot)>,
    /// Told by each request on `/wait`, which then waits for `go_on`.
    waiting: mpsc::UnboundedReceiver<()>,
    go_on: Arc<tokio::sync::Notify>,
}

impl Open {
    async fn plain(options: Options) -> Self {
        Self::with(None, options).await
    }

    async fn with(tls: Option<Tls>, options: Options) -> Self {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (upgrades, upgraded) = mpsc::unbounded_channel();
        let (waits, waiting) = mpsc::unbounded_channel();
        let go_on = Arc::new(tokio::sync::Notify::new());
        let router = routes(upgrades, waits, Arc::clone(&go_on));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let served = tokio::spawn(serve(
            listener,
            tls,
            options,
            Inside { router: Some(router), streams: None },
            shutdown,
        ));
        Self { addr, stop, served, upgraded, waiting, go_on }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends `text` and reads until the door closes the connection.
    async fn ask(&self, text: &str) -> String {
        let mut client = self.connect().await;
        // A connection that is turned away may be gone already.
        drop(client.write_all(text.as_bytes()).await);
        read_all(client).await
    }
}

async fn read_all(mut client: TcpStream) -> String {
    let mut heard = Vec::new();
    // What was not read of a request makes the end a reset; what came before it counts.
    drop(client.read_to_end(&mut heard).await);
    String::from_utf8(heard).unwrap()
}

async fn panicking() -> &'static str {
    panic!("as the test wants it")
}

fn routes(
    upgrades: mpsc::UnboundedSender<(hyper::upgrade::Upgraded, Slot)>,
    waits: mpsc::UnboundedSender<()>,
    go_on: Arc<tokio::sync::Notify>,
) -> Router {
    let upgrade = |Extension(slot): Extension<Slot>, mut request: Request| async move {
        let coming = hyper::upgrade::on(&mut request);
        tokio::spawn(async move { upgrades.send((coming.await.unwrap(), slot)) });
        (hyper::StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "test")])
    };
    let wait = || async move {
        waits.send(()).unwrap();
        go_on.notified().await;
    };
    Router::new()
        .route(
            "/peer",
            get(|Extension(peer): Extension<Peer>| async move {
                format!("{} secure={} local={}", peer.ip, peer.secure, peer.local)
            }),
        )
        .route("/panic", get(panicking))
        .route("/upgrade", get(upgrade))
        .route("/wait", get(wait))
}
