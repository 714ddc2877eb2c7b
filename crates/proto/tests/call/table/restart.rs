//! The server dies and starts again: what was stored goes on, by the clock of those who were there.

use tincan_proto::call::{Act, Call, EndReason, Input, Limits, State};

use crate::kit::{Bench, CONNECTED, HANG_UP, LOST, REJECT, SILENCE, T0, dev, ms, request, secs};

const TWO: [&str; 2] = ["bob/phone", "bob/laptop"];

#[test]
fn a_connected_call_survives_the_server() {
    let mut bench = Bench::connected(&TWO);
    bench.pass(secs(120)).restart();
    bench.expire();
    assert_eq!(bench.state(), State::Connected);
    bench.pass(secs(3600)).expire();
    bench.online("alice/web");
    bench.online("bob/phone");
    assert_eq!((bench.state(), bench.desk.deadline()), (State::Connected, None));
    assert_eq!(bench.act("alice/web", HANG_UP).unwrap().len(), 2, "hang-up still works");
    assert_eq!(bench.stored[0].end().unwrap().talk_ms, 3_720_000, "and the history is right");
}

#[test]
fn a_call_that_rings_goes_on_ringing_for_what_is_left_of_its_time() {
    let mut bench = Bench::ringing(&TWO);
    bench.pass(secs(10)).restart();
    assert!(bench.expire().is_empty());
    bench.online("alice/web");
    assert!(bench.online("bob/phone").is_empty(), "it knows the call from the snapshot");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)));
    assert_eq!(bench.act("bob/phone", Act::Accept).unwrap().len(), 3);
}

#[test]
fn a_call_that_rang_too_long_meanwhile_ends_at_once() {
    let mut bench = Bench::ringing(&TWO);
    bench.pass(secs(45)).restart();
    assert_eq!(bench.expire().len(), 3);
    assert_eq!(bench.reason_of(1), Some(EndReason::NoAnswer));
}

#[test]
fn a_ringing_call_to_which_nobody_comes_back_ends_after_15_s() {
    let mut bench = Bench::ringing(&TWO);
    bench.pass(secs(10)).restart();
    bench.online("alice/web");
    bench.pass(ms(14_999)).expire();
    assert_eq!(bench.state(), State::Ringing);
    bench.pass(ms(1)).expire();
    assert_eq!(bench.reason_of(1), Some(EndReason::Unreachable));

    let mut bench = Bench::ringing(&TWO);
    bench.pass(secs(10)).restart();
    bench.online("bob/phone");
    bench.pass(secs(15)).expire();
    assert_eq!(bench.reason_of(1), Some(EndReason::Cancelled), "the caller did not come back");
}

#[test]
fn a_silenced_device_stays_silent_over_a_restart() {
    let mut bench = Bench::ringing(&["bob/phone"]);
    bench.act("bob/phone", SILENCE).unwrap();
    bench.restart();
    assert!(bench.desk.snapshot(bench.now, &dev("bob/phone")).is_empty());
    assert!(bench.online("bob/phone").is_empty());
    bench.online("alice/web");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)), "its user had been reached");
}

#[test]
fn a_call_that_negotiates_has_its_whole_time_again_because_it_negotiates_anew() {
    let mut bench = Bench::accepted(&TWO);
    bench.pass(secs(30)).restart();
    assert!(bench.expire().is_empty(), "the server was away, not the two");
    bench.online("alice/web");
    bench.online("bob/phone");
    bench.pass(ms(19_999)).expire();
    assert_eq!(bench.state(), State::Negotiating);
    bench.act("alice/web", CONNECTED).unwrap();
    bench.act("bob/phone", CONNECTED).unwrap();
    assert_eq!(bench.state(), State::Connected);

    let mut bench = Bench::accepted(&TWO);
    bench.pass(secs(30)).restart();
    bench.pass(secs(20)).expire();
    assert_eq!(bench.reason_of(1), Some(EndReason::MediaFailed));
}

#[test]
fn media_that_was_lost_may_have_come_back_while_nobody_could_say_so() {
    let mut bench = Bench::connected(&TWO);
    bench.act("alice/web", LOST).unwrap();
    bench.act("bob/phone", LOST).unwrap();
    bench.pass(secs(90)).restart();
    assert!(bench.expire().is_empty());
    bench.pass(ms(59_999)).expire();
    assert_eq!(bench.state(), State::Reconnecting);
    bench.pass(ms(1)).expire();
    assert_eq!(bench.reason_of(1), Some(EndReason::ConnectionLost));
}

#[test]
fn the_winner_is_still_the_winner() {
    let mut bench = Bench::accepted(&TWO);
    bench.restart();
    assert!(
        bench.act("bob/phone", Act::Accept).unwrap().is_empty(),
        "it may repeat what was not acknowledged"
    );
    assert!(bench.act("bob/laptop", Act::Accept).is_err());
    assert!(bench.act("bob/laptop", REJECT).is_err());
}

#[test]
fn a_request_repeated_after_the_restart_is_still_one_call() {
    let mut bench = Bench::ringing(&TWO);
    bench.restart();
    assert!(bench.request(request(1, "alice/web", "bob", &TWO)).unwrap().is_empty());
    assert_eq!(bench.desk.calls().count(), 1);
}

#[test]
fn a_call_read_back_from_json_behaves_as_the_one_that_was_written() {
    let acts = [Act::Ringing, Act::Accept, REJECT, SILENCE, HANG_UP, CONNECTED, LOST];
    let devices = ["alice/web", "bob/phone", "bob/laptop", "bob/tablet", "carol/web"];
    let mut inputs: Vec<Input> =
        acts.iter().flat_map(|act| devices.map(|device| Input::act(dev(device), act.clone()))).collect();
    for device in devices {
        inputs.push(Input::Online { device: dev(device), rings_at_once: true });
        inputs.push(Input::Gone { device: dev(device), for_good: true });
    }
    inputs.extend([Input::Replaced, Input::Deadline]);
    for bench in [Bench::delivered(&TWO), Bench::ringing(&TWO), Bench::accepted(&TWO), Bench::connected(&TWO)]
    {
        let call = bench.stored[0].clone();
        let text = serde_json::to_string(&call).unwrap();
        let read: Call = serde_json::from_str(&text).unwrap();
        assert_eq!(read, call);
        for input in &inputs {
            let (mut a, mut b) = (call.clone(), read.clone());
            let at = T0 + secs(50);
            let limits = Limits::default();
            assert_eq!(a.handle(at, input.clone(), &limits), b.handle(at, input.clone(), &limits));
            assert_eq!((&a, a.deadline(&limits)), (&b, b.deadline(&limits)));
        }
    }
}
