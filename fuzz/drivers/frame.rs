//! Bytes as a frame of a client: whatever is taken is what an independent reader of JSON finds in them, and goes out again
//! as a frame; whatever is not is refused in few words.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tincan_proto::id::{Address, UserId};
use tincan_proto::wire::{self, Body, ServerFrame};

/// Takes one text and panics if a rule is broken.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    v2(text);
    v1(text);
}

fn v2(text: &str) {
    let frame = match wire::parse(text) {
        Ok(frame) => frame,
        Err(error) => {
            assert!((1..=160).contains(&error.message.chars().count()), "an error is a sentence: {error}");
            assert!(error.re.is_none_or(|re| re.chars().count() <= 64), "an id is short");
            assert_ne!(error.seq, Some(0), "numbers start at 1");
            return;
        }
    };
    let members = members(text);
    let member = |name: &str| members.get(name).filter(|member| member.get() != "null");
    let number = |name: &str| member(name).map(|member| member.get().parse::<u64>().unwrap());
    let word = |name: &str| member(name).map(|member| serde_json::from_str::<String>(member.get()).unwrap());
    assert_eq!(frame.id.as_deref(), word("id").as_deref());
    assert_eq!(frame.ack, number("ack"));
    assert_eq!(frame.seq, if frame.body.is_numbered() { number("seq") } else { None });
    assert_eq!(frame.seq.is_some_and(|seq| seq > 0), frame.body.is_numbered());
    match frame.body {
        Body::Hello(_) | Body::Ack | Body::Ping => {}
        Body::IceServersRequest { call, relay_only: _ } => {
            assert_eq!(word("call"), call.map(|call| call.to_string()));
        }
        Body::Quality { call, report } => {
            assert_eq!(word("call"), Some(call.to_string()));
            assert_eq!(report.check(), Ok(()));
        }
        Body::Act { call, .. } => assert_eq!(word("call"), Some(call.to_string())),
        Body::CallRequest { call, to, data } => {
            assert_eq!((word("call"), word("to")), (Some(call.to_string()), Some(to.to_string())));
            assert!(data.len() <= wire::REQUEST_DATA_MAX);
            part_of(text, data, members.get("data").copied());
            goes_out(&ServerFrame::CallRequest { call, from: &address(&to), data, exp: 1 }, data);
        }
        Body::Relay { call, relay, data, media: _ } => {
            assert_eq!(
                (word("call"), word("type")),
                (Some(call.to_string()), Some(relay.as_str().to_owned()))
            );
            assert!(!data.is_empty());
            part_of(text, data, members.get("data").copied());
            let from = address(&"a".parse().unwrap());
            goes_out(&ServerFrame::Relay { relay, call, from: &from, data }, data);
        }
    }
}

fn v1(text: &str) {
    let Ok(frame) = wire::parse_v1(text) else { return };
    let members = members(text);
    part_of(text, frame.data, members.get("data").copied());
    let Some(to) = frame.to else { return };
    let id = to.to_id();
    assert!(is_name(&id));
    let mut out = Vec::new();
    wire::write_v1(&mut out, frame.kind, &id, &id, frame.data);
    let again = String::from_utf8(out).unwrap();
    let again = wire::parse_v1(&again).unwrap();
    assert_eq!((again.kind, again.to, again.data), (frame.kind, Some(to), frame.data));
}

/// The members of a frame that was taken, as another reader sees them.
fn members(text: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("this was taken, and is no object: {error}"))
}

/// `data` is the member itself, where it stands in the text, or empty if there is none.
fn part_of(text: &str, data: &str, member: Option<&RawValue>) {
    assert_eq!(data, member.map_or("", RawValue::get));
    let whole = text.as_bytes().as_ptr_range();
    let part = data.as_bytes().as_ptr_range();
    assert!(data.is_empty() || (whole.start <= part.start && part.end <= whole.end), "data was copied");
}

/// The server's frame is one JSON object, and its data is what came in.
fn goes_out(frame: &ServerFrame<'_>, data: &str) {
    let mut out = Vec::new();
    frame.write_open(&mut out);
    out.push(b'}');
    let text = String::from_utf8(out).unwrap();
    assert_eq!(members(&text).get("data").map_or("", |member| member.get()), data);
}

fn is_name(user: &UserId) -> bool {
    let text = user.as_str();
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn address(user: &UserId) -> Address {
    assert!(is_name(user));
    format!("{user}/web").parse().unwrap()
}
