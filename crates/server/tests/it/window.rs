//! Story: whoever breaks the rules of numbering, or does not listen, is sent away, and what can be healed heals.

use serde_json::{Value, json};
use tincan_testkit::socket::Event;

use crate::util::{Server, accepted, call_id, numbered_call, quiet, roomy, two};

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
    // One frame gets a number and is lost, as no connection should lose it.
    let lost = json!({ "type": "candidate", "call": call_id('c'), "data": 1 });
    let mut healthy = alice.come_back_with(alice.resume()).await.unwrap();
    assert_eq!(healthy.closed().await.unwrap(), 4509);
    alice.skip(lost);
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
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    for (i, again) in ["call-cancel", "call-request"].into_iter().enumerate() {
        let call = numbered_call(i);
        alice.ring("bob", &call).await.unwrap();
        bob.expect("call-request").await.unwrap();
        alice.expect("call-delivered").await.unwrap();
        for seq in [0, 1] {
            let frame = json!({ "type": again, "call": call, "to": "bob", "seq": seq }).to_string();
            let sent = alice.socket.text(&frame).await;
            sent.unwrap();
        }
        if i == 0 {
            // Number 0 is none at all.
            assert_eq!(alice.expect("error").await.unwrap()["data"]["code"], "bad_frame");
        } else {
            assert_eq!(alice.expect("error").await.unwrap()["data"]["code"], "bad_frame");
        }
        quiet(&mut alice).await;
        quiet(&mut bob).await;
        alice.call("call-cancel", &call, Value::Null).await.unwrap();
        alice.expect_end(&call, "cancelled").await.unwrap();
        bob.expect_end(&call, "cancelled").await.unwrap();
    }
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
    // Bob's reader answers pings on the way; nobody reads Alice's connection, so nothing answers there.
    let (mut frames, mut pongs) = (0, 0);
    while let Ok(Ok(event)) = tokio::time::timeout(crate::util::SHORT * 5, bob.socket.next()).await {
        assert!(matches!(event, Event::Text(_)), "{event:?} after {frames} frames and {pongs} pongs");
        frames += 1;
        pongs += 1;
    }
    assert_eq!(alice.socket.closed().await.unwrap(), 4010);
    assert!(alice.come_back().await.unwrap());
    bob.expect_silence().await.unwrap();
}
