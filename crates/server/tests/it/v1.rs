//! Story: the original pages keep working, unmodified.
//!
//! The client of these stories fails on whatever a page of old does not know, so every one of them also shows that
//! nothing else is ever sent to it.

use std::time::Duration;

use serde_json::{Value, json};
use tincan_testkit::socket::PATIENCE;
use tincan_testkit::v1::V1;

use crate::util::{ENOUGH, SHORT, Server, quiet_v1, roomy};

async fn pages(server: &Server) -> (V1, V1) {
    (server.v1("clientA").await, server.v1("clientB").await)
}

/// From the button to both in the call.
async fn accepted(a: &mut V1, b: &mut V1) {
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    b.send("call-accept", "clientA").await.unwrap();
    assert_eq!(a.expect("call-accept", "clientB").await.unwrap(), Value::Null);
}

/// From the accept to the answer.
async fn negotiated(a: &mut V1, b: &mut V1) {
    a.send_data("offer", "clientB", &json!("offer")).await.unwrap();
    assert_eq!(b.expect("offer", "clientA").await.unwrap(), "offer");
    b.send_data("answer", "clientA", &json!("answer")).await.unwrap();
    assert_eq!(a.expect("answer", "clientB").await.unwrap(), "answer");
}

#[tokio::test]
async fn the_original_clients_keep_working_unmodified_they_call_talk_and_hang_up() {
    let server = Server::start_with(roomy).await;
    let (mut a, mut b) = pages(&server).await;
    for round in 0..6 {
        accepted(&mut a, &mut b).await;
        let offer = json!({ "type": "offer", "sdp": format!("{round}") });
        a.send_data("offer", "clientB", &offer).await.unwrap();
        assert_eq!(b.expect("offer", "clientA").await.unwrap(), offer);
        a.send_data("candidate", "clientB", &json!({ "candidate": "a" })).await.unwrap();
        b.send_data("answer", "clientA", &json!({ "type": "answer" })).await.unwrap();
        a.expect("answer", "clientB").await.unwrap();
        b.expect("candidate", "clientA").await.unwrap();
        b.send_data("candidate", "clientA", &json!({ "candidate": "b" })).await.unwrap();
        assert_eq!(a.expect("candidate", "clientB").await.unwrap(), json!({ "candidate": "b" }));
        let (from, to, names) = if round % 2 == 0 {
            (&mut a, &mut b, ["clientA", "clientB"])
        } else {
            (&mut b, &mut a, ["clientB", "clientA"])
        };
        from.send("hangup", names[1]).await.unwrap();
        to.expect("hangup", names[0]).await.unwrap();
        // Both pages send a hang-up when they hear one.
        to.send("hangup", names[0]).await.unwrap();
        quiet_v1(&mut a, "clientA").await;
        quiet_v1(&mut b, "clientB").await;
    }
    let ended = server.history().await;
    assert_eq!(ended.len(), 6);
    assert!(ended.iter().all(|call| call.reason == "hung_up" && call.talk_ms > 0), "{ended:?}");
}

#[tokio::test]
async fn a_page_hears_why_its_call_was_not_accepted() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.call.ring_timeout = ENOUGH;
        config.call.reach_timeout = SHORT;
    })
    .await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    let timeout = a.expect("call-reject", "clientB").await.unwrap();
    assert_eq!(timeout, json!({ "reason": "timeout" }));
    b.expect("hangup", "clientA").await.unwrap();
    a.send("call-request", "nobody").await.unwrap();
    let unavailable = a.expect("call-reject", "nobody").await.unwrap();
    assert_eq!(unavailable, json!({ "reason": "unavailable" }));
    quiet_v1(&mut a, "clientA").await;
    quiet_v1(&mut b, "clientB").await;
}

#[tokio::test]
async fn a_page_is_rejected_by_a_person_or_finds_them_busy() {
    let server = Server::start_with(roomy).await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    b.send("call-reject", "clientA").await.unwrap();
    assert_eq!(a.expect("call-reject", "clientB").await.unwrap(), json!({ "reason": "declined" }));
    accepted(&mut a, &mut b).await;
    let mut c = server.v1("c").await;
    c.send("call-request", "clientB").await.unwrap();
    assert_eq!(c.expect("call-reject", "clientB").await.unwrap(), json!({ "reason": "busy" }));
    for (page, id) in [(&mut b, "clientB"), (&mut c, "c")] {
        quiet_v1(page, id).await;
    }
    a.expect_silence().await.unwrap();
}

