//! The servers that are compared: how each is started, awaited and ended.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;

use crate::stream::{Stream, trusting};

/// The core of the server, and that of the load.
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";

/// Where a contender's certificate and key lie in its folder.
const CERT_FILE: &str = "cert.pem";
const KEY_FILE: &str = "key.pem";

/// How long a server may take to answer after its start.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// A server to compare.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, clap::ValueEnum)]
pub(crate) enum Contender {
    /// Tincan, spoken to as the original pages do.
    Tincan,
    /// The same behind TLS.
    TincanWss,
    /// Tincan, spoken to as its SDK does.
    TincanV2,
    /// The plain hub with two good settings.
    HubTuned,
    /// The plain hub as it comes.
    Hub,
    /// The PeerJS server.
    Peerjs,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tincan => "tincan",
            Self::TincanWss => "tincan wss",
            Self::TincanV2 => "tincan v2",
            Self::HubTuned => "hub tuned",
            Self::Hub => "hub",
            Self::Peerjs => "peerjs",
        }
    }

    /// As `load --dialect` spells it.
    pub(crate) fn dialect(self) -> &'static str {
        match self {
            Self::Tincan | Self::TincanWss | Self::HubTuned | Self::Hub => "seed",
            Self::TincanV2 => "v2",
            Self::Peerjs => "peerjs",
        }
    }

    /// The path that answers 200 once the server is ready.
    fn ready_path(self) -> &'static str {
        match self {
            Self::Tincan | Self::TincanWss | Self::TincanV2 | Self::HubTuned | Self::Hub => "/ready",
            Self::Peerjs => "/",
        }
    }

    /// Tincan, in any of its languages.
    pub(crate) fn is_tincan(self) -> bool {
        matches!(self, Self::Tincan | Self::TincanWss | Self::TincanV2)
    }

    /// The file without which it cannot run.
    pub(crate) fn needs(self, places: &Places) -> PathBuf {
        match self {
            Self::Tincan | Self::TincanWss | Self::TincanV2 => places.bin.join("tincan"),
            Self::HubTuned | Self::Hub => places.bin.join("hub"),
            Self::Peerjs => places.root.join("bench/peerjs/node_modules/peer/package.json"),
        }
    }

    /// What it is told by its environment.
    fn settings(self, dir: &Path) -> Vec<(&'static str, PathBuf)> {
        match self {
            Self::TincanWss => vec![
                ("TINCAN_TLS__CERT_FILE", dir.join(CERT_FILE)),
                ("TINCAN_TLS__KEY_FILE", dir.join(KEY_FILE)),
            ],
            Self::Tincan | Self::TincanV2 | Self::HubTuned | Self::Hub | Self::Peerjs => Vec::new(),
        }
    }

    fn command(self, places: &Places, listen: SocketAddr, dir: &Path) -> Vec<String> {
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let (listen, port) = (listen.to_string(), listen.port().to_string());
        let mut words = vec![path(self.needs(places))];
        match self {
            Self::Tincan | Self::TincanWss | Self::TincanV2 => {
                let (data, config) = (path(dir.join("data")), path(places.root.join("bench/tincan.toml")));
                words.extend(
                    ["serve", "--listen", &listen, "--data-dir", &data, "--config", &config]
                        .map(String::from),
                );
            }
            Self::HubTuned => words.extend(["--listen", &listen, "--tuned"].map(String::from)),
            Self::Hub => words.extend(["--listen", &listen].map(String::from)),
            Self::Peerjs => {
                words = vec!["node".into(), path(places.root.join("bench/peerjs/server.js")), port]
            }
        }
        words
    }
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    /// The built binaries.
    pub(crate) bin: PathBuf,
}

/// A contender that runs, pinned to [`SERVER_CORE`]; ended when dropped.
pub(crate) struct Running {
    contender: Contender,
    places: Places,
    address: SocketAddr,
    dir: PathBuf,
    tls: Option<Arc<ClientConfig>>,
    child: Child,
}

impl Running {
    /// Starts it on a free port of loopback and waits until it is ready.
    pub(crate) fn start(contender: Contender, places: &Places) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let dir =
            std::env::temp_dir().join(format!("tincan-bench-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(dir.join("data"))?;
        let tls = if contender == Contender::TincanWss { Some(certify(&dir)?) } else { None };
        let child = spawn(contender, places, address, &dir)?;
        let mut running = Self { contender, places: places.clone(), address, dir, tls, child };
        running.wait_ready()?;
        Ok(running)
    }

    /// Ends it like a power cut and starts it again at the same address with the same data. Does not wait until it is
    /// ready: those who come back find out.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.contender, &self.places, self.address, &self.dir)?;
        Ok(())
    }

    pub(crate) fn contender(&self) -> Contender {
        self.contender
    }

    /// What its certificate is to be checked against, if it has one.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        self.tls.as_ref().map(|_| self.dir.join(CERT_FILE))
    }

    pub(crate) fn target(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once: {status}\n{}", self.contender.name(), self.log());
            }
            if self.is_ready().unwrap_or(false) {
                return Ok(());
            }
            if start.elapsed() > READY_WITHIN {
                bail!("{} is not ready after {READY_WITHIN:?}\n{}", self.contender.name(), self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_ready(&self) -> Result<bool> {
        let socket = TcpStream::connect_timeout(&self.address, Duration::from_millis(500))?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut stream = Stream::new(socket, self.tls.as_ref())?;
        let (path, address) = (self.contender.ready_path(), self.address);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end, and what is left is its directory.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn spawn(contender: Contender, places: &Places, address: SocketAddr, dir: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join("log"))?;
    // `taskset` becomes the server, so that the child's pid is the server's.
    Command::new("taskset")
        .args(["-c", SERVER_CORE])
        .args(contender.command(places, address, dir))
        .envs(contender.settings(dir))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", contender.name()))
}

/// Makes a certificate for `localhost` and its key in `dir`. Returns what trusts it.
fn certify(dir: &Path) -> Result<Arc<ClientConfig>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?;
    let (cert_file, key_file) = (dir.join(CERT_FILE), dir.join(KEY_FILE));
    fs::write(&cert_file, certificate.pem())?;
    let key_out = File::options().write(true).create_new(true).mode(0o600).open(key_file);
    key_out?.write_all(key.serialize_pem().as_bytes())?;
    trusting(&cert_file)
}
