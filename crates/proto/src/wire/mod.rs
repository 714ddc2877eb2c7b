//! The frames of the protocol. `docs/PROTOCOL.md` is the normative text; its examples are read by this crate's tests.
//!
//! Reading borrows: a frame's `data` stays the slice of text that arrived, checked to be JSON but never built into a
//! tree. Writing stamps: `from` comes from the session, and every other member is written by us, so nothing but `data`
//! passes from one client to another.

mod client;
mod codes;
mod payload;
mod private;
mod server;
mod strict;
#[cfg(test)]
mod typescript;
mod v1;

pub use client::{Body, ClientFrame, FrameError, Hello, Identity, Resume, parse};
pub use codes::{CloseCode, ErrorCode, Remedy};
pub use private::tells_an_address;
pub use server::{ServerFrame, Welcome, write_ice_servers};
pub use v1::{V1Frame, V1Type, parse_v1, write_v1};

/// The WebSocket subprotocol that a v2 client asks for.
pub const SUBPROTOCOL: &str = "tincan.v2";

/// Largest frame, in bytes.
pub const FRAME_MAX: usize = 64 * 1024;

/// Largest `data` of a `call-request`, in bytes.
pub const REQUEST_DATA_MAX: usize = 4 * 1024;

/// Deepest nesting of a frame.
pub const DEPTH_MAX: usize = 32;

/// A frame that goes to the other leg as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relay {
    /// An SDP offer.
    Offer,
    /// An SDP answer.
    Answer,
    /// One ICE candidate.
    Candidate,
    /// A list of ICE candidates.
    Candidates,
    /// How the leg is.
    Update,
}

impl Relay {
    /// Its `type` in v2.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::Candidates => "candidates",
            Self::Update => "call-update",
        }
    }
}

/// Whether `text` nests deeper than [`DEPTH_MAX`].
///
/// Most frames have fewer brackets than that in all, and counting them is quick; only the others are looked at closely.
fn too_deep(text: &str) -> bool {
    // The two differ in one bit. Summed in bytes, a chunk at a time, so that the compiler counts many at once.
    let opens = |chunk: &[u8]| usize::from(chunk.iter().map(|b| u8::from(b | 0x20 == b'{')).sum::<u8>());
    if text.as_bytes().chunks(255).map(opens).sum::<usize>() <= DEPTH_MAX {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for b in text.bytes() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn depth_counts_nesting_and_not_brackets() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(!too_deep(&nested(32)));
        assert!(too_deep(&nested(33)));
        assert!(!too_deep(&format!("[{}0]", "[],".repeat(1000))));
        assert!(!too_deep(&format!("{{\"a\":\"{}\\\"[\"}}", "[".repeat(1000))));
    }
}
