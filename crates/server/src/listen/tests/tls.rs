//! The door with TLS, with certificates made for the test.

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

#[tokio::test]
async fn changed_files_are_taken_up_without_being_asked() {
    let files = Files::new();
    files.write("localhost");
    let tls = files.load().unwrap();
    let door = Open::with(Some(tls.clone()), options()).await;
    let watching = tokio::spawn(async move { tls.watch(Duration::from_millis(1)).await });
    tokio::task::yield_now().await;
    // Another length: two writes within one tick of the file system's clock would else look alike.
    let new = files.write_for(&["localhost", "again.example.org"]);
    while connect(&door, &new).await.is_err() {}
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

/// A handshake with a server that must show `root`.
async fn connect(
    door: &Open,
    root: &CertificateDer<'static>,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
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
        self.write_for(&[name])
    }

    fn write_for(&self, names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
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
