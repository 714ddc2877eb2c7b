//! What tokens are verified with.

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use super::secret::{Access, Secret, read, read_private};
use super::sections::Auth;

/// Shortest shared secret, in bytes (RFC 7518 §3.2: at least the size of the hash).
const SHORTEST_SECRET: usize = 32;
/// A real secret of that length has many more different bytes than this; `aaaa…` and `changeme…` have not.
const FEWEST_DIFFERENT_BYTES: usize = 9;

/// The key of all tokens, and with it their one algorithm.
#[derive(Clone, Debug)]
pub enum TokenKey {
    /// A shared secret, at least 32 bytes.
    Hs256(Secret<Vec<u8>>),
    /// An Ed25519 public key: its 32 bytes.
    EdDsa(Vec<u8>),
}

impl Auth {
    /// Reads the key; `None` if there is none, and so no tokens.
    ///
    /// # Errors
    /// The name of the setting, and what is wrong with its file.
    pub fn token_key(&self) -> Result<Option<TokenKey>, (&'static str, String)> {
        match (&self.token_secret_file, &self.token_public_key_file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err((
                "auth.token_secret_file",
                "set either this or auth.token_public_key_file, not both".into(),
            )),
            (Some(path), None) => read_private(path, Access::Owner)
                .and_then(|bytes| secret(bytes).map_err(|e| format!("{} {e}", path.display())))
                .map(|key| Some(TokenKey::Hs256(key)))
                .map_err(|e| ("auth.token_secret_file", e)),
            (None, Some(path)) => read(path)
                .and_then(|pem| public_key(pem).map_err(|e| format!("{} {e}", path.display())))
                .map(|key| Some(TokenKey::EdDsa(key)))
                .map_err(|e| ("auth.token_public_key_file", e)),
        }
    }
}

/// The bytes of the file up to the line ends after them.
fn secret(mut bytes: Vec<u8>) -> Result<Secret<Vec<u8>>, String> {
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err("is empty; make one with: openssl rand -base64 48".into());
    }
    if bytes.len() < SHORTEST_SECRET {
        return Err(format!("is too short: {} bytes, at least {SHORTEST_SECRET} are needed", bytes.len()));
    }
    let mut different = bytes.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < FEWEST_DIFFERENT_BYTES {
        return Err("is no random secret; make one with: openssl rand -base64 48".into());
    }
    Ok(Secret::new(bytes))
}

fn public_key(pem: Vec<u8>) -> Result<Vec<u8>, String> {
    /// RFC 8410 §4: the head of every Ed25519 public key; 32 bytes of key follow.
    const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    if String::from_utf8_lossy(&pem).contains("PRIVATE KEY") {
        return Err(
            "holds a private key; this server needs only the public one: openssl pkey -in FILE -pubout"
                .into(),
        );
    }
    let key = SubjectPublicKeyInfoDer::from_pem_slice(&pem)
        .map_err(|_| "holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)".to_owned())?;
    if key.len() != ED25519.len() + 32 || !key.starts_with(&ED25519) {
        return Err("holds a public key that is not Ed25519".into());
    }
    Ok(key[ED25519.len()..].to_vec())
}