#[tokio::test]
async fn a_page_that_gives_up_stops_the_ringing() {
    let server = Server::start_with(roomy).await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    a.send("hangup", "clientB").await.unwrap();
    b.expect("hangup", "clientA").await.unwrap();
    // Too late: answered by the end of what it names.
    b.send("call-accept", "clientA").await.unwrap();
    assert_eq!(b.expect("hangup", "clientA").await.unwrap(), json!({ "reason": "no_such_call" }));
    quiet_v1(&mut a, "clientA").await;
}

#[tokio::test]
async fn a_button_pressed_twice_is_one_call() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    b.send("call-accept", "clientA").await.unwrap();
    a.expect("call-accept", "clientB").await.unwrap();
    negotiated(&mut a, &mut b).await;
    a.send("hangup", "clientB").await.unwrap();
    b.expect("hangup", "clientA").await.unwrap();
    quiet_v1(&mut a, "clientA").await;
    assert_eq!(server.history().await.iter().filter(|call| call.callee == "clientB").count(), 1);
}

#[tokio::test]
async fn a_page_that_calls_someone_else_hangs_up_what_it_had() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    let mut c = server.v1("c").await;
    accepted(&mut a, &mut b).await;
    a.send("call-request", "c").await.unwrap();
    b.expect("hangup", "clientA").await.unwrap();
    c.expect("call-request", "clientA").await.unwrap();
    a.expect_silence().await.unwrap();
}

#[tokio::test]
async fn candidates_that_overtake_wait_until_the_callee_s_page_can_use_them() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    accepted(&mut a, &mut b).await;
    for i in 0..3 {
        a.send_data("candidate", "clientB", &json!(i)).await.unwrap();
    }
    a.send_data("offer", "clientB", &json!("offer")).await.unwrap();
    a.send_data("candidate", "clientB", &json!(3)).await.unwrap();
    a.expect_silence().await.unwrap();
    b.expect("offer", "clientA").await.unwrap();
    b.send_data("candidate", "clientA", &json!("b")).await.unwrap();
    b.expect_silence().await.unwrap();
    b.send_data("answer", "clientA", &json!("answer")).await.unwrap();
    for i in 0..4 {
        assert_eq!(b.expect("candidate", "clientA").await.unwrap(), i);
    }
    a.send_data("candidate", "clientB", &json!(4)).await.unwrap();
    assert_eq!(b.expect("candidate", "clientA").await.unwrap(), 4);
}

#[tokio::test]
async fn candidates_that_overtake_wait_until_the_caller_s_page_had_time_for_the_answer() {
    let server = Server::start_with(|config| config.session.v1_settle = Duration::from_millis(700)).await;
    let (mut a, mut b) = pages(&server).await;
    accepted(&mut a, &mut b).await;
    a.send_data("offer", "clientB", &json!("offer")).await.unwrap();
    b.expect("offer", "clientA").await.unwrap();
    for i in 0..2 {
        b.send_data("candidate", "clientA", &json!(i)).await.unwrap();
    }
    b.expect_silence().await.unwrap();
    a.expect_silence().await.unwrap();
    b.send_data("answer", "clientA", &json!("answer")).await.unwrap();
    b.send_data("candidate", "clientA", &json!(2)).await.unwrap();
    a.expect("answer", "clientB").await.unwrap();
    // That its own candidates go on coming says nothing about the answer.
    a.send_data("candidate", "clientB", &json!("a")).await.unwrap();
    a.expect_silence().await.unwrap();
    for i in 0..3 {
        assert_eq!(a.expect("candidate", "clientB").await.unwrap(), i);
    }
}

