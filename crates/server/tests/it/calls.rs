//! Story: two people with one v2 device each call each other.

use serde_json::{Value, json};

use crate::doors::get;
use crate::util::{Server, accepted, call_id, end, quiet, refused, ringing, roomy, two};

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
        assert_eq!(end(device, &call, "hung_up").await, "bob/phone");
        quiet(device).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_the_caller_says_of_the_call_reaches_the_device_that_rings() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    let data = json!({ "media": "audio", "note": "ü\u{0}\"" });
    for (i, data) in [data, Value::Null, json!([1, 2])].into_iter().enumerate() {
        let call = crate::util::numbered_call(i);
        let request = json!({ "type": "call-request", "call": call, "to": "bob", "data": data });
        alice.send(request).await.unwrap();
        let rings = bob.expect("call-request").await.unwrap();
        assert_eq!((&rings["from"], &rings["data"]), (&json!("alice/web"), &data));
        let exp = rings["exp"].as_u64().unwrap();
        assert!((40_000..=45_000).contains(&exp), "it may ring for {exp} ms");
        alice.expect("call-delivered").await.unwrap();
        alice.call("call-cancel", &call, Value::Null).await.unwrap();
        end(&mut alice, &call, "cancelled").await;
        end(&mut bob, &call, "cancelled").await;
    }
}

#[tokio::test]
async fn either_side_hangs_up_with_any_of_the_reasons_that_a_client_may_give() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    let reasons = ["hung_up", "media_failed", "connection_lost", "user_media_failed"];
    for (i, reason) in reasons.into_iter().cycle().take(8).enumerate() {
        let call = crate::util::numbered_call(i);
        accepted(&mut alice, &mut bob, &call).await;
        let from = if i < 4 { &mut alice } else { &mut bob };
        from.call("hangup", &call, json!({ "reason": reason })).await.unwrap();
        let by = if i < 4 { "alice/web" } else { "bob/phone" };
        for device in [&mut alice, &mut bob] {
            assert_eq!(end(device, &call, reason).await, by);
            quiet(device).await;
        }
    }
}

#[tokio::test]
async fn a_second_hangup_ends_nothing_more() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    accepted(&mut alice, &mut bob, &call).await;
    for _ in 0..2 {
        alice.call("hangup", &call, Value::Null).await.unwrap();
    }
    bob.call("hangup", &call, Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        let frame = device.next().await.unwrap();
        let (first, second) = if frame["type"] == "error" {
            (device.next().await.unwrap(), frame)
        } else {
            (frame, device.expect("error").await.unwrap())
        };
        assert_eq!((&first["type"], &first["call"]), (&json!("call-ended"), &json!(call)));
        assert_eq!(second["data"]["code"], "no_such_call");
        quiet(device).await;
    }
}

#[tokio::test]
async fn before_accept_a_hangup_of_the_caller_cancels_and_one_of_the_callee_declines() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    ringing(&mut alice, &mut bob, &call).await;
    alice.call("hangup", &call, json!({ "reason": "media_failed" })).await.unwrap();
    assert_eq!(end(&mut alice, &call, "cancelled").await, "alice/web");
    assert_eq!(end(&mut bob, &call, "cancelled").await, "alice/web");
    let call = call_id('d');
    ringing(&mut alice, &mut bob, &call).await;
    bob.call("hangup", &call, Value::Null).await.unwrap();
    assert_eq!(end(&mut alice, &call, "declined").await, "bob/phone");
    assert_eq!(end(&mut bob, &call, "declined").await, "bob/phone");
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_device_has_one_live_call_and_must_end_it_before_the_next() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let mut carol = server.guest("carol", "web").await;
    let (first, second) = (call_id('c'), call_id('d'));
    accepted(&mut alice, &mut bob, &first).await;
    for device in [&mut alice, &mut bob] {
        device.ring("carol", &second).await.unwrap();
        refused(device, "ring", "already_in_call").await;
        quiet(device).await;
    }
    quiet(&mut carol).await;
    alice.call("hangup", &first, Value::Null).await.unwrap();
    for device in [&mut alice, &mut bob] {
        end(device, &first, "hung_up").await;
    }
    ringing(&mut alice, &mut carol, &second).await;
}

#[tokio::test]
async fn nobody_calls_themselves() {
    let server = Server::start().await;
    let (mut alice, mut tablet) = (server.guest("alice", "web").await, server.guest("alice", "tablet").await);
    alice.ring("alice", &call_id('c')).await.unwrap();
    refused(&mut alice, "ring", "bad_state").await;
    for device in [&mut alice, &mut tablet] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_request_that_is_sent_twice_rings_once() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    alice.ring("bob", &call).await.unwrap();
    bob.expect("call-request").await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn nothing_revives_a_call_that_has_ended() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    ringing(&mut alice, &mut bob, &call).await;
    alice.call("call-cancel", &call, Value::Null).await.unwrap();
    end(&mut alice, &call, "cancelled").await;
    end(&mut bob, &call, "cancelled").await;
    for kind in ["call-accept", "call-ringing", "call-reject", "hangup"] {
        bob.call(kind, &call, Value::Null).await.unwrap();
        refused(&mut bob, kind, "no_such_call").await;
    }
    alice.ring("bob", &call).await.unwrap();
    refused(&mut alice, "ring", "no_such_call").await;
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_request_that_comes_after_its_own_hangup_opens_nothing() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    alice.call("hangup", &call, Value::Null).await.unwrap();
    refused(&mut alice, "hangup", "no_such_call").await;
    alice.ring("bob", &call).await.unwrap();
    refused(&mut alice, "ring", "no_such_call").await;
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_frame_too_early_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    ringing(&mut alice, &mut bob, &call).await;
    for kind in ["offer", "answer", "candidate", "candidates", "call-update"] {
        alice.call(kind, &call, json!({})).await.unwrap();
        refused(&mut alice, kind, "bad_state").await;
        bob.call(kind, &call, json!({})).await.unwrap();
        refused(&mut bob, kind, "bad_state").await;
    }
    bob.call("call-accept", &call, Value::Null).await.unwrap();
    alice.expect("call-accept").await.unwrap();
    bob.expect("call-accept").await.unwrap();
    alice.call("offer", &call, json!({})).await.unwrap();
    bob.expect("offer").await.unwrap();
}

#[tokio::test]
async fn a_page_asks_for_its_ice_servers_in_the_session_as_over_http() {
    let server = Server::start().await;
    let mut alice = server.guest("alice", "web").await;
    alice.send(json!({ "type": "ice-servers-request", "id": "i" })).await.unwrap();
    let answer = alice.expect("ice-servers-response").await.unwrap();
    assert_eq!((&answer["re"], &answer["data"]["ttl_s"]), (&json!("i"), &json!(60)));
    let urls = |server: usize| answer["data"]["iceServers"][server]["urls"][0].as_str().unwrap().to_owned();
    assert!(urls(0).starts_with("stun:localhost:"), "{answer}");
    assert!(urls(1).starts_with("turn:localhost:"), "{answer}");
    let (_, body) = get(server.addr, "/ice-servers").await;
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(page["iceServers"][0], answer["data"]["iceServers"][0]);
    assert_ne!(page["iceServers"][1]["username"], answer["data"]["iceServers"][1]["username"]);
}
