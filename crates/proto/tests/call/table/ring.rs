//! From the request until someone decides.

use tincan_proto::call::{Act, Refusal, State};

use crate::kit::{Bench, REJECT, SILENCE, dev, ms, request, secs, user};

const TWO: [&str; 2] = ["bob/phone", "bob/laptop"];

#[test]
fn all_devices_of_the_callee_ring_and_the_caller_hears_how_many() {
    let mut bench = Bench::new();
    let told = bench.request(request(1, "alice/web", "bob", &TWO)).unwrap();
    assert_eq!(
        told,
        [
            "bob/phone: ring from alice/web for 45000",
            "alice/web: delivered to 1",
            "bob/laptop: ring from alice/web for 45000",
            "alice/web: delivered to 2",
        ]
    );
    assert_eq!(bench.state(), State::Delivered);
}

#[test]
fn the_caller_hears_of_each_device_that_alerts_once() {
    let mut bench = Bench::delivered(&TWO);
    assert_eq!(bench.act("bob/phone", Act::Ringing).unwrap(), ["alice/web: bob/phone rings"]);
    assert_eq!(bench.act("bob/laptop", Act::Ringing).unwrap(), ["alice/web: bob/laptop rings"]);
    assert!(bench.act("bob/phone", Act::Ringing).unwrap().is_empty());
}

#[test]
fn a_v1_device_rings_as_soon_as_it_has_the_request() {
    let mut bench = Bench::new();
    let mut ask = request(1, "alice/web", "bob", &[]);
    ask.devices = vec![(dev("bob/v1"), true)];
    let told = bench.request(ask).unwrap();
    assert_eq!(
        told,
        ["bob/v1: ring from alice/web for 45000", "alice/web: delivered to 1", "alice/web: bob/v1 rings",]
    );
    assert_eq!(bench.state(), State::Ringing);
}

#[test]
fn a_v1_device_that_comes_back_rings_again_because_it_has_forgotten() {
    let mut bench = Bench::new();
    let mut ask = request(1, "alice/web", "bob", &[]);
    ask.devices = vec![(dev("bob/v1"), true)];
    bench.request(ask).unwrap();
    bench.pass(secs(1)).closed("bob/v1");
    assert_eq!(bench.pass(secs(1)).online_v1("bob/v1"), ["bob/v1: ring from alice/web for 43000"]);
}

#[test]
fn a_v2_device_that_comes_back_is_not_told_twice() {
    let mut bench = Bench::ringing(&TWO);
    bench.gone("bob/phone");
    assert!(bench.online("bob/phone").is_empty());
    let shown = bench.desk.snapshot(bench.now, &dev("bob/phone"));
    assert_eq!(shown.len(), 1, "it learns of the call from the snapshot");
}

#[test]
fn a_device_that_comes_late_rings_for_the_rest_of_the_time() {
    let mut bench = Bench::delivered(&["bob/phone"]);
    let told = bench.pass(ms(44_999)).online("bob/laptop");
    assert_eq!(told, ["bob/laptop: ring from alice/web for 1", "alice/web: delivered to 2"]);
}

#[test]
fn nothing_rings_at_or_after_the_ring_limit() {
    for late in [45_000, 45_001] {
        let mut bench = Bench::delivered(&["bob/phone"]);
        bench.pass(ms(late));
        assert!(bench.online("bob/laptop").is_empty(), "{late}");
        assert!(bench.online_v1("bob/v1").is_empty(), "{late}");
    }
}

#[test]
fn a_silenced_device_falls_silent_and_the_others_ring_on() {
    let mut bench = Bench::ringing(&TWO);
    assert!(bench.act("bob/phone", SILENCE).unwrap().is_empty(), "the caller learns nothing of it");
    assert_eq!(bench.state(), State::Ringing);
    assert!(bench.online("bob/phone").is_empty(), "it does not ring again");
    assert!(bench.desk.snapshot(bench.now, &dev("bob/phone")).is_empty(), "and not after a lost session");
    assert_eq!(bench.desk.snapshot(bench.now, &dev("bob/laptop")).len(), 1);
    assert!(
        bench.act("bob/phone", Act::Ringing).unwrap().is_empty(),
        "a receipt under way says nothing any more"
    );
}

#[test]
fn a_silenced_device_hears_the_end_like_every_leg() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", SILENCE).unwrap();
    let told = bench.act("bob/laptop", Act::Accept).unwrap();
    assert_eq!(told[2..], ["bob/phone: ended answered_elsewhere by bob/laptop"]);

    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", SILENCE).unwrap();
    let told = bench.act("bob/laptop", REJECT).unwrap();
    assert_eq!(
        told[1..],
        ["bob/phone: ended declined_elsewhere by bob/laptop", "bob/laptop: ended declined by bob/laptop",]
    );
}

#[test]
fn a_silenced_device_may_still_accept_because_people_change_their_mind() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", SILENCE).unwrap();
    let told = bench.act("bob/phone", Act::Accept).unwrap();
    assert_eq!(told[0], "bob/phone: bob/phone accepted, peer alice/web");
    assert_eq!(bench.state(), State::Negotiating);
}

#[test]
fn a_call_to_oneself_is_refused() {
    let mut bench = Bench::new();
    let refused = bench.request(request(1, "bob/web", "bob", &["bob/phone"]));
    assert_eq!(refused, Err(Refusal::BadState));
    assert_eq!(bench.desk.calls().count(), 0);
}

#[test]
fn a_request_sent_twice_is_one_call() {
    let mut bench = Bench::delivered(&TWO);
    let before: Vec<_> = bench.desk.calls().cloned().collect();
    assert!(bench.request(request(1, "alice/web", "bob", &TWO)).unwrap().is_empty());
    assert_eq!(bench.desk.calls().cloned().collect::<Vec<_>>(), before);
}

#[test]
fn the_id_of_another_call_opens_nothing_and_is_not_silent() {
    let mut bench = Bench::delivered(&TWO);
    assert_eq!(bench.request(request(1, "carol/web", "dave", &["dave/web"])), Err(Refusal::BadState));
    assert_eq!(bench.request(request(1, "alice/web", "carol", &["carol/web"])), Err(Refusal::BadState));
    assert_eq!(bench.desk.calls().count(), 1);
}

#[test]
fn a_callee_without_devices_is_unreachable_at_once_and_that_is_recorded() {
    let mut bench = Bench::new();
    let told = bench.request(request(1, "alice/web", "bob", &[])).unwrap();
    assert_eq!(told, ["alice/web: ended unreachable"]);
    assert_eq!(bench.reason_of(1).map(tincan_proto::call::EndReason::as_str), Some("unreachable"));
    assert_eq!(bench.desk.calls().count(), 0);
}

#[test]
fn right_after_a_start_a_call_waits_for_the_devices_that_are_coming_back() {
    let mut bench = Bench::new();
    let mut ask = request(1, "alice/web", "bob", &[]);
    ask.wait = true;
    assert!(bench.request(ask).unwrap().is_empty());
    assert_eq!(bench.state(), State::Requested);
    assert_eq!(
        bench.pass(secs(3)).online("bob/phone"),
        ["bob/phone: ring from alice/web for 42000", "alice/web: delivered to 1",]
    );
    assert_eq!(bench.desk.between(&user("bob"), &user("alice")).len(), 1);
}