#[tokio::test]
async fn a_caller_that_needs_no_time_for_the_answer_gets_the_candidates_right_behind_it() {
    let server = Server::start_with(|config| config.session.v1_settle = Duration::ZERO).await;
    let (mut a, mut b) = pages(&server).await;
    accepted(&mut a, &mut b).await;
    a.send_data("offer", "clientB", &json!("offer")).await.unwrap();
    b.expect("offer", "clientA").await.unwrap();
    b.send_data("candidate", "clientA", &json!(0)).await.unwrap();
    b.send_data("answer", "clientA", &json!("answer")).await.unwrap();
    b.send_data("candidate", "clientA", &json!(1)).await.unwrap();
    a.expect("answer", "clientB").await.unwrap();
    for i in 0..2 {
        assert_eq!(a.expect("candidate", "clientB").await.unwrap(), i);
    }
}

#[tokio::test]
async fn a_page_reloaded_while_it_rings_cancels() {
    // Not for its absence, which a page with a session would be given.
    let server = Server::start_with(|config| config.call.caller_away = PATIENCE * 10).await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    a.socket.cut();
    b.expect("hangup", "clientA").await.unwrap();
    let mut a = server.v1("clientA").await;
    quiet_v1(&mut a, "clientA").await;
    accepted(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_page_reloaded_while_it_is_rung_rings_again() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    b.socket.cut();
    let mut b = V1::connect(server.addr, "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    b.send("call-accept", "clientA").await.unwrap();
    a.expect("call-accept", "clientB").await.unwrap();
    negotiated(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_page_reloaded_in_a_call_is_still_in_it() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    accepted(&mut a, &mut b).await;
    negotiated(&mut a, &mut b).await;
    for from_a in [true, false] {
        if from_a {
            a.socket.cut();
            a = server.v1("clientA").await;
        } else {
            b.socket.cut();
            b = server.v1("clientB").await;
        }
        a.send_data("candidate", "clientB", &json!("a")).await.unwrap();
        assert_eq!(b.expect("candidate", "clientA").await.unwrap(), "a");
        b.send_data("candidate", "clientA", &json!("b")).await.unwrap();
        assert_eq!(a.expect("candidate", "clientB").await.unwrap(), "b");
    }
    b.send("hangup", "clientA").await.unwrap();
    a.expect("hangup", "clientB").await.unwrap();
    let ended = server.history().await;
    assert_eq!((ended.len(), ended[0].reason.as_str()), (1, "hung_up"));
    assert_eq!(ended[0].ended_by.as_deref(), Some("clientB/v1"));
}

#[tokio::test]
async fn the_newest_connection_of_an_id_closes_the_one_before_it() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    accepted(&mut a, &mut b).await;
    for _ in 0..3 {
        let mut newer = server.v1("clientA").await;
        assert_eq!(a.socket.closed().await.unwrap(), 4509);
        newer.send_data("offer", "clientB", &json!("again")).await.unwrap();
        assert_eq!(b.expect("offer", "clientA").await.unwrap(), "again");
        a = newer;
    }
    b.send("hangup", "clientA").await.unwrap();
    a.expect("hangup", "clientB").await.unwrap();
}

#[tokio::test]
async fn a_frame_for_a_call_that_is_not_is_answered_by_its_end() {
    let server = Server::start().await;
    let (mut a, mut b) = pages(&server).await;
    for kind in ["call-accept", "call-reject", "offer", "answer", "candidate"] {
        a.send_data(kind, "clientB", &json!({})).await.unwrap();
        assert_eq!(a.expect("hangup", "clientB").await.unwrap(), json!({ "reason": "no_such_call" }));
    }
    a.send("call-request", "clientB").await.unwrap();
    b.expect("call-request", "clientA").await.unwrap();
    a.send_data("offer", "clientB", &json!({})).await.unwrap();
    assert_eq!(a.expect("hangup", "clientB").await.unwrap(), json!({ "reason": "bad_state" }));
    b.expect_silence().await.unwrap();
}

#[tokio::test]
async fn a_page_asks_for_its_ice_servers() {
    let server = Server::start().await;
    let mut a = server.v1("clientA").await;
    a.socket.text(r#"{"type":"ice-servers-request"}"#).await.unwrap();
    let servers = a.expect("ice-servers-response", "clientA").await.unwrap();
    assert!(servers[1]["username"].as_str().unwrap().ends_with(":page:clientA"), "{servers}");
}
