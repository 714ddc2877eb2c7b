//! What concerns more than one call: busy, a device with two calls, a call that replaces another, taking back.

use tincan_proto::call::{Act, EndReason, Input, Refusal, State};

use crate::kit::{Bench, HANG_UP, REJECT, call_id, dev, request, secs};

const PHONE: [&str; 1] = ["bob/phone"];

#[test]
fn a_second_caller_hears_busy_and_the_first_call_is_untouched() {
    for bench in [Bench::ringing(&PHONE), Bench::accepted(&PHONE), Bench::connected(&PHONE)] {
        let mut bench = bench;
        let before = bench.desk.get(call_id(1)).cloned();
        let told = bench.request(request(2, "carol/web", "bob", &PHONE)).unwrap();
        assert_eq!(told, ["carol/web: ended busy [2]"]);
        assert_eq!(bench.reason_of(2), Some(EndReason::Busy));
        assert_eq!(bench.desk.get(call_id(1)).cloned(), before);
    }
}

#[test]
fn who_takes_many_is_never_busy_and_each_call_has_its_own_device() {
    let mut bench = Bench::connected(&PHONE);
    for (n, caller, device) in [(2, "carol/web", "bob/2"), (3, "dave/web", "bob/3")] {
        let mut request = request(n, caller, "bob", &[device]);
        request.takes_many = true;
        bench.request(request).unwrap();
        bench.act_in(n, device, Act::Accept).unwrap();
        assert_eq!(bench.state_of(n), State::Negotiating);
    }
    assert_eq!(bench.state_of(1), State::Connected);
    let told = bench.request(request(4, "erin/web", "bob", &PHONE)).unwrap();
    assert_eq!(told, ["erin/web: ended busy [4]"], "who does not, is");
}

#[test]
fn who_is_calling_is_busy_to_a_third() {
    let mut bench = Bench::delivered(&PHONE);
    let told = bench.request(request(2, "carol/web", "alice", &["alice/web"])).unwrap();
    assert_eq!(told, ["carol/web: ended busy [2]"]);
}

#[test]
fn a_device_with_a_live_call_must_end_it_before_it_calls_someone_else() {
    for (mut bench, device) in [
        (Bench::delivered(&PHONE), "alice/web"),
        (Bench::connected(&PHONE), "alice/web"),
        (Bench::connected(&PHONE), "bob/phone"),
    ] {
        let refused = bench.request(request(2, device, "carol", &["carol/web"]));
        assert_eq!(refused, Err(Refusal::AlreadyInCall));
        assert_eq!(bench.desk.calls().count(), 1);
        bench.act(device, HANG_UP).unwrap();
        assert_eq!(bench.request(request(2, device, "carol", &["carol/web"])).unwrap().len(), 2);
    }
}

#[test]
fn a_device_that_only_rings_may_call_someone_else() {
    let mut bench = Bench::ringing(&PHONE);
    assert!(bench.request(request(2, "bob/phone", "carol", &["carol/web"])).is_ok());
    assert_eq!(bench.desk.calls().count(), 2);
}

#[test]
fn a_device_with_a_live_call_must_end_it_before_it_accepts_another() {
    let mut bench = Bench::delivered(&PHONE);
    bench.request(request(2, "carol/web", "bob", &PHONE)).unwrap();
    bench.act_in(1, "bob/phone", Act::Accept).unwrap();
    assert_eq!(bench.act_in(2, "bob/phone", Act::Accept), Err(Refusal::AlreadyInCall));
    assert_eq!((bench.state_of(1), bench.state_of(2)), (State::Negotiating, State::Delivered));
    bench.act_in(1, "bob/phone", HANG_UP).unwrap();
    bench.act_in(2, "bob/phone", Act::Accept).unwrap();
    assert_eq!(bench.state_of(2), State::Negotiating);
}

#[test]
fn a_device_that_calls_may_not_accept_another_call_meanwhile() {
    let mut bench = Bench::delivered(&PHONE);
    bench.request(request(2, "bob/phone", "carol", &["carol/web"])).unwrap();
    assert_eq!(bench.act_in(1, "bob/phone", Act::Accept), Err(Refusal::AlreadyInCall));
    assert!(bench.act_in(1, "bob/phone", REJECT).is_ok(), "but it may say no");
}

