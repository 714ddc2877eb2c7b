//! What is under way: frames, packets, and the events that the clock brings.
//!
//! A frame is kept once, in the world's list, and travels as its place in that list: [`tincan_proto::session::Outgoing`]
//! keeps the eight bytes of that number as it would keep the text.

use tincan_proto::call::{Act, EndReason, Media, Notice, Refusal, Snapshot};
use tincan_proto::id::{Address, CallId, UserId};

/// A client's frame.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    Request { call: CallId, to: UserId },
    Act { call: CallId, act: Act },
    Relay { call: CallId, relay: Relay },
}

/// A frame of the server.
#[derive(Clone, Debug)]
pub(crate) enum Hear {
    Notice {
        call: CallId,
        notice: Notice,
    },
    Error {
        call: CallId,
        request: bool,
        refusal: Refusal,
    },
    /// The frame could not be stored: nothing happened, send it again.
    Unavailable {
        frame: usize,
    },
    Relay {
        call: CallId,
        from: Address,
        relay: Relay,
    },
}

/// What goes between the two legs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Relay {
    Offer,
    Answer,
}

/// From a client, on one connection.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    Hello { resume: Option<Resume> },
    Frame { seq: u64, frame: usize, ack: u64 },
    Ack(u64),
}

/// The session that a client had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    pub(crate) session: u64,
    pub(crate) secret: u64,
    pub(crate) ack: u64,
}

/// From the server, on one connection.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Welcome { session: u64, secret: u64, resumed: bool, ack: u64, calls: Vec<Snapshot> },
    Frame { seq: u64, frame: usize, ack: u64 },
    Ack(u64),
    Close,
}

/// What the clock brings. Devices and connections are numbers.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A packet arrives at the server, or at the client.
    Up(usize),
    Down(usize),
    /// One side learns that a connection is dead.
    ClientNotices(usize),
    ServerNotices(usize),
    /// A client opens a connection, or gives up to wait for its welcome.
    Connect(usize),
    NoWelcome(usize),
    /// A client acknowledges what it only listened to.
    ClientAck(usize),
    ServerTimer,
    /// Faults.
    Cut(usize),
    Pause(usize, u64),
    PageCrash(usize),
    Crash,
    CrashAt(u32),
    Start,
    /// A user does something.
    Call(usize, UserId),
    Decide(usize, CallId, Wish),
    /// The time on the frame is over: a device stops ringing by itself.
    RingOut(usize, CallId),
    /// Sound, which does not go through the server.
    PathUp(CallId),
    PathDown(CallId),
    Hears(usize, CallId, Media),
    Reoffer(usize, CallId),
    /// The end of the story: first nothing bad happens any more, then everyone hangs up.
    Settle,
    Compare,
    HangUpAll,
}

/// What a user is going to do about a call, if it still makes sense then.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Accept,
    Decline,
    Busy,
    Silence,
    HangUp(EndReason),
    /// A device whose media does not come up gives up.
    GiveUp,
}
