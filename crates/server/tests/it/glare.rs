//! Story: two people call each other at the same moment, or call again because a page crashed.

use serde_json::{Value, json};
use tincan_testkit::device::Device;
use tincan_testkit::v1::V1;

use crate::util::{Server, accepted, call_id, end, numbered_call, quiet, quiet_v1, ringing, roomy, two};

/// Reads until the accept. Returns its call, and what came before it.
async fn until_accept(device: &mut Device) -> (String, Vec<Value>) {
    let mut before = Vec::new();
    loop {
        let frame = device.next().await.unwrap();
        if frame["type"] == "call-accept" {
            return (frame["call"].as_str().unwrap().to_owned(), before);
        }
        before.push(frame);
    }
}

#[tokio::test]
async fn one_call_one_outcome_two_who_ring_each_other_are_in_one_call() {
    const ROUNDS: usize = 20;
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    for round in 0..ROUNDS {
        let calls = [numbered_call(2 * round), numbered_call(2 * round + 1)];
        // Neither reads before both have rung.
        if round % 2 == 0 {
            alice.ring("bob", &calls[0]).await.unwrap();
            bob.ring("alice", &calls[1]).await.unwrap();
        } else {
            bob.ring("alice", &calls[1]).await.unwrap();
            alice.ring("bob", &calls[0]).await.unwrap();
        }
        let (at_alice, heard_alice) = until_accept(&mut alice).await;
        let (at_bob, heard_bob) = until_accept(&mut bob).await;
        assert_eq!(at_alice, at_bob, "both are in the same call");
        let alice_calls = at_alice == calls[0];
        let (won, lost) = if alice_calls { (heard_alice, heard_bob) } else { (heard_bob, heard_alice) };
        assert!(won.iter().all(|frame| frame["type"] != "call-ended"), "{won:?}");
        let ends: Vec<&Value> = lost.iter().filter(|frame| frame["type"] == "call-ended").collect();
        let of_lost = if alice_calls { &calls[1] } else { &calls[0] };
        let expected = json!({ "reason": "glare", "call": at_alice, "talk_ms": 0 });
        assert_eq!(ends.len(), 1, "{lost:?}");
        assert_eq!((&ends[0]["call"], &ends[0]["data"]), (&json!(of_lost), &expected));
        alice.call("hangup", &at_alice, Value::Null).await.unwrap();
        for device in [&mut alice, &mut bob] {
            end(device, &at_alice, "hung_up").await;
            quiet(device).await;
        }
    }
    let ended = server.history().await;
    let of = |reason: &str| ended.iter().filter(|call| call.reason == reason).count();
    assert_eq!((ended.len(), of("glare"), of("hung_up")), (2 * ROUNDS, ROUNDS, ROUNDS));
}

