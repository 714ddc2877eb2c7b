//! Story: whoever breaks the rules of numbering, or does not listen, is sent away, and what can be healed heals.

use serde_json::{Value, json};

use crate::util::{Server, accepted, call_id, quiet, roomy, two};

#[tokio::test]
async fn a_client_that_never_acknowledges_is_cut_off_as_slow_and_starts_anew() {
    for (frames, bytes) in [(256, 1), (5, 60_000)] {
        let server = Server::start_with(roomy).await;
        let (mut alice, mut bob) = two(&server).await;
        accepted(&mut alice, &mut bob, &call_id('c')).await;
        let data = json!("x".repeat(bytes));
        for _ in 0..frames {
            alice.call("candidate", &call_id('c'), data.clone()).await.unwrap();
        }
        assert_eq!(bob.socket.closed().await.unwrap(), 4008, "{frames} frames of {bytes} bytes");
        assert!(!bob.come_back().await.unwrap(), "what it missed is more than was kept");
        assert_eq!(bob.welcome["calls"][0]["state"], "negotiating");
        bob.call("hangup", &call_id('c'), Value::Null).await.unwrap();
        bob.expect_end(&call_id('c'), "hung_up").await.unwrap();
        alice.expect_end(&call_id('c'), "hung_up").await.unwrap();
    }
}

#[tokio::test]
async fn a_client_that_acknowledges_may_get_as_much_as_there_is() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for i in 0..2_000 {
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
        if i % 16 == 0 {
            bob.ack().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_hole_in_the_numbers_closes_the_connection_and_the_resume_heals_it() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    alice.skip(json!({ "type": "candidate", "call": call_id('c'), "data": 1 }));
    alice.call("candidate", &call_id('c'), json!(2)).await.unwrap();
    assert_eq!(alice.socket.closed().await.unwrap(), 4007);
    assert!(alice.come_back().await.unwrap());
    for i in 1..=2 {
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
    }
    quiet(&mut bob).await;
}

#[tokio::test]
async fn an_acknowledgement_of_what_was_never_said_closes_the_connection() {
    let server = Server::start().await;
    let (mut alice, _bob) = two(&server).await;
    alice.socket.text(r#"{"type":"ack","ack":1}"#).await.unwrap();
    assert_eq!(alice.socket.closed().await.unwrap(), 4007);
    assert!(alice.come_back().await.unwrap());
    let frame = format!(r#"{{"type":"hangup","call":"{}","seq":1,"ack":7}}"#, call_id('c'));
    alice.socket.text(&frame).await.unwrap();
    assert_eq!(alice.socket.closed().await.unwrap(), 4007);
}

#[tokio::test]
async fn a_number_that_was_had_already_is_ignored_whatever_the_frame_says() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    alice.ring("bob", &call_id('c')).await.unwrap();
    bob.expect("call-request").await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    let again = json!({ "type": "call-cancel", "call": call_id('c'), "seq": 1 });
    alice.socket.text(&again.to_string()).await.unwrap();
    quiet(&mut alice).await;
    quiet(&mut bob).await;
}

#[tokio::test]
async fn the_number_of_a_bad_frame_is_used_up() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    alice.send(json!({ "type": "dance", "id": "d" })).await.unwrap();
    crate::util::refused(&mut alice, "d", "unknown_type").await;
    alice.ring("bob", &call_id('c')).await.unwrap();
    bob.expect("call-request").await.unwrap();
}

#[tokio::test]
async fn a_silent_connection_is_pinged_and_closed_as_idle_if_nothing_answers() {
    let server = Server::start_with(|config| {
        config.session.ping = crate::util::SHORT;
        config.session.pong_timeout = crate::util::SHORT;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    alice.socket.deaf_to_pings = true;
    tokio::select! {
        code = alice.socket.closed() => assert_eq!(code.unwrap(), 4010),
        event = bob.socket.next() => panic!("bob answers every ping, and yet: {event:?}"),
    }
    assert!(alice.come_back().await.unwrap());
    bob.expect_silence().await.unwrap();
}
