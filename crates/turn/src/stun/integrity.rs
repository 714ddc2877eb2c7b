//! What proves that a message comes from someone who knows the password (RFC 8489 §9.2, §14.5).

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use md5::{Digest as _, Md5};

/// Bytes of `MESSAGE-INTEGRITY`.
pub(super) const LENGTH: usize = 20;

/// A credential as the key of HMAC-SHA1; a long-term one is `MD5(username ":" realm ":" password)`.
///
/// Each relay keeps one and rarely needs it, so it is kept as bytes: made ready for use it takes 1.2 KB.
///
/// MD5 and SHA-1 because browsers know nothing else here. What they protect is a short-lived permission to relay, made
/// by a server-side secret of its own.
#[derive(Clone)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The long-term key of RFC 8489 §9.2.2.
    #[must_use]
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        let mut hash = Md5::new();
        for part in [username, ":", realm, ":", password] {
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().as_slice().into())
    }

    /// The short-term key of RFC 8489 §9.1.1: the password itself.
    #[must_use]
    pub fn short_term(password: &str) -> Self {
        Self(password.as_bytes().into())
    }

    /// The code over `parts` in a row.
    pub(super) fn sign(&self, parts: [&[u8]; 2]) -> [u8; LENGTH] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        let mut code = [0; LENGTH];
        code.copy_from_slice(context.sign().as_ref());
        code
    }

    /// Whether `code` is the one over `parts`; in a time that tells nothing of where it is not.
    pub(super) fn verify(&self, parts: [&[u8]; 2], code: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.sign(parts), code).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
