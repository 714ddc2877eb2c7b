//! STUN messages (RFC 8489 §5, §14): a header of 20 bytes and a list of attributes.
//!
//! Reading borrows: a [`Message`] is the datagram it came in, checked once. Writing appends to a buffer that the caller
//! keeps. Integrity is the long-term credential of RFC 8489 §9.2 with MD5 and HMAC-SHA1, which is what browsers speak.

mod address;
mod integrity;
mod read;
mod write;

pub use integrity::Key;
pub use read::{Attributes, Malformed, Message, looks_like_stun};
pub use write::Writer;

/// Bytes of a header.
pub const HEADER: usize = 20;

/// Where a header says that this is STUN.
const MAGIC: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// What a fingerprint's checksum is XORed with (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554E;

/// Tells a transaction from all others of the same client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TransactionId(pub [u8; 12]);

/// What a message is in its transaction (RFC 8489 §5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// A good answer.
    Success,
    /// A bad one; says why in `ERROR-CODE`.
    Error,
}

/// What a message is about. The numbers are those of RFC 8489 §18.2 and RFC 8656 §17.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Method(u16);

impl Method {
    /// What is my address?
    pub const BINDING: Self = Self(0x001);
    /// Give me a relayed address.
    pub const ALLOCATE: Self = Self(0x003);
    /// Keep it, or give it back.
    pub const REFRESH: Self = Self(0x004);
    /// Send this to a peer. Indication.
    pub const SEND: Self = Self(0x006);
    /// A peer sent this. Indication.
    pub const DATA: Self = Self(0x007);
    /// Let these peers through.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// Call this peer by a number.
    pub const CHANNEL_BIND: Self = Self(0x009);

    /// The method of this number: 12 bits.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number < 0x1000 { Some(Self(number)) } else { None }
    }
}

/// The first two bytes of a message: method and class, interleaved (RFC 8489 §5, figure 3).
const fn kind(class: Class, Method(method): Method) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    (method & 0x000F) | (method & 0x0070) << 1 | (method & 0x0F80) << 2 | class
}

/// The class and method that the first two bytes stand for; the two highest bits are zero in STUN.
const fn unkind(kind: u16) -> (Class, Method) {
    let class = match kind & 0x0110 {
        0x0000 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    };
    (class, Method(kind & 0x000F | (kind >> 1) & 0x0070 | (kind >> 2) & 0x0F80))
}

/// The type of an attribute. A reader must know those below 0x8000 or say that it does not.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AttributeType(pub u16);

impl AttributeType {
    /// Who asks.
    pub const USERNAME: Self = Self(0x0006);
    /// HMAC-SHA1 over everything before it.
    pub const MESSAGE_INTEGRITY: Self = Self(0x0008);
    /// Why not.
    pub const ERROR_CODE: Self = Self(0x0009);
    /// Types that were not understood.
    pub const UNKNOWN_ATTRIBUTES: Self = Self(0x000A);
    /// A channel's number.
    pub const CHANNEL_NUMBER: Self = Self(0x000C);
    /// For how many seconds.
    pub const LIFETIME: Self = Self(0x000D);
    /// The other end of a relay.
    pub const XOR_PEER_ADDRESS: Self = Self(0x0012);
    /// What was relayed.
    pub const DATA: Self = Self(0x0013);
    /// What the credentials belong to.
    pub const REALM: Self = Self(0x0014);
    /// Proves that an answer is to a question of ours.
    pub const NONCE: Self = Self(0x0015);
    /// The relayed address.
    pub const XOR_RELAYED_ADDRESS: Self = Self(0x0016);
    /// IPv4 or IPv6.
    pub const REQUESTED_ADDRESS_FAMILY: Self = Self(0x0017);
    /// Asks for an even port, and the next one too.
    pub const EVEN_PORT: Self = Self(0x0018);
    /// What is spoken to the peer: UDP.
    pub const REQUESTED_TRANSPORT: Self = Self(0x0019);
    /// Asks not to fragment.
    pub const DONT_FRAGMENT: Self = Self(0x001A);
    /// The address that the request came from.
    pub const XOR_MAPPED_ADDRESS: Self = Self(0x0020);
    /// A port that was reserved by `EVEN-PORT`.
    pub const RESERVATION_TOKEN: Self = Self(0x0022);
    /// Asks for both families (RFC 8656 §18.11).
    pub const ADDITIONAL_ADDRESS_FAMILY: Self = Self(0x8000);
    /// What program this is.
    pub const SOFTWARE: Self = Self(0x8022);
    /// CRC-32 over everything before it.
    pub const FINGERPRINT: Self = Self(0x8028);

    /// Whether a reader that does not know it must refuse the message.
    #[must_use]
    pub const fn must_be_known(self) -> bool {
        self.0 < 0x8000
    }
}

/// The length of a value with the padding behind it: attributes begin at multiples of four.
const fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests;
