//! Nonces that nothing has to remember (RFC 8489 §9.2): the minute they were made in, and a proof that it was us who made
//! them, for this client.

use std::net::SocketAddr;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tincan_proto::time::Millis;

/// How long a nonce is taken, in minutes.
const FRESH: u32 = 60;

/// Bytes of a nonce before it is written as text: three of time, six of proof. An answer to someone who proved nothing
/// yet must stay small, and six bytes that are worth an hour and one address are not worth guessing.
const TIME: usize = 3;
const PROOF: usize = 6;

/// Makes and checks nonces.
#[derive(Debug)]
pub(super) struct Nonces(hmac::Key);

impl Nonces {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// A nonce for `client`: 12 characters.
    pub(super) fn make(&self, now: Millis, client: SocketAddr) -> String {
        self.at(minute(now), client)
    }

    /// Whether `nonce` was made for `client`, not long ago.
    pub(super) fn is_fresh(&self, now: Millis, client: SocketAddr, nonce: &[u8]) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
        let Some(&[a, b, c]) = bytes.first_chunk::<TIME>() else { return false };
        let made = u32::from_be_bytes([0, a, b, c]);
        let age = minute(now).wrapping_sub(made) & 0x00FF_FFFF;
        let right = self.at(made, client);
        age < FRESH && constant_time::verify_slices_are_equal(right.as_bytes(), nonce).is_ok()
    }

    fn at(&self, minute: u32, client: SocketAddr) -> String {
        let [_, time @ ..] = minute.to_be_bytes();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&time);
        context.update(client.to_string().as_bytes());
        let mut bytes = [0; TIME + PROOF];
        bytes[..TIME].copy_from_slice(&time);
        bytes[TIME..].copy_from_slice(&context.sign().as_ref()[..PROOF]);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Minutes since 1970, as far as three bytes go.
fn minute(now: Millis) -> u32 {
    u32::try_from(now.0 / 60_000 % 0x0100_0000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    #[test]
    fn a_nonce_is_good_for_an_hour_and_for_one_client() {
        let nonces = Nonces::new([1; 32]);
        let [client, other]: [SocketAddr; 2] =
            ["192.0.2.1:1".parse().unwrap(), "192.0.2.1:2".parse().unwrap()];
        let nonce = nonces.make(NOW, client);
        assert_eq!(nonce.len(), 12);
        let at = |minutes: u64| Millis(NOW.0 + minutes * 60_000);
        assert!(nonces.is_fresh(NOW, client, nonce.as_bytes()));
        assert!(nonces.is_fresh(at(59), client, nonce.as_bytes()));
        assert!(!nonces.is_fresh(at(60), client, nonce.as_bytes()));
        assert!(!nonces.is_fresh(Millis(NOW.0 - 60_000), client, nonce.as_bytes()), "it is from the future");
        assert!(!nonces.is_fresh(NOW, other, nonce.as_bytes()));
        assert!(!Nonces::new([2; 32]).is_fresh(NOW, client, nonce.as_bytes()));
    }

    #[test]
    fn what_is_no_nonce_is_not_fresh() {
        let (nonces, client) = (Nonces::new([1; 32]), "192.0.2.1:1".parse().unwrap());
        let good = nonces.make(NOW, client);
        for bad in ["", "A", "????????????", &good[..11], &format!("{good}A"), &good.replace(&good[11..], "")]
        {
            assert!(!nonces.is_fresh(NOW, client, bad.as_bytes()), "{bad}");
        }
    }
}
