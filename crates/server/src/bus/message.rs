//! What is said on the bus: commands ask for something, events tell what is so.

use tincan_proto::call::{Act, Effect, Snapshot};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::wire::ErrorCode;

use super::Said;

/// Asks the call service for something, in the name of a device.
#[derive(Clone, Debug)]
pub struct Command {
    /// The device: its session's address.
    pub from: Address,
    /// The client's name for the frame that caused it, to be named if it is refused.
    pub re: Option<Box<str>>,
    /// What it asks.
    pub kind: CommandKind,
}

impl Said for Command {
    /// To [`CommandKind::Online`]: the device's live calls.
    type Answer = Vec<Snapshot>;
}

/// What is asked of the call service.
#[derive(Clone, Debug)]
pub enum CommandKind {
    /// Open a call.
    Request {
        /// Its id.
        call: CallId,
        /// Whom to ring.
        to: UserId,
        /// For the ringing devices: a JSON text, or empty.
        data: Box<str>,
        /// The caller drops a call it has with someone else: v1 has no way to be told that it must.
        moves_on: bool,
    },
    /// Do something in a call.
    Act {
        /// The call.
        call: CallId,
        /// What.
        act: Act,
    },
    /// The device has a connection. A request.
    Online {
        /// It rings as soon as it has the request.
        rings_at_once: bool,
    },
    /// The device's connection is lost.
    Gone {
        /// No session can resume.
        for_good: bool,
    },
}

/// Tells a user's devices something.
#[derive(Clone, Debug)]
pub enum Event {
    /// A change of a call, stored.
    Effect(Effect),
    /// A command could not be carried out.
    Refused(Refused),
    /// Asks which devices can be rung. A request.
    Devices,
}

impl Said for Event {
    /// To [`Event::Devices`]: which can be rung.
    type Answer = Vec<DeviceState>;
}

/// A device that can be rung.
#[derive(Clone, Debug)]
pub struct DeviceState {
    /// The device.
    pub device: Address,
    /// It rings as soon as it has the request (v1).
    pub rings_at_once: bool,
}

/// A command that was not carried out.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The device that asked.
    pub to: Address,
    /// The call it asked about.
    pub call: CallId,
    /// The client's name for the frame.
    pub re: Option<Box<str>>,
    /// It was a request to open a call, which therefore does not exist.
    pub request: bool,
    /// What was wrong.
    pub code: ErrorCode,
    /// A sentence for the developer.
    pub message: Box<str>,
}
