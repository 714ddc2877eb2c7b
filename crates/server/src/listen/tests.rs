//! The door, over real sockets of this machine. Whoever waits here waits for the other end, never for a time.

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
    let descriptors = Descriptors::now();
    assert_eq!(Options::new(&config).total as u64, descriptors.connections().min(u32::MAX.into()));
    assert_eq!(Descriptors { soft: 1024, hard: 1024 }.connections(), 896);
}

pub(super) const UPGRADE: &str =
    "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\nearly";

pub(super) fn options() -> Options {
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
pub(super) struct Open {
    pub(super) addr: SocketAddr,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) served: JoinHandle<()>,
    /// Whatever took the route `/upgrade`.
    pub(super) upgraded: mpsc::UnboundedReceiver<(hyper::upgrade::Upgraded, Slot)>,
    /// Told by each request on `/wait`, which then waits for `go_on`.
    waiting: mpsc::UnboundedReceiver<()>,
    go_on: Arc<tokio::sync::Notify>,
}

impl Open {
    pub(super) async fn plain(options: Options) -> Self {
        Self::with(None, options).await
    }

    pub(super) async fn with(tls: Option<Tls>, options: Options) -> Self {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (upgrades, upgraded) = mpsc::unbounded_channel();
        let (waits, waiting) = mpsc::unbounded_channel();
        let go_on = Arc::new(tokio::sync::Notify::new());
        let router = routes(upgrades, waits, Arc::clone(&go_on));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let served = tokio::spawn(serve(listener, tls, options, router, shutdown));
        Self { addr, stop, served, upgraded, waiting, go_on }
    }

    pub(super) async fn connect(&self) -> TcpStream {
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
        .route("/panic", get(|| async { panic!("as the test wants it") }))
        .route("/upgrade", get(upgrade))
        .route("/wait", get(wait))
}

mod tls {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::server::TlsStream;

    use super::*;

    #[tokio::test]
    async fn a_request_over_tls_is_secure_and_its_upgrade_is_the_tls_stream() {
        let files = Files::new();
        let root = files.write("localhost");
        let mut door = Open::with(Some(files.load().unwrap()), options()).await;
        let mut client = connect(&door, &root).await.unwrap();
        client.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let length = client.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..length]).contains("secure=true"));
        client.write_all(UPGRADE.as_bytes()).await.unwrap();
        let (upgraded, _) = door.upgraded.recv().await.unwrap();
        assert!(upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>().is_ok());
    }

    #[tokio::test]
    async fn a_handshake_that_takes_too_long_is_ended() {
        let files = Files::new();
        files.write("localhost");
        let door = Open::with(Some(files.load().unwrap()), Options { tls_timeout: SHORT, ..options() }).await;
        assert_eq!(door.ask("").await, "");
    }

    #[tokio::test]
    async fn plain_http_is_not_answered_on_a_tls_port() {
        let files = Files::new();
        files.write("localhost");
        let door = Open::with(Some(files.load().unwrap()), options()).await;
        assert!(!door.ask("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.contains("HTTP"));
    }

    #[tokio::test]
    async fn a_new_certificate_is_shown_to_the_next_connection_and_a_bad_one_to_none() {
        let files = Files::new();
        let old = files.write("localhost");
        let tls = files.load().unwrap();
        let door = Open::with(Some(tls.clone()), options()).await;
        let mut before = connect(&door, &old).await.unwrap();

        fs::write(files.cert(), "broken").unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Certificate(..))));
        assert!(connect(&door, &old).await.is_ok(), "the old certificate stays");

        let new = files.write("localhost");
        tls.reload().unwrap();
        assert!(connect(&door, &new).await.is_ok());
        assert!(connect(&door, &old).await.is_err());
        before.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut heard = String::new();
        before.read_to_string(&mut heard).await.unwrap();
        assert!(heard.contains("200 OK"), "a connection that was there goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn changed_files_are_taken_up_without_being_asked() {
        let files = Files::new();
        files.write("localhost");
        let tls = files.load().unwrap();
        let shown = || tls.current.pair.load().cert.clone();
        let old = shown();
        let watching = tokio::spawn({
            let tls = tls.clone();
            async move { tls.watch().await }
        });
        tokio::task::yield_now().await;
        files.write("localhost.localdomain");
        while shown() == old {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        watching.abort();
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let files = Files::new();
        assert!(matches!(files.load(), Err(TlsError::Certificate(..))), "nothing is there");
        files.write("localhost");
        let key = fs::read(files.key()).unwrap();
        files.write("localhost");
        fs::write(files.key(), key).unwrap();
        let error = files.load().unwrap_err();
        assert_eq!(error, TlsError::Mismatch { cert: files.cert(), key: files.key() });
        fs::write(files.key(), "broken").unwrap();
        assert!(matches!(files.load(), Err(TlsError::Key(..))));
        fs::write(files.cert(), "").unwrap();
        assert!(matches!(files.load(), Err(TlsError::Certificate(..))));
    }

    /// A handshake and one answer's worth of trust: TLS 1.3 tells the client of a refusal only later.
    async fn connect(
        door: &Open,
        root: &CertificateDer<'static>,
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, door.connect().await).await
    }

    /// A certificate and its key in a folder of one test.
    struct Files(PathBuf);

    impl Files {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("tincan-tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn cert(&self) -> PathBuf {
            self.0.join("cert.pem")
        }

        fn key(&self) -> PathBuf {
            self.0.join("key.pem")
        }

        fn load(&self) -> Result<Tls, TlsError> {
            Tls::load(&self.cert(), &self.key())
        }

        /// A new self-signed pair.
        fn write(&self, name: &str) -> CertificateDer<'static> {
            let key = KeyPair::generate().unwrap();
            let cert = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
            fs::write(self.cert(), cert.pem()).unwrap();
            fs::write(self.key(), key.serialize_pem()).unwrap();
            cert.der().clone()
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}
