//! Story: how a call was is kept with the call, and only its two sides can say it.

use serde_json::{Value, json};
use tempfile::TempDir;
use tincan_proto::quality::{Cause, Path};
use tincan_server::store::{RatedCall, Store};
use tincan_testkit::device::Device;

use crate::process::Process;
use crate::util::{Server, call_id, connected, end, pair, refused, roomy, two, until_decided};

fn report(samples: u32, mos: u32) -> Value {
    json!({
        "samples": samples, "mos": mos, "mos_min": mos - 50, "poor": 0, "concealed_ppm": 1000, "rtt_ms": 40, "path": "direct", "cause": "none",
    })
}

/// Reports, and proves that nothing was said against it.
async fn taken(device: &mut Device, call: &str, data: Value) {
    device.call("call-quality", call, data).await.unwrap();
    assert_eq!(until_decided(device).await, Vec::<Value>::new());
}

/// Reports, and expects it to be refused.
async fn not_taken(device: &mut Device, call: &str, data: Value, code: &str) {
    let frame = json!({ "type": "call-quality", "id": "report", "call": call, "data": data });
    device.send(frame).await.unwrap();
    refused(device, "report", code).await;
}

async fn hang_up(alice: &mut Device, bob: &mut Device, call: &str) {
    alice.call("hangup", call, Value::Null).await.unwrap();
    end(alice, call, "hung_up").await;
    end(bob, call, "hung_up").await;
}

/// What a server left in its folder: its only ended call.
async fn only(data_dir: &TempDir) -> RatedCall {
    let store = Store::open(&data_dir.path().join("tincan.db")).await.unwrap();
    let mut calls = store.rated_calls(None, 10).await.unwrap();
    store.close().await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

#[tokio::test]
async fn the_reports_of_both_sides_are_added_up_and_kept_with_the_call() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    taken(&mut alice, &call, report(30, 440)).await;
    taken(&mut alice, &call, report(10, 240)).await;
    hang_up(&mut alice, &mut bob, &call).await;
    // The last of it comes when it is over.
    let poor = json!({ "samples": 4, "mos": 210, "mos_min": 150, "poor": 4, "path": "relay_tls", "cause": "own_network" });
    taken(&mut bob, &call, poor).await;
    let rated = only(&server.stop().await).await;
    assert_eq!(rated.call.id.to_string(), call);
    let legs: Vec<_> = rated.legs.iter().map(|leg| (leg.leg.as_str(), leg.report)).collect();
    let [("alice/web", hers), ("bob/phone", his)] = legs[..] else { panic!("{legs:?}") };
    assert_eq!((hers.samples, hers.mos, hers.mos_min, hers.poor), (40, 390, 190, 0));
    assert_eq!(
        (hers.concealed_ppm, hers.lost_ppm, hers.rtt_ms, hers.jitter_ms),
        (Some(1000), None, Some(40), None)
    );
    assert_eq!((his.samples, his.mos, his.poor), (4, 210, 4));
    assert_eq!((his.path, his.cause, his.rtt_ms), (Path::RelayTls, Cause::OwnNetwork, None));
}

#[tokio::test]
async fn when_both_have_said_their_last_it_is_stored_and_the_server_need_not_stop() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.metrics.listen = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    hang_up(&mut alice, &mut bob, &call).await;
    taken(&mut alice, &call, report(5, 440)).await;
    taken(&mut bob, &call, report(5, 440)).await;
    let legs = loop {
        let (_, body) = crate::doors::get(server.metrics(), "/calls").await;
        let calls: Value = serde_json::from_str(&body).unwrap();
        let legs = calls["ended"][0]["legs"].as_array().cloned().unwrap_or_default();
        if !legs.is_empty() {
            break legs;
        }
    };
    assert_eq!(legs.iter().map(|leg| leg["leg"].clone()).collect::<Vec<_>>(), ["alice/web", "bob/phone"]);
}

#[tokio::test]
async fn a_stranger_cannot_say_how_a_call_was() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let (mut mallory, mut tablet) =
        (server.guest("mallory", "web").await, server.guest("bob", "tablet").await);
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    tablet.expect("call-request").await.unwrap();
    bob.expect("call-request").await.unwrap();
    bob.call("call-accept", &call, Value::Null).await.unwrap();
    bob.expect("call-accept").await.unwrap();
    while alice.next().await.unwrap()["type"] != "call-accept" {}
    tablet.expect("call-ended").await.unwrap();
    not_taken(&mut mallory, &call, report(30, 440), "no_such_call").await;
    not_taken(&mut tablet, &call, report(30, 440), "no_such_call").await;
    not_taken(&mut alice, &call_id('n'), report(30, 440), "no_such_call").await;
    hang_up(&mut alice, &mut bob, &call).await;
    not_taken(&mut mallory, &call, report(30, 440), "no_such_call").await;
    assert_eq!(only(&server.stop().await).await.legs, []);
}

#[tokio::test]
async fn impossible_numbers_are_a_bad_frame_and_change_nothing() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    taken(&mut alice, &call, report(30, 440)).await;
    for bad in [
        report(0, 440),
        report(601, 440),
        report(30, 451),
        report(30, 90),
        json!({ "samples": -1 }),
        json!(7),
    ] {
        not_taken(&mut alice, &call, bad, "bad_frame").await;
    }
    hang_up(&mut alice, &mut bob, &call).await;
    let rated = only(&server.stop().await).await;
    assert_eq!((rated.legs.len(), rated.legs[0].report.samples), (1, 30));
}

#[tokio::test]
async fn a_server_that_was_restarted_in_mid_call_goes_on_adding_up() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    taken(&mut alice, &call, report(30, 440)).await;
    let server = Server::start_in(server.stop().await, |_| {}).await;
    for device in [&mut alice, &mut bob] {
        device.move_to(server.addr).await.unwrap();
    }
    taken(&mut alice, &call, report(10, 240)).await;
    hang_up(&mut alice, &mut bob, &call).await;
    let rated = only(&server.stop().await).await;
    assert_eq!((rated.legs.len(), rated.legs[0].report.samples, rated.legs[0].report.mos), (1, 40, 390));
}

#[tokio::test]
async fn a_server_that_was_killed_in_mid_call_takes_reports_again_and_has_lost_the_earlier_ones() {
    let data_dir = tempfile::tempdir().unwrap();
    let process = Process::start(data_dir.path(), &[]);
    let (mut alice, mut bob) = pair(process.addr).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    taken(&mut alice, &call, report(30, 440)).await;
    process.kill();
    let process = Process::start(data_dir.path(), &[]);
    for device in [&mut alice, &mut bob] {
        device.move_to(process.addr).await.unwrap();
    }
    taken(&mut alice, &call, report(10, 240)).await;
    hang_up(&mut alice, &mut bob, &call).await;
    assert!(process.stop().success());
    let rated = only(&data_dir).await;
    assert_eq!((rated.legs.len(), rated.legs[0].report.samples), (1, 10));
}
