//! What a client sends, and the proof that [`parse`] takes just that.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::reflect::{members, words};
use super::shape::{Frame, Interface, Kind, Member, always, maybe};
use crate::wire::client::{ClientType, Envelope, HelloData};
use crate::wire::payload::{HangUp, IceAsk, Quality, Reject, Update};
use crate::wire::{ErrorCode, Resume, parse};

const CALL: Member = always("call", Kind::Call);

pub(super) const INTERFACES: &[Interface] =
    &[RESUME, TOKEN_HELLO, GUEST_HELLO, REJECT, HANG_UP, UPDATE, ICE_ASK, QUALITY];

const RESUME: Interface = Interface {
    name: "Resume",
    doc: "The session that a client had.",
    members: &[always("session", Kind::Text), always("secret", Kind::Text), always("ack", Kind::Count)],
};
const TOKEN_HELLO: Interface = Interface {
    name: "TokenHello",
    doc: "Opens a session with a signed access token.",
    members: &[always("token", Kind::Text), always("device", Kind::Name), maybe("resume", Kind::Of(&RESUME))],
};
const GUEST_HELLO: Interface = Interface {
    name: "GuestHello",
    doc: "Opens a session with a name alone; on loopback only.",
    members: &[always("guest", Kind::Name), always("device", Kind::Name), maybe("resume", Kind::Of(&RESUME))],
};
const REJECT: Interface = Interface {
    name: "Reject",
    doc: "A callee's no; on all devices and as `declined` unless it says otherwise.",
    members: &[maybe("reason", Kind::Word("RejectReason")), maybe("scope", Kind::Word("Scope"))],
};
const HANG_UP: Interface = Interface {
    name: "HangUp",
    doc: "Why a call is hung up; `hung_up` unless it says otherwise.",
    members: &[maybe("reason", Kind::Word("HangUpReason"))],
};
pub(super) const UPDATE: Interface = Interface {
    name: "CallUpdate",
    doc: "How a leg is.",
    members: &[maybe("media", Kind::Word("Media")), maybe("muted", Kind::Flag)],
};

const ICE_ASK: Interface = Interface {
    name: "IceAsk",
    doc: "Which ICE servers are wanted. `relay_only`: the other side shall learn no address of this one.",
    members: &[maybe("relay_only", Kind::Flag)],
};
const QUALITY: Interface = Interface {
    name: "CallQuality",
    doc: "What a leg's client measured since its last report; what its browser does not tell is left out.",
    members: &[
        always("samples", Kind::Number(30)),
        always("mos", Kind::Number(430)),
        always("mos_min", Kind::Number(410)),
        always("poor", Kind::Number(0)),
        maybe("concealed_ppm", Kind::Number(1000)),
        maybe("lost_ppm", Kind::Number(2000)),
        maybe("remote_lost_ppm", Kind::Number(0)),
        maybe("rtt_ms", Kind::Number(40)),
        maybe("jitter_ms", Kind::Number(3)),
        always("path", Kind::Word("CallPath")),
        always("cause", Kind::Word("Cause")),
    ],
};

