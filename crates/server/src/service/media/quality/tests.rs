//! The calls as data, and what comes into the store.

use tempfile::TempDir;
use tincan_proto::call::{EndReason, Role};
use tincan_proto::id::CallId;
use tincan_proto::quality::{Cause, Path, Report};

use super::*;

const GOOD: Report = Report {
    samples: 30,
    mos: 430,
    mos_min: 410,
    poor: 0,
    concealed_ppm: Some(1000),
    lost_ppm: Some(2000),
    remote_lost_ppm: None,
    rtt_ms: Some(40),
    jitter_ms: Some(3),
    path: Path::Direct,
    cause: Cause::None,
};

const CALL: CallId = CallId::from_bytes([7; 16]);

fn reported(from: &str, mos: u32) -> Reported {
    let report = Report { mos, mos_min: mos, ..GOOD };
    Reported { from: from.parse().unwrap(), re: None, call: CALL, report }
}

fn calls() -> Calls {
    let mut calls = Calls::new(LATE, Vec::new());
    calls.accepted(CALL, Millis(0), ["alice/web".parse().unwrap(), "bob/phone".parse().unwrap()]);
    calls
}

#[test]
fn nothing_is_due_until_both_have_said_their_last_or_it_is_too_late() {
    let mut calls = calls();
    assert!(calls.reported(Millis(1000), &reported("alice/web", 400)));
    calls.ended(Millis(2000), CALL);
    assert!(calls.reported(Millis(2100), &reported("alice/web", 300)));
    let due = calls.due(Millis(2200));
    assert!(due.sums.is_empty() && due.over.is_empty(), "{due:?}");
    assert!(calls.reported(Millis(2300), &reported("bob/phone", 200)));
    let due = calls.due(Millis(2400));
    let sums: Vec<_> = due.sums.iter().map(|sum| (sum.role, sum.report.mos, sum.reported_at)).collect();
    assert_eq!(sums, [(Role::Caller, 350, Millis(2100)), (Role::Callee, 200, Millis(2300))]);
    assert_eq!(due.over.len(), 2);
    // One that comes after both is stored too, and counts as no further leg.
    assert!(calls.reported(Millis(3000), &reported("bob/phone", 400)));
    let due = [calls.due(Millis(31_999)), calls.due(Millis(32_000))];
    let again: Vec<_> = due.iter().flat_map(|due| &due.sums).map(|sum| sum.report.mos).collect();
    assert_eq!(again, [300]);
    assert!(due.iter().all(|due| due.over.is_empty()));
    assert!(!calls.reported(Millis(32_001), &reported("alice/web", 400)), "it is forgotten");
}

#[test]
fn a_leg_that_never_reported_has_no_sum_and_the_other_one_is_stored_when_it_is_late() {
    let mut calls = calls();
    calls.ended(Millis(0), CALL);
    assert!(calls.reported(Millis(10), &reported("bob/phone", 400)));
    assert!(calls.due(Millis(29_999)).sums.is_empty());
    let due = calls.due(Millis(30_000));
    assert_eq!(due.sums.iter().map(|sum| sum.leg.as_str()).collect::<Vec<_>>(), ["bob/phone"]);
}

#[test]
fn the_worst_live_calls_are_told_first_and_a_curve_is_bounded() {
    let mut calls = calls();
    let worse = CallId::from_bytes([9; 16]);
    calls.accepted(worse, Millis(0), ["carol/web".parse().unwrap(), "dave/web".parse().unwrap()]);
    for second in 0..100_u64 {
        assert!(calls.reported(Millis(second), &reported("alice/web", 400)));
    }
    assert!(calls.reported(Millis(0), &Reported { call: worse, ..reported("carol/web", 150) }));
    let live = calls.live(1);
    assert_eq!((live.total, live.calls.len(), live.calls[0].call), (2, 1, worse));
    let alice = &calls.live(2).calls[1].legs[0];
    assert_eq!((alice.recent.len(), alice.recent[0]), (60, (Millis(40), 400)));
    calls.ended(Millis(0), worse);
    assert_eq!(calls.live(9).total, 1);
}

