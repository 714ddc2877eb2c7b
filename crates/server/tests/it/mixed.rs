//! Story: a page of old and a device of today call each other, and each hears only its own language.

use serde_json::{Value, json};
use tincan_testkit::device::Device;
use tincan_testkit::v1::V1;

use crate::util::{Server, call_id, end, quiet, quiet_v1, refused, roomy};

async fn both() -> (Server, V1, Device) {
    let server = Server::start_with(roomy).await;
    let (page, bob) = (server.v1("page").await, server.guest("bob", "phone").await);
    (server, page, bob)
}

/// The device rings the page, up to the accept.
async fn device_calls(page: &mut V1, bob: &mut Device) -> String {
    let call = call_id('c');
    bob.ring("page", &call).await.unwrap();
    page.expect("call-request", "bob").await.unwrap();
    assert_eq!(bob.expect("call-delivered").await.unwrap()["data"]["devices"], 1);
    assert_eq!(bob.expect("call-ringing").await.unwrap()["from"], "page/v1", "a page rings at once");
    page.send("call-accept", "bob").await.unwrap();
    assert_eq!(bob.expect("call-accept").await.unwrap()["data"]["peer"], "page/v1");
    call
}

/// The page rings the device, up to the accept. Returns the call that the server made for it.
async fn page_calls(page: &mut V1, bob: &mut Device) -> String {
    page.send("call-request", "bob").await.unwrap();
    let request = bob.expect("call-request").await.unwrap();
    assert_eq!(request["from"], "page/v1");
    let call = request["call"].as_str().unwrap().to_owned();
    bob.call("call-ringing", &call, Value::Null).await.unwrap();
    bob.call("call-accept", &call, Value::Null).await.unwrap();
    assert_eq!(bob.expect("call-accept").await.unwrap()["data"]["peer"], "page/v1");
    page.expect("call-accept", "bob").await.unwrap();
    call
}

#[tokio::test]
async fn a_page_calls_a_device() {
    let (server, mut page, mut bob) = both().await;
    let call = page_calls(&mut page, &mut bob).await;
    page.send_data("offer", "bob", &json!({ "sdp": "1" })).await.unwrap();
    let offer = bob.expect("offer").await.unwrap();
    assert_eq!((&offer["call"], &offer["from"]), (&json!(call), &json!("page/v1")));
    assert_eq!(offer["data"], json!({ "sdp": "1" }));
    bob.call("answer", &call, json!({ "sdp": "2" })).await.unwrap();
    assert_eq!(page.expect("answer", "bob").await.unwrap(), json!({ "sdp": "2" }));
    page.send_data("candidate", "bob", &json!("p")).await.unwrap();
    assert_eq!(bob.expect("candidate").await.unwrap()["data"], "p");
    bob.call("call-update", &call, json!({ "media": "connected", "muted": true })).await.unwrap();
    page.expect_silence().await.unwrap();
    quiet(&mut bob).await;
    page.send("hangup", "bob").await.unwrap();
    assert_eq!(end(&mut bob, &call, "hung_up").await, "page/v1");
    quiet_v1(&mut page, "page").await;
    let ended = server.history().await;
    let call = ended.iter().find(|row| row.id.to_string() == call).unwrap();
    assert!(call.accepted_at.is_some());
    assert_eq!(call.ended_by.as_deref(), Some("page/v1"));
}

#[tokio::test]
async fn a_device_calls_a_page() {
    let (_server, mut page, mut bob) = both().await;
    let call = device_calls(&mut page, &mut bob).await;
    bob.call("offer", &call, json!("offer")).await.unwrap();
    page.expect("offer", "bob").await.unwrap();
    page.send_data("answer", "bob", &json!("answer")).await.unwrap();
    assert_eq!(bob.expect("answer").await.unwrap()["data"], "answer");
    bob.call("hangup", &call, json!({ "reason": "media_failed" })).await.unwrap();
    end(&mut bob, &call, "media_failed").await;
    page.expect("hangup", "bob").await.unwrap();
    quiet(&mut bob).await;
    quiet_v1(&mut page, "page").await;
}

