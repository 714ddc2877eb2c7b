//! Tincan's signaling language and every decision about a call.
//!
//! Pure: no clock, socket, task, lock or randomness. Time and random bytes are arguments, so everything here is tested
//! without I/O and replays from a seed.
//!
//! - [`wire`]: the frames of the protocol (`docs/PROTOCOL.md`), its error and close codes.
//! - [`websocket`]: RFC 6455 framing, without the socket.
//! - [`call`]: the call machine and the desk of all live calls.
//! - [`session`]: numbering, acknowledgement and resume.
//! - [`quality`]: what is measured of a call.
//! - [`limit`]: how often something may happen.
#![deny(missing_docs)]

pub mod call;
pub mod id;
pub mod limit;
pub mod quality;
pub mod session;
pub mod time;
pub mod websocket;
pub mod wire;
