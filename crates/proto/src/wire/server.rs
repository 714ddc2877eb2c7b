//! Frames that the server sends to a v2 client.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{ErrorCode, Relay};
use crate::call::{EndReason, Snapshot};
use crate::id::{Address, CallId, DeviceId, UserId};

/// A frame of the server to a v2 client.
#[derive(Debug)]
pub enum ServerFrame<'a> {
    /// A session is open. Unnumbered.
    Welcome(Welcome<'a>),
    /// What arrived, where nothing else was there to say it with. Unnumbered.
    Ack,
    /// The answer to `ping`. Unnumbered.
    Pong,
    /// Reconnect after so many milliseconds. Unnumbered.
    Goaway {
        /// When.
        reconnect_in_ms: u64,
    },
    /// A frame could not be carried out.
    Error {
        /// The `id` of that frame.
        re: Option<&'a str>,
        /// Its call.
        call: Option<CallId>,
        /// What was wrong.
        code: ErrorCode,
        /// A sentence for the developer.
        message: &'a str,
        /// When to try again.
        retry_ms: Option<u64>,
    },
    /// Ring.
    CallRequest {
        /// The call.
        call: CallId,
        /// Who calls.
        from: &'a Address,
        /// The request's `data`: a JSON text, or empty.
        data: &'a str,
        /// How long it may ring.
        exp: u64,
    },
    /// So many devices have the request.
    CallDelivered {
        /// The call.
        call: CallId,
        /// How many.
        devices: usize,
    },
    /// A device alerts its user.
    CallRinging {
        /// The call.
        call: CallId,
        /// Which.
        from: &'a Address,
    },
    /// A device accepted.
    CallAccept {
        /// The call.
        call: CallId,
        /// Which.
        from: &'a Address,
        /// The other side, for the receiver.
        peer: &'a Address,
    },
    /// The call, or this leg of it, is over.
    CallEnded {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
        /// Who ended it.
        by: Option<&'a Address>,
        /// How long it was connected.
        talk_ms: u64,
        /// After glare: the call that goes on.
        goes_on: Option<CallId>,
    },
    /// From the other leg, as it is.
    Relay {
        /// Its type.
        relay: Relay,
        /// The call.
        call: CallId,
        /// Who sent it.
        from: &'a Address,
        /// A JSON text.
        data: &'a str,
    },
    /// The ICE servers.
    IceServers {
        /// The `id` of the request.
        re: Option<&'a str>,
        /// An array of `RTCIceServer`: a JSON text.
        servers: &'a str,
        /// No other candidates than a relay's are taken in this call.
        relay_only: bool,
        /// How long the credentials in it make a new relay.
        ttl_s: u64,
    },
}

/// An open session.
#[derive(Debug, Serialize)]
pub struct Welcome<'a> {
    /// Who the client is.
    pub user: &'a UserId,
    /// Which of the user's devices.
    pub device: &'a DeviceId,
    /// The session's public id.
    pub session: &'a str,
    /// What resumes it, once.
    pub secret: &'a str,
    /// Whether the session that the client had goes on.
    pub resumed: bool,
    /// The highest number up to which the server has everything.
    pub ack: u64,
    /// How long the session can be resumed after its connection is lost.
    pub resume_s: u64,
    /// The device's live calls; empty if `resumed`.
    #[serde(serialize_with = "calls")]
    pub calls: &'a [Snapshot],
}

/// Snapshots with their `data` as the JSON that it is.
fn calls<S: serde::Serializer>(calls: &&[Snapshot], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        call: CallId,
        role: crate::call::Role,
        peer: &'a str,
        state: crate::call::State,
        age_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        exp: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
    }
    let shown = calls.iter().map(|snapshot| Shown {
        call: snapshot.call,
        role: snapshot.role,
        peer: &snapshot.peer,
        state: snapshot.state,
        age_ms: snapshot.age_ms,
        exp: snapshot.ring_ms,
        data: serde_json::from_str(&snapshot.data).ok(),
    });
    serializer.collect_seq(shown)
}