/// Listens for what `user` is refused.
fn refusals(
    bus: &Bus,
    user: &str,
) -> (Subscription<tincan_proto::id::UserId, Event>, Arc<Mutex<Vec<ErrorCode>>>) {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&refused);
    let hear = move |event: &Event, _: Option<Reply<_>>| {
        if let Event::Refused(refused) = event {
            heard.lock().push(refused.code);
        }
    };
    (bus.users.subscribe(user.parse().unwrap(), Arc::new(hear)), refused)
}

async fn started(folder: &TempDir, bus: &Bus, late: Duration) -> (Quality, Store) {
    let store = Store::open(&folder.path().join("tincan.db")).await.unwrap();
    (started_on(&store, bus, late, &Metrics::default()).await, store)
}

async fn started_on(store: &Store, bus: &Bus, late: Duration, metrics: &Metrics) -> Quality {
    Quality::start(bus, Clock::start(), store.clone(), metrics.clone(), late).await.unwrap()
}

fn accept(bus: &Bus) {
    let (caller, callee) = ("alice/web".parse().unwrap(), "bob/phone".parse().unwrap());
    bus.news.publish(&(), &News::Accepted { call: CALL, caller, callee, at: Millis(1) });
}

#[tokio::test]
async fn a_report_that_is_late_gets_no_such_call() {
    let (folder, bus) = (TempDir::new().unwrap(), Bus::default());
    let (quality, store) = started(&folder, &bus, Duration::ZERO).await;
    let (_alice, refused) = refusals(&bus, "alice");
    accept(&bus);
    bus.quality.publish(&(), &reported("alice/web", 400));
    let (reason, ring_ms, setup_ms) = (EndReason::HungUp, None, None);
    bus.news.publish(&(), &News::Ended { call: CALL, reason, talk_ms: 0, ring_ms, setup_ms });
    assert!(refused.lock().is_empty());
    // The keeper forgets it at its next turn; nothing else tells when that was.
    while refused.lock().is_empty() {
        bus.quality.publish(&(), &reported("alice/web", 400));
        tokio::task::yield_now().await;
    }
    assert_eq!(refused.lock().first(), Some(&ErrorCode::NoSuchCall));
    quality.stop().await;
    store.close().await;
}

#[tokio::test]
async fn what_was_reported_before_the_server_stopped_is_part_of_the_sum_after_it() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let bus = Bus::default();
        let (quality, store) = started(&folder, &bus, LATE).await;
        store_live_call(&store).await;
        accept(&bus);
        bus.quality.publish(&(), &reported("alice/web", 400));
        quality.stop().await;
        store.close().await;
    }
    let store = Store::open(&folder.path().join("tincan.db")).await.unwrap();
    let kept = store.quality_of_live_calls().await.unwrap();
    assert_eq!(kept.iter().map(|leg| leg.report.samples).collect::<Vec<_>>(), [60]);
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_counted_as_lost_and_nothing_waits_for_it() {
    let (folder, bus, metrics) = (TempDir::new().unwrap(), Bus::default(), Metrics::default());
    let store = Store::open(&folder.path().join("tincan.db")).await.unwrap();
    let quality = started_on(&store, &bus, LATE, &metrics).await;
    accept(&bus);
    bus.quality.publish(&(), &reported("alice/web", 400));
    store.close().await;
    quality.stop().await;
    let text = metrics.text(&crate::metrics::Gauges::default());
    assert!(text.contains("\ntincan_quality_unstored_total 1\n"), "{text}");
}

/// Has the call in the store, as the call service would.
async fn store_live_call(store: &Store) {
    use tincan_proto::call::Call;
    let caller = "alice/web".parse().unwrap();
    let call = Call::new(Millis(1), CALL, caller, "bob".parse().unwrap(), "".into());
    store.save_calls(&[&call]).await.unwrap();
}
