//! A STUN and TURN server without the sockets: bytes and the time go in, bytes and wishes come out.
//!
//! ```text
//! stun        messages: reading without copying, writing into a caller's buffer, integrity, fingerprint  (RFC 8489)
//! channel     ChannelData, and the framing of both on a stream                                           (RFC 8656 §12)
//! credential  time-limited user names and their passwords
//! policy      which peers may be relayed to
//! server      who has which relayed address, and what may pass through it                                (RFC 8656)
//! ```
//!
//! Not here: sockets, clocks, tasks, and whose call it is.

pub mod channel;
pub mod credential;
pub mod policy;
pub mod server;
pub mod stun;
