//! Names: users, devices, calls, and the address of a device.
//!
//! Every name is checked once, where it enters (`parse`), and is plain ASCII that needs no escaping in JSON, in a log
//! line or in a URL. There is no other way to make one.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Most characters of a user's or a device's name.
pub const NAME_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, or longer than [`NAME_MAX`] characters.
    #[error("a name has 1 to {NAME_MAX} characters")]
    Length,
    /// A character outside `A–Z a–z 0–9 . _ -`.
    #[error("a name has only the characters A-Z a-z 0-9 . _ -")]
    Character,
    /// An address that is not `user/device`.
    #[error("an address is written user/device")]
    Address,
    /// A call id that is not 22 characters of base64url.
    #[error("a call id is 16 bytes as 22 characters of base64url")]
    CallId,
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() || text.len() > NAME_MAX {
        return Err(NameError::Length);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.bytes().all(plain) { Ok(()) } else { Err(NameError::Character) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text: 1 to 64 characters of `A–Z a–z 0–9 . _ -`.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }
    };
}

/// Reads a name from its text.
fn read<'de, T: FromStr<Err = NameError>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err = NameError>> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

name! {
    /// A user's name.
    UserId
}

name! {
    /// The name of one of a user's devices: one browser profile or app.
    DeviceId
}

/// A user's name where it stands in a frame: checked as a [`UserId`] is, and not copied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserName<'a>(Cow<'a, str>);

impl UserName<'_> {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to keep.
    #[must_use]
    pub fn to_id(&self) -> UserId {
        UserId(self.as_str().into())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for UserName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> de::Visitor<'de> for Text {
            type Value = UserName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<UserName<'de>, E> {
                check(text).map_err(E::custom)?;
                Ok(UserName(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UserName<'de>, E> {
                check(text).map_err(E::custom)?;
                Ok(UserName(text.to_owned().into()))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// One device of one user, written `user/device`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address {
    /// Whose device it is.
    pub user: UserId,
    /// Which of the user's devices.
    pub device: DeviceId,
}

impl FromStr for Address {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (user, device) = text.split_once('/').ok_or(NameError::Address)?;
        Ok(Self { user: user.parse()?, device: device.parse()? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.user.as_str())?;
        f.write_str("/")?;
        f.write_str(self.device.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Where a person may read along, `user/device`; between ourselves, its two parts.
impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (&self.user, &self.device).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read(deserializer);
        }
        let (user, device) = Deserialize::deserialize(deserializer)?;
        Ok(Self { user, device })
    }
}

/// A call's id: 16 random bytes, written as 22 characters of base64url (RFC 4648 §5).
///
/// The caller makes it, so that a request sent twice is one call. It carries no time: nobody wins a glare by their clock.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId([u8; 16]);

impl CallId {
    /// The id made of these random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for CallId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 16];
        if text.len() != 22 {
            return Err(NameError::CallId);
        }
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(NameError::CallId),
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 22];
        let _ = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// As for an address: text, or its 16 bytes.
impl Serialize for CallId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read(deserializer);
        }
        Deserialize::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_plain_ascii() {
        for good in ["a", "clientA", "bob.smith-2_x", &"x".repeat(64)] {
            assert!(good.parse::<UserId>().is_ok(), "{good}");
        }
        for bad in ["", &"x".repeat(65), "a/b", "a b", "é", "a\u{202e}b", "a\0", "<b>", "\"", "a\n"] {
            assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_user_and_device() {
        let address: Address = "bob/phone".parse().unwrap();
        assert_eq!((address.user.as_str(), address.device.as_str()), ("bob", "phone"));
        for bad in ["bob", "bob/", "/phone", "bob/phone/2"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_call_id_reads_back_as_written() {
        let id = CallId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA+", "AAAAAAAAAAAAAAAAAAAAAB"]
        {
            assert!(bad.parse::<CallId>().is_err(), "{bad}");
        }
    }
}
