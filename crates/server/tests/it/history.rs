//! Story: whatever became of a call, the history has it, once and right.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tincan_server::store::EndedCall;

use crate::util::{SHORT, Server, accepted, call_id, connected, end, media, ringing, roomy, two};

/// What a row says, without its times: id, device that accepted, reason, who ended it.
fn told(row: &EndedCall) -> (String, Option<&str>, &str, Option<&str>) {
    (row.id.to_string(), row.callee_device.as_deref(), &row.reason, row.ended_by.as_deref())
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// The one row of a server, its times checked: they are in order, within the test, and what the clients were told.
async fn only_row(server: Server, started: i64, talk_ms: i64) -> EndedCall {
    let rows = server.history().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = rows.into_iter().next().unwrap();
    assert_eq!((row.caller.as_str(), row.callee.as_str()), ("alice/web", "bob"));
    assert_eq!(row.accepted_at.is_some(), row.callee_device.is_some(), "{row:?}");
    let accepted_at = row.accepted_at.unwrap_or(row.requested_at);
    // The server's clock and the test's read the same time within a few milliseconds.
    assert!(started - 5 <= row.requested_at && row.requested_at <= accepted_at, "{row:?} after {started}");
    assert!(accepted_at + row.talk_ms <= row.ended_at && row.ended_at <= now() + 5, "{row:?}");
    assert_eq!(row.talk_ms, talk_ms);
    row
}

/// What a test does to two guests, and what the history must say: whether the phone accepted, why and by whom it ended.
type Way = (&'static str, bool, &'static str, Option<&'static str>);

#[tokio::test]
async fn one_call_one_outcome_and_the_history_agrees_with_what_both_were_told() {
    let ways: [Way; 8] = [
        ("caller cancels", false, "cancelled", Some("alice/web")),
        ("callee declines", false, "declined", Some("bob/phone")),
        ("callee is busy", false, "busy", Some("bob/phone")),
        ("caller hangs up", true, "hung_up", Some("alice/web")),
        ("callee hangs up", true, "hung_up", Some("bob/phone")),
        ("talk, then hang up", true, "hung_up", Some("alice/web")),
        ("caller's microphone", true, "user_media_failed", Some("alice/web")),
        ("callee's path", true, "media_failed", Some("bob/phone")),
    ];
    for (way, accept, reason, by) in ways {
        let (server, started) = (Server::start().await, now());
        let (mut alice, mut bob) = two(&server).await;
        let call = call_id('c');
        match (way, accept) {
            ("talk, then hang up", _) => connected(&mut alice, &mut bob, &call).await,
            (_, true) => accepted(&mut alice, &mut bob, &call).await,
            (_, false) => ringing(&mut alice, &mut bob, &call).await,
        }
        let from = if by == Some("alice/web") { &mut alice } else { &mut bob };
        let (kind, data) = match reason {
            "cancelled" => ("call-cancel", Value::Null),
            "declined" => ("call-reject", Value::Null),
            "busy" => ("call-reject", json!({ "reason": "busy" })),
            reason => ("hangup", json!({ "reason": reason })),
        };
        from.call(kind, &call, data).await.unwrap();
        let told_alice = alice.expect_end(&call, reason).await.unwrap()["data"].clone();
        let told_bob = bob.expect_end(&call, reason).await.unwrap()["data"].clone();
        assert_eq!(told_alice, told_bob, "{way}");
        let row = only_row(server, started, told_alice["talk_ms"].as_i64().unwrap()).await;
        assert_eq!(told(&row), (call, accept.then_some("bob/phone"), reason, by), "{way}");
    }
}

#[tokio::test]
async fn what_time_ended_has_one_row_that_names_nobody() {
    for (reason, accept) in [
        ("no_answer", false),
        ("unreachable", false),
        ("cancelled", false),
        ("media_failed", true),
        ("connection_lost", true),
    ] {
        let server = Server::start_with(|config| match reason {
            "no_answer" => config.call.ring_timeout = SHORT,
            "unreachable" => config.call.reach_timeout = SHORT,
            "cancelled" => config.call.caller_away = SHORT,
            "media_failed" => config.call.setup_timeout = SHORT,
            _ => config.call.media_lost = SHORT,
        })
        .await;
        let started = now();
        let (mut alice, mut bob) = two(&server).await;
        let call = call_id('c');
        match reason {
            "connection_lost" => {
                connected(&mut alice, &mut bob, &call).await;
                media(&mut alice, &mut bob, &call, "lost").await;
            }
            "media_failed" => accepted(&mut alice, &mut bob, &call).await,
            "no_answer" => {
                alice.ring("bob", &call).await.unwrap();
                alice.expect("call-delivered").await.unwrap();
            }
            _ => ringing(&mut alice, &mut bob, &call).await,
        }
        let (gone, here) = match reason {
            "unreachable" => (Some(&mut bob), &mut alice),
            "cancelled" => (Some(&mut alice), &mut bob),
            _ => (None, &mut alice),
        };
        if let Some(gone) = gone {
            gone.socket.cut();
        }
        let talk_ms = here.expect_end(&call, reason).await.unwrap()["data"]["talk_ms"].as_i64().unwrap();
        let row = only_row(server, started, talk_ms).await;
        assert_eq!(told(&row), (call, accept.then_some("bob/phone"), reason, None));
    }
}

#[tokio::test]
async fn a_call_that_never_rang_is_recorded_all_the_same() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.call.reach_timeout = SHORT;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    let mut carol = server.guest("carol", "web").await;
    carol.ring("nobody", &call_id('a')).await.unwrap();
    end(&mut carol, &call_id('a'), "unreachable").await;
    accepted(&mut alice, &mut bob, &call_id('b')).await;
    carol.ring("bob", &call_id('c')).await.unwrap();
    end(&mut carol, &call_id('c'), "busy").await;
    // Refused, not ended: nobody was asked anything.
    alice.ring("carol", &call_id('d')).await.unwrap();
    alice.expect("error").await.unwrap();
    alice.call("hangup", &call_id('b'), Value::Null).await.unwrap();
    end(&mut alice, &call_id('b'), "hung_up").await;
    let rows = server.history().await;
    let told: Vec<_> = rows.iter().map(told).collect();
    let expected = [
        (call_id('a'), None, "unreachable", None),
        (call_id('c'), None, "busy", None),
        (call_id('b'), Some("bob/phone"), "hung_up", Some("alice/web")),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_call_of_original_pages_is_in_the_history_too() {
    let server = Server::start().await;
    let (mut a, mut b) = (server.v1("a").await, server.v1("b").await);
    a.send("call-request", "b").await.unwrap();
    b.expect("call-request", "a").await.unwrap();
    b.send("call-accept", "a").await.unwrap();
    a.expect("call-accept", "b").await.unwrap();
    a.send_data("offer", "b", &json!({})).await.unwrap();
    b.expect("offer", "a").await.unwrap();
    b.send_data("answer", "a", &json!({})).await.unwrap();
    a.expect("answer", "b").await.unwrap();
    a.send("hangup", "b").await.unwrap();
    b.expect("hangup", "a").await.unwrap();
    let rows = server.history().await;
    assert_eq!(rows.len(), 1);
    let (row, id) = (&rows[0], rows[0].id.to_string());
    assert_eq!((row.caller.as_str(), row.callee.as_str()), ("a/v1", "b"));
    assert_eq!(told(row), (id, Some("b/v1"), "hung_up", Some("a/v1")));
}
