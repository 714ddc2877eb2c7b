//! The settings, section by section, as `default.toml` has them. What each one does is said there, once.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tincan_proto::call;
use tincan_proto::limit::Rate;

use super::cidr::Cidr;
use super::form;
use super::secret::{Access, Secret, read_private};
use super::validate::without_password;

/// `[server]`: where it listens and whom it lets in.
#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    #[serde(deserialize_with = "form::listen_address")]
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// Lower case, without a slash at the end.
    #[serde(deserialize_with = "form::list")]
    pub public_origins: Vec<String>,
    #[serde(deserialize_with = "form::list")]
    pub trusted_proxies: Vec<Cidr>,
    pub dangerous_plain_http: bool,
    pub v1: V1Access,
    pub guests: GuestAccess,
}

/// To whom protocol v1 is served.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum V1Access {
    Loopback,
    Open,
    Off,
}

/// To whom sessions without a token are given.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum GuestAccess {
    Loopback,
    Off,
}

/// `[tls]`: both files or none.
#[derive(Clone, Debug, Deserialize)]
pub struct Tls {
    #[serde(deserialize_with = "form::optional_path")]
    pub cert_file: Option<PathBuf>,
    #[serde(deserialize_with = "form::optional_path")]
    pub key_file: Option<PathBuf>,
}

impl Tls {
    /// Certificate and key, if TLS is on.
    #[must_use]
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.cert_file.as_deref().zip(self.key_file.as_deref())
    }
}

/// `[auth]`: what tokens are verified with. [`Auth::token_key`] reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Auth {
    #[serde(deserialize_with = "form::optional_path")]
    pub token_secret_file: Option<PathBuf>,
    #[serde(deserialize_with = "form::optional_path")]
    pub token_public_key_file: Option<PathBuf>,
    pub audience: String,
}

/// `[store]`: where calls are kept.
#[derive(Clone, Deserialize)]
pub struct Store {
    /// `sqlite:` or `sqlite:PATH`.
    pub url: String,
}

impl Store {
    /// The database file.
    #[must_use]
    pub fn path(&self, data_dir: &Path) -> PathBuf {
        match self.url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => path.into(),
            Some(_) | None => data_dir.join("tincan.db"),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("url", &without_password(&self.url)).finish()
    }
}

/// `[call]`: how long the parts of a call may take.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    #[serde(rename = "ring_timeout_s", deserialize_with = "form::seconds")]
    pub ring_timeout: Duration,
    #[serde(rename = "reach_timeout_s", deserialize_with = "form::seconds")]
    pub reach_timeout: Duration,
    #[serde(rename = "caller_away_s", deserialize_with = "form::seconds")]
    pub caller_away: Duration,
    #[serde(rename = "setup_timeout_s", deserialize_with = "form::seconds")]
    pub setup_timeout: Duration,
    #[serde(rename = "media_lost_s", deserialize_with = "form::seconds")]
    pub media_lost: Duration,
    #[serde(rename = "busy_away_s", deserialize_with = "form::seconds")]
    pub busy_away: Duration,
    #[serde(rename = "abandoned_h", deserialize_with = "form::hours")]
    pub abandoned: Duration,
}

impl Call {
    /// As the call machine takes them.
    #[must_use]
    pub const fn limits(&self) -> call::Limits {
        call::Limits {
            ring: self.ring_timeout,
            reach: self.reach_timeout,
            caller_away: self.caller_away,
            setup: self.setup_timeout,
            media_lost: self.media_lost,
            busy_away: self.busy_away,
            abandoned: self.abandoned,
        }
    }
}

/// `[session]`: the patience with one connection.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    #[serde(rename = "resume_s", deserialize_with = "form::seconds")]
    pub resume: Duration,
    #[serde(rename = "hello_timeout_s", deserialize_with = "form::seconds")]
    pub hello_timeout: Duration,
    #[serde(rename = "ping_s", deserialize_with = "form::seconds")]
    pub ping: Duration,
    #[serde(rename = "pong_timeout_s", deserialize_with = "form::seconds")]
    pub pong_timeout: Duration,
    #[serde(rename = "v1_settle_ms", deserialize_with = "form::millis")]
    pub v1_settle: Duration,
    #[serde(rename = "write_stall_s", deserialize_with = "form::seconds")]
    pub write_stall: Duration,
}

