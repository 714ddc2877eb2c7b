//! Both users ring each other: one call, whoever was first, whatever they speak.

use tincan_proto::call::{Act, EndReason, Refusal, State};
use tincan_proto::id::Address;

use crate::kit::{Bench, HANG_UP, SILENCE, call_id, dev, request};

/// alice/web rings bob, then bob/phone rings alice. `v1` says which of the two speak v1.
fn glare(first: &str, second: &str, ring: State, v1: [bool; 2]) -> (Bench, Vec<String>) {
    let (first, second) = (dev(first), dev(second));
    let mut bench = Bench::new();
    let ask = |n, caller: &Address, callee: &Address, at_once, wait: bool| {
        let mut ask = request(n, &caller.to_string(), callee.user.as_str(), &[]);
        ask.wait = wait;
        if !wait {
            ask.devices = vec![(callee.clone(), at_once)];
        }
        ask
    };
    let wait = ring == State::Requested;
    bench.request(ask(1, &first, &second, v1[1], wait)).expect("nothing is in the way");
    if ring == State::Ringing && !v1[1] {
        bench.act(&second.to_string(), Act::Ringing).expect("it was handed the request");
    }
    assert_eq!(bench.state(), if v1[1] && !wait { State::Ringing } else { ring });
    let told = bench.request(ask(2, &second, &first, v1[0], false)).expect("glare is no fault");
    (bench, told)
}

#[test]
fn the_first_request_opens_the_call_and_the_second_accepts_it() {
    for ring in [State::Requested, State::Delivered, State::Ringing] {
        for v1 in [[false, false], [false, true], [true, false], [true, true]] {
            for (a, b) in [("alice/web", "bob/phone"), ("bob/phone", "alice/web")] {
                let (bench, told) = glare(a, b, ring, v1);
                assert_eq!(
                    told,
                    [
                        format!("{b}: ended glare, 1 goes on [2]"),
                        format!("{b}: {b} accepted, peer {a}"),
                        format!("{a}: {b} accepted, peer {b}"),
                    ]
                );
                assert_eq!(bench.state_of(1), State::Negotiating);
                assert_eq!(bench.desk.calls().count(), 1);
            }
        }
    }
}

#[test]
fn the_request_that_lost_is_recorded_so_that_it_stays_ended() {
    let (mut bench, _) = glare("alice/web", "bob/phone", State::Ringing, [false; 2]);
    assert_eq!(bench.reason_of(2), Some(EndReason::Glare));
    bench.restart();
    let again = bench.request(request(2, "bob/phone", "alice", &["alice/web"]));
    assert_eq!(
        again,
        Err(Refusal::NoSuchCall),
        "sent again after a crash, it must not replace the call that goes on"
    );
    assert_eq!(bench.state_of(1), State::Negotiating);
}

#[test]
fn the_second_request_accepts_on_the_device_that_made_it() {
    let mut bench = Bench::ringing(&["bob/phone", "bob/laptop"]);
    let told = bench.request(request(2, "bob/laptop", "alice", &["alice/web"])).unwrap();
    assert_eq!(
        told[1..],
        [
            "bob/laptop: bob/laptop accepted, peer alice/web",
            "alice/web: bob/laptop accepted, peer bob/laptop",
            "bob/phone: ended answered_elsewhere by bob/laptop",
        ]
    );
}

#[test]
fn a_silenced_device_that_calls_back_accepts_too() {
    let mut bench = Bench::ringing(&["bob/phone"]);
    bench.act("bob/phone", SILENCE).unwrap();
    let told = bench.request(request(2, "bob/phone", "alice", &["alice/web"])).unwrap();
    assert_eq!(told[1], "bob/phone: bob/phone accepted, peer alice/web");
}

#[test]
fn a_cancel_of_the_request_that_lost_does_not_touch_the_call_that_goes_on() {
    let (mut bench, _) = glare("alice/web", "bob/phone", State::Ringing, [false; 2]);
    assert_eq!(bench.act_in(2, "bob/phone", HANG_UP), Err(Refusal::NoSuchCall));
    assert_eq!(bench.state_of(1), State::Negotiating);
    assert!(bench.desk.get(call_id(2)).is_none());
}
