//! Story: the server is killed at any moment, again and again, and never takes back what it said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tincan_testkit::device::Device;

use crate::process::{Process, ROOMY};
use crate::util::{Dice, address, history, numbered_call, until_decided};

const KILLS: usize = 80;

/// Ends of one device's leg, which say nothing of the call.
const OF_A_LEG: [&str; 2] = ["answered_elsewhere", "declined_elsewhere"];

/// A device, with what it believes.
struct Witness {
    device: Device,
    /// The calls that live, as far as it was told.
    live: BTreeSet<String>,
}

/// What anyone was told, and may rely on.
#[derive(Default)]
struct Heard {
    winners: BTreeMap<String, BTreeSet<String>>,
    ends: BTreeMap<String, BTreeSet<String>>,
}

impl Witness {
    async fn new(process: &Process, user: &str, device: &str) -> Self {
        Self { device: Device::guest(process.addr, user, device).await.unwrap(), live: BTreeSet::new() }
    }

    fn hear(&mut self, heard: &mut Heard, frame: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let call = word(&frame["call"]);
        match frame["type"].as_str().unwrap() {
            "call-request" => drop(self.live.insert(call)),
            "call-accept" => {
                heard.winners.entry(call.clone()).or_default().insert(word(&frame["from"]));
                self.live.insert(call);
            }
            "call-ended" => {
                self.live.remove(&call);
                let reason = word(&frame["data"]["reason"]);
                if !OF_A_LEG.contains(&reason.as_str()) {
                    heard.ends.entry(call).or_default().insert(reason);
                }
            }
            "error" if frame["data"]["code"] == "no_such_call" => drop(self.live.remove(&call)),
            _ => {}
        }
    }

    async fn next(&mut self, heard: &mut Heard) -> Result<Value> {
        let frame = self.device.next().await?;
        self.hear(heard, &frame);
        Ok(frame)
    }

    async fn until(&mut self, heard: &mut Heard, kind: &str) -> Result<()> {
        while self.next(heard).await?["type"] != kind {}
        Ok(())
    }

    /// Comes to the server that was started anew. The welcome is the truth.
    async fn move_to(&mut self, process: &Process) {
        assert!(!self.device.move_to(process.addr).await.unwrap());
        let calls = self.device.welcome["calls"].as_array().unwrap();
        self.live = calls.iter().map(|call| call["call"].as_str().unwrap().to_owned()).collect();
    }

    /// Hears everything that was decided so far.
    async fn catch_up(&mut self, heard: &mut Heard) {
        for frame in until_decided(&mut self.device).await {
            self.hear(heard, &frame);
        }
    }
}

/// A call from request to hang-up, with two devices that both accept.
async fn dialog(
    alice: &mut Witness,
    bobs: [&mut Witness; 2],
    call: &str,
    heard: &mut Heard,
    rejects: bool,
) -> Result<()> {
    alice.live.insert(call.into());
    alice.device.ring("bob", call).await?;
    let [phone, laptop] = bobs;
    for device in [&mut *phone, &mut *laptop] {
        device.until(heard, "call-request").await?;
        device.device.call("call-ringing", call, Value::Null).await?;
    }
    if rejects {
        phone.device.call("call-reject", call, Value::Null).await?;
        return alice.until(heard, "call-ended").await;
    }
    for device in [&mut *phone, &mut *laptop] {
        device.device.call("call-accept", call, Value::Null).await?;
    }
    alice.until(heard, "call-accept").await?;
    let won = heard.winners[call].first().is_some_and(|winner| *winner == address(&phone.device));
    let winner = if won { phone } else { laptop };
    winner.until(heard, "call-accept").await?;
    alice.device.call("offer", call, json!({})).await?;
    winner.until(heard, "offer").await?;
    for device in [&mut *alice, &mut *winner] {
        device.device.call("call-update", call, json!({ "media": "connected" })).await?;
    }
    winner.device.call("hangup", call, Value::Null).await?;
    alice.until(heard, "call-ended").await?;
    winner.until(heard, "call-ended").await
}

#[tokio::test]
async fn what_was_acknowledged_is_stored_however_often_the_server_is_killed() {
    let (mut dice, mut heard) = (Dice::new(), Heard::default());
    let data_dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(data_dir.path(), &ROOMY);
    let mut alice = Witness::new(&process, "alice", "web").await;
    let mut phone = Witness::new(&process, "bob", "phone").await;
    let mut laptop = Witness::new(&process, "bob", "laptop").await;
    for kill in 0..KILLS {
        let call = numbered_call(kill);
        // A moment within the dialog, wherever that is then.
        let moment = Duration::from_micros(dice.below(15_000));
        let rejects = dice.below(4) == 0;
        tokio::select! {
            _ = dialog(&mut alice, [&mut phone, &mut laptop], &call, &mut heard, rejects) => {}
            () = tokio::time::sleep(moment) => {}
        }
        process.kill();
        for device in [&mut alice, &mut phone, &mut laptop] {
            // What it said before it died was said.
            while device.next(&mut heard).await.is_ok() {}
        }
        process = Process::start(data_dir.path(), &ROOMY);
        for device in [&mut alice, &mut phone, &mut laptop] {
            device.move_to(&process).await;
        }
        for device in [&mut alice, &mut phone, &mut laptop] {
            device.catch_up(&mut heard).await;
        }
        alice.device.call("hangup", &call, Value::Null).await.unwrap();
        for device in [&mut alice, &mut phone, &mut laptop] {
            device.catch_up(&mut heard).await;
            assert!(device.live.is_empty(), "{} has a ghost: {:?}", address(&device.device), device.live);
        }
    }
    assert!(process.stop().success());
    agree(&heard, &history(&data_dir).await);
}

/// Everything that was said is in the history, once.
fn agree(heard: &Heard, rows: &[tincan_server::store::EndedCall]) {
    let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len(), "a call ended twice");
    assert!(!heard.ends.is_empty() && !heard.winners.is_empty());
    for (call, reasons) in &heard.ends {
        let row = rows.iter().find(|row| row.id.to_string() == *call);
        let row = row.unwrap_or_else(|| panic!("{call} was said to have ended: {reasons:?}"));
        assert_eq!(*reasons, BTreeSet::from([row.reason.clone()]), "{row:?}");
    }
    for (call, winners) in &heard.winners {
        assert_eq!(winners.len(), 1, "{call} has two winners");
        let row = rows.iter().find(|row| row.id.to_string() == *call).unwrap();
        assert_eq!(row.callee_device.as_ref(), winners.first(), "{row:?}");
    }
}
