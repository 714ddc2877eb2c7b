//! What the server sends, and the proof that [`ServerFrame`] writes just that.

use serde_json::Value;

use super::client::UPDATE;
use super::shape::{Frame, Interface, Kind, Member, always, maybe};
use crate::call::{EndReason, Role, Snapshot, State};
use crate::id::{Address, CallId};
use crate::wire::{ErrorCode, Relay, ServerFrame, Welcome};

const CALL: Member = always("call", Kind::Call);
const FROM: Member = always("from", Kind::Address);
const RE: Member = maybe("re", Kind::Text);

pub(super) const INTERFACES: &[Interface] =
    &[SNAPSHOT, WELCOME, GOAWAY, WIRE_ERROR, DELIVERED, ACCEPTED, ENDED, ICE_SERVERS];

const SNAPSHOT: Interface = Interface {
    name: "Snapshot",
    doc: "A live call of the device that is welcomed. `exp` and `data` are as in a `call-request`: the one while it rings, the other for a device that rings.",
    members: &[
        CALL,
        always("role", Kind::Word("Role")),
        always("peer", Kind::Peer),
        always("state", Kind::Word("State")),
        always("age_ms", Kind::Count),
        maybe("exp", Kind::Count),
        maybe("data", Kind::Opaque("request")),
    ],
};
const WELCOME: Interface = Interface {
    name: "Welcome",
    doc: "An open session.",
    members: &[
        always("user", Kind::Name),
        always("device", Kind::Name),
        always("session", Kind::Text),
        always("secret", Kind::Text),
        always("resumed", Kind::Flag),
        always("ack", Kind::Count),
        always("resume_s", Kind::Count),
        always("calls", Kind::ListOf(&SNAPSHOT)),
    ],
};
const GOAWAY: Interface = Interface {
    name: "Goaway",
    doc: "When to reconnect.",
    members: &[always("reconnect_in_ms", Kind::Count)],
};
const WIRE_ERROR: Interface = Interface {
    name: "WireError",
    doc: "Why a frame could not be carried out; `message` is for the developer.",
    members: &[
        always("code", Kind::Word("ErrorCode")),
        always("message", Kind::Text),
        maybe("retry_ms", Kind::Count),
    ],
};
const DELIVERED: Interface = Interface {
    name: "Delivered",
    doc: "How many devices have the request.",
    members: &[always("devices", Kind::Count)],
};
const ACCEPTED: Interface = Interface {
    name: "Accepted",
    doc: "The other side of the call.",
    members: &[always("peer", Kind::Address)],
};
const ENDED: Interface = Interface {
    name: "Ended",
    doc: "How a call ended. `by` is absent if time or the server ended it; `call` is the one that goes on after glare.",
    members: &[
        always("reason", Kind::Word("EndReason")),
        maybe("by", Kind::Address),
        maybe("call", Kind::Call),
        always("talk_ms", Kind::Count),
    ],
};
const ICE_SERVERS: Interface = Interface {
    name: "IceServers",
    doc: "For an `RTCPeerConnection`. `relay_only`: no other candidates are taken in this call; `ttl_s`: how long the credentials make a new relay.",
    members: &[
        always("iceServers", Kind::IceServers),
        always("relay_only", Kind::Flag),
        always("ttl_s", Kind::Count),
    ],
};

pub(super) const FRAMES: &[Frame] = &[
    Frame { kind: "welcome", members: &[always("data", Kind::Of(&WELCOME))] },
    Frame { kind: "ack", members: &[always("ack", Kind::Count)] },
    Frame { kind: "pong", members: &[] },
    Frame { kind: "goaway", members: &[always("data", Kind::Of(&GOAWAY))] },
    Frame { kind: "error", members: &[RE, maybe("call", Kind::Call), always("data", Kind::Of(&WIRE_ERROR))] },
    Frame {
        kind: "call-request",
        members: &[CALL, FROM, maybe("data", Kind::Opaque("request")), always("exp", Kind::Count)],
    },
    Frame { kind: "call-delivered", members: &[CALL, always("data", Kind::Of(&DELIVERED))] },
    Frame { kind: "call-ringing", members: &[CALL, FROM] },
    Frame { kind: "call-accept", members: &[CALL, FROM, always("data", Kind::Of(&ACCEPTED))] },
    Frame { kind: "call-ended", members: &[CALL, always("data", Kind::Of(&ENDED))] },
    Frame { kind: "offer", members: &[CALL, FROM, always("data", Kind::Opaque("offer"))] },
    Frame { kind: "answer", members: &[CALL, FROM, always("data", Kind::Opaque("answer"))] },
    Frame { kind: "candidate", members: &[CALL, FROM, always("data", Kind::Opaque("candidate"))] },
    Frame { kind: "candidates", members: &[CALL, FROM, always("data", Kind::Opaque("candidates"))] },
    Frame { kind: "call-update", members: &[CALL, FROM, always("data", Kind::Of(&UPDATE))] },
    Frame { kind: "ice-servers-response", members: &[RE, always("data", Kind::Of(&ICE_SERVERS))] },
];

