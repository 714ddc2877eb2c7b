//! What proves that a message comes from someone who knows the password (RFC 8489 §9.2, §14.5).

use aws_lc_rs::{constant_time, hmac};
use md5::{Digest as _, Md5};

/// Bytes of `MESSAGE-INTEGRITY`.
pub(super) const LENGTH: usize = 20;

/// A long-term credential, ready for use: `MD5(username ":" realm ":" password)` as the key of HMAC-SHA1.
///
/// MD5 and SHA-1 because browsers know nothing else here. What they protect is a short-lived permission to relay, made
/// by a server-side secret of its own.
#[derive(Clone, Debug)]
pub struct Key(hmac::Key);

impl Key {
    /// The long-term key of RFC 8489 §9.2.2.
    #[must_use]
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        let mut hash = Md5::new();
        for part in [username, ":", realm, ":", password] {
            hash.update(part.as_bytes());
        }
        Self::new(&hash.finalize())
    }

    /// The short-term key of RFC 8489 §9.1.1: the password itself.
    #[must_use]
    pub fn short_term(password: &str) -> Self {
        Self::new(password.as_bytes())
    }

    fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, bytes))
    }

    /// The code over `parts` in a row.
    pub(super) fn sign(&self, parts: [&[u8]; 2]) -> [u8; LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
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