pub(super) const FRAMES: &[Frame] = &[
    Frame { kind: "hello", members: &[always("data", Kind::Hello(&TOKEN_HELLO))] },
    Frame { kind: "hello", members: &[always("data", Kind::Hello(&GUEST_HELLO))] },
    Frame { kind: "ack", members: &[always("ack", Kind::Count)] },
    Frame { kind: "ping", members: &[] },
    Frame {
        kind: "call-request",
        members: &[CALL, always("to", Kind::Name), maybe("data", Kind::Opaque("request"))],
    },
    Frame { kind: "call-ringing", members: &[CALL] },
    Frame { kind: "call-accept", members: &[CALL] },
    Frame { kind: "call-reject", members: &[CALL, maybe("data", Kind::Of(&REJECT))] },
    Frame { kind: "call-cancel", members: &[CALL] },
    Frame { kind: "hangup", members: &[CALL, maybe("data", Kind::Of(&HANG_UP))] },
    Frame { kind: "offer", members: &[CALL, always("data", Kind::Opaque("offer"))] },
    Frame { kind: "answer", members: &[CALL, always("data", Kind::Opaque("answer"))] },
    Frame { kind: "candidate", members: &[CALL, always("data", Kind::Opaque("candidate"))] },
    Frame { kind: "candidates", members: &[CALL, always("data", Kind::Opaque("candidates"))] },
    Frame { kind: "call-update", members: &[CALL, always("data", Kind::Of(&UPDATE))] },
    Frame {
        kind: "ice-servers-request",
        members: &[maybe("call", Kind::Call), maybe("data", Kind::Of(&ICE_ASK))],
    },
    Frame { kind: "call-quality", members: &[CALL, always("data", Kind::Of(&QUALITY))] },
];

fn names(members: &[Member]) -> Vec<&'static str> {
    members.iter().map(|member| member.name).collect()
}

/// A sample as a frame on its way.
fn sent(frame: &Value) -> String {
    let mut frame = frame.clone();
    frame["seq"] = json!(1);
    frame.to_string()
}

/// Every way to spoil `value`, which has these members: one that is needed is missing, or one is of the wrong kind.
fn spoiled(shape: &[Member], value: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for member in shape {
        let with = |inner: Option<Value>| {
            let mut value = value.clone();
            match inner {
                Some(inner) => value[member.name] = inner,
                None => drop(value.as_object_mut().unwrap().remove(member.name)),
            }
            value
        };
        if !member.optional {
            out.push(with(None));
        }
        out.extend(member.kind.wrong().map(|wrong| with(Some(wrong))));
        if let Kind::Of(interface) | Kind::Hello(interface) = member.kind {
            out.extend(
                spoiled(interface.members, &value[member.name]).into_iter().map(|inner| with(Some(inner))),
            );
        }
    }
    out
}

#[test]
fn the_client_s_types_are_those_the_server_reads() {
    let listed: BTreeSet<&str> = FRAMES.iter().map(|frame| frame.kind).collect();
    assert_eq!(listed, words::<ClientType>().iter().copied().collect());
}

#[test]
fn the_members_of_what_a_client_sends_are_those_the_server_reads() {
    assert_eq!(names(RESUME.members), members::<Resume>());
    assert_eq!(names(REJECT.members), members::<Reject>());
    assert_eq!(names(HANG_UP.members), members::<HangUp>());
    assert_eq!(names(UPDATE.members), members::<Update>());
    assert_eq!(names(ICE_ASK.members), members::<IceAsk>());
    assert_eq!(names(QUALITY.members), members::<Quality>());
    let hello: BTreeSet<&str> =
        [TOKEN_HELLO, GUEST_HELLO].iter().flat_map(|hello| names(hello.members)).collect();
    assert_eq!(hello, members::<HelloData>().iter().copied().collect());
    let mut envelope: BTreeSet<&str> = FRAMES.iter().flat_map(|frame| names(frame.members)).collect();
    envelope.extend(["type", "id", "seq"]);
    assert_eq!(envelope, members::<Envelope<'_>>().iter().copied().collect());
}

#[test]
fn what_has_a_client_s_shape_is_taken_and_what_has_not_is_refused() {
    for frame in FRAMES {
        for full in [false, true] {
            let sample = frame.sample(full);
            let text = sent(&sample);
            let taken = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(taken.body.is_numbered(), frame.is_numbered(), "{text}");
            if full {
                for spoiled in spoiled(frame.members, &sample) {
                    let text = sent(&spoiled);
                    let refused = parse(&text).map_err(|error| error.code);
                    assert_eq!(refused.err(), Some(ErrorCode::BadFrame), "{text}");
                }
            }
        }
    }
}
