//! Whatever a client put into `data`, `id` or a name: what the server writes is one JSON object with the right members.

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tincan_proto::call::{EndReason, Role, Snapshot, State};
use tincan_proto::id::{Address, CallId};
use tincan_proto::wire::{self, ErrorCode, Relay, ServerFrame, V1Type, Welcome};

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,64}"
}

fn address() -> impl Strategy<Value = Address> {
    (name(), name()).prop_map(|(user, device)| format!("{user}/{device}").parse().expect("both are names"))
}

fn call() -> impl Strategy<Value = CallId> {
    any::<[u8; 16]>().prop_map(CallId::from_bytes)
}

/// Any JSON text, in any of the ways it can be written.
fn data() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    });
    (value, any::<bool>())
        .prop_map(|(value, pretty)| if pretty { format!("{value:#}") } else { value.to_string() })
}

fn reason() -> impl Strategy<Value = EndReason> {
    proptest::sample::select(EndReason::ALL.to_vec())
}

fn relay() -> impl Strategy<Value = Relay> {
    proptest::sample::select(vec![
        Relay::Offer,
        Relay::Answer,
        Relay::Candidate,
        Relay::Candidates,
        Relay::Update,
    ])
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The frame with `seq` 7, as a reader sees it.
fn read(frame: &ServerFrame<'_>) -> Value {
    let mut out = Vec::new();
    frame.write_open(&mut out);
    out.extend_from_slice(b",\"seq\":7}");
    serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)))
}

/// Adds the member if there is one.
fn put(object: &mut Value, member: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        object[member] = json!(value);
    }
}

proptest! {
    #[test]
    fn a_client_s_data_reaches_the_other_side_as_it_is(
        call in call(), from in address(), relay in relay(), data in data(), exp in any::<u64>(),
    ) {
        let text = format!(r#"{{"type":"offer","call":"{call}","data":{data},"seq":1}}"#);
        let frame = wire::parse(&text).unwrap();
        let wire::Body::Relay { data: taken, .. } = frame.body else { panic!("{:?}", frame.body) };
        prop_assert_eq!(taken, &data);
        let (call_text, from_text) = (call.to_string(), from.to_string());
        prop_assert_eq!(
            read(&ServerFrame::Relay { relay, call, from: &from, data: taken }),
            json!({"type": relay.as_str(), "call": call_text, "from": from_text, "data": value(&data), "seq": 7})
        );
        prop_assert_eq!(
            read(&ServerFrame::CallRequest { call, from: &from, data: taken, exp }),
            json!({
                "type": "call-request", "call": call_text, "from": from_text, "data": value(&data), "exp": exp, "seq": 7
            })
        );
    }

    #[test]
    fn a_request_without_data_rings_without_data(call in call(), from in address()) {
        prop_assert_eq!(
            read(&ServerFrame::CallRequest { call, from: &from, data: "", exp: 1 }),
            json!({"type": "call-request", "call": call, "from": from, "exp": 1, "seq": 7})
        );
    }

    #[test]
    fn an_error_names_the_frame_and_says_why_in_any_characters(
        re in any::<Option<String>>(), call in proptest::option::of(call()), message: String, retry: Option<u64>,
        code in proptest::sample::select(ErrorCode::ALL.to_vec()),
    ) {
        let mut expected = json!({"type": "error", "data": {"code": code.as_str(), "message": message}, "seq": 7});
        put(&mut expected, "re", re.as_ref());
        put(&mut expected, "call", call);
        put(&mut expected["data"], "retry_ms", retry);
        let (re, message) = (re.as_deref(), &*message);
        prop_assert_eq!(read(&ServerFrame::Error { re, call, code, message, retry_ms: retry }), expected);
    }

    #[test]
    fn the_progress_of_a_call_is_told_with_its_members(
        call in call(), from in address(), peer in address(), devices: usize, reason in reason(),
        by in proptest::option::of(address()), talk_ms: u64, goes_on in proptest::option::of(call()),
    ) {
        let shown = |kind: &str, data: Value| json!({"type": kind, "call": call, "data": data, "seq": 7});
        prop_assert_eq!(
            read(&ServerFrame::CallDelivered { call, devices }),
            shown("call-delivered", json!({"devices": devices}))
        );
        prop_assert_eq!(
            read(&ServerFrame::CallRinging { call, from: &from }),
            json!({"type": "call-ringing", "call": call, "from": from, "seq": 7})
        );
        let mut accept = shown("call-accept", json!({"peer": peer}));
        accept["from"] = json!(from);
        prop_assert_eq!(read(&ServerFrame::CallAccept { call, from: &from, peer: &peer }), accept);
        let mut ended = shown("call-ended", json!({"reason": reason.as_str(), "talk_ms": talk_ms}));
        put(&mut ended["data"], "by", by.as_ref());
        put(&mut ended["data"], "call", goes_on);
        prop_assert_eq!(read(&ServerFrame::CallEnded { call, reason, by: by.as_ref(), talk_ms, goes_on }), ended);
    }

    #[test]
    fn a_welcome_lists_the_calls_with_their_data(
        own in address(), session: String, secret: String, peer: String, ack: u64, age_ms: u64,
        ring_ms in proptest::option::of(0_u64..120_000), call in call(),
        data in proptest::option::of(data()),
    ) {
        let calls = [Snapshot {
            call, role: Role::Caller, peer: peer.as_str().into(), state: State::Reconnecting, age_ms, ring_ms,
            data: data.clone().unwrap_or_default().into(),
        }];
        let welcome = Welcome {
            user: &own.user, device: &own.device, session: &session, secret: &secret, resumed: true, ack, resume_s: 60,
            calls: &calls,
        };
        let mut listed = json!({
            "call": call, "role": "caller", "peer": peer, "state": "reconnecting", "age_ms": age_ms
        });
        put(&mut listed, "exp", ring_ms.map(Value::from));
        put(&mut listed, "data", data.map(|data| value(&data)));
        let expected = json!({"type": "welcome", "seq": 7, "data": {
            "user": own.user, "device": own.device, "session": session, "secret": secret, "resumed": true, "ack": ack,
            "resume_s": 60, "calls": [listed],
        }});
        prop_assert_eq!(read(&ServerFrame::Welcome(welcome)), expected);
    }

    #[test]
    fn a_v1_frame_is_read_as_it_was_written(to in address(), from in address(), data in proptest::option::of(data())) {
        let kind = if data.is_some() { V1Type::Offer } else { V1Type::Hangup };
        let data = data.unwrap_or_default();
        let mut out = Vec::new();
        wire::write_v1(&mut out, kind, &to.user, &from.user, &data);
        let text = String::from_utf8(out).unwrap();
        prop_assert_eq!(&value(&text)["from"], from.user.as_str());
        let frame = wire::parse_v1(&text).unwrap();
        prop_assert_eq!((frame.kind, frame.to.map(|to| to.to_id()), frame.data), (kind, Some(to.user), &*data));
    }
}