/// The type of a frame. A new variant belongs here, in [`FRAMES`] and in [`samples`].
const fn kind(frame: &ServerFrame<'_>) -> &'static str {
    match frame {
        ServerFrame::Welcome(_) => "welcome",
        ServerFrame::Ack => "ack",
        ServerFrame::Pong => "pong",
        ServerFrame::Goaway { .. } => "goaway",
        ServerFrame::Error { .. } => "error",
        ServerFrame::CallRequest { .. } => "call-request",
        ServerFrame::CallDelivered { .. } => "call-delivered",
        ServerFrame::CallRinging { .. } => "call-ringing",
        ServerFrame::CallAccept { .. } => "call-accept",
        ServerFrame::CallEnded { .. } => "call-ended",
        ServerFrame::Relay { relay, .. } => match relay {
            Relay::Offer => "offer",
            Relay::Answer => "answer",
            Relay::Candidate => "candidate",
            Relay::Candidates => "candidates",
            Relay::Update => "call-update",
        },
        ServerFrame::IceServers { .. } => "ice-servers-response",
    }
}

/// Shows `check` each frame, with everything it can have or with as little as it can.
fn samples(full: bool, mut check: impl FnMut(&ServerFrame<'_>)) {
    let call = CallId::from_bytes([7; 16]);
    let from: Address = "bob/phone".parse().unwrap();
    let data = if full { r#"{"media":"connected","muted":true}"# } else { "" };
    let (re, some_call, by, retry_ms) =
        (full.then_some("i"), full.then_some(call), full.then_some(&from), full.then_some(1));
    let snapshot = Snapshot {
        call,
        role: Role::Callee,
        peer: "bob".into(),
        state: State::Ringing,
        age_ms: 1,
        ring_ms: full.then_some(2),
        data: data.into(),
    };
    check(&ServerFrame::Welcome(Welcome {
        user: &from.user,
        device: &from.device,
        session: "s",
        secret: "x",
        resumed: false,
        ack: 0,
        resume_s: 60,
        calls: &[snapshot],
    }));
    check(&ServerFrame::Ack);
    check(&ServerFrame::Pong);
    check(&ServerFrame::Goaway { reconnect_in_ms: 1 });
    for code in ErrorCode::ALL {
        check(&ServerFrame::Error { re, call: some_call, code, message: "m", retry_ms });
    }
    check(&ServerFrame::CallRequest { call, from: &from, data, exp: 1 });
    check(&ServerFrame::CallDelivered { call, devices: 1 });
    check(&ServerFrame::CallRinging { call, from: &from });
    check(&ServerFrame::CallAccept { call, from: &from, peer: &from });
    for reason in EndReason::ALL {
        check(&ServerFrame::CallEnded { call, reason, by, talk_ms: 1, goes_on: some_call });
    }
    for relay in [Relay::Offer, Relay::Answer, Relay::Candidate, Relay::Candidates, Relay::Update] {
        check(&ServerFrame::Relay { relay, call, from: &from, data: if full { data } else { "{}" } });
    }
    check(&ServerFrame::IceServers { re, servers: "[]", relay_only: full, ttl_s: 600 });
}

fn written(frame: &ServerFrame<'_>) -> Value {
    let mut out = Vec::new();
    frame.write_open(&mut out);
    out.extend_from_slice(b",\"ack\":3}");
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn what_the_server_writes_has_its_shape_and_every_shape_is_written() {
    let mut seen = Vec::new();
    for full in [true, false] {
        samples(full, |frame| {
            let value = written(frame);
            let shape =
                FRAMES.iter().find(|shape| shape.kind == kind(frame)).expect("every type has a shape");
            assert!(shape.fits(&value), "{value} is not {}", shape.typescript());
            assert_eq!(shape.is_numbered(), frame.is_numbered(), "{value}");
            seen.push(shape.kind);
        });
    }
    for shape in FRAMES {
        assert!(seen.contains(&shape.kind), "{} is never written", shape.kind);
    }
}

#[test]
fn a_member_is_optional_only_if_it_is_sometimes_left_out() {
    for full in [true, false] {
        samples(full, |frame| {
            let value = written(frame);
            let shape =
                FRAMES.iter().find(|shape| shape.kind == kind(frame)).expect("every type has a shape");
            optional_members(shape.members, &value, full);
        });
    }
}

/// A full value has each member that may be left out; a bare one has none of them.
fn optional_members(shape: &[Member], value: &Value, full: bool) {
    for member in shape {
        let inner = value.get(member.name);
        assert_eq!(inner.is_some(), full || !member.optional, "{} in {value}", member.name);
        match (member.kind, inner) {
            (Kind::Of(interface), Some(inner)) => optional_members(interface.members, inner, full),
            (Kind::ListOf(interface), Some(Value::Array(list))) => {
                for inner in list {
                    optional_members(interface.members, inner, full);
                }
            }
            _ => {}
        }
    }
}
