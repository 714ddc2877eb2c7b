//! First accept wins.

use tincan_proto::call::{Act, Refusal, Role, State};

use crate::kit::{Bench, HANG_UP, REJECT, SILENCE, call_id, dev};

const THREE: [&str; 3] = ["bob/phone", "bob/laptop", "bob/tablet"];

#[test]
fn the_first_accept_wins_and_the_others_hear_answered_elsewhere() {
    let mut bench = Bench::ringing(&THREE);
    assert_eq!(
        bench.act("bob/laptop", Act::Accept).unwrap(),
        [
            "bob/laptop: bob/laptop accepted, peer alice/web",
            "alice/web: bob/laptop accepted, peer bob/laptop",
            "bob/phone: ended answered_elsewhere by bob/laptop",
            "bob/tablet: ended answered_elsewhere by bob/laptop",
        ]
    );
    assert_eq!(bench.state(), State::Negotiating);
}

#[test]
fn an_accept_that_comes_too_late_is_told_so_and_changes_nothing() {
    let mut bench = Bench::ringing(&THREE);
    bench.act("bob/laptop", Act::Accept).unwrap();
    let before = bench.desk.get(call_id(1)).cloned();
    assert_eq!(bench.act("bob/phone", Act::Accept), Err(Refusal::AlreadyAnswered));
    assert_eq!(bench.desk.get(call_id(1)).cloned(), before);
}

#[test]
fn the_winner_may_say_it_twice() {
    let mut bench = Bench::accepted(&THREE);
    assert!(bench.act("bob/phone", Act::Accept).unwrap().is_empty());
}

#[test]
fn a_device_may_accept_before_it_said_that_it_rings() {
    let mut bench = Bench::delivered(&THREE);
    assert_eq!(bench.act("bob/phone", Act::Accept).unwrap().len(), 4);
    assert!(bench.act("bob/phone", Act::Ringing).unwrap().is_empty(), "the receipt was overtaken");
    assert!(bench.act("bob/tablet", Act::Ringing).unwrap().is_empty());
}

#[test]
fn neither_a_late_no_nor_a_late_hang_up_ends_the_call_another_device_took() {
    let mut bench = Bench::accepted(&THREE);
    for act in [REJECT, SILENCE, HANG_UP] {
        assert_eq!(bench.act("bob/laptop", act), Err(Refusal::AlreadyAnswered));
    }
    assert_eq!(bench.state(), State::Negotiating);
}

#[test]
fn only_the_two_that_talk_have_a_part_and_each_other_as_peer() {
    let bench = Bench::accepted(&THREE);
    let call = bench.desk.get(call_id(1)).unwrap();
    let (web, phone, laptop) = (dev("alice/web"), dev("bob/phone"), dev("bob/laptop"));
    assert_eq!((call.role(&web), call.peer(&web)), (Some(Role::Caller), Some(&phone)));
    assert_eq!((call.role(&phone), call.peer(&phone)), (Some(Role::Callee), Some(&web)));
    assert_eq!((call.role(&laptop), call.peer(&laptop)), (None, None));
}

#[test]
fn if_the_caller_cancels_while_the_callee_accepts_both_orders_have_one_outcome() {
    let mut cancel_first = Bench::ringing(&["bob/phone"]);
    assert_eq!(
        cancel_first.act("alice/web", HANG_UP).unwrap(),
        ["alice/web: ended cancelled by alice/web", "bob/phone: ended cancelled by alice/web",]
    );
    assert_eq!(cancel_first.act("bob/phone", Act::Accept), Err(Refusal::NoSuchCall));

    let mut accept_first = Bench::accepted(&["bob/phone"]);
    assert_eq!(
        accept_first.act("alice/web", HANG_UP).unwrap(),
        ["alice/web: ended hung_up by alice/web", "bob/phone: ended hung_up by alice/web",]
    );
}