impl ServerFrame<'_> {
    /// Whether it takes a number in the session.
    #[must_use]
    pub const fn is_numbered(&self) -> bool {
        !matches!(self, Self::Welcome(_) | Self::Ack | Self::Pong | Self::Goaway { .. })
    }

    /// Writes the frame without its last brace, so that `seq` and `ack` can follow.
    pub fn write_open(&self, out: &mut Vec<u8>) {
        match self {
            Self::Welcome(welcome) => {
                start(out, "welcome");
                out.extend_from_slice(b",\"data\":");
                json(out, welcome);
            }
            Self::Ack => start(out, "ack"),
            Self::Pong => start(out, "pong"),
            Self::Goaway { reconnect_in_ms } => {
                start(out, "goaway");
                put(out, &[",\"data\":{\"reconnect_in_ms\":", &reconnect_in_ms.to_string(), "}"]);
            }
            Self::Error { re, call, code, message, retry_ms } => {
                start(out, "error");
                answers(out, *re);
                if let Some(call) = call {
                    put(out, &[",\"call\":\"", &call.to_string(), "\""]);
                }
                put(out, &[",\"data\":{\"code\":\"", code.as_str(), "\",\"message\":"]);
                json(out, message);
                if let Some(ms) = retry_ms {
                    put(out, &[",\"retry_ms\":", &ms.to_string()]);
                }
                out.push(b'}');
            }
            Self::CallRequest { call, from, data, exp } => {
                of_call(out, "call-request", *call, Some(from));
                opaque(out, data);
                put(out, &[",\"exp\":", &exp.to_string()]);
            }
            Self::CallDelivered { call, devices } => {
                of_call(out, "call-delivered", *call, None);
                put(out, &[",\"data\":{\"devices\":", &devices.to_string(), "}"]);
            }
            Self::CallRinging { call, from } => of_call(out, "call-ringing", *call, Some(from)),
            Self::CallAccept { call, from, peer } => {
                of_call(out, "call-accept", *call, Some(from));
                put(out, &[",\"data\":{\"peer\":\"", &peer.to_string(), "\"}"]);
            }
            Self::CallEnded { call, reason, by, talk_ms, goes_on } => {
                of_call(out, "call-ended", *call, None);
                put(out, &[",\"data\":{\"reason\":\"", reason.as_str(), "\""]);
                if let Some(by) = by {
                    put(out, &[",\"by\":\"", &by.to_string(), "\""]);
                }
                if let Some(call) = goes_on {
                    put(out, &[",\"call\":\"", &call.to_string(), "\""]);
                }
                put(out, &[",\"talk_ms\":", &talk_ms.to_string(), "}"]);
            }
            Self::Relay { relay, call, from, data } => {
                of_call(out, relay.as_str(), *call, Some(from));
                opaque(out, data);
            }
            Self::IceServers { re, servers, relay_only, ttl_s } => {
                start(out, "ice-servers-response");
                answers(out, *re);
                out.extend_from_slice(b",\"data\":");
                write_ice_servers(out, servers, *relay_only, *ttl_s);
            }
        }
    }
}

/// Writes what is answered to whoever asks for ICE servers, on a socket or by HTTP. `servers` is a JSON text.
pub fn write_ice_servers(out: &mut Vec<u8>, servers: &str, relay_only: bool, ttl_s: u64) {
    let relay_only = if relay_only { "true" } else { "false" };
    let parts =
        ["{\"iceServers\":", servers, ",\"relay_only\":", relay_only, ",\"ttl_s\":", &ttl_s.to_string(), "}"];
    put(out, &parts);
}

fn start(out: &mut Vec<u8>, kind: &str) {
    put(out, &["{\"type\":\"", kind, "\""]);
}

fn of_call(out: &mut Vec<u8>, kind: &str, call: CallId, from: Option<&Address>) {
    start(out, kind);
    put(out, &[",\"call\":\"", &call.to_string(), "\""]);
    if let Some(from) = from {
        put(out, &[",\"from\":\"", from.user.as_str(), "/", from.device.as_str(), "\""]);
    }
}

fn answers(out: &mut Vec<u8>, re: Option<&str>) {
    if let Some(re) = re {
        out.extend_from_slice(b",\"re\":");
        json(out, &re);
    }
}

fn opaque(out: &mut Vec<u8>, data: &str) {
    if !data.is_empty() {
        put(out, &[",\"data\":", data]);
    }
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

fn json<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory cannot fail, and our types have no map with keys that are not text.
    let _ = serde_json::to_writer(out, value);
}
