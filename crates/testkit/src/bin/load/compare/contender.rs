//! The servers that are compared: what each can do, and how it is started.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Where a contender's certificate and key lie in its folder, and the secret of its relay.
pub(crate) const CERT_FILE: &str = "cert.pem";
pub(crate) const KEY_FILE: &str = "key.pem";
pub(crate) const SECRET_FILE: &str = "data/turn.secret";

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
    /// The TURN server that most use.
    Coturn,
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
            Self::Coturn => "coturn",
        }
    }

    /// As `load --dialect` spells it; `None` if it does no signaling.
    pub(crate) fn dialect(self) -> Option<&'static str> {
        match self {
            Self::Tincan | Self::TincanWss | Self::HubTuned | Self::Hub => Some("seed"),
            Self::TincanV2 => Some("v2"),
            Self::Peerjs => Some("peerjs"),
            Self::Coturn => None,
        }
    }

    /// Whether its relay is measured.
    pub(crate) fn relays(self) -> bool {
        matches!(self, Self::Tincan | Self::Coturn)
    }

    /// The path that answers 200 once the server is ready; `None` if it speaks no HTTP.
    pub(crate) fn ready_path(self) -> Option<&'static str> {
        match self {
            Self::Tincan | Self::TincanWss | Self::TincanV2 | Self::HubTuned | Self::Hub => Some("/ready"),
            Self::Peerjs => Some("/"),
            Self::Coturn => None,
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
            // Where Debian puts it.
            Self::Coturn => "/usr/bin/turnserver".into(),
        }
    }

    /// What it is told by its environment.
    pub(crate) fn settings(self, listen: SocketAddr, dir: &Path) -> Vec<(&'static str, String)> {
        let path = |file: &str| dir.join(file).to_string_lossy().into_owned();
        let mut settings = Vec::new();
        if self.is_tincan() {
            settings.push(("TINCAN_MEDIA__LISTEN", listen.to_string()));
        }
        if self == Self::TincanWss {
            settings.push(("TINCAN_TLS__CERT_FILE", path(CERT_FILE)));
            settings.push(("TINCAN_TLS__KEY_FILE", path(KEY_FILE)));
        }
        settings
    }

    /// What it finds in its folder.
    pub(crate) fn prepare(self, listen: SocketAddr, dir: &Path) -> io::Result<()> {
        if self == Self::Coturn {
            let mut random = [0; 16];
            File::open("/dev/urandom")?.read_exact(&mut random)?;
            let secret = format!("{:032x}", u128::from_be_bytes(random));
            write_private(&dir.join(SECRET_FILE), &secret)?;
            write_private(&dir.join("turnserver.conf"), &coturn(listen, dir, &secret))?;
        }
        Ok(())
    }

    pub(crate) fn command(self, places: &Places, listen: SocketAddr, dir: &Path) -> Vec<String> {
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
            Self::Coturn => words.extend(["-c".into(), path(dir.join("turnserver.conf"))]),
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

/// Its settings: as it comes, but for what a test on loopback needs, and with one thread for its relays. It has one core here;
/// with its default, a thread for each core of the machine, packets cost as much and wait longer.
fn coturn(listen: SocketAddr, dir: &Path, secret: &str) -> String {
    let (ip, port, dir) = (listen.ip(), listen.port(), dir.display());
    format!(
        "listening-ip={ip}\nrelay-ip={ip}\nlistening-port={port}\nallow-loopback-peers\nno-tls\nno-dtls\nno-cli\n\
        use-auth-secret\nstatic-auth-secret={secret}\nrealm=bench\nrelay-threads=1\nuserdb={dir}/turndb\n\
        pidfile={dir}/pid\nlog-file=stdout\n"
    )
}

/// Writes a file that nobody else may read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
