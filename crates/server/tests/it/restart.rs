//! Story: the server dies and comes back, and the people who talk do not notice.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tincan_proto::call::{Call, State};
use tincan_server::store::Store;
use tincan_testkit::device::Device;
use tincan_testkit::socket::Event;

use crate::process::Process;
use crate::util::{
    ENOUGH, Server, accepted, call_id, connected, end, history, media, pair, quiet, ringing, two,
    until_decided,
};

/// The calls that are live on the disk now, while a server has it open.
async fn live_on_disk(data_dir: &TempDir) -> Vec<Call> {
    let copy = TempDir::new().unwrap();
    for file in ["tincan.db", "tincan.db-wal"] {
        std::fs::copy(data_dir.path().join(file), copy.path().join(file)).unwrap();
    }
    let store = Store::open(&copy.path().join("tincan.db")).await.unwrap();
    let live = store.live_calls().await.unwrap();
    store.close().await;
    live
}

#[tokio::test]
async fn what_nobody_is_told_of_is_stored_all_the_same() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let states = async || live_on_disk(&server.data_dir).await.iter().map(Call::state).collect::<Vec<_>>();
    assert_eq!(states().await, [State::Negotiating]);
    media(&mut alice, &mut bob, &call_id('c'), "connected").await;
    // Nobody says a word more.
    tokio::time::timeout(5 * ENOUGH, async { while states().await != [State::Connected] {} }).await.unwrap();
}

/// Kills the server, starts it again on what it left, and brings both devices back to it.
async fn crash(process: Process, data_dir: &TempDir, devices: [&mut Device; 2]) -> Process {
    process.kill();
    let process = Process::start(data_dir.path(), &[]);
    for device in devices {
        assert!(!device.move_to(process.addr).await.unwrap(), "no session outlives the server");
    }
    process
}

/// What a device is told of its one live call: its id, its state and who is at the other end.
fn told(device: &Device) -> (String, String, String) {
    let calls = device.welcome["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let word = |name: &str| calls[0][name].as_str().unwrap().to_owned();
    (word("call"), word("state"), word("peer"))
}

fn telling(call: &str, state: &str, peer: &str) -> (String, String, String) {
    (call.into(), state.into(), peer.into())
}

#[tokio::test]
async fn a_dead_server_never_ends_a_connected_call() {
    let data_dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    quiet(&mut bob).await;
    for _ in 0..2 {
        process = crash(process, &data_dir, [&mut alice, &mut bob]).await;
        assert_eq!(told(&alice), telling(&call, "connected", "bob/phone"));
        assert_eq!(told(&bob), telling(&call, "connected", "alice/web"));
    }
    // What the two say to each other still arrives.
    alice.call("offer", &call, json!({ "restart": true })).await.unwrap();
    assert_eq!(bob.expect("offer").await.unwrap()["from"], "alice/web");
    bob.call("hangup", &call, Value::Null).await.unwrap();
    let talked = alice.expect_end(&call, "hung_up").await.unwrap()["data"]["talk_ms"].as_i64().unwrap();
    assert_eq!(end(&mut bob, &call, "hung_up").await, "bob/phone");
    assert!(process.stop().success());
    let rows = history(&data_dir).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].reason.as_str(), rows[0].talk_ms), ("hung_up", talked));
    assert!(talked > 0, "the time that the server was away counts");
}

#[tokio::test]
async fn what_nobody_was_told_of_is_stored_before_the_server_stops() {
    let server = Server::start().await;
    let (mut alice, mut bob) = (server.guest("alice", "web").await, server.guest("bob", "phone").await);
    connected(&mut alice, &mut bob, &call_id('c')).await;
    for device in [&mut alice, &mut bob] {
        // Behind what it said of its media, so that the server has heard that.
        device.send(json!({ "type": "ping" })).await.unwrap();
        while device.next().await.unwrap()["type"] != "pong" {}
    }
    let server = Server::start_in(server.stop().await, |_| {}).await;
    let alice = server.guest("alice", "web").await;
    assert_eq!(alice.welcome["calls"][0]["state"], "connected");
}

#[tokio::test]
async fn a_call_hung_up_while_the_server_was_away_is_hung_up_when_the_device_comes_back() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    connected(&mut alice, &mut bob, &call_id('c')).await;
    quiet(&mut bob).await;
    process.kill();
    // Into a dead connection: it is not acknowledged, and so said again.
    alice.socket.cut();
    alice.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    let process = Process::start(data_dir.path(), &[]);
    assert!(!alice.move_to(process.addr).await.unwrap());
    assert_eq!(end(&mut alice, &call_id('c'), "hung_up").await, "alice/web");
    assert!(!bob.move_to(process.addr).await.unwrap());
    assert_eq!(bob.welcome["calls"], json!([]), "a call that is not listed has ended");
    // Coming back while the end is told, it may hear that as well, but nothing else.
    let heard = until_decided(&mut bob).await;
    assert!(heard.iter().all(|frame| frame["type"] == "call-ended"), "{heard:?}");
}