#[tokio::test]
async fn a_batch_of_candidates_comes_to_a_page_one_by_one_without_its_end() {
    let (_server, mut page, mut bob) = both().await;
    let call = device_calls(&mut page, &mut bob).await;
    bob.call("candidates", &call, json!([{ "candidate": 0 }, { "candidate": 1 }])).await.unwrap();
    bob.call("offer", &call, json!("offer")).await.unwrap();
    page.expect("offer", "bob").await.unwrap();
    page.expect_silence().await.unwrap();
    page.send_data("answer", "bob", &json!("answer")).await.unwrap();
    bob.expect("answer").await.unwrap();
    bob.call("candidates", &call, json!([{ "candidate": 2 }, null])).await.unwrap();
    bob.call("candidates", &call, json!([null])).await.unwrap();
    bob.call("candidate", &call, json!({ "candidate": 3 })).await.unwrap();
    for i in 0..4 {
        assert_eq!(page.expect("candidate", "bob").await.unwrap(), json!({ "candidate": i }));
    }
    page.expect_silence().await.unwrap();
}

#[tokio::test]
async fn a_page_hears_every_end_in_its_own_words() {
    let (server, mut page, mut bob) = both().await;
    // The device calls.
    let call = call_id('a');
    bob.ring("page", &call).await.unwrap();
    page.expect("call-request", "bob").await.unwrap();
    bob.call("call-cancel", &call, Value::Null).await.unwrap();
    page.expect("hangup", "bob").await.unwrap();
    for kind in ["call-delivered", "call-ringing", "call-ended"] {
        bob.expect(kind).await.unwrap();
    }
    let call = call_id('b');
    bob.ring("page", &call).await.unwrap();
    page.expect("call-request", "bob").await.unwrap();
    page.send("call-reject", "bob").await.unwrap();
    for kind in ["call-delivered", "call-ringing"] {
        bob.expect(kind).await.unwrap();
    }
    assert_eq!(end(&mut bob, &call, "declined").await, "page/v1");
    // The page calls.
    for (reject, reason) in [(Value::Null, "declined"), (json!({ "reason": "busy" }), "busy")] {
        page.send("call-request", "bob").await.unwrap();
        let call = bob.expect("call-request").await.unwrap()["call"].as_str().unwrap().to_owned();
        bob.call("call-reject", &call, reject).await.unwrap();
        assert_eq!(page.expect("call-reject", "bob").await.unwrap(), json!({ "reason": reason }));
        end(&mut bob, &call, reason).await;
    }
    // Another device of the page's user takes the call.
    let mut tablet = server.guest("page", "tablet").await;
    let call = call_id('d');
    bob.ring("page", &call).await.unwrap();
    page.expect("call-request", "bob").await.unwrap();
    tablet.expect("call-request").await.unwrap();
    tablet.call("call-accept", &call, Value::Null).await.unwrap();
    page.expect("hangup", "bob").await.unwrap();
    quiet_v1(&mut page, "page").await;
}

#[tokio::test]
async fn a_page_that_accepts_too_late_hears_that_the_call_is_over() {
    let (server, mut page, mut bob) = both().await;
    let mut tablet = server.guest("page", "tablet").await;
    let call = call_id('c');
    bob.ring("page", &call).await.unwrap();
    page.expect("call-request", "bob").await.unwrap();
    tablet.expect("call-request").await.unwrap();
    tablet.call("call-accept", &call, Value::Null).await.unwrap();
    tablet.expect("call-accept").await.unwrap();
    page.expect("hangup", "bob").await.unwrap();
    page.send("call-accept", "bob").await.unwrap();
    assert_eq!(page.expect("hangup", "bob").await.unwrap(), json!({ "reason": "no_such_call" }));
    quiet(&mut tablet).await;
}

#[tokio::test]
async fn a_device_whose_page_is_being_reloaded_hears_that_nobody_is_there() {
    let (server, mut page, mut bob) = both().await;
    let call = device_calls(&mut page, &mut bob).await;
    page.socket.cut();
    // Until the server has noticed, what is sent goes into the old connection.
    loop {
        bob.call("offer", &call, json!("offer")).await.unwrap();
        bob.socket.text(r#"{"type":"ping"}"#).await.unwrap();
        let answer = bob.next().await.unwrap();
        if answer["type"] == "error" {
            assert_eq!((&answer["re"], &answer["data"]["code"]), (&json!("offer"), &json!("unavailable")));
            bob.expect("pong").await.unwrap();
            break;
        }
    }
    let mut page = server.v1("page").await;
    bob.call("offer", &call, json!("offer")).await.unwrap();
    page.expect("offer", "bob").await.unwrap();
    bob.call("hangup", &call, Value::Null).await.unwrap();
    page.expect("hangup", "bob").await.unwrap();
    end(&mut bob, &call, "hung_up").await;
    bob.call("offer", &call, json!("offer")).await.unwrap();
    refused(&mut bob, "offer", "no_such_call").await;
}
