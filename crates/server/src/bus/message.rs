//! What is said on the bus: commands ask for something, events tell what is so.

use tincan_proto::call::{Act, Effect, EndReason, Snapshot};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::quality::Report;
use tincan_proto::time::Millis;
use tincan_proto::wire::{ErrorCode, Relay};

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
    /// From the other leg, whose session is not where this one is.
    Relayed(Relayed),
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
    /// Its user is no person, and is never busy: each call finds a device of its own.
    pub takes_many: bool,
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

/// A frame that goes to the other leg as it is.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// The other leg.
    pub to: Address,
    /// Who sent it.
    pub from: Address,
    /// The call.
    pub call: CallId,
    /// Its type.
    pub relay: Relay,
    /// A JSON text.
    pub data: Box<str>,
}

/// Asks for ICE servers.
#[derive(Clone, Debug)]
pub struct IceRequest {
    /// What the credentials are for.
    pub purpose: IcePurpose,
    /// Whose they will be: a user, or where somebody without a name comes from.
    pub user: Box<str>,
    /// The name by which the client reached this server.
    pub host: Option<Box<str>>,
}

impl Said for IceRequest {
    type Answer = IceServers;
}

/// What ICE servers are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IcePurpose {
    /// This call.
    Call(CallId),
    /// To try them out.
    Trial,
    /// A page of old, which asks once and knows no call.
    Page,
    /// Nobody that is known: there is no relay for them.
    Nobody,
}

/// ICE servers, as a client gets them.
#[derive(Clone, Debug)]
pub struct IceServers {
    /// An array of `RTCIceServer`: a JSON text.
    pub servers: Box<str>,
    /// Calls hide addresses here.
    pub relay_only: bool,
    /// How long the credentials make a new relay.
    pub ttl_s: u64,
}

/// A leg's client says how good its call is.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The leg.
    pub from: Address,
    /// The client's name for the frame, to be named if it is refused.
    pub re: Option<Box<str>>,
    /// The call.
    pub call: CallId,
    /// What was measured.
    pub report: Report,
}

impl Said for Reported {
    type Answer = ();
}

/// What became of a call. Stored before it is said.
#[derive(Clone, Debug)]
pub enum News {
    /// It has two legs; said again after a restart.
    Accepted {
        /// The call.
        call: CallId,
        /// Its caller.
        caller: Address,
        /// The device that accepted.
        callee: Address,
        /// When it was accepted.
        at: Millis,
    },
    /// It is over.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
        /// How long it was connected.
        talk_ms: u64,
        /// From request to accept, if it was accepted.
        ring_ms: Option<u64>,
        /// From accept to sound on both sides, if it was connected.
        setup_ms: Option<u64>,
    },
}

impl Said for News {
    type Answer = ();
}
