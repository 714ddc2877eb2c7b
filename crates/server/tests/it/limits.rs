//! Story: whoever asks too often is told to slow down, and the others do not notice.

use serde_json::{Value, json};
use tincan_proto::limit::Rate;
use tincan_testkit::socket::Event;

use crate::util::{Server, accepted, call_id, end, numbered_call, roomy, two};

/// So many at once, and then so few that a test sees none of them.
fn only(burst: u32) -> Rate {
    Rate { per_minute: 1, burst }
}

#[tokio::test]
async fn too_many_frames_are_refused_one_by_one_and_then_end_the_connection() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.frames = only(30);
    })
    .await;
    let mut alice = server.guest("alice", "web").await;
    for i in 0..41 {
        alice.send(json!({ "type": "ice-servers-request", "id": format!("{i}") })).await.unwrap();
    }
    for i in 0..30 {
        assert_eq!(alice.expect("ice-servers-response").await.unwrap()["re"], format!("{i}"));
    }
    for i in 30..40 {
        let error = alice.expect("error").await.unwrap();
        assert_eq!((&error["re"], &error["data"]["code"]), (&json!(format!("{i}")), &json!("rate_limited")));
        assert!(error["data"]["retry_ms"].as_u64().unwrap() > 0, "{error}");
    }
    alice.expect("error").await.unwrap();
    assert_eq!(alice.socket.next().await.unwrap(), Event::Close(Some(4029)));
    // The session is whole, and its limit with it.
    assert!(alice.come_back().await.unwrap());
}

#[tokio::test]
async fn a_flood_of_a_page_of_old_ends_its_connection() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.frames = only(30);
    })
    .await;
    let mut page = server.v1("page").await;
    for _ in 0..40 {
        page.socket.text(r#"{"type":"ice-servers-request"}"#).await.unwrap();
    }
    assert_eq!(page.socket.closed().await.unwrap(), 4029);
}

#[tokio::test]
async fn a_flood_of_one_client_does_not_delay_its_neighbours() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for round in 0..3 {
        let mut flood = server.v1("flood").await;
        for _ in 0..1_000 {
            let frame = r#"{"type":"candidate","to":"alice","data":{}}"#;
            if flood.socket.text(frame).await.is_err() {
                break;
            }
        }
        alice.call("candidate", &call_id('c'), json!(round)).await.unwrap();
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], round);
    }
    alice.expect_silence().await.unwrap();
}

#[tokio::test]
async fn nobody_rings_the_same_person_too_often() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.call_requests_pair = only(3);
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    let mut carol = server.guest("carol", "web").await;
    for i in 0..3 {
        alice.ring("bob", &numbered_call(i)).await.unwrap();
        bob.expect("call-request").await.unwrap();
        alice.expect("call-delivered").await.unwrap();
        alice.call("call-cancel", &numbered_call(i), Value::Null).await.unwrap();
        end(&mut alice, &numbered_call(i), "cancelled").await;
        end(&mut bob, &numbered_call(i), "cancelled").await;
    }
    // From another device of hers it is the same person.
    let mut tablet = server.guest("alice", "tablet").await;
    for device in [&mut alice, &mut tablet] {
        device.ring("bob", &numbered_call(9)).await.unwrap();
        let error = device.expect("error").await.unwrap();
        assert_eq!((&error["re"], &error["data"]["code"]), (&json!("ring"), &json!("rate_limited")));
        assert!(error["data"]["retry_ms"].as_u64().unwrap() > 10_000, "{error}");
    }
    crate::util::quiet(&mut bob).await;
    alice.ring("carol", &numbered_call(4)).await.unwrap();
    carol.expect("call-request").await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    let mut dora = server.guest("dora", "web").await;
    dora.ring("bob", &numbered_call(5)).await.unwrap();
    bob.expect("call-request").await.unwrap();
}

#[tokio::test]
async fn nobody_rings_too_many_people() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.call_requests = only(3);
    })
    .await;
    let mut alice = server.guest("alice", "web").await;
    for i in 0..4 {
        alice.ring(&format!("friend{i}"), &numbered_call(i)).await.unwrap();
        if i == 3 {
            assert_eq!(alice.expect("error").await.unwrap()["data"]["code"], "rate_limited");
        } else {
            alice.call("call-cancel", &numbered_call(i), Value::Null).await.unwrap();
            end(&mut alice, &numbered_call(i), "cancelled").await;
        }
    }
}

#[tokio::test]
async fn a_page_of_old_that_rings_too_often_is_rejected() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.limits.call_requests_pair = only(1);
    })
    .await;
    let (mut a, mut b) = (server.v1("a").await, server.v1("b").await);
    a.send("call-request", "b").await.unwrap();
    b.expect("call-request", "a").await.unwrap();
    a.send("hangup", "b").await.unwrap();
    b.expect("hangup", "a").await.unwrap();
    a.send("call-request", "b").await.unwrap();
    assert_eq!(a.expect("call-reject", "b").await.unwrap(), json!({ "reason": "rate_limited" }));
    b.expect_silence().await.unwrap();
}

#[tokio::test]
async fn an_address_opens_so_many_connections_and_no_more_until_they_have_a_name() {
    let server = Server::start_with(|config| config.limits.unauthenticated_per_address = 2).await;
    let protocol = [("Sec-WebSocket-Protocol", "tincan.v2")];
    let open = async || tincan_testkit::socket::Socket::open(server.addr, "/ws", &protocol).await;
    let (mut first, _second) = (open().await.unwrap(), open().await.unwrap());
    assert!(open().await.is_err());
    first.text(r#"{"type":"hello","data":{"guest":"a","device":"b"}}"#).await.unwrap();
    assert!(matches!(first.next().await.unwrap(), Event::Text(_)));
    open().await.unwrap();
}
