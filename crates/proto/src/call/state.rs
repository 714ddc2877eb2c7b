//! The states of a call and the reasons for its end.

use serde::{Deserialize, Serialize};

use crate::id::Address;
use crate::time::Millis;

/// Where a call stands.
///
/// ```text
/// Requested --> Delivered --> Ringing --accept--> Negotiating --both connected--> Connected
///     |             |            |                     |                           |  ^
///     |             |            |                     |                        lost  back
///     |             |            |                     |                           v  |
///     '-------------'------------'--> Ended <----------'---------------------- Reconnecting
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Opened; no device of the callee has it.
    Requested,
    /// Handed to a device of the callee; none said that it rings.
    Delivered,
    /// At least one device of the callee alerts its user.
    Ringing,
    /// Accepted; the two devices look for a path.
    Negotiating,
    /// Both devices reported media.
    Connected,
    /// Was connected; at least one device reports that media is lost.
    Reconnecting,
    /// Over, for one reason.
    Ended,
}

/// Why a call, or one leg of it, ended. A closed list: one reason for each call.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// One of the two hung up.
    HungUp,
    /// The caller gave up before anyone accepted.
    Cancelled,
    /// The callee rejected on all devices.
    Declined,
    /// The callee is in another call.
    Busy,
    /// Nobody accepted within the ring time.
    NoAnswer,
    /// No device of the callee could be rung.
    Unreachable,
    /// This leg only: another device of the same user accepted.
    AnsweredElsewhere,
    /// This leg only: another device of the same user rejected.
    DeclinedElsewhere,
    /// This request met one from the other side, which goes on.
    Glare,
    /// A newer call between the two took its place.
    Replaced,
    /// No sound path in time, or a leg said so.
    MediaFailed,
    /// A microphone could not be opened.
    UserMediaFailed,
    /// Both legs were without media too long, or a leg gave up.
    ConnectionLost,
}

impl EndReason {
    /// All of them, in the order of the table in PROTOCOL.md.
    pub const ALL: [Self; 13] = [
        Self::HungUp,
        Self::Cancelled,
        Self::Declined,
        Self::Busy,
        Self::NoAnswer,
        Self::Unreachable,
        Self::AnsweredElsewhere,
        Self::DeclinedElsewhere,
        Self::Glare,
        Self::Replaced,
        Self::MediaFailed,
        Self::UserMediaFailed,
        Self::ConnectionLost,
    ];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Unreachable => "unreachable",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::DeclinedElsewhere => "declined_elsewhere",
            Self::Glare => "glare",
            Self::Replaced => "replaced",
            Self::MediaFailed => "media_failed",
            Self::UserMediaFailed => "user_media_failed",
            Self::ConnectionLost => "connection_lost",
        }
    }
}

/// Why a callee's device rejects.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The user does not want the call.
    #[default]
    Declined,
    /// The user is in another conversation.
    Busy,
}

/// How a call ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// Who ended it; `None` when time or the server did.
    pub by: Option<Address>,
    /// When.
    pub at: Millis,
    /// How long it had been connected, in milliseconds; 0 if it never was.
    #[serde(default)]
    pub talk_ms: u64,
}
