//! Error codes and close codes: one table each, from which the SDK's and PROTOCOL.md's are checked.

/// What an `error` frame says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
}

/// Why the server closes a connection (RFC 6455 §7.4; 4000–4499 ask the client to reconnect, 4500–4999 not to).
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
}