/// Whether this page is the caller: it hears `call-accept`, and the other one a `call-request`.
async fn is_caller(page: &mut V1, peer: &str) -> bool {
    let (kind, from, _) = page.next().await.unwrap();
    assert_eq!(from, peer);
    match kind.as_str() {
        "call-accept" => true,
        "call-request" => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn two_original_pages_that_ring_each_other_are_in_one_call() {
    let server = Server::start_with(roomy).await;
    let (mut a, mut b) = (server.v1("a").await, server.v1("b").await);
    for round in 0..20 {
        let (first, second) =
            if round % 2 == 0 { (("a", "b"), ("b", "a")) } else { (("b", "a"), ("a", "b")) };
        for (from, to) in [first, second] {
            let page = if from == "a" { &mut a } else { &mut b };
            page.send("call-request", to).await.unwrap();
        }
        let a_calls = is_caller(&mut a, "b").await;
        assert_ne!(a_calls, is_caller(&mut b, "a").await, "one of the two is the caller");
        let (caller, callee, from, to) =
            if a_calls { (&mut a, &mut b, "a", "b") } else { (&mut b, &mut a, "b", "a") };
        caller.send_data("offer", to, &json!(round)).await.unwrap();
        assert_eq!(callee.expect("offer", from).await.unwrap(), round);
        callee.send_data("answer", from, &json!(round)).await.unwrap();
        assert_eq!(caller.expect("answer", to).await.unwrap(), round);
        callee.send("hangup", from).await.unwrap();
        caller.expect("hangup", to).await.unwrap();
        quiet_v1(&mut a, "a").await;
        quiet_v1(&mut b, "b").await;
    }
}

#[tokio::test]
async fn a_page_of_old_and_a_device_that_ring_each_other_are_in_one_call() {
    let server = Server::start_with(roomy).await;
    let (mut page, mut bob) = (server.v1("page").await, server.guest("bob", "phone").await);
    for round in 0..20 {
        if round % 2 == 0 {
            page.send("call-request", "bob").await.unwrap();
        }
        bob.ring("page", &numbered_call(round)).await.unwrap();
        if round % 2 != 0 {
            page.send("call-request", "bob").await.unwrap();
        }
        let page_calls = is_caller(&mut page, "bob").await;
        let (call, heard) = until_accept(&mut bob).await;
        assert_eq!(call != numbered_call(round), page_calls);
        let glares = heard.iter().filter(|frame| frame["data"]["reason"] == "glare").count();
        assert_eq!(glares, usize::from(page_calls), "{heard:?}");
        bob.call("hangup", &call, Value::Null).await.unwrap();
        end(&mut bob, &call, "hung_up").await;
        page.expect("hangup", "bob").await.unwrap();
        quiet(&mut bob).await;
        quiet_v1(&mut page, "page").await;
    }
}

#[tokio::test]
async fn after_glare_a_third_device_of_either_user_is_silent() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let mut laptop = server.guest("bob", "laptop").await;
    ringing_both(&mut alice, &mut bob, &mut laptop).await;
    bob.ring("alice", &call_id('d')).await.unwrap();
    end(&mut bob, &call_id('d'), "glare").await;
    assert_eq!(bob.expect("call-accept").await.unwrap()["call"], call_id('c'));
    assert_eq!(alice.expect("call-accept").await.unwrap()["from"], "bob/phone");
    end(&mut laptop, &call_id('c'), "answered_elsewhere").await;
    for device in [&mut alice, &mut bob, &mut laptop] {
        quiet(device).await;
    }
}

async fn ringing_both(alice: &mut Device, bob: &mut Device, laptop: &mut Device) {
    alice.ring("bob", &call_id('c')).await.unwrap();
    for device in [bob, laptop] {
        device.expect("call-request").await.unwrap();
        alice.expect("call-delivered").await.unwrap();
    }
}

#[tokio::test]
async fn a_call_after_a_crash_replaces_the_one_that_was_left_whoever_calls() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    for (round, caller_crashed) in [true, false].into_iter().enumerate() {
        let (old, new) = (numbered_call(2 * round), numbered_call(2 * round + 1));
        accepted(&mut alice, &mut bob, &old).await;
        let (crashed, other) = if caller_crashed { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        let user = crashed.welcome["user"].as_str().unwrap().to_owned();
        let device = crashed.welcome["device"].as_str().unwrap().to_owned();
        crashed.socket.cut();
        *crashed = server.guest(&user, &device).await;
        assert_eq!(crashed.welcome["calls"][0]["call"], old.as_str());
        let callee = other.welcome["user"].as_str().unwrap().to_owned();
        crashed.ring(&callee, &new).await.unwrap();
        for device in [&mut *crashed, &mut *other] {
            assert_eq!(end(device, &old, "replaced").await, Value::Null);
        }
        other.expect("call-request").await.unwrap();
        crashed.expect("call-delivered").await.unwrap();
        other.call("call-accept", &new, Value::Null).await.unwrap();
        for device in [&mut *crashed, &mut *other] {
            assert_eq!(device.expect("call-accept").await.unwrap()["call"], new.as_str());
        }
        crashed.call("hangup", &new, Value::Null).await.unwrap();
        for device in [&mut alice, &mut bob] {
            end(device, &new, "hung_up").await;
            quiet(device).await;
        }
    }
    let reasons: Vec<String> = server.history().await.into_iter().map(|call| call.reason).collect();
    assert_eq!(reasons, ["replaced", "hung_up", "replaced", "hung_up"]);
}

#[tokio::test]
async fn a_call_after_a_crash_replaces_the_one_that_still_rings() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    alice.socket.cut();
    let mut alice = server.guest("alice", "web").await;
    alice.ring("bob", &call_id('d')).await.unwrap();
    for device in [&mut alice, &mut bob] {
        end(device, &call_id('c'), "replaced").await;
    }
    bob.expect("call-request").await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    for device in [&mut alice, &mut bob] {
        quiet(device).await;
    }
}
