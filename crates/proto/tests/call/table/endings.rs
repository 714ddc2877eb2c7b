//! One end, one reason, told once to each leg; and nothing comes after it.

use tincan_proto::call::{Act, Desk, EndReason, Input, Limits, Notice, Refusal};

use crate::kit::{BUSY, Bench, CONNECTED, HANG_UP, LOST, REJECT, SILENCE, call_id, dev, request, secs};

const TWO: [&str; 2] = ["bob/phone", "bob/laptop"];

#[test]
fn a_reject_ends_the_call_on_all_devices() {
    for (act, word) in [(REJECT, "declined"), (BUSY, "busy"), (HANG_UP, "declined")] {
        let mut bench = Bench::ringing(&TWO);
        assert_eq!(
            bench.act("bob/phone", act).unwrap(),
            [
                format!("alice/web: ended {word} by bob/phone"),
                format!("bob/phone: ended {word} by bob/phone"),
                "bob/laptop: ended declined_elsewhere by bob/phone".into(),
            ]
        );
        assert_eq!(bench.reason_of(1).unwrap().as_str(), word);
    }
}

#[test]
fn a_cancel_stops_every_device() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/laptop", SILENCE).unwrap();
    assert_eq!(
        bench.act("alice/web", HANG_UP).unwrap(),
        [
            "alice/web: ended cancelled by alice/web",
            "bob/phone: ended cancelled by alice/web",
            "bob/laptop: ended cancelled by alice/web",
        ]
    );
}

#[test]
fn before_the_accept_the_reason_of_a_hang_up_does_not_count() {
    let failed = Act::HangUp { reason: EndReason::MediaFailed };
    let mut bench = Bench::ringing(&TWO);
    bench.act("alice/web", failed.clone()).unwrap();
    assert_eq!(bench.reason_of(1), Some(EndReason::Cancelled));
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", failed).unwrap();
    assert_eq!(bench.reason_of(1), Some(EndReason::Declined));
}

#[test]
fn after_the_accept_both_hear_the_reason_that_was_given() {
    for reason in
        [EndReason::HungUp, EndReason::MediaFailed, EndReason::UserMediaFailed, EndReason::ConnectionLost]
    {
        for from in ["alice/web", "bob/phone"] {
            let mut bench = Bench::accepted(&TWO);
            let word = reason.as_str();
            assert_eq!(
                bench.act(from, Act::HangUp { reason }).unwrap(),
                [format!("alice/web: ended {word} by {from}"), format!("bob/phone: ended {word} by {from}"),]
            );
        }
    }
}

#[test]
fn talk_time_counts_from_the_second_connected_to_the_end() {
    let mut bench = Bench::accepted(&TWO);
    bench.pass(secs(1)).act("alice/web", CONNECTED).unwrap();
    bench.pass(secs(1)).act("bob/phone", CONNECTED).unwrap();
    let changes = {
        bench.pass(secs(61));
        bench.desk.handle(bench.now, call_id(1), Input::act(dev("bob/phone"), HANG_UP)).unwrap()
    };
    for effect in &changes.effects {
        let Notice::Ended { end, .. } = &effect.notice else { panic!("{effect:?}") };
        assert_eq!(end.talk_ms, 61_000);
    }
}

#[test]
fn a_call_that_never_connected_has_no_talk_time() {
    let mut bench = Bench::accepted(&TWO);
    bench.pass(secs(5)).act("bob/phone", CONNECTED).unwrap();
    bench.pass(secs(5)).act("bob/phone", HANG_UP).unwrap();
    assert_eq!(bench.stored[0].end().unwrap().talk_ms, 0);
}

#[test]
fn nothing_that_comes_late_revives_a_call() {
    let mut bench = Bench::accepted(&TWO);
    bench.act("alice/web", HANG_UP).unwrap();
    for device in ["alice/web", "bob/phone", "bob/laptop"] {
        for act in [Act::Ringing, Act::Accept, REJECT, SILENCE, HANG_UP, CONNECTED, LOST] {
            assert_eq!(bench.act(device, act), Err(Refusal::NoSuchCall));
        }
        assert!(bench.online(device).is_empty() && bench.gone(device).is_empty());
        assert!(bench.desk.snapshot(bench.now, &dev(device)).is_empty());
    }
    assert_eq!(bench.desk.calls().count(), 0);
    assert_eq!(bench.desk.deadline(), None);
}

#[test]
fn a_request_that_comes_after_its_end_opens_nothing_and_is_told_so() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", REJECT).unwrap();
    let again = bench.request(request(1, "alice/web", "bob", &TWO));
    assert_eq!(again, Err(Refusal::NoSuchCall), "silence would leave the caller waiting");
    assert_eq!(bench.desk.calls().count(), 0);
}

#[test]
fn a_hang_up_that_overtakes_its_request_wins() {
    let mut bench = Bench::new();
    assert_eq!(bench.act("alice/web", HANG_UP), Err(Refusal::NoSuchCall));
    assert_eq!(bench.request(request(1, "alice/web", "bob", &TWO)), Err(Refusal::NoSuchCall));
    assert_eq!(bench.desk.calls().count(), 0);
}

#[test]
fn other_words_for_an_unknown_call_are_not_remembered() {
    for act in [Act::Ringing, Act::Accept, REJECT, SILENCE, CONNECTED] {
        let mut bench = Bench::new();
        assert_eq!(bench.act("bob/phone", act), Err(Refusal::NoSuchCall));
        assert_eq!(bench.request(request(1, "alice/web", "bob", &TWO)).unwrap().len(), 4);
    }
}

#[test]
fn a_call_restored_as_ended_stays_ended() {
    let mut desk = Desk::new(Limits::default());
    desk.restore(crate::kit::T0, [], [call_id(1)]);
    let again = desk.request(crate::kit::T0, request(1, "alice/web", "bob", &TWO));
    assert_eq!(again.err(), Some(Refusal::NoSuchCall));
}

#[test]
fn an_ended_call_is_still_told_what_it_was() {
    let mut bench = Bench::connected(&TWO);
    bench.act("alice/web", HANG_UP).unwrap();
    let call = &bench.stored[0];
    assert_eq!(call.accepted(), Some((&dev("bob/phone"), crate::kit::T0)));
    let mut late = call.clone();
    for input in [
        Input::Online { device: dev("alice/web"), rings_at_once: true },
        Input::Gone { device: dev("alice/web"), for_good: true },
        Input::Gone { device: dev("bob/phone"), for_good: false },
        Input::Replaced,
        Input::Deadline,
    ] {
        assert!(late.handle(bench.now, input, &Limits::default()).unwrap().is_empty());
        assert_eq!(late, *call);
    }
}
