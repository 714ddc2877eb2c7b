//! Story: the server has a certificate, and everything works as without one.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tincan_server::config::Config;
use tincan_testkit::device::{Device, Proof};
use tincan_testkit::socket::Socket;
use tincan_testkit::v1::V1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::util::{Server, accepted, call_id, connected, end, quiet, roomy};

/// A server with a certificate for `localhost`, and what trusts it.
pub(crate) struct Secure {
    pub(crate) server: Server,
    connector: TlsConnector,
    _files: TempDir,
}

impl Secure {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let files = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let write = |path: &Path, text: String| {
            use std::io::Write as _;
            let options = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            options.unwrap().write_all(text.as_bytes()).unwrap();
        };
        let (cert_file, key_file) = (files.path().join("cert.pem"), files.path().join("key.pem"));
        write(&cert_file, certificate.pem());
        write(&key_file, key.serialize_pem());
        let server = Server::start_with(|config| {
            roomy(config);
            config.tls.cert_file = Some(cert_file);
            config.tls.key_file = Some(key_file);
            change(config);
        })
        .await;
        let connector = trusting(certificate.der());
        Self { server, connector, _files: files }
    }

    async fn open(&self, stream: TcpStream, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Socket> {
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = self.connector.connect(name, stream).await?;
        let host = format!("localhost:{}", self.server.addr.port());
        Socket::over(Box::new(stream), path, &[&[("Host", host.as_str())], headers].concat()).await
    }

    pub(crate) async fn guest(&self, user: &str, device: &str, stream: TcpStream) -> Device {
        let socket = self.open(stream, "/ws", &[("Sec-WebSocket-Protocol", "tincan.v2")]).await.unwrap();
        Device::open_over(socket, self.server.addr, Proof::Guest(user.into()), device).await.unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.addr).await.unwrap()
    }

    /// A stream to the web server's port, behind its handshake.
    pub(crate) async fn stream(&self) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        self.connector.connect(name, self.connect().await).await.unwrap()
    }

    async fn two(&self) -> (Device, Device) {
        let alice = self.guest("alice", "web", self.connect().await).await;
        (alice, self.guest("bob", "phone", self.connect().await).await)
    }
}

fn trusting(root: &CertificateDer<'_>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone().into_owned()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_call_over_tls_is_a_call() {
    let secure = Secure::start().await;
    let (mut alice, mut bob) = secure.two().await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    alice.call("offer", &call_id('c'), json!({ "sdp": "x".repeat(20_000) })).await.unwrap();
    assert_eq!(bob.expect("offer").await.unwrap()["data"]["sdp"].as_str().unwrap().len(), 20_000);
    bob.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        end(device, &call_id('c'), "hung_up").await;
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_page_s_own_origin_is_https_where_there_is_tls() {
    let secure = Secure::start().await;
    let port = secure.server.addr.port();
    for (origin, welcome) in
        [(format!("https://localhost:{port}"), true), (format!("http://localhost:{port}"), false)]
    {
        let opened = secure.open(secure.connect().await, "/ws?id=a", &[("Origin", &origin)]).await;
        assert_eq!(opened.is_ok(), welcome, "{origin}");
    }
}

#[tokio::test]
async fn a_client_without_tls_gets_nothing() {
    let secure = Secure::start().await;
    assert!(V1::connect(secure.server.addr, "a").await.is_err());
    secure.two().await;
}

/// Records of every size, far more at once than the server reads in one go. Most say nothing (an `ack` with a payload,
/// which is ignored), so that no window is the bound.
#[tokio::test]
async fn a_large_burst_arrives_whole_and_in_order() {
    let secure = Secure::start().await;
    let (mut alice, mut bob) = secure.two().await;
    connected(&mut alice, &mut bob, &call_id('c')).await;
    let patterns: [&[usize]; 5] =
        [&[60_000], &[3_000], &[1, 16_300, 900, 15_000, 50, 9_000], &[16_384, 1_000, 1_000, 1_000], &[100]];
    for (round, sizes) in patterns.iter().cycle().take(10).enumerate() {
        for (i, size) in sizes.iter().cycle().take(60).enumerate() {
            let nothing = json!({ "type": "ack", "ack": 0, "data": "x".repeat(*size) });
            alice.socket.text(&nothing.to_string()).await.unwrap();
            if i % 10 == 0 {
                alice.call("candidate", &call_id('c'), json!([round, i])).await.unwrap();
            }
        }
        for i in (0..60).step_by(10) {
            assert_eq!(bob.expect("candidate").await.unwrap()["data"], json!([round, i]), "{sizes:?}");
        }
        bob.ack().await.unwrap();
    }
    quiet(&mut bob).await;
}

#[tokio::test]
async fn large_frames_are_relayed_from_tls_to_tls() {
    let secure = Secure::start().await;
    let (mut alice, mut bob) = secure.two().await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for i in 0..40 {
        let data = json!([i, "x".repeat(60_000)]);
        alice.call("candidate", &call_id('c'), data).await.unwrap();
        bob.call("candidate", &call_id('c'), json!([i, "y".repeat(500 * i)])).await.unwrap();
        assert_eq!(bob.expect("candidate").await.unwrap()["data"][0], i);
        assert_eq!(alice.expect("candidate").await.unwrap()["data"][0], i);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_that_fits_in_its_window() {
    let secure = Secure::start().await;
    let small = TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(4096).unwrap();
    let mut alice = secure.guest("alice", "web", secure.connect().await).await;
    let mut bob = secure.guest("bob", "phone", small.connect(secure.server.addr).await.unwrap()).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for i in 0..4 {
        alice.call("candidate", &call_id('c'), json!([i, "x".repeat(60_000)])).await.unwrap();
    }
    quiet(&mut alice).await;
    for i in 0..4 {
        assert_eq!(bob.expect("candidate").await.unwrap()["data"][0], i);
    }
    quiet(&mut bob).await;
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut_off_and_the_other_side_does_not_wait() {
    let secure = Secure::start().await;
    let small = TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(4096).unwrap();
    let mut alice = secure.guest("alice", "web", secure.connect().await).await;
    let mut bob = secure.guest("bob", "phone", small.connect(secure.server.addr).await.unwrap()).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for i in 0..8 {
        alice.call("candidate", &call_id('c'), json!([i, "x".repeat(60_000)])).await.unwrap();
    }
    quiet(&mut alice).await;
    let mut heard = 0;
    while bob.next().await.is_ok() {
        heard += 1;
    }
    assert!(heard < 8, "it was cut off after what its window holds");
    let mut bob = secure.guest("bob", "phone", secure.connect().await).await;
    bob.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    end(&mut alice, &call_id('c'), "hung_up").await;
}

#[tokio::test]
async fn what_the_operator_reads_from_elsewhere_is_encrypted_and_from_this_machine_it_need_not_be() {
    const ASKED: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let everywhere = Secure::start_with(|config| {
        config.metrics.listen = Some(([0, 0, 0, 0], 0).into());
        config.metrics.dangerous_without_token = true;
    })
    .await;
    let port = everywhere.server.metrics().port();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut stream =
        everywhere.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    stream.write_all(ASKED).await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("tincan_build_info"), "{heard}");
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(ASKED).await.unwrap();
    let mut heard = Vec::new();
    // It may be cut off.
    let _ = plain.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&heard));

    let here = Secure::start_with(|config| config.metrics.listen = Some(([127, 0, 0, 1], 0).into())).await;
    let (head, _) = crate::doors::get(here.server.metrics(), "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}
