//! Time-limited credentials: whoever knows the secret can check them, and nothing is stored.
//!
//! The scheme that coturn calls `use-auth-secret` and browsers' servers know as "TURN REST API": the user name begins
//! with the second at which it expires, and the password is its HMAC-SHA1 under a secret. Ours goes on with the call and
//! the user: `1700000000:<call>:<user>`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::stun::Key;

/// Makes and checks credentials. One secret makes them; those that were retired lately still check.
#[derive(Clone, Debug)]
pub struct Secrets(Vec<hmac::Key>);

/// What a user name says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Username<'a> {
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// For which call.
    pub call: &'a str,
    /// Whose it is.
    pub user: &'a str,
}

impl<'a> Username<'a> {
    /// Reads it; `None` if it is not of this form.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let expires = parts.next()?.parse().ok()?;
        let (call, user) = (parts.next()?, parts.next()?);
        (!call.is_empty() && !user.is_empty()).then_some(Self { expires, call, user })
    }
}

impl Secrets {
    /// `current` makes credentials; `retired` are still taken.
    #[must_use]
    pub fn new<'a>(current: &'a [u8], retired: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let all = std::iter::once(current).chain(retired);
        Self(all.map(|secret| hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)).collect())
    }

    /// A user name and its password.
    #[must_use]
    pub fn mint(&self, expires: u64, call: &str, user: &str) -> (String, String) {
        let username = format!("{expires}:{call}:{user}");
        let password = self.0.first().map(|key| password(key, &username)).unwrap_or_default();
        (username, password)
    }

    /// The keys that a message of this user name may be signed with, the current secret's first.
    pub fn keys<'a>(&'a self, username: &'a str, realm: &'a str) -> impl Iterator<Item = Key> + 'a {
        self.0.iter().map(move |key| Key::long_term(username, realm, &password(key, username)))
    }
}

fn password(key: &hmac::Key, username: &str) -> String {
    STANDARD.encode(hmac::sign(key, username.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};

    #[test]
    fn a_password_is_what_other_servers_make_of_the_same_secret() {
        // echo -n 1700000000:c:alice | openssl dgst -sha1 -hmac north -binary | base64
        let (username, password) = Secrets::new(b"north", []).mint(1_700_000_000, "c", "alice");
        assert_eq!(
            (username.as_str(), password.as_str()),
            ("1700000000:c:alice", "hWqCWRzPFJCV+7e3kTCmwRWqdQk=")
        );
    }

    #[test]
    fn a_retired_secret_still_checks_and_a_forgotten_one_does_not() {
        let old = Secrets::new(b"old", []);
        let (username, password) = old.mint(1, "call", "alice");
        let mut out = Vec::new();
        Writer::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([0; 12]))
            .put(AttributeType::USERNAME, username.as_bytes())
            .sign(&Key::long_term(&username, "realm", &password));
        let message = Message::parse(&out).unwrap();
        let takes = |secrets: &Secrets| {
            secrets.keys(&username, "realm").any(|key| message.is_signed_with(&key) == Some(true))
        };
        assert!(takes(&old) && takes(&Secrets::new(b"new", [&b"old"[..]])));
        assert!(!takes(&Secrets::new(b"new", [])));
    }

    #[test]
    fn a_user_name_says_when_for_what_and_whose() {
        let read = Username::parse("17:call:user:with:colons").unwrap();
        assert_eq!((read.expires, read.call, read.user), (17, "call", "user:with:colons"));
        for bad in ["", "17", "17:call", "17:call:", "17::user", "x:call:user", "-1:call:user"] {
            assert_eq!(Username::parse(bad), None, "{bad}");
        }
    }
}