#[tokio::test]
async fn a_call_that_rang_when_the_server_died_goes_on_ringing_and_can_be_accepted() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    let process = crash(process, &data_dir, [&mut alice, &mut bob]).await;
    assert_eq!(told(&alice), telling(&call_id('c'), "ringing", "bob"));
    assert_eq!(told(&bob), telling(&call_id('c'), "ringing", "alice/web"));
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
    bob.call("call-accept", &call_id('c'), Value::Null).await.unwrap();
    alice.expect("call-accept").await.unwrap();
    bob.expect("call-accept").await.unwrap();
    assert!(process.stop().success());
}

#[tokio::test]
async fn a_call_whose_time_passed_while_the_server_was_dead_is_missed_and_nobody_rings() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    process.kill();
    let server =
        Server::start_in(data_dir, |config| config.call.ring_timeout = Duration::from_millis(1)).await;
    for device in [&mut alice, &mut bob] {
        assert!(!device.move_to(server.addr).await.unwrap());
        assert_eq!(device.welcome["calls"], json!([]));
        // One that comes while the end is being stored hears of it; it rings in no case.
        for frame in until_decided(device).await {
            assert_eq!(
                (&frame["type"], &frame["data"]["reason"]),
                (&json!("call-ended"), &json!("no_answer"))
            );
        }
    }
    let rows = server.history().await;
    assert_eq!((rows.len(), rows[0].reason.as_str(), &rows[0].ended_by), (1, "no_answer", &None));
}

#[tokio::test]
async fn a_call_that_was_being_negotiated_when_the_server_died_is_negotiated_anew() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    let call = call_id('c');
    accepted(&mut alice, &mut bob, &call).await;
    alice.call("offer", &call, json!(1)).await.unwrap();
    bob.expect("offer").await.unwrap();
    let process = crash(process, &data_dir, [&mut alice, &mut bob]).await;
    assert_eq!(told(&alice), telling(&call, "negotiating", "bob/phone"));
    assert_eq!(told(&bob), telling(&call, "negotiating", "alice/web"));
    alice.call("offer", &call, json!(2)).await.unwrap();
    assert_eq!(bob.expect("offer").await.unwrap()["data"], 2);
    bob.call("answer", &call, json!(2)).await.unwrap();
    alice.expect("answer").await.unwrap();
    media(&mut alice, &mut bob, &call, "connected").await;
    alice.call("hangup", &call, Value::Null).await.unwrap();
    end(&mut alice, &call, "hung_up").await;
    end(&mut bob, &call, "hung_up").await;
    assert!(process.stop().success());
    assert_eq!(history(&data_dir).await.len(), 1);
}

#[tokio::test]
async fn a_request_that_was_said_again_after_a_crash_is_one_call() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    // Not read, and so not known to be acknowledged: it is said again.
    alice.ring("bob", &call_id('c')).await.unwrap();
    bob.expect("call-request").await.unwrap();
    let process = crash(process, &data_dir, [&mut alice, &mut bob]).await;
    assert_eq!(told(&bob), telling(&call_id('c'), "delivered", "alice/web"));
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
    alice.call("call-cancel", &call_id('c'), Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        end(device, &call_id('c'), "cancelled").await;
    }
    assert!(process.stop().success());
    assert_eq!(history(&data_dir).await.len(), 1);
}

#[tokio::test]
async fn a_server_told_to_stop_sends_everyone_away_in_good_order() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    let mut page = tincan_testkit::v1::V1::connect(process.addr, "page").await.unwrap();
    page.expect_silence().await.unwrap();
    connected(&mut alice, &mut bob, &call_id('c')).await;
    quiet(&mut bob).await;
    assert_eq!(process.stop().code(), Some(0));
    for device in [&mut alice, &mut bob] {
        let goaway = device.expect("goaway").await.unwrap();
        assert!(goaway["data"]["reconnect_in_ms"].as_u64().unwrap() <= 2_000, "{goaway}");
        assert_eq!(device.socket.next().await.unwrap(), Event::Close(Some(1012)));
    }
    // A page of old has no word for it.
    assert_eq!(page.socket.next().await.unwrap(), Event::Close(Some(1012)));
    let process = Process::start(data_dir.path(), &[]);
    for device in [&mut alice, &mut bob] {
        assert!(!device.move_to(process.addr).await.unwrap());
        assert_eq!(device.welcome["calls"][0]["state"], "connected");
    }
}
