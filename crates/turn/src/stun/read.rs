//! Reading a message.

use std::net::SocketAddr;

use super::integrity::{self, Key};
use super::{
    AttributeType, Class, FINGERPRINT_MASK, HEADER, MAGIC, Method, TransactionId, address, padded, unkind,
};

/// Why bytes are no STUN message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// Fewer than 20 bytes, no magic cookie, or the two highest bits are set.
    #[error("no STUN header")]
    Header,
    /// The length is no multiple of four, or not that of the datagram.
    #[error("the length is not that of the message")]
    Length,
    /// An attribute reaches past the end.
    #[error("an attribute reaches past the end of the message")]
    Attribute,
    /// The fingerprint is not last, or not this message's.
    #[error("the fingerprint is wrong")]
    Fingerprint,
}

/// Whether bytes begin as STUN does: for telling it from what else comes to the same port (RFC 7983).
#[must_use]
pub fn looks_like_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes[0] < 4 && bytes[4..8] == MAGIC
}

/// A message, checked: its attributes lie within it, and its fingerprint, if it has one, is right.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram, or one message of a stream.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if !looks_like_stun(bytes) {
            return Err(Malformed::Header);
        }
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if !length.is_multiple_of(4) || bytes.len() != HEADER + length {
            return Err(Malformed::Length);
        }
        let message = Self { bytes };
        let mut attributes = message.all();
        for (kind, value) in attributes.by_ref() {
            if kind == AttributeType::FINGERPRINT {
                let (before, last) = bytes.split_at(bytes.len() - 8);
                let right = crc32fast::hash(before) ^ FINGERPRINT_MASK;
                if last.as_ptr_range().end != value.as_ptr_range().end || value != right.to_be_bytes() {
                    return Err(Malformed::Fingerprint);
                }
            }
        }
        if attributes.rest.is_empty() { Ok(message) } else { Err(Malformed::Attribute) }
    }

    /// Its bytes, all of them.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// What it is in its transaction.
    #[must_use]
    pub const fn class(&self) -> Class {
        unkind(u16::from_be_bytes([self.bytes[0], self.bytes[1]])).0
    }

    /// What it is about.
    #[must_use]
    pub const fn method(&self) -> Method {
        unkind(u16::from_be_bytes([self.bytes[0], self.bytes[1]])).1
    }

    /// Its transaction.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER]);
        TransactionId(id)
    }

    /// Its attributes up to `MESSAGE-INTEGRITY`: what comes behind was not signed and counts as not there
    /// (RFC 8489 §14.5).
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        let mut signed = self.all();
        let mut length = 0;
        for (kind, value) in self.all() {
            length += 4 + padded(value.len());
            if kind == AttributeType::MESSAGE_INTEGRITY {
                break;
            }
        }
        signed.rest = &signed.rest[..length.min(signed.rest.len())];
        signed
    }

    /// Whether it ends with a fingerprint; parsed, so it is right.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.all().any(|(kind, _)| kind == AttributeType::FINGERPRINT)
    }

    /// The value of the first attribute of this type.
    #[must_use]
    pub fn get(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.attributes().find(|(other, _)| *other == kind).map(|(_, value)| value)
    }

    /// The same as text; `None` also if it is none.
    #[must_use]
    pub fn text(&self, kind: AttributeType) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok()
    }

    /// The same as a number of four bytes.
    #[must_use]
    pub fn number(&self, kind: AttributeType) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// The same as an address.
    #[must_use]
    pub fn address(&self, kind: AttributeType) -> Option<SocketAddr> {
        address::decode(self.get(kind)?, self.transaction())
    }

    /// The code of an error (RFC 8489 §14.8).
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        let [_, _, class, number, ..] = *self.get(AttributeType::ERROR_CODE)? else { return None };
        Some(u16::from(class & 7) * 100 + u16::from(number))
    }

    /// All addresses of this type, in order; `None` for one that is no address.
    pub fn addresses(&self, kind: AttributeType) -> impl Iterator<Item = Option<SocketAddr>> + use<'a> {
        let id = self.transaction();
        let values = self.attributes().filter(move |(other, _)| *other == kind);
        values.map(move |(_, value)| address::decode(value, id))
    }

    /// The types that a reader must know and that are not among `known`.
    pub fn unknown<'k>(
        &self,
        known: &'k [AttributeType],
    ) -> impl Iterator<Item = AttributeType> + use<'a, 'k> {
        let kinds = self.attributes().map(|(kind, _)| kind);
        kinds.filter(move |kind| kind.must_be_known() && !known.contains(kind))
    }

    /// Whether it is signed with `key`; `None` if it is not signed at all.
    #[must_use]
    pub fn is_signed_with(&self, key: &Key) -> Option<bool> {
        let code = self.get(AttributeType::MESSAGE_INTEGRITY)?;
        // It is the last of `attributes`. Signed is what is before it, under a length that ends with it.
        let end = HEADER + self.attributes().rest.len();
        let start = end.checked_sub(4 + integrity::LENGTH)?;
        let length = u16::try_from(end - HEADER).ok()?.to_be_bytes();
        let head = [self.bytes[0], self.bytes[1], length[0], length[1]];
        Some(code.len() == integrity::LENGTH && key.verify([&head, &self.bytes[4..start]], code))
    }

    fn all(&self) -> Attributes<'a> {
        Attributes { rest: &self.bytes[HEADER..] }
    }
}

/// Attributes in their order. Stops in front of one that is not whole.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (AttributeType, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d], rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([c, d]));
        let value = rest.get(..length)?;
        self.rest = rest.get(padded(length)..)?;
        Some((AttributeType(u16::from_be_bytes([a, b])), value))
    }
}
