//! Story: a call that does not come about, or does not last, ends for everyone at once and for one reason.

use serde_json::{Value, json};

use crate::util::{
    ENOUGH, SHORT, Server, accepted, call_id, connected, end, media, quiet, ringing, roomy, two,
};

#[tokio::test]
async fn one_call_one_outcome_the_caller_cancels_and_every_device_falls_silent() {
    let server = Server::start().await;
    let (mut alice, mut phone) = two(&server).await;
    let mut laptop = server.guest("bob", "laptop").await;
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    phone.expect("call-request").await.unwrap();
    laptop.expect("call-request").await.unwrap();
    phone.call("call-ringing", &call, Value::Null).await.unwrap();
    for kind in ["call-delivered", "call-delivered", "call-ringing"] {
        alice.expect(kind).await.unwrap();
    }
    alice.call("call-cancel", &call, Value::Null).await.unwrap();
    for device in [&mut alice, &mut phone, &mut laptop] {
        assert_eq!(end(device, &call, "cancelled").await, "alice/web");
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_reject_ends_the_call_on_all_devices_with_its_reason() {
    for (data, reason) in [
        (Value::Null, "declined"),
        (json!({ "reason": "declined", "scope": "all" }), "declined"),
        (json!({ "reason": "busy" }), "busy"),
    ] {
        let server = Server::start().await;
        let (mut alice, mut phone) = two(&server).await;
        let mut laptop = server.guest("bob", "laptop").await;
        let call = call_id('c');
        alice.ring("bob", &call).await.unwrap();
        phone.expect("call-request").await.unwrap();
        laptop.expect("call-request").await.unwrap();
        for devices in 1..=2 {
            assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], devices);
        }
        phone.call("call-reject", &call, data).await.unwrap();
        assert_eq!(end(&mut alice, &call, reason).await, "bob/phone");
        assert_eq!(end(&mut phone, &call, reason).await, "bob/phone");
        assert_eq!(end(&mut laptop, &call, "declined_elsewhere").await, "bob/phone");
        for device in [&mut alice, &mut phone, &mut laptop] {
            quiet(device).await;
        }
    }
}

#[tokio::test]
async fn a_user_who_talks_or_rings_is_busy_and_notices_nothing() {
    let server = Server::start().await;
    let (mut alice, mut bob) = two(&server).await;
    let mut carol = server.guest("carol", "web").await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    carol.ring("bob", &call_id('d')).await.unwrap();
    assert_eq!(end(&mut carol, &call_id('d'), "busy").await, Value::Null);
    carol.ring("alice", &call_id('e')).await.unwrap();
    end(&mut carol, &call_id('e'), "busy").await;
    bob.call("call-accept", &call_id('c'), Value::Null).await.unwrap();
    alice.expect("call-accept").await.unwrap();
    bob.expect("call-accept").await.unwrap();
    carol.ring("bob", &call_id('f')).await.unwrap();
    end(&mut carol, &call_id('f'), "busy").await;
    for device in [&mut alice, &mut bob, &mut carol] {
        quiet(device).await;
    }
}

#[tokio::test]
async fn nobody_rings_longer_than_the_ring_time() {
    let server = Server::start_with(|config| config.call.ring_timeout = SHORT).await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    alice.ring("bob", &call).await.unwrap();
    assert!(bob.expect("call-request").await.unwrap()["exp"].as_u64().unwrap() <= 200);
    alice.expect("call-delivered").await.unwrap();
    for device in [&mut alice, &mut bob] {
        assert_eq!(end(device, &call, "no_answer").await, Value::Null);
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_user_without_a_device_is_unreachable() {
    let server = Server::start_with(|config| config.call.reach_timeout = SHORT).await;
    let mut alice = server.guest("alice", "web").await;
    alice.ring("nobody", &call_id('c')).await.unwrap();
    assert_eq!(end(&mut alice, &call_id('c'), "unreachable").await, Value::Null);
    quiet(&mut alice).await;
}

#[tokio::test]
async fn a_callee_whose_last_device_is_gone_while_it_rings_is_unreachable() {
    let server = Server::start_with(|config| config.call.reach_timeout = SHORT).await;
    let (mut alice, mut bob) = two(&server).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    bob.socket.cut();
    assert_eq!(end(&mut alice, &call_id('c'), "unreachable").await, Value::Null);
    assert!(bob.come_back().await.unwrap());
    end(&mut bob, &call_id('c'), "unreachable").await;
    quiet(&mut bob).await;
}

#[tokio::test]
async fn a_caller_that_is_gone_rings_nobody_as_a_ghost() {
    let server = Server::start_with(|config| config.call.caller_away = SHORT).await;
    let (mut alice, mut bob) = two(&server).await;
    ringing(&mut alice, &mut bob, &call_id('c')).await;
    alice.socket.cut();
    assert_eq!(end(&mut bob, &call_id('c'), "cancelled").await, Value::Null);
    quiet(&mut bob).await;
}

#[tokio::test]
async fn a_call_without_sound_after_the_setup_time_has_failed() {
    let server = Server::start_with(|config| config.call.setup_timeout = SHORT).await;
    let (mut alice, mut bob) = two(&server).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    for device in [&mut alice, &mut bob] {
        assert_eq!(end(device, &call_id('c'), "media_failed").await, Value::Null);
        quiet(device).await;
    }
}

#[tokio::test]
async fn a_call_that_lost_its_sound_on_both_sides_ends_and_one_that_found_it_again_does_not() {
    let server = Server::start_with(|config| {
        roomy(config);
        config.call.setup_timeout = ENOUGH;
        config.call.media_lost = ENOUGH;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    connected(&mut alice, &mut bob, &call_id('c')).await;
    media(&mut alice, &mut bob, &call_id('c'), "lost").await;
    media(&mut alice, &mut bob, &call_id('c'), "connected").await;
    // A call of two others that starts now and fails for want of sound: by then the first one's time would be over too.
    let (mut carol, mut dora) = (server.guest("carol", "web").await, server.guest("dora", "web").await);
    accepted(&mut carol, &mut dora, &call_id('d')).await;
    end(&mut carol, &call_id('d'), "media_failed").await;
    quiet(&mut alice).await;
    quiet(&mut bob).await;
    media(&mut alice, &mut bob, &call_id('c'), "lost").await;
    for device in [&mut alice, &mut bob] {
        assert_eq!(end(device, &call_id('c'), "connection_lost").await, Value::Null);
    }
}

#[tokio::test]
async fn a_dead_signaling_socket_never_ends_a_connected_call() {
    let server = Server::start_with(|config| {
        config.call.setup_timeout = ENOUGH;
        config.call.reach_timeout = SHORT;
        config.call.caller_away = SHORT;
        config.call.busy_away = SHORT;
        config.call.media_lost = SHORT;
    })
    .await;
    let (mut alice, mut bob) = two(&server).await;
    let call = call_id('c');
    connected(&mut alice, &mut bob, &call).await;
    alice.socket.cut();
    bob.socket.cut();
    // Every short limit passes while both are away: a call of two others runs into one.
    let (mut carol, mut dora) = (server.guest("carol", "web").await, server.guest("dora", "web").await);
    accepted(&mut carol, &mut dora, &call_id('d')).await;
    end(&mut carol, &call_id('d'), "media_failed").await;
    assert!(bob.come_back().await.unwrap());
    quiet(&mut bob).await;
    bob.call("hangup", &call, Value::Null).await.unwrap();
    end(&mut bob, &call, "hung_up").await;
    assert!(alice.come_back().await.unwrap());
    assert_eq!(end(&mut alice, &call, "hung_up").await, "bob/phone");
}
