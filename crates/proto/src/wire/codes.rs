//! Error codes and close codes: one table each, from which the SDK's and PROTOCOL.md's are checked.

use serde::{Deserialize, Serialize};

use crate::call::Refusal;

/// What an `error` frame says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not a JSON object of the protocol's shape.
    BadFrame,
    /// No such type in this version.
    UnknownType,
    /// `data` is over its limit.
    TooLarge,
    /// The first frame must be `hello`.
    HelloRequired,
    /// The token is missing, wrong or expired.
    Unauthorized,
    /// This identity may not do that.
    Forbidden,
    /// No live call of this device has that id.
    NoSuchCall,
    /// The call is not in a state for that.
    BadState,
    /// Another device was first.
    AlreadyAnswered,
    /// This device has a live call.
    AlreadyInCall,
    /// Slow down.
    RateLimited,
    /// It could not be stored; nothing happened.
    Unavailable,
}

impl ErrorCode {
    /// All of them, in the order of PROTOCOL.md.
    pub const ALL: [Self; 12] = [
        Self::BadFrame,
        Self::UnknownType,
        Self::TooLarge,
        Self::HelloRequired,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NoSuchCall,
        Self::BadState,
        Self::AlreadyAnswered,
        Self::AlreadyInCall,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::UnknownType => "unknown_type",
            Self::TooLarge => "too_large",
            Self::HelloRequired => "hello_required",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NoSuchCall => "no_such_call",
            Self::BadState => "bad_state",
            Self::AlreadyAnswered => "already_answered",
            Self::AlreadyInCall => "already_in_call",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    /// What it means and what to do about it, for the developer of a client.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::BadFrame => "not a JSON object of the protocol's shape; mend the client",
            Self::UnknownType => "no such type in this version",
            Self::TooLarge => "`data` is over its limit (4 KiB in `call-request`)",
            Self::HelloRequired => "the first frame must be `hello`",
            Self::Unauthorized => "the token is missing, wrong or expired: fetch a new one",
            Self::Forbidden => "this identity may not do that",
            Self::NoSuchCall => "no live call of this device has that id; drop it",
            Self::BadState => "the call is not in a state for that frame",
            Self::AlreadyAnswered => "another device was first",
            Self::AlreadyInCall => "this device has a live call: end it first",
            Self::RateLimited => "slow down; `retry_ms` says for how long",
            Self::Unavailable => "the server could not store it; nothing happened, send it again",
        }
    }
}

impl From<Refusal> for ErrorCode {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchCall => Self::NoSuchCall,
            Refusal::BadState => Self::BadState,
            Refusal::AlreadyAnswered => Self::AlreadyAnswered,
            Refusal::AlreadyInCall => Self::AlreadyInCall,
        }
    }
}

/// Why the server closes a connection (RFC 6455 §7.4; 4000–4499 ask the client to reconnect, 4500–4999 not to reconnect
/// with what it has).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CloseCode {
    /// The client closed, and we answer.
    Normal,
    /// Not RFC 6455.
    ProtocolError,
    /// A binary message.
    Unsupported,
    /// Not UTF-8, or on v1 not a v1 frame.
    NotText,
    /// Over [`super::FRAME_MAX`].
    TooBig,
    /// The server goes down or restarts.
    Restart,
    /// A `seq` was skipped.
    Gap,
    /// The client does not read, or does not acknowledge.
    Slow,
    /// Nothing was heard, not even a pong.
    Idle,
    /// No `hello` in time.
    HelloTimeout,
    /// Too many frames in spite of errors.
    RateLimited,
    /// The token was refused.
    Unauthorized,
    /// This way of connecting is switched off.
    Forbidden,
    /// A newer connection of this device took over.
    Replaced,
    /// Too many bad frames.
    Misbehaved,
}

impl CloseCode {
    /// All of them, in the order of PROTOCOL.md.
    pub const ALL: [Self; 15] = [
        Self::Normal,
        Self::ProtocolError,
        Self::Unsupported,
        Self::NotText,
        Self::TooBig,
        Self::Restart,
        Self::Gap,
        Self::Slow,
        Self::Idle,
        Self::HelloTimeout,
        Self::RateLimited,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Replaced,
        Self::Misbehaved,
    ];

    /// The number and the name on the wire.
    #[must_use]
    pub const fn parts(self) -> (u16, &'static str) {
        match self {
            Self::Normal => (1000, "normal"),
            Self::ProtocolError => (1002, "protocol_error"),
            Self::Unsupported => (1003, "unsupported"),
            Self::NotText => (1007, "not_text"),
            Self::TooBig => (1009, "too_big"),
            Self::Restart => (1012, "restart"),
            Self::Gap => (4007, "gap"),
            Self::Slow => (4008, "slow"),
            Self::Idle => (4010, "idle"),
            Self::HelloTimeout => (4011, "hello_timeout"),
            Self::RateLimited => (4029, "rate_limited"),
            Self::Unauthorized => (4501, "unauthorized"),
            Self::Forbidden => (4503, "forbidden"),
            Self::Replaced => (4509, "replaced"),
            Self::Misbehaved => (4520, "misbehaved"),
        }
    }

    /// What a client does about it.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Restart | Self::Gap | Self::Slow | Self::Idle | Self::HelloTimeout | Self::RateLimited => {
                Remedy::Reconnect
            }
            Self::Unauthorized => Remedy::NewToken,
            Self::ProtocolError | Self::Unsupported | Self::NotText | Self::TooBig => Remedy::Mend,
            Self::Normal | Self::Forbidden | Self::Replaced | Self::Misbehaved => Remedy::Stop,
        }
    }
}

/// What a client does after a close.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// Reconnects, and resumes where it can.
    Reconnect,
    /// Fetches a new token and reconnects with it.
    NewToken,
    /// Does not reconnect.
    Stop,
    /// Sends no more of the same: the client has a fault that its developer mends.
    Mend,
}

impl Remedy {
    /// The word in the SDK's table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::NewToken => "new_token",
            Self::Stop => "stop",
            Self::Mend => "mend",
        }
    }
}
