//! Story: two people with v2 devices call each other.

use serde_json::{Value, json};
use tincan_testkit::device::Device;

use crate::util::{Server, accepted, call_id, quiet, two};

#[tokio::test]
async fn a_call_is_requested_rings_is_accepted_negotiated_and_hung_up() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    accepted(&mut alice, &mut bob, &call).await;
    let sdp = json!({ "type": "offer", "sdp": "v=0\r\n" });
    alice.call("offer", &call, sdp.clone()).await.unwrap();
    let offer = bob.expect("offer").await.unwrap();
    assert_eq!((&offer["from"], &offer["data"]), (&json!("alice/web"), &sdp));
    bob.call("answer", &call, json!({ "type": "answer" })).await.unwrap();
    assert_eq!(alice.expect("answer").await.unwrap()["from"], "bob/phone");
    for i in 0..20 {
        alice.call("candidates", &call, json!([{ "candidate": i }])).await.unwrap();
    }
    for i in 0..20 {
        assert_eq!(bob.expect("candidates").await.unwrap()["data"][0]["candidate"], i);
    }
    for device in [&mut alice, &mut bob] {
        device.call("call-update", &call, json!({ "media": "connected" })).await.unwrap();
    }
    assert_eq!(alice.expect("call-update").await.unwrap()["data"]["media"], "connected");
    bob.expect("call-update").await.unwrap();
    bob.call("hangup", &call, Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        assert_eq!(device.expect_end(&call, "hung_up").await.unwrap()["data"]["by"], "bob/phone");
        quiet(device).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn all_devices_ring_and_the_first_accept_wins() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    let mut laptop = Device::guest(server.addr, "bob", "laptop").await.unwrap();
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    for device in [&mut phone, &mut laptop] {
        device.expect("call-request").await.unwrap();
        device.call("call-accept", &call, Value::Null).await.unwrap();
    }
    for devices in 1..=2 {
        assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], devices);
    }
    let winner = alice.expect("call-accept").await.unwrap()["from"].clone();
    let (mut won, mut lost) = if winner == "bob/phone" { (phone, laptop) } else { (laptop, phone) };
    won.expect("call-accept").await.unwrap();
    lost.expect_end(&call, "answered_elsewhere").await.unwrap();
    assert_eq!(lost.expect("error").await.unwrap()["data"]["code"], "already_answered");
    for device in [&mut alice, &mut won, &mut lost] {
        quiet(device).await;
    }
}
