//! Who someone is: access tokens, and the random texts that nobody guesses.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use tincan_proto::id::{CallId, UserId};

use crate::config::TokenKey;

/// Clocks may differ by this much.
const LEEWAY_S: u64 = 60;

/// Longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 8 * 1024;

/// Checks access tokens: one key and one algorithm, so that a token cannot choose.
pub struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
}

impl Tokens {
    /// Tokens signed with `key`, for `audience`.
    #[must_use]
    pub fn new(key: &TokenKey, audience: &str) -> Self {
        let (key, algorithm) = match key {
            TokenKey::Hs256(secret) => (DecodingKey::from_secret(secret.expose()), Algorithm::HS256),
            TokenKey::EdDsa(public) => (DecodingKey::from_ed_der(public), Algorithm::EdDSA),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Self { key, validation }
    }

    /// The user whom a token names.
    ///
    /// # Errors
    /// A sentence for the developer. It tells nothing about the key.
    pub fn verify(&self, token: &str) -> Result<UserId, &'static str> {
        use jsonwebtoken::errors::ErrorKind;
        if token.len() > TOKEN_MAX {
            return Err("the token is too long");
        }
        let claims =
            decode::<Claims>(token, &self.key, &self.validation).map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => "the token has expired",
                ErrorKind::ImmatureSignature => "the token is not valid yet",
                ErrorKind::InvalidAudience => "the token is for another audience",
                ErrorKind::MissingRequiredClaim(_) => "the token needs the claims exp, aud and sub",
                _ => "the token is not valid here",
            })?;
        Ok(claims.claims.sub)
    }
}

/// A call id that nobody guesses.
pub(super) fn random_call() -> CallId {
    CallId::from_bytes(random())
}

/// 128 random bits as text.
pub(super) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The system's generator fails only where nothing else works either; an all-zero secret must never be the answer.
    if rand::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}
