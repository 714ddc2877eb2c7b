//! What time alone decides, at one millisecond before, at, and after.

use std::time::Duration;

use tincan_proto::call::{Act, Call, EndReason, State};

use crate::kit::{Bench, LOST, SILENCE, T0, ms, request, secs};

const TWO: [&str; 2] = ["bob/phone", "bob/laptop"];

/// The call lives until just before `limit` after its start, and ends with `reason` at it and after it.
fn ends(mut prepare: impl FnMut() -> Bench, limit: Duration, reason: EndReason) {
    for (at, ended) in [(limit - ms(1), false), (limit, true), (limit + ms(1), true)] {
        let mut bench = prepare();
        assert_eq!(bench.desk.deadline(), Some(T0 + limit), "{reason:?}");
        bench.now = T0 + at;
        let told = bench.expire();
        assert_eq!(!told.is_empty(), ended, "{reason:?} at {at:?}");
        assert_eq!(bench.reason_of(1), ended.then_some(reason), "at {at:?}");
        if ended {
            let words = format!("ended {}", reason.as_str());
            assert!(told.iter().all(|line| line.ends_with(&words)), "nobody ended it: {told:?}");
            assert!(bench.expire().is_empty() && bench.desk.deadline().is_none());
        }
    }
}

#[test]
fn nobody_rings_longer_than_45_s() {
    ends(|| Bench::ringing(&TWO), secs(45), EndReason::NoAnswer);
    ends(|| Bench::delivered(&TWO), secs(45), EndReason::NoAnswer);
}

#[test]
fn every_leg_hears_the_time_out() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/laptop", SILENCE).unwrap();
    assert_eq!(
        bench.pass(secs(45)).expire(),
        ["alice/web: ended no_answer", "bob/phone: ended no_answer", "bob/laptop: ended no_answer",]
    );
}

#[test]
fn an_accept_that_arrives_before_the_time_out_was_carried_out_still_wins() {
    let mut bench = Bench::ringing(&TWO);
    bench.pass(secs(45)).act("bob/phone", Act::Accept).unwrap();
    assert!(bench.expire().is_empty());
    assert_eq!(bench.state(), State::Negotiating);
}

#[test]
fn a_call_without_a_device_waits_15_s() {
    let waiting = || {
        let mut bench = Bench::new();
        let mut ask = request(1, "alice/web", "bob", &[]);
        ask.wait = true;
        bench.request(ask).unwrap();
        bench
    };
    ends(waiting, secs(15), EndReason::Unreachable);
}

#[test]
fn a_call_whose_last_device_went_away_waits_15_s() {
    let alone = || {
        let mut bench = Bench::ringing(&TWO);
        bench.pass(secs(2)).gone("bob/phone");
        bench.pass(secs(1)).gone("bob/laptop");
        bench
    };
    ends(alone, secs(18), EndReason::Unreachable);
}

#[test]
fn a_device_that_comes_back_takes_the_wait_back() {
    let mut bench = Bench::ringing(&TWO);
    bench.gone("bob/phone");
    bench.gone("bob/laptop");
    bench.pass(secs(14)).online("bob/laptop");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)));
    bench.gone("bob/laptop");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(29)), "and the next wait is a whole one");
}

#[test]
fn a_connection_lost_twice_counts_from_the_first_time() {
    let mut bench = Bench::ringing(&["bob/phone"]);
    bench.gone("bob/phone");
    bench.pass(secs(5)).gone("bob/phone");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(15)));
}

#[test]
fn who_silenced_a_device_has_been_reached() {
    let mut bench = Bench::ringing(&TWO);
    bench.act("bob/phone", SILENCE).unwrap();
    bench.gone("bob/phone");
    bench.gone("bob/laptop");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)));
}

#[test]
fn a_caller_who_is_away_for_15_s_is_no_ghost_that_rings() {
    let away = || {
        let mut bench = Bench::ringing(&TWO);
        bench.pass(secs(3)).gone("alice/web");
        bench
    };
    ends(away, secs(18), EndReason::Cancelled);
}

#[test]
fn a_caller_who_comes_back_rings_on() {
    let mut bench = Bench::ringing(&TWO);
    bench.gone("alice/web");
    bench.pass(secs(14)).online("alice/web");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)));
}

#[test]
fn a_v1_caller_whose_connection_closes_cancels_at_once() {
    let mut bench = Bench::ringing(&TWO);
    assert_eq!(bench.closed("alice/web")[0], "alice/web: ended cancelled by alice/web");
    let mut bench = Bench::connected(&TWO);
    assert!(bench.closed("alice/web").is_empty(), "but leaves a connected call alone");
    assert_eq!(bench.state(), State::Connected);
}

#[test]
fn a_call_without_sound_20_s_after_the_accept_failed() {
    ends(|| Bench::accepted(&TWO), secs(20), EndReason::MediaFailed);
    let one_side = || {
        let mut bench = Bench::accepted(&TWO);
        bench.act("alice/web", crate::kit::CONNECTED).unwrap();
        bench
    };
    ends(one_side, secs(20), EndReason::MediaFailed);
}

#[test]
fn a_call_both_of_whose_legs_are_without_media_for_60_s_is_lost() {
    let lost = || {
        let mut bench = Bench::connected(&TWO);
        bench.pass(secs(1)).act("alice/web", LOST).unwrap();
        bench.pass(secs(4)).act("bob/phone", LOST).unwrap();
        bench
    };
    ends(lost, secs(65), EndReason::ConnectionLost);
}

#[test]
fn a_call_both_of_whose_devices_are_gone_stays_open_for_a_day() {
    let abandoned = || {
        let mut bench = Bench::connected(&TWO);
        bench.gone("alice/web");
        bench.pass(secs(7)).gone("bob/phone");
        bench
    };
    ends(abandoned, secs(24 * 3600 + 7), EndReason::ConnectionLost);
}

#[test]
fn the_earlier_of_two_limits_counts() {
    let mut bench = Bench::ringing(&["bob/phone"]);
    bench.pass(secs(35)).gone("bob/phone");
    assert_eq!(bench.desk.deadline(), Some(T0 + secs(45)));
    bench.pass(secs(100)).expire();
    assert_eq!(bench.reason_of(1), Some(EndReason::NoAnswer));
}

#[test]
fn one_expire_ends_all_calls_whose_time_has_come() {
    let mut bench = Bench::delivered(&TWO);
    bench.pass(ms(1)).request(request(2, "carol/web", "dave", &["dave/web"])).unwrap();
    bench.request(request(3, "erin/web", "frank", &["frank/web"])).unwrap();
    bench.pass(secs(45)).expire();
    assert_eq!(bench.stored.iter().filter_map(Call::end).count(), 3);
    assert_eq!(bench.desk.calls().count(), 0);
}
