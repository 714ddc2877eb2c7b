//! TLS with a certificate that can be changed while the server runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use super::certificate::not_after;

/// How often the files are looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From when on an end in sight is worth a warning.
const ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// Why there is no certificate to show. One sentence.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlsError {
    #[error("{path} holds no certificate in PEM form: {reason}", path = .0.display(), reason = .1)]
    Certificate(PathBuf, String),
    #[error("{path} holds no private key in PEM form: {reason}", path = .0.display(), reason = .1)]
    Key(PathBuf, String),
    #[error("the private key in {key} does not belong to the certificate in {cert}", key = .key.display(), cert = .cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("the private key in {path} cannot be used: {reason}", path = .0.display(), reason = .1)]
    Unusable(PathBuf, String),
}

/// Certificate and key in use, and the files that they come from. Clones share them.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

struct Current {
    cert: PathBuf,
    key: PathBuf,
    pair: ArcSwap<CertifiedKey>,
}

impl Tls {
    /// Reads the PEM files `cert` (the chain, own certificate first) and `key`. TLS 1.2 and 1.3, HTTP/1.1 only.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else, or two that do not belong together.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let pair = ArcSwap::from_pointee(read(cert, key)?);
        let current = Arc::new(Current { cert: cert.to_owned(), key: key.to_owned(), pair });
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .expect("the provider has suites for both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), current })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// When the certificate in use ends; `None` if that cannot be read from it.
    #[must_use]
    pub fn ends_at(&self) -> Option<SystemTime> {
        not_after(self.current.pair.load().cert.first()?)
    }

    /// Reads the files again. On an error the old certificate stays in use.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let pair = read(&self.current.cert, &self.current.key)?;
        self.current.pair.store(Arc::new(pair));
        Ok(())
    }

    /// Takes up changed files, which it looks at `every` so long, and all files on SIGHUP; never ends.
    pub(super) async fn watch(&self, every: Duration) {
        let mut hangups = signal(SignalKind::hangup()).ok();
        let mut seen = self.current.stamps();
        let mut looks = tokio::time::interval(every);
        self.warn_if_it_ends_soon();
        loop {
            let asked = tokio::select! {
                _ = looks.tick() => false,
                () = hangup(hangups.as_mut()) => true,
            };
            let stamps = self.current.stamps();
            if asked || stamps != seen {
                seen = stamps;
                self.reload_and_tell();
            }
        }
    }

    fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => {
                tracing::info!("the new certificate is in use");
                self.warn_if_it_ends_soon();
            }
            Err(e) => {
                tracing::error!(error = %e, "the new certificate cannot be used; the old one stays in use")
            }
        }
    }

    fn warn_if_it_ends_soon(&self) {
        let Some(ends_at) = self.ends_at() else { return };
        match ends_at.duration_since(SystemTime::now()) {
            Ok(left) if left > ENDS_SOON => {}
            Ok(left) => {
                tracing::warn!(certificate.days_left = left.as_secs() / 86_400, "the certificate ends soon")
            }
            Err(_) => tracing::error!("the certificate has ended: no browser will connect"),
        }
    }
}

async fn hangup(signals: Option<&mut tokio::signal::unix::Signal>) {
    match signals {
        Some(signals) => drop(signals.recv().await),
        None => std::future::pending().await,
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let no_cert = |reason: String| TlsError::Certificate(cert.to_owned(), reason);
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| no_cert(e.to_string()))?;
    if chain.is_empty() {
        return Err(no_cert("nothing between BEGIN CERTIFICATE and END CERTIFICATE".into()));
    }
    let der = PrivateKeyDer::from_pem_file(key).map_err(|e| TlsError::Key(key.to_owned(), e.to_string()))?;
    CertifiedKey::from_der(chain, der, &provider()).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() }
        }
        rustls::Error::InvalidCertificate(e) => no_cert(format!("{e:?}")),
        other => TlsError::Unusable(key.to_owned(), other.to_string()),
    })
}

impl Current {
    /// What changes when a file is written or replaced.
    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.cert, &self.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("cert", &self.cert).field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current.fmt(f)
    }
}
