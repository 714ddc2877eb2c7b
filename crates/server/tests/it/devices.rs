//! Story: the callee has several devices, and exactly one of them gets the call.

use serde_json::{Value, json};

use crate::util::{Server, call_id, end, quiet, refused, roomy, two};

#[tokio::test]
async fn one_call_one_outcome_all_devices_ring_and_the_first_accept_wins() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut phone) = two(&server).await;
    let mut laptop = server.guest("bob", "laptop").await;
    for round in 0..20 {
        let call = crate::util::numbered_call(round);
        alice.ring("bob", &call).await.unwrap();
        phone.expect("call-request").await.unwrap();
        laptop.expect("call-request").await.unwrap();
        // Both are on their way before either is answered.
        let first = if round % 2 == 0 { [&mut phone, &mut laptop] } else { [&mut laptop, &mut phone] };
        for device in first {
            device.call("call-accept", &call, Value::Null).await.unwrap();
        }
        for devices in 1..=2 {
            assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], devices);
        }
        let winner = alice.expect("call-accept").await.unwrap()["from"].clone();
        let (won, lost) =
            if winner == "bob/phone" { (&mut phone, &mut laptop) } else { (&mut laptop, &mut phone) };
        assert_eq!(won.expect("call-accept").await.unwrap()["data"]["peer"], "alice/web");
        assert_eq!(end(lost, &call, "answered_elsewhere").await, winner);
        refused(lost, "call-accept", "already_answered").await;
        alice.call("hangup", &call, Value::Null).await.unwrap();
        end(&mut alice, &call, "hung_up").await;
        end(won, &call, "hung_up").await;
        for device in [&mut alice, &mut phone, &mut laptop] {
            quiet(device).await;
        }
    }
}

#[tokio::test]
async fn a_device_that_comes_during_the_ring_rings_too_for_the_rest_of_it() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    let call = call_id('c');
    crate::util::ringing(&mut alice, &mut phone, &call).await;
    let mut laptop = server.guest("bob", "laptop").await;
    assert_eq!(laptop.welcome["calls"], json!([]), "it learns of the call by its request");
    let rings = laptop.expect("call-request").await.unwrap();
    assert_eq!(rings["from"], "alice/web");
    assert!(rings["exp"].as_u64().unwrap() <= 45_000);
    assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], 2);
    laptop.call("call-accept", &call, Value::Null).await.unwrap();
    assert_eq!(alice.expect("call-accept").await.unwrap()["from"], "bob/laptop");
    laptop.expect("call-accept").await.unwrap();
    end(&mut phone, &call, "answered_elsewhere").await;
    for device in [&mut alice, &mut phone, &mut laptop] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_device_that_comes_after_the_accept_does_not_ring() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    crate::util::accepted(&mut alice, &mut phone, &call_id('c')).await;
    let mut laptop = server.guest("bob", "laptop").await;
    assert_eq!(laptop.welcome["calls"], json!([]));
    quiet(&mut laptop).await;
    laptop.call("hangup", &call_id('c'), Value::Null).await.unwrap();
    refused(&mut laptop, "hangup", "already_answered").await;
    for device in [&mut alice, &mut phone] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_silenced_device_stays_silent_while_the_others_ring_on() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    let mut laptop = server.guest("bob", "laptop").await;
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    for device in [&mut phone, &mut laptop] {
        device.expect("call-request").await.unwrap();
        alice.expect("call-delivered").await.unwrap();
    }
    laptop.call("call-reject", &call, json!({ "scope": "here" })).await.unwrap();
    quiet(&mut laptop).await;
    quiet(&mut alice).await;
    // Not even a device that has forgotten everything starts to ring again.
    laptop.socket.cut();
    let mut laptop = server.guest("bob", "laptop").await;
    assert_eq!(laptop.welcome["calls"], json!([]));
    quiet(&mut laptop).await;
    phone.call("call-ringing", &call, Value::Null).await.unwrap();
    alice.expect("call-ringing").await.unwrap();
    phone.call("call-accept", &call, Value::Null).await.unwrap();
    phone.expect("call-accept").await.unwrap();
    alice.expect("call-accept").await.unwrap();
    end(&mut laptop, &call, "answered_elsewhere").await;
    for device in [&mut alice, &mut phone, &mut laptop] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_device_that_lost_everything_learns_its_calls_from_the_welcome() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    let call = call_id('c');
    let data = json!({ "media": "audio" });
    let request = json!({ "type": "call-request", "call": call, "to": "bob", "data": data });
    alice.send(request).await.unwrap();
    phone.expect("call-request").await.unwrap();
    let listed = |device: &tincan_testkit::device::Device| {
        let mut calls = device.welcome["calls"].clone();
        assert!(calls[0]["age_ms"].take().is_u64(), "{calls}");
        let left = calls[0].as_object_mut().and_then(|call| call.remove("exp"));
        let rings = calls[0]["state"] == "delivered";
        assert_eq!(left.and_then(|left| left.as_u64()).is_some_and(|ms| ms <= 45_000), rings, "{calls}");
        calls
    };
    let alice = server.guest("alice", "web").await;
    let entry =
        json!({ "call": call, "role": "caller", "peer": "bob", "state": "delivered", "age_ms": null });
    assert_eq!(listed(&alice), json!([entry]));
    let mut phone = server.guest("bob", "phone").await;
    let entry = json!({
        "call": call, "role": "callee", "peer": "alice/web", "state": "delivered", "age_ms": null, "data": data
    });
    assert_eq!(listed(&phone), json!([entry]));
    quiet(&mut phone).await;
    phone.call("call-accept", &call, Value::Null).await.unwrap();
    phone.expect("call-accept").await.unwrap();
    let alice = server.guest("alice", "web").await;
    let entry = json!({ "call": call, "role": "caller", "peer": "bob/phone", "state": "negotiating", "age_ms": null });
    assert_eq!(listed(&alice), json!([entry]));
}