#[test]
fn a_v1_device_that_moves_on_hangs_up_what_it_had() {
    let mut bench = Bench::connected(&PHONE);
    let mut ask = request(2, "alice/web", "carol", &["carol/web"]);
    ask.moves_on = true;
    assert_eq!(
        bench.request(ask).unwrap(),
        [
            "alice/web: ended hung_up by alice/web",
            "bob/phone: ended hung_up by alice/web",
            "carol/web: ring from alice/web for 45000 [2]",
            "alice/web: delivered to 1 [2]",
        ]
    );
}

#[test]
fn a_page_that_crashed_simply_calls_again() {
    for old in
        [Bench::delivered(&PHONE), Bench::ringing(&PHONE), Bench::accepted(&PHONE), Bench::connected(&PHONE)]
    {
        let mut bench = old;
        assert_eq!(
            bench.request(request(2, "alice/web", "bob", &PHONE)).unwrap(),
            [
                "alice/web: ended replaced",
                "bob/phone: ended replaced",
                "bob/phone: ring from alice/web for 45000 [2]",
                "alice/web: delivered to 1 [2]",
            ]
        );
        assert_eq!(bench.reason_of(1), Some(EndReason::Replaced));
    }
}

#[test]
fn the_callee_of_an_accepted_call_may_call_again_too() {
    let mut bench = Bench::connected(&PHONE);
    let told = bench.request(request(2, "bob/phone", "alice", &["alice/web"])).unwrap();
    assert_eq!(told[..2], ["alice/web: ended replaced", "bob/phone: ended replaced"]);
    assert_eq!(bench.desk.get(call_id(2)).unwrap().caller(), &dev("bob/phone"));
}

#[test]
fn a_crashed_callee_is_free_again_after_a_minute() {
    let mut bench = Bench::connected(&PHONE);
    bench.gone("bob/phone");
    bench.pass(secs(59));
    assert_eq!(bench.request(request(2, "carol/web", "bob", &PHONE)).unwrap(), ["carol/web: ended busy [2]"]);
    bench.pass(secs(1));
    assert_eq!(bench.request(request(3, "carol/web", "bob", &PHONE)).unwrap().len(), 2);
}

#[test]
fn one_connection_serves_all_calls_of_its_device() {
    let mut bench = Bench::delivered(&["bob/laptop"]);
    bench.request(request(2, "carol/web", "bob", &["bob/laptop"])).unwrap();
    let told = bench.online("bob/phone");
    assert_eq!(
        told,
        [
            "bob/phone: ring from alice/web for 45000",
            "alice/web: delivered to 2",
            "bob/phone: ring from carol/web for 45000 [2]",
            "carol/web: delivered to 2 [2]",
        ]
    );
}

/// The desk as text: two desks with the same text answer alike.
fn shown(bench: &Bench) -> String {
    let calls: Vec<_> = bench.desk.calls().collect();
    format!("{calls:?} {:?}", bench.desk.deadline())
}

#[test]
fn what_could_not_be_stored_is_taken_back() {
    let mut bench = Bench::connected(&PHONE);
    let before = shown(&bench);
    for request in [request(2, "alice/web", "bob", &PHONE), request(3, "carol/web", "dave", &["dave/web"])] {
        let changes = bench.desk.request(bench.now, request).unwrap();
        bench.desk.undo(changes);
        assert_eq!(shown(&bench), before);
    }
    let changes = bench.desk.handle(bench.now, call_id(1), Input::act(dev("alice/web"), HANG_UP)).unwrap();
    bench.desk.undo(changes);
    assert_eq!(shown(&bench), before);
    assert_eq!(bench.act("alice/web", HANG_UP).unwrap().len(), 2, "and may be sent again");
}

#[test]
fn a_request_that_could_not_be_stored_may_be_sent_again() {
    let mut busy = Bench::connected(&PHONE);
    let glare = Bench::ringing(&PHONE);
    let ask = || request(2, "carol/web", "bob", &PHONE);
    let changes = busy.desk.request(busy.now, ask()).unwrap();
    busy.desk.undo(changes);
    assert_eq!(busy.request(ask()).unwrap(), ["carol/web: ended busy [2]"]);

    let mut glare = glare;
    let ask = || request(2, "bob/phone", "alice", &["alice/web"]);
    let changes = glare.desk.request(glare.now, ask()).unwrap();
    glare.desk.undo(changes);
    assert_eq!(glare.state(), State::Ringing);
    assert_eq!(glare.request(ask()).unwrap().len(), 3);
}
