//! Answers: what they say, and how they are written.

use std::net::SocketAddr;
use std::time::Duration;

use tincan_proto::time::Millis;

use super::allocation::Refused;
use super::request::{KNOWN, KNOWN_IN_BINDING};
use super::{Client, Host, Server};
use crate::stun::{AttributeType, Class, Key, Message, Writer};

/// What is answered.
pub(super) enum Answer {
    /// Yes, with these attributes.
    Good(Good),
    /// No.
    Bad(Bad),
}

#[derive(Clone, Copy, Default)]
pub(super) struct Good {
    pub(super) relayed: Option<SocketAddr>,
    pub(super) mapped: Option<SocketAddr>,
    pub(super) lifetime: Option<Duration>,
}

/// An error code with its word (RFC 8489 §14.8, RFC 8656 §19).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bad(pub(super) u16, &'static str);

pub(super) const BAD_REQUEST: Bad = Bad(400, "Bad Request");
pub(super) const UNAUTHENTICATED: Bad = Bad(401, "Unauthenticated");
pub(super) const FORBIDDEN: Bad = Bad(403, "Forbidden");
pub(super) const UNKNOWN_ATTRIBUTE: Bad = Bad(420, "Unknown Attribute");
pub(super) const ALLOCATION_MISMATCH: Bad = Bad(437, "Allocation Mismatch");
pub(super) const STALE_NONCE: Bad = Bad(438, "Stale Nonce");
pub(super) const FAMILY_NOT_SUPPORTED: Bad = Bad(440, "Address Family not Supported");
pub(super) const WRONG_CREDENTIALS: Bad = Bad(441, "Wrong Credentials");
pub(super) const TRANSPORT_NOT_SUPPORTED: Bad = Bad(442, "Unsupported Transport Protocol");
pub(super) const FAMILY_MISMATCH: Bad = Bad(443, "Peer Address Family Mismatch");
pub(super) const QUOTA_REACHED: Bad = Bad(486, "Allocation Quota Reached");
pub(super) const NO_CAPACITY: Bad = Bad(508, "Insufficient Capacity");

impl From<Refused> for Bad {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Taken => BAD_REQUEST,
            Refused::Full => NO_CAPACITY,
        }
    }
}

impl Server {
    /// Answers; signed if the question was.
    pub(super) fn answer(
        &mut self,
        client: Client,
        message: &Message<'_>,
        answer: Answer,
        key: Option<&Key>,
        host: &mut impl Host,
    ) {
        self.out.clear();
        let class = if matches!(answer, Answer::Good(_)) { Class::Success } else { Class::Error };
        let mut writer = Writer::new(&mut self.out, class, message.method(), message.transaction());
        match answer {
            Answer::Good(Good { relayed, mapped, lifetime }) => {
                if let Some(address) = relayed {
                    writer.address(AttributeType::XOR_RELAYED_ADDRESS, address);
                }
                if let Some(address) = mapped {
                    writer.address(AttributeType::XOR_MAPPED_ADDRESS, address);
                }
                if let Some(lifetime) = lifetime {
                    let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
                    writer.number(AttributeType::LIFETIME, seconds);
                }
            }
            Answer::Bad(Bad(code, reason)) => {
                // A word only for those who proved who they are: others might not have asked.
                writer.error(code, if key.is_some() { reason } else { "" });
                if code == UNKNOWN_ATTRIBUTE.0 {
                    let known = if key.is_some() { &KNOWN[..] } else { &KNOWN_IN_BINDING };
                    let unknown: Vec<u8> =
                        message.unknown(known).flat_map(|AttributeType(kind)| kind.to_be_bytes()).collect();
                    writer.put(AttributeType::UNKNOWN_ATTRIBUTES, &unknown);
                }
            }
        }
        if let Some(key) = key {
            writer.sign(key);
        }
        // Only to those who sent one: it makes a short answer half as long again.
        if message.has_fingerprint() {
            writer.fingerprint();
        }
        host.to_client(client, [&self.out, &[]]);
    }

    /// Answers someone who has not proven who they are: with what they need for it, and not a byte more.
    pub(super) fn challenge(
        &mut self,
        now: Millis,
        client: Client,
        message: &Message<'_>,
        Bad(code, _): Bad,
        host: &mut impl Host,
    ) {
        self.out.clear();
        let mut writer = Writer::new(&mut self.out, Class::Error, message.method(), message.transaction());
        writer.error(code, "");
        if [UNAUTHENTICATED.0, STALE_NONCE.0].contains(&code) {
            writer.put(AttributeType::REALM, self.realm.as_bytes());
            writer.put(AttributeType::NONCE, self.nonces.make(now, client.remote).as_bytes());
        }
        host.to_client(client, [&self.out, &[]]);
    }
}
