//! Writing a message.

use std::net::SocketAddr;

use super::integrity::{self, Key};
use super::{
    AttributeType, Class, FINGERPRINT_MASK, HEADER, MAGIC, Method, TransactionId, address, kind, padded,
};

/// Appends one message to a buffer. Its length is right after each attribute, so it may end anywhere.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    id: TransactionId,
}

impl<'a> Writer<'a> {
    /// Begins a message behind what `out` holds.
    pub fn new(out: &'a mut Vec<u8>, class: Class, method: Method, id: TransactionId) -> Self {
        let start = out.len();
        out.extend_from_slice(&kind(class, method).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&id.0);
        Self { out, start, id }
    }

    /// Adds an attribute.
    pub fn put(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        self.with(kind, |out| out.extend_from_slice(value))
    }

    /// Adds a number of four bytes.
    pub fn number(&mut self, kind: AttributeType, number: u32) -> &mut Self {
        self.put(kind, &number.to_be_bytes())
    }

    /// Adds an address, XORed.
    pub fn address(&mut self, kind: AttributeType, address: SocketAddr) -> &mut Self {
        let id = self.id;
        self.with(kind, |out| address::encode(out, address, id))
    }

    /// Adds why not: a number of three digits (RFC 8489 §14.8) and a word for the developer.
    pub fn error(&mut self, code: u16, reason: &str) -> &mut Self {
        let [class, number] = [code / 100, code % 100].map(|part| u8::try_from(part).unwrap_or(0));
        self.with(AttributeType::ERROR_CODE, |out| {
            out.extend_from_slice(&[0, 0, class, number]);
            out.extend_from_slice(reason.as_bytes());
        })
    }

    /// Signs everything so far. Only a fingerprint may follow.
    pub fn sign(&mut self, key: &Key) -> &mut Self {
        self.set_length(4 + integrity::LENGTH);
        let code = key.sign([&self.out[self.start..], &[]]);
        self.put(AttributeType::MESSAGE_INTEGRITY, &code)
    }

    /// Ends with a checksum, which tells STUN from whatever else a port may carry.
    pub fn fingerprint(&mut self) -> &mut Self {
        self.set_length(8);
        let sum = crc32fast::hash(&self.out[self.start..]) ^ FINGERPRINT_MASK;
        self.number(AttributeType::FINGERPRINT, sum)
    }

    fn with(&mut self, kind: AttributeType, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.out.extend_from_slice(&kind.0.to_be_bytes());
        self.out.extend_from_slice(&[0, 0]);
        let value = self.out.len();
        write(self.out);
        let length = self.out.len() - value;
        self.out[value - 2..value].copy_from_slice(&short(length).to_be_bytes());
        // Zeros: what lay in the buffer before is nobody's business (CVE-2020-4067).
        self.out.resize(value + padded(length), 0);
        self.set_length(0);
        self
    }

    /// Says that the message is as long as it is, and `more`.
    fn set_length(&mut self, more: usize) {
        let length = short(self.out.len() - self.start - HEADER + more);
        self.out[self.start + 2..self.start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// What we write never comes near 64 KiB.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
