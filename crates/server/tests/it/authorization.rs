//! Story: every frame is for someone. Who may send what, and what everyone else is told, type by type.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tincan_testkit::device::Device;

use crate::util::{Server, accepted, call_id, numbered_call, refused, roomy, until_decided};

const PROTOCOL: &str = include_str!("../../../../docs/PROTOCOL.md");

/// Carried out.
const OK: &str = "ok";
const STATE: &str = "bad_state";
const FIRST: &str = "already_answered";
const CALL: &str = "no_such_call";
const TYPE: &str = "unknown_type";

/// What becomes of a frame while the call rings on two devices, sent by: caller, a device that rings, the other one, a
/// stranger; when one of the two accepted: caller, that device, the other one, a stranger; and after the end: caller,
/// callee, a stranger.
type Row = (&'static str, [&'static str; 4], [&'static str; 4], [&'static str; 3]);

const ROWS: [Row; 24] = [
    ("call-request", [STATE, STATE, STATE, STATE], [STATE, STATE, STATE, STATE], [CALL; 3]),
    ("call-ringing", [STATE, OK, OK, CALL], [STATE, OK, OK, CALL], [CALL; 3]),
    ("call-accept", [STATE, OK, OK, CALL], [STATE, OK, FIRST, CALL], [CALL; 3]),
    ("call-reject", [STATE, OK, OK, CALL], [STATE, OK, FIRST, CALL], [CALL; 3]),
    ("call-cancel", [OK, OK, OK, CALL], [OK, OK, FIRST, CALL], [CALL; 3]),
    ("hangup", [OK, OK, OK, CALL], [OK, OK, FIRST, CALL], [CALL; 3]),
    ("offer", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    ("answer", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    ("candidate", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    ("candidates", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    ("call-update", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    ("ice-servers-request", [OK, OK, OK, CALL], [OK, OK, CALL, CALL], [CALL; 3]),
    // Its two sides may still say how it was when it is over.
    ("call-quality", [STATE, STATE, STATE, CALL], [OK, OK, CALL, CALL], [OK, OK, CALL]),
    // Theirs alone, whoever they are.
    ("ack", [OK; 4], [OK; 4], [OK; 3]),
    ("ping", [OK; 4], [OK; 4], [OK; 3]),
    ("hello", [STATE; 4], [STATE; 4], [STATE; 3]),
    // The server's words, in nobody else's mouth.
    ("welcome", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("call-delivered", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("call-ended", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("error", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("pong", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("goaway", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    ("ice-servers-response", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
    // Not even a word.
    ("", [TYPE; 4], [TYPE; 4], [TYPE; 3]),
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Rings,
    Accepted,
    Ended,
}

/// A call and everyone around it.
struct Scene {
    call: String,
    /// Caller, the device that accepts, the other one, a stranger.
    devices: [Device; 4],
}

impl Scene {
    async fn new(server: &Server, number: usize, stage: Stage) -> Self {
        let bob = format!("bob{number}");
        let mut caller = server.guest(&format!("alice{number}"), "web").await;
        let (mut phone, mut laptop) = (server.guest(&bob, "phone").await, server.guest(&bob, "laptop").await);
        let stranger = server.guest(&format!("mallory{number}"), "web").await;
        let call = numbered_call(number);
        caller.ring(&bob, &call).await.unwrap();
        for device in [&mut phone, &mut laptop] {
            device.expect("call-request").await.unwrap();
            caller.expect("call-delivered").await.unwrap();
        }
        if stage != Stage::Rings {
            phone.call("call-accept", &call, Value::Null).await.unwrap();
            caller.expect("call-accept").await.unwrap();
            phone.expect("call-accept").await.unwrap();
            laptop.expect_end(&call, "answered_elsewhere").await.unwrap();
        }
        if stage == Stage::Ended {
            phone.call("hangup", &call, Value::Null).await.unwrap();
            phone.expect_end(&call, "hung_up").await.unwrap();
            caller.expect_end(&call, "hung_up").await.unwrap();
        }
        Self { call, devices: [caller, phone, laptop, stranger] }
    }

    /// What became of a frame of this type from the device `from`, and whether anyone else heard of it.
    async fn attempt(&mut self, from: usize, kind: &str) -> (String, bool) {
        let sender = &mut self.devices[from];
        let frame = frame(kind, &self.call);
        match kind {
            "ack" | "ping" | "hello" => sender.socket.text(&frame.to_string()).await.unwrap(),
            _ => sender.send(frame).await.unwrap(),
        }
        let heard = until_decided(sender).await;
        let errors: Vec<&Value> = heard.iter().filter(|frame| frame["type"] == "error").collect();
        assert!(errors.len() <= 1, "one frame, one answer: {errors:?}");
        let outcome = errors.first().map_or(OK.to_owned(), |error| {
            assert_eq!(error["re"], "attempt", "{error}");
            error["data"]["code"].as_str().unwrap().to_owned()
        });
        let mut others_heard = false;
        for (i, other) in self.devices.iter_mut().enumerate() {
            others_heard |= i != from && !until_decided(other).await.is_empty();
        }
        (outcome, others_heard)
    }
}

fn frame(kind: &str, call: &str) -> Value {
    let data = match kind {
        "hello" => json!({ "guest": "mallory", "device": "web" }),
        "call-update" => json!({ "media": "connected" }),
        "call-quality" => {
            json!({ "samples": 1, "mos": 400, "mos_min": 400, "poor": 0, "path": "direct", "cause": "none" })
        }
        _ => json!({ "reason": "declined" }),
    };
    let data = if kind == "hangup" { Value::Null } else { data };
    json!({ "type": kind, "id": "attempt", "call": call, "to": "nobody", "data": data, "ack": 0 })
}

#[tokio::test]
async fn each_type_does_what_it_may_for_each_sender_and_nothing_else() {
    let server = Server::start_with(roomy).await;
    let mut number = 0;
    for stage in [Stage::Rings, Stage::Accepted, Stage::Ended] {
        let mut scene = None;
        for (kind, rings, accepted, ended) in ROWS {
            let expected: Vec<&str> = match stage {
                Stage::Rings => rings.to_vec(),
                Stage::Accepted => accepted.to_vec(),
                // The other device is as much a stranger as any.
                Stage::Ended => vec![ended[0], ended[1], ended[2], ended[2]],
            };
            for (from, expected) in expected.into_iter().enumerate() {
                let on = match &mut scene {
                    Some(scene) => scene,
                    None => {
                        number += 1;
                        scene.insert(Scene::new(&server, number, stage).await)
                    }
                };
                let (outcome, others_heard) = on.attempt(from, kind).await;
                assert_eq!(outcome, expected, "{stage:?}: {kind} from {from}");
                assert!(
                    outcome == OK || !others_heard,
                    "{stage:?}: {kind} from {from} was refused, and heard"
                );
                if outcome == OK {
                    scene = None;
                }
            }
        }
    }
}

#[test]
fn every_type_of_the_protocol_has_its_row() {
    let fenced = PROTOCOL.split("```json ").skip(1).filter_map(|rest| rest.split("```").next());
    let examples = fenced.filter_map(|block| serde_json::from_str::<Value>(block.split_once('\n')?.1).ok());
    let named: BTreeSet<String> =
        examples.filter_map(|example| example["type"].as_str().map(str::to_owned)).collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.0).collect();
    assert!(named.len() >= 18, "{named:?}");
    for kind in &named {
        assert!(rows.contains(kind.as_str()), "{kind} is in PROTOCOL.md and has no row here");
    }
    assert_eq!(rows.len(), ROWS.len(), "a type has two rows");
}

#[tokio::test]
async fn the_server_stamps_who_sent_it_whatever_the_frame_says() {
    let server = Server::start_with(roomy).await;
    let mut alice = server.guest("alice", "web").await;
    let mut bob = server.guest("bob", "phone").await;
    let call = call_id('c');
    let spoofed = |kind: &str| json!({ "type": kind, "call": call, "to": "bob", "from": "mallory/web", "user": "mallory", "data": [] });
    alice.send(spoofed("call-request")).await.unwrap();
    assert_eq!(bob.expect("call-request").await.unwrap()["from"], "alice/web");
    alice.expect("call-delivered").await.unwrap();
    for kind in ["call-ringing", "call-accept"] {
        bob.send(spoofed(kind)).await.unwrap();
        assert_eq!(alice.expect(kind).await.unwrap()["from"], "bob/phone");
    }
    assert_eq!(bob.expect("call-accept").await.unwrap()["from"], "bob/phone");
    for kind in ["offer", "answer", "candidate", "candidates"] {
        alice.send(spoofed(kind)).await.unwrap();
        assert_eq!(bob.expect(kind).await.unwrap()["from"], "alice/web");
        bob.send(spoofed(kind)).await.unwrap();
        assert_eq!(alice.expect(kind).await.unwrap()["from"], "bob/phone");
    }
    let mut hangup = spoofed("hangup");
    hangup["data"] = Value::Null;
    bob.send(hangup).await.unwrap();
    assert_eq!(alice.expect_end(&call, "hung_up").await.unwrap()["data"]["by"], "bob/phone");
}

#[tokio::test]
async fn the_server_stamps_who_sent_it_for_original_pages_too() {
    let server = Server::start().await;
    let (mut a, mut b) = (server.v1("a").await, server.v1("b").await);
    let spoofed =
        |kind: &str, to: &str| json!({ "type": kind, "to": to, "from": "m", "data": 1 }).to_string();
    a.socket.text(&spoofed("call-request", "b")).await.unwrap();
    b.expect("call-request", "a").await.unwrap();
    b.socket.text(&spoofed("call-accept", "a")).await.unwrap();
    a.expect("call-accept", "b").await.unwrap();
    a.socket.text(&spoofed("offer", "b")).await.unwrap();
    b.expect("offer", "a").await.unwrap();
    b.socket.text(&spoofed("hangup", "a")).await.unwrap();
    a.expect("hangup", "b").await.unwrap();
}

#[tokio::test]
async fn a_call_of_others_looks_like_one_that_never_was() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = crate::util::two(&server).await;
    let mut mallory = server.guest("mallory", "web").await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for (kind, rings, _, _) in ROWS {
        if rings[3] != CALL {
            continue;
        }
        let mut answers = Vec::new();
        for call in [call_id('c'), call_id('r')] {
            mallory.send(frame(kind, &call)).await.unwrap();
            let mut answer = mallory.expect("error").await.unwrap();
            assert_eq!(answer["call"].take(), call.as_str());
            for number in ["seq", "ack"] {
                answer[number].take();
            }
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{kind}");
    }
    // Neither may another session be taken up by its public name.
    let theirs = json!({ "session": alice.welcome["session"], "secret": alice.welcome["session"], "ack": 0 });
    mallory.come_back_with(theirs).await.unwrap();
    assert_eq!(mallory.welcome["resumed"], false);
    assert_eq!(mallory.welcome["calls"], json!([]));
}

#[tokio::test]
async fn a_request_with_the_id_of_a_live_call_does_not_harm_that_call() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = crate::util::two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for (from_alice, to) in [(true, "carol"), (false, "carol"), (false, "alice")] {
        let device = if from_alice { &mut alice } else { &mut bob };
        device.ring(to, &call_id('c')).await.unwrap();
        refused(device, "ring", STATE).await;
    }
    alice.call("offer", &call_id('c'), json!({})).await.unwrap();
    bob.expect("offer").await.unwrap();
    bob.call("answer", &call_id('c'), json!({})).await.unwrap();
    alice.expect("answer").await.unwrap();
}

#[tokio::test]
async fn a_hello_in_the_middle_of_a_session_changes_nobody() {
    let server = Server::start().await;
    let mut alice = server.guest("alice", "web").await;
    let hello = json!({ "type": "hello", "id": "h", "data": { "guest": "mallory", "device": "web" } });
    alice.socket.text(&hello.to_string()).await.unwrap();
    refused(&mut alice, "h", STATE).await;
    alice.ring("mallory", &call_id('c')).await.unwrap();
    assert_eq!(until_decided(&mut alice).await, Vec::<Value>::new(), "nobody of that name is here");
}
