//! Connected, reconnecting, and that neither needs the server.

use tincan_proto::call::{Act, Role, State};

use crate::kit::{Bench, CONNECTED, LOST, call_id, dev, secs, user};
use tincan_proto::call::Limits;

const TWO: [&str; 2] = ["bob/phone", "bob/laptop"];

#[test]
fn a_call_is_connected_when_both_legs_said_so() {
    let mut bench = Bench::accepted(&TWO);
    bench.act("bob/phone", CONNECTED).unwrap();
    assert_eq!(bench.state(), State::Negotiating);
    bench.act("alice/web", CONNECTED).unwrap();
    assert_eq!(bench.state(), State::Connected);
    assert_eq!(bench.desk.deadline(), None, "and then nothing but its people ends it");
}

#[test]
fn it_is_reconnecting_while_one_says_lost() {
    let mut bench = Bench::connected(&TWO);
    bench.act("bob/phone", LOST).unwrap();
    assert_eq!(bench.state(), State::Reconnecting);
    assert_eq!(bench.desk.deadline(), None, "one lost leg has no time limit here");
    bench.act("alice/web", LOST).unwrap();
    assert!(bench.desk.deadline().is_some());
    bench.pass(secs(59)).act("bob/phone", CONNECTED).unwrap();
    assert_eq!((bench.state(), bench.desk.deadline()), (State::Reconnecting, None));
    bench.act("alice/web", CONNECTED).unwrap();
    assert_eq!(bench.state(), State::Connected);
}

#[test]
fn a_leg_that_repeats_lost_does_not_start_the_clock_again() {
    let mut bench = Bench::connected(&TWO);
    bench.act("bob/phone", LOST).unwrap();
    bench.act("alice/web", LOST).unwrap();
    let deadline = bench.desk.deadline();
    assert!(bench.pass(secs(9)).act("alice/web", LOST).unwrap().is_empty());
    assert_eq!(bench.desk.deadline(), deadline);
}

#[test]
fn lost_before_connected_is_still_negotiating() {
    let mut bench = Bench::accepted(&TWO);
    bench.act("alice/web", LOST).unwrap();
    bench.act("bob/phone", LOST).unwrap();
    assert_eq!(bench.state(), State::Negotiating);
}

#[test]
fn a_dead_socket_never_ends_a_connected_call() {
    let mut bench = Bench::connected(&TWO);
    bench.gone("alice/web");
    assert_eq!((bench.state(), bench.desk.deadline()), (State::Connected, None));
    bench.pass(secs(3600)).expire();
    bench.online("alice/web");
    assert_eq!(bench.state(), State::Connected);
}

#[test]
fn who_talks_is_busy_until_its_device_has_been_gone_for_a_minute() {
    let mut bench = Bench::connected(&TWO);
    let limits = Limits::default();
    let gone_at = bench.now;
    bench.gone("alice/web");
    bench.gone("bob/phone");
    let call = bench.desk.get(call_id(1)).unwrap();
    for name in ["alice", "bob"] {
        assert!(call.occupies(gone_at + secs(59), &user(name), &limits));
        assert!(!call.occupies(gone_at + secs(60), &user(name), &limits));
    }
    assert!(!call.occupies(gone_at, &user("carol"), &limits));
}

#[test]
fn a_callee_is_taken_up_from_the_first_ring_on_and_a_caller_from_the_request_on() {
    let limits = Limits::default();
    let mut bench = Bench::delivered(&TWO);
    let occupied =
        |bench: &Bench, name| bench.desk.get(call_id(1)).unwrap().occupies(bench.now, &user(name), &limits);
    assert!(occupied(&bench, "alice") && !occupied(&bench, "bob"));
    bench.act("bob/phone", Act::Ringing).unwrap();
    assert!(occupied(&bench, "bob"));
    bench.act("bob/phone", crate::kit::SILENCE).unwrap();
    assert!(!occupied(&bench, "bob"), "a silenced device occupies nobody");
}

#[test]
fn a_snapshot_says_role_peer_state_and_age() {
    let mut bench = Bench::connected(&TWO);
    bench.pass(secs(2));
    let shown = bench.desk.snapshot(bench.now, &dev("bob/phone"));
    let [ref call] = shown[..] else { panic!("{shown:?}") };
    assert_eq!((call.role, &*call.peer), (Role::Callee, "alice/web"));
    assert_eq!((call.state, call.age_ms), (State::Connected, 2000));
    assert!(bench.desk.snapshot(bench.now, &dev("bob/laptop")).is_empty());
    let ringing = Bench::ringing(&TWO);
    let shown = ringing.desk.snapshot(ringing.now, &dev("alice/web"));
    assert_eq!((&*shown[0].peer, shown[0].state, &*shown[0].data), ("bob", State::Ringing, ""));
    let shown = ringing.desk.snapshot(ringing.now, &dev("bob/laptop"));
    assert_eq!(&*shown[0].data, r#"{"media":"audio"}"#);
}
