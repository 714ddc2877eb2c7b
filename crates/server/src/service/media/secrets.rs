//! The secrets that the relay's credentials are made with: a file of one line, or of two while they change.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tincan_turn::credential::Secrets as Minting;
use tokio::signal::unix::{SignalKind, signal};

use super::Relay;
use crate::config::{Access, plain, read_private};

/// Shortest secret, in bytes.
const SHORTEST: usize = 16;

/// Why there is no secret. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read, or others can read it.
    #[error("{0}")]
    Unreadable(String),
    /// There is something else in it.
    #[error("{} must have one or two lines of at least {SHORTEST} characters; remove it to have one made", .0.display())]
    Unfit(PathBuf),
    /// It cannot be made.
    #[error("{} cannot be made: {}", .0.display(), plain(.1))]
    Unmade(PathBuf, std::io::Error),
}

/// The secrets in use. Clones share them.
#[derive(Clone)]
pub struct Secrets {
    path: PathBuf,
    current: Arc<ArcSwap<Minting>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Reads the file, and makes it if it is not there.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        if !path.exists() {
            make(path).map_err(|error| SecretError::Unmade(path.to_owned(), error))?;
        }
        let current = Arc::new(ArcSwap::from_pointee(Self::read(path)?));
        Ok(Self { path: path.to_owned(), current })
    }

    /// Reads a file of secrets.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(path: &Path) -> Result<Minting, SecretError> {
        let bytes = read_private(path, Access::Owner).map_err(SecretError::Unreadable)?;
        let lines: Vec<&[u8]> =
            bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
        match lines[..] {
            [first] if first.len() >= SHORTEST => Ok(Minting::new(first, [])),
            [first, second] if first.len().min(second.len()) >= SHORTEST => Ok(Minting::new(first, [second])),
            _ => Err(SecretError::Unfit(path.to_owned())),
        }
    }

    /// One that is in no file.
    #[cfg(test)]
    pub(super) fn of(secret: &[u8]) -> Self {
        let current = Arc::new(ArcSwap::from_pointee(Minting::new(secret, [])));
        Self { path: PathBuf::new(), current }
    }

    /// What makes credentials now, and checks them.
    #[must_use]
    pub fn current(&self) -> Minting {
        (**self.current.load()).clone()
    }

    /// Reads the file again on SIGHUP, and tells the relay; never ends. What is wrong then leaves the old ones in use.
    pub(super) async fn watch(self, relay: Relay) {
        let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
        while hangups.recv().await.is_some() {
            match Self::read(&self.path) {
                Ok(minting) => {
                    self.current.store(Arc::new(minting.clone()));
                    relay.rotate(minting);
                    tracing::info!("the relay's secrets were read again");
                }
                Err(error) => {
                    tracing::error!(%error, "the relay's secrets cannot be read; the old ones stay in use")
                }
            }
        }
    }
}

fn make(path: &Path) -> std::io::Result<()> {
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| std::io::Error::other("there is no randomness"))?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(random))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turn.secret");
        let minted = |secrets: &Secrets| secrets.current().mint(1, "call", "alice");
        let first = minted(&Secrets::open(&path).unwrap());
        assert_eq!(minted(&Secrets::open(&path).unwrap()), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert_ne!(minted(&Secrets::open(&path).unwrap()), first);
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turn.secret");
        for text in [
            "",
            "short\n",
            "long enough, but\nshort\n",
            "1234567890123456\n1234567890123456\n1234567890123456\n",
        ] {
            let mut file = fs::OpenOptions::new();
            let file = file.write(true).create(true).truncate(true).mode(0o600).open(&path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
            let said = Secrets::open(&path).unwrap_err().to_string();
            assert!(said.contains("one or two lines"), "{said}");
        }
    }
}