/// `[limits]`: how much of everything.
#[derive(Clone, Debug, Deserialize)]
pub struct Limits {
    pub frames: Rate,
    pub call_requests: Rate,
    pub call_requests_pair: Rate,
    pub connections: Rate,
    pub unauthenticated_per_address: u32,
    pub connections_total: u32,
    #[serde(rename = "header_timeout_s", deserialize_with = "form::seconds")]
    pub header_timeout: Duration,
    #[serde(rename = "tls_timeout_s", deserialize_with = "form::seconds")]
    pub tls_timeout: Duration,
}

/// `[media]`: STUN and TURN from this server.
#[derive(Clone, Debug, Deserialize)]
pub struct Media {
    pub mode: MediaMode,
    #[serde(deserialize_with = "form::optional_listen_address")]
    pub listen: Option<SocketAddr>,
    #[serde(deserialize_with = "form::list")]
    pub public_ips: Vec<IpAddr>,
    #[serde(deserialize_with = "form::optional_text")]
    pub host: Option<String>,
    #[serde(deserialize_with = "form::ports")]
    pub relay_ports: RangeInclusive<u16>,
    #[serde(deserialize_with = "form::optional_path")]
    pub secret_file: Option<PathBuf>,
    pub relay_only: bool,
    pub allocations_total: u32,
    pub allocations_per_user: u32,
    pub kbit_per_s: u32,
    #[serde(deserialize_with = "form::list")]
    pub dangerous_allow_peers: Vec<Cidr>,
}

impl Media {
    /// The file with the secrets of the relay's credentials.
    #[must_use]
    pub fn secret_path(&self, data_dir: &Path) -> PathBuf {
        self.secret_file.clone().unwrap_or_else(|| data_dir.join("turn.secret"))
    }
}

/// What this server does for calls that need help.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum MediaMode {
    Relay,
    Stun,
    Off,
}

/// `[ice]`: what clients find their way with besides.
#[derive(Clone, Debug, Deserialize)]
pub struct Ice {
    pub servers: Vec<IceServer>,
}

/// One `RTCIceServer`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// At least one, each `stun:`, `stuns:`, `turn:` or `turns:`.
    pub urls: Vec<String>,
    /// With a `turn:` or `turns:` address only.
    #[serde(default)]
    pub username: Option<String>,
    /// With a `turn:` or `turns:` address only.
    #[serde(default)]
    pub credential: Option<Secret<String>>,
    /// Instead of both: what credentials are made with.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// `[echo]`: the user who says back what it hears.
#[derive(Clone, Debug, Deserialize)]
pub struct Echo {
    pub enabled: bool,
    pub calls: u32,
    #[serde(rename = "call_limit_s", deserialize_with = "form::seconds")]
    pub call_limit: Duration,
}

/// `[metrics]`: what the operator sees. [`Metrics::token`] reads the token.
#[derive(Clone, Debug, Deserialize)]
pub struct Metrics {
    #[serde(deserialize_with = "form::optional_listen_address")]
    pub listen: Option<SocketAddr>,
    #[serde(deserialize_with = "form::optional_path")]
    pub token_file: Option<PathBuf>,
    pub dangerous_without_token: bool,
}

impl Metrics {
    /// What a reader has to show, if anything.
    ///
    /// # Errors
    /// What is wrong with the file, as the end of a sentence that began with the name of the setting.
    pub fn token(&self) -> Result<Option<Secret<Vec<u8>>>, String> {
        const SHORTEST: usize = 16;
        let Some(path) = &self.token_file else { return Ok(None) };
        let token = read_private(path, Access::Owner)?.trim_ascii().to_vec();
        if token.len() < SHORTEST || token.iter().any(|byte| !byte.is_ascii_graphic()) {
            let shown = path.display();
            return Err(format!(
                "{shown} must hold one word of at least {SHORTEST} characters; run: openssl rand -hex 32 > {shown}"
            ));
        }
        Ok(Some(Secret::new(token)))
    }
}

/// `[log]`: what is told, and how.
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}
