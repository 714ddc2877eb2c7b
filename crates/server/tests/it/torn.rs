//! Story: connections break at any moment, and nobody in a call notices.

use serde_json::{Value, json};
use tincan_testkit::device::Device;

use crate::util::{Dice, Server, numbered_call, quiet, roomy, two};

/// A device whose connection breaks at random: before a frame, in the middle of it, behind it, or while it listens.
struct Torn {
    device: Device,
    cuts: usize,
}

impl Torn {
    async fn come_back(&mut self) {
        self.cuts += 1;
        assert!(self.device.come_back().await.unwrap(), "the session is resumed");
    }

    async fn send(&mut self, dice: &mut Dice, frame: Value) {
        match dice.below(12) {
            0 => {
                self.device.socket.cut();
                self.device.send(frame).await.unwrap();
                self.come_back().await;
            }
            1 => {
                let bytes = usize::try_from(dice.below(60)).unwrap();
                self.device.send_torn(frame, bytes).await.unwrap();
                self.come_back().await;
            }
            2 => {
                self.device.send(frame).await.unwrap();
                self.device.socket.cut();
                self.come_back().await;
            }
            // The old connection is not even known to be dead.
            3 => {
                self.device.send(frame).await.unwrap();
                self.come_back().await;
            }
            _ => self.device.send(frame).await.unwrap(),
        }
    }

    async fn expect(&mut self, dice: &mut Dice, kind: &str, data: Option<&Value>) {
        if dice.below(8) == 0 {
            self.device.socket.cut();
            self.come_back().await;
        }
        let frame = self.device.expect(kind).await.unwrap();
        assert!(data.is_none_or(|data| frame["data"] == *data), "{frame} is not {data:?}");
    }
}

fn frame(kind: &str, call: &str, data: Value) -> Value {
    json!({ "type": kind, "call": call, "data": data })
}

#[tokio::test]
async fn nothing_is_dropped_silently_doubled_or_reordered_however_often_connections_break() {
    const CUTS: usize = 300;
    let mut dice = Dice::new();
    let server = Server::start_with(roomy).await;
    let (alice, bob) = two(&server).await;
    let (mut alice, mut bob) = (Torn { device: alice, cuts: 0 }, Torn { device: bob, cuts: 0 });
    let mut round = 0;
    while alice.cuts + bob.cuts < CUTS {
        let call = numbered_call(round);
        round += 1;
        alice.send(&mut dice, json!({ "type": "call-request", "call": call, "to": "bob" })).await;
        bob.expect(&mut dice, "call-request", None).await;
        alice.expect(&mut dice, "call-delivered", None).await;
        bob.send(&mut dice, frame("call-ringing", &call, Value::Null)).await;
        alice.expect(&mut dice, "call-ringing", None).await;
        bob.send(&mut dice, frame("call-accept", &call, Value::Null)).await;
        alice.expect(&mut dice, "call-accept", None).await;
        bob.expect(&mut dice, "call-accept", None).await;
        for kind in ["offer", "answer"] {
            let (from, to) = if kind == "offer" { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            from.send(&mut dice, frame(kind, &call, json!(kind))).await;
            for i in 0..8 {
                from.send(&mut dice, frame("candidates", &call, json!([i]))).await;
            }
            to.expect(&mut dice, kind, Some(&json!(kind))).await;
            for i in 0..8 {
                to.expect(&mut dice, "candidates", Some(&json!([i]))).await;
            }
        }
        bob.send(&mut dice, frame("hangup", &call, Value::Null)).await;
        alice.expect(&mut dice, "call-ended", None).await;
        bob.expect(&mut dice, "call-ended", None).await;
    }
    quiet(&mut alice.device).await;
    quiet(&mut bob.device).await;
    let ended = server.history().await;
    assert_eq!(ended.len(), round);
    assert!(ended.iter().all(|call| call.reason == "hung_up"), "{ended:?}");
}
