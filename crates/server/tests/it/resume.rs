//! Story: a connection breaks, and its session goes on: for whoever can prove that it was theirs, once.

use serde_json::{Value, json};
use tincan_proto::websocket::Opcode;
use tincan_testkit::socket::{Event, Socket};
use tokio::net::TcpSocket;

use crate::util::{ENOUGH, SHORT, Server, accepted, call_id, end, numbered_call, quiet, ringing, roomy, two};

#[tokio::test]
async fn frames_for_a_device_that_is_away_wait_for_it() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    bob.socket.cut();
    for i in 0..50 {
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
    }
    quiet(&mut alice).await;
    assert!(bob.come_back().await.unwrap());
    for i in 0..50 {
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
    }
    quiet(&mut bob).await;
}

#[tokio::test]
async fn a_request_finds_a_device_whose_connection_just_broke() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    bob.socket.cut();
    alice.ring("bob", &call_id('c')).await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    assert!(bob.come_back().await.unwrap());
    bob.expect("call-request").await.unwrap();
    quiet(&mut bob).await;
}

#[tokio::test]
async fn the_client_learns_what_is_missing_and_sends_exactly_that_again() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    quiet(&mut alice).await;
    alice.ack().await.unwrap();
    let before = alice.welcome["ack"].as_u64().unwrap();
    assert_eq!(before, 0);
    for i in 0..3 {
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
    }
    for i in 0..3 {
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
    }
    alice.socket.cut();
    for i in 3..5 {
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
    }
    assert!(alice.come_back().await.unwrap());
    // The request, two rounds of `quiet`, three candidates.
    assert_eq!(alice.welcome["ack"], 6);
    assert_eq!(alice.unacked(), 2);
    for i in 3..5 {
        assert_eq!(bob.expect("candidate").await.unwrap()["data"], i);
    }
    quiet(&mut bob).await;
}

#[tokio::test]
async fn the_server_acknowledges_at_the_latest_every_32nd_frame() {
    let server = Server::start_with(roomy).await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    quiet(&mut alice).await;
    for i in 0..32 {
        alice.call("candidate", &call_id('c'), json!(i)).await.unwrap();
    }
    let Event::Text(text) = alice.socket.next().await.unwrap() else { panic!("no ack") };
    let ack: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(ack["type"], "ack");
    assert!(ack["ack"].as_u64().unwrap() > 3, "{text}");
}

#[tokio::test]
async fn a_session_resumes_from_another_address() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let stream = elsewhere.connect(server.addr).await.unwrap();
    let headers = [("Host", "localhost"), ("Sec-WebSocket-Protocol", "tincan.v2")];
    let socket = Socket::over(Box::new(stream), "/ws", &headers).await.unwrap();
    let mut old = bob.come_back_over(socket, bob.resume()).await.unwrap();
    assert_eq!((&bob.welcome["resumed"], old.closed().await.unwrap()), (&json!(true), 4509));
    bob.call("call-accept", &call_id('c'), Value::Null).await.unwrap();
    bob.expect("call-accept").await.unwrap();
    alice.expect("call-accept").await.unwrap();
}

#[tokio::test]
async fn a_half_open_connection_is_closed_when_its_session_goes_on_elsewhere() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let mut old = bob.come_back_with(bob.resume()).await.unwrap();
    assert_eq!((&bob.welcome["resumed"], old.closed().await.unwrap()), (&json!(true), 4509));
    ringing(&mut alice, &mut bob, &call_id('c')).await;
}

#[tokio::test]
async fn a_welcome_that_was_lost_with_its_connection_costs_nothing() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let used = bob.resume();
    bob.socket.cut();
    alice.call("offer", &call_id('c'), json!({ "sdp": "o" })).await.unwrap();
    for _ in 0..2 {
        // As if it had never heard of the secrets in between.
        bob.come_back_with(used.clone()).await.unwrap();
        assert_eq!(bob.welcome["resumed"], true);
    }
    assert_eq!(bob.expect("offer").await.unwrap()["data"]["sdp"], "o");
    quiet(&mut bob).await;
}

#[tokio::test]
async fn a_secret_is_worth_nothing_once_the_client_showed_that_it_has_the_next_one() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let used = bob.resume();
    bob.socket.cut();
    assert!(bob.come_back().await.unwrap());
    assert_ne!(bob.welcome["secret"], used["secret"]);
    let mut thief = server.guest("bob", "phone2").await;
    thief.come_back_with(used.clone()).await.unwrap();
    assert_eq!(thief.welcome["resumed"], false, "it is another device's session");
    quiet(&mut bob).await;
    let mut first = bob.come_back_with(used).await.unwrap();
    assert_eq!((&bob.welcome["resumed"], first.closed().await.unwrap()), (&json!(false), 4509));
    // A new session all the same, with what is true.
    assert_eq!(bob.welcome["calls"][0]["call"], call_id('c'));
    alice.call("offer", &call_id('c'), json!({})).await.unwrap();
    bob.expect("offer").await.unwrap();
}

/// Opens connections, and only then says the same hello on each.
async fn greet_at_once(server: &Server, connections: usize, hello: &str) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let headers = [("Sec-WebSocket-Protocol", "tincan.v2")];
        sockets.push(Socket::open(server.addr, "/ws", &headers).await.unwrap());
    }
    for socket in &mut sockets {
        socket.text(hello).await.unwrap();
    }
    sockets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_resumed_by_many_at_the_same_moment_is_left_with_one_connection_and_that_one_rings()
{
    let server = Server::start_with(roomy).await;
    let mut alice = server.guest("alice", "web").await;
    for round in 0..30 {
        let device = server.guest("bob", "phone").await;
        let hello = json!({ "type": "hello", "data": { "guest": "bob", "device": "phone", "resume": device.resume() } });
        let hello = hello.to_string();
        let mut sockets = greet_at_once(&server, 8, &hello).await;
        for socket in &mut sockets {
            let Event::Text(text) = socket.next().await.unwrap() else { panic!("no welcome") };
            let welcome: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(welcome["data"]["resumed"], true);
        }
        alice.ring("bob", &numbered_call(round)).await.unwrap();
        let (mut rings, mut replaced) = (0, 0);
        for socket in &mut sockets {
            loop {
                match socket.next().await.unwrap() {
                    Event::Text(text) if text.contains("call-request") => break rings += 1,
                    Event::Close(Some(4509)) => break replaced += 1,
                    // Of the round before: Alice is told first, and was quicker than we.
                    Event::Text(text) if text.contains("call-ended") => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!((rings, replaced), (1, 7));
        alice.call("call-cancel", &numbered_call(round), Value::Null).await.unwrap();
        while alice.next().await.unwrap()["type"] != "call-ended" {}
    }
}

#[tokio::test]
async fn a_device_that_connects_twice_at_once_is_left_with_one_connection_and_that_one_rings() {
    let server = Server::start_with(roomy).await;
    let mut alice = server.guest("alice", "web").await;
    let hello = r#"{"type":"hello","data":{"guest":"bob","device":"phone"}}"#;
    for round in 0..20 {
        let mut sockets = greet_at_once(&server, 2, hello).await;
        // Each is greeted, or sent off at once.
        let mut last = Vec::new();
        for socket in &mut sockets {
            last.push(socket.next().await.unwrap());
        }
        alice.ring("bob", &numbered_call(round)).await.unwrap();
        let (mut rings, mut replaced) = (0, 0);
        for (socket, mut event) in sockets.iter_mut().zip(last) {
            loop {
                match event {
                    Event::Text(text) if text.contains("call-request") => break rings += 1,
                    Event::Close(Some(4509)) => break replaced += 1,
                    Event::Text(_) => event = socket.next().await.unwrap(),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!((rings, replaced), (1, 1));
        alice.call("call-cancel", &numbered_call(round), Value::Null).await.unwrap();
        while alice.next().await.unwrap()["type"] != "call-ended" {}
    }
}

#[tokio::test]
async fn a_wrong_proof_opens_a_new_session_and_tells_nothing_of_the_old_one() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    alice.ring("bob", &call_id('c')).await.unwrap();
    bob.expect("call-request").await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    let (good, other) = (bob.resume(), alice.resume());
    let with = |name: &str, value: Value| {
        let mut resume = good.clone();
        resume[name] = value;
        resume
    };
    for wrong in [
        with("secret", json!("")),
        with("secret", json!("wrong")),
        with("secret", good["session"].clone()),
        with("secret", other["secret"].clone()),
        with("session", json!("")),
        with("session", other["session"].clone()),
        with("ack", json!(1000)),
        other,
    ] {
        bob.come_back_with(wrong.clone()).await.unwrap();
        assert_eq!(bob.welcome["resumed"], false, "{wrong}");
        assert_eq!(bob.welcome["calls"][0]["call"], call_id('c'));
    }
}

#[tokio::test]
async fn a_session_cannot_be_resumed_after_its_time() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.session.resume = SHORT;
        config.call.reach_timeout = SHORT;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    assert_eq!(bob.welcome["resume_s"], 0);
    bob.socket.cut();
    // As long as the session waits, its device counts as there; the first call that finds nobody tells that it is over.
    for i in 0.. {
        alice.ring("bob", &numbered_call(i)).await.unwrap();
        let frame = alice.next().await.unwrap();
        if frame["data"]["reason"] == "unreachable" {
            break;
        }
        alice.call("call-cancel", &numbered_call(i), Value::Null).await.unwrap();
        end(&mut alice, &numbered_call(i), "cancelled").await;
    }
    assert!(!bob.come_back().await.unwrap());
    ringing(&mut alice, &mut bob, &call_id('c')).await;
}

#[tokio::test]
async fn a_page_that_was_reloaded_is_here_although_its_old_connection_ends_after_it_came() {
    let server = Server::start_with(|config| {
        config.call.caller_away = SHORT;
        config.call.reach_timeout = SHORT;
        config.call.ring_timeout = ENOUGH;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    alice.ring("bob", &call_id('c')).await.unwrap();
    alice.expect("call-delivered").await.unwrap();
    bob.expect("call-request").await.unwrap();
    // New sessions, while the old connections still stand.
    let (mut new_alice, mut new_bob) = two(&server).await;
    assert_eq!((alice.socket.closed().await.unwrap(), bob.socket.closed().await.unwrap()), (4509, 4509));
    // Neither counts as away: not cancelled, not unreachable, it rings to its end.
    end(&mut new_alice, &call_id('c'), "no_answer").await;
    end(&mut new_bob, &call_id('c'), "no_answer").await;
}

#[tokio::test]
async fn a_client_that_says_goodbye_ends_its_session_and_one_that_only_reconnects_does_not() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    for (code, goodbye) in [(4000_u16, false), (1000, true)] {
        alice.socket.frame(Opcode::Close, &code.to_be_bytes()).await.unwrap();
        assert_eq!(alice.socket.closed().await.unwrap(), 1000, "a close is answered");
        if goodbye {
            // It will not come back, so the caller's absence is not waited for.
            assert_eq!(end(&mut bob, &call_id('c'), "cancelled").await, "alice/web");
        }
        assert_eq!(alice.come_back().await.unwrap(), !goodbye);
        quiet(&mut bob).await;
    }
    assert_eq!(alice.welcome["calls"], json!([]));
}
