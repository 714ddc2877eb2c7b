//! What holds after any inputs in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tincan_proto::call::{Act, Call, Effect, End, EndReason, Input, Limits, Notice, Role, State};
use tincan_proto::id::{Address, CallId};
use tincan_proto::time::Millis;

use crate::kit::{HANG_UP, secs};
use crate::script::{Event, Reply, Subject, devices, events, steps};

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_call_has_one_outcome_whatever_happens(script in steps(70)) {
        let (mut subject, mut watch) = (Subject::new(), Watch::default());
        for (now, event) in events(&script) {
            watch.step(&mut subject, now, &event);
        }
        watch.drain(&mut subject);
    }

    #[test]
    fn what_could_not_be_stored_leaves_no_trace(script in steps(70)) {
        let mut subject = Subject::new();
        for (now, event) in events(&script) {
            let before = (subject.live(), subject.desk.deadline());
            if !matches!(event, Event::Restart) && let Ok(changes) = subject.decide(now, &event) {
                let told: Vec<_> = changes.effects.iter().cloned().collect();
                subject.desk.undo(changes);
                prop_assert_eq!(&before, &(subject.live(), subject.desk.deadline()), "undo {:?}", event);
                let again = subject.apply(now, &event);
                prop_assert_eq!(by_leg(&told), by_leg(&again.effects), "again {:?}", event);
            } else {
                subject.apply(now, &event);
            }
        }
    }

    /// What a client sends again after it lost its session, of what the server had carried out.
    #[test]
    fn everything_said_again_changes_nothing_and_tells_nobody(script in steps(50)) {
        let (mut subject, mut said) = (Subject::new(), Vec::new());
        let mut last = Millis(0);
        for (now, event) in events(&script) {
            let carried_out = subject.apply(now, &event).refusal.is_none();
            let idempotent = match &event {
                Event::Request(_) => true,
                Event::Act { act, .. } => !matches!(act, Act::Media(_)),
                Event::Online { .. } | Event::Gone { .. } | Event::Expire | Event::Restart => false,
            };
            if carried_out && idempotent {
                said.push(event);
            }
            last = now;
        }
        for event in said {
            let before = (subject.live(), subject.stored.clone());
            let reply = subject.apply(last, &event);
            prop_assert!(reply.effects.is_empty(), "{:?} told {:?}", event, reply.effects);
            prop_assert_eq!(before, (subject.live(), subject.stored.clone()));
        }
    }
}

/// What each device is told of each call, in its order.
fn by_leg(effects: &[Effect]) -> BTreeMap<(CallId, Address), Vec<Effect>> {
    let mut told: BTreeMap<(CallId, Address), Vec<Effect>> = BTreeMap::new();
    for effect in effects {
        told.entry((effect.call, effect.to.clone())).or_default().push(effect.clone());
    }
    told
}

/// Looks on, and knows what may never be.
#[derive(Default)]
struct Watch {
    now: Millis,
    winners: BTreeMap<CallId, Address>,
    /// Devices that were told to ring or that they talk.
    owed: BTreeSet<(CallId, Address)>,
    ended: BTreeMap<(CallId, Address), End>,
}

impl Watch {
    fn step(&mut self, subject: &mut Subject, now: Millis, event: &Event) {
        self.now = now;
        let before = subject.live();
        let deadline = subject.desk.deadline();
        let reply = subject.apply(now, event);
        let after = subject.live();
        if reply.refusal.is_some() {
            assert_eq!((&before, deadline), (&after, subject.desk.deadline()), "{event:?} was refused");
        }
        if !matches!(event, Event::Restart) {
            versions_count_changes(&before, &after, event);
        }
        self.listen(subject, &reply, event);
        deadlines_are_real(subject, &after);
        nobody_is_in_two_calls(&after);
        twice_is_once(subject, now, event);
    }

    /// Checks each notice against all that was said before.
    fn listen(&mut self, subject: &Subject, reply: &Reply, event: &Event) {
        let calls: BTreeMap<CallId, Call> = subject.read().map(|call| (call.id(), call)).collect();
        for effect in &reply.effects {
            let key = (effect.call, effect.to.clone());
            assert!(!self.ended.contains_key(&key), "{event:?} told {effect:?} after the end");
            let call = &calls[&effect.call];
            match &effect.notice {
                Notice::Ring { ring_ms, .. } => {
                    let until = call.requested_at() + Limits::default().ring;
                    assert!(
                        self.now < until && self.now.0 + ring_ms == until.0,
                        "{effect:?} at {:?}",
                        self.now
                    );
                    assert!(call.end().is_none() && call.accepted().is_none());
                    self.owed.insert(key);
                }
                Notice::Accepted { by, peer } => {
                    let winner = self.winners.entry(effect.call).or_insert_with(|| by.clone());
                    assert_eq!(winner, by, "a second device won {:?}", effect.call);
                    let other = if effect.to == *by { call.caller() } else { by };
                    assert_eq!(peer, other);
                    self.owed.insert(key);
                }
                Notice::Ended { end, .. } => {
                    self.ended.insert(key, end.clone());
                }
                Notice::Delivered { .. } | Notice::Ringing { .. } => assert_eq!(effect.to, *call.caller()),
            }
        }
    }

    /// Lets everything end, and settles who was told what.
    fn drain(&mut self, subject: &mut Subject) {
        for _ in 0..3 {
            let now = self.now + secs(25 * 3600);
            self.step(subject, now, &Event::Expire);
        }
        for (call, live) in subject.live() {
            let from = live.caller().clone();
            let now = self.now;
            self.step(subject, now, &Event::Act { call, from, act: HANG_UP });
        }
        assert_eq!(subject.desk.calls().count(), 0);
        assert_eq!(subject.desk.deadline(), None);
        for key in &self.owed {
            assert!(self.ended.contains_key(key), "{key:?} was never told the end");
        }
        for call in subject.read() {
            self.one_reason(&call);
        }
    }

    fn one_reason(&self, call: &Call) {
        let end = call.end().expect("every call ends");
        let winner = self.winners.get(&call.id());
        assert_eq!(call.accepted().map(|(device, _)| device), winner);
        for device in devices() {
            let Some(told) = self.ended.get(&(call.id(), device.clone())) else { continue };
            match told.reason {
                EndReason::AnsweredElsewhere => {
                    assert!(winner.is_some_and(|winner| *winner != device && winner.user == device.user));
                    assert_eq!(told.by.as_ref(), winner);
                }
                EndReason::DeclinedElsewhere => {
                    assert!(matches!(end.reason, EndReason::Declined | EndReason::Busy));
                    assert!(told.by == end.by && told.by != Some(device));
                }
                _ => assert_eq!(told, end, "{device} heard something else"),
            }
        }
        assert_eq!(
            self.ended.get(&(call.id(), call.caller().clone())),
            Some(end),
            "the caller hears the truth"
        );
    }
}

fn versions_count_changes(before: &BTreeMap<CallId, Call>, after: &BTreeMap<CallId, Call>, event: &Event) {
    for (id, new) in after {
        let Some(old) = before.get(id) else { continue };
        let content = |call: &Call| {
            let mut value = serde_json::to_value(call).expect("a call can be written");
            value["version"].take();
            value
        };
        assert_eq!(
            new.version() > old.version(),
            content(new) != content(old),
            "{event:?}\n{old:?}\n{new:?}"
        );
    }
}

fn deadlines_are_real(subject: &Subject, live: &BTreeMap<CallId, Call>) {
    let limits = Limits::default();
    assert_eq!(subject.desk.deadline(), live.values().filter_map(|call| call.deadline(&limits)).min());
    for call in live.values() {
        let talks = matches!(call.state(), State::Connected | State::Reconnecting);
        let Some(at) = call.deadline(&limits) else {
            assert!(talks, "a call that waits has a deadline: {call:?}");
            continue;
        };
        let (mut early, mut due) = (call.clone(), call.clone());
        let nothing = early.handle(Millis(at.0 - 1), Input::Deadline, &limits).expect("never refused");
        assert!(nothing.is_empty() && early == *call);
        let told = due.handle(at, Input::Deadline, &limits).expect("never refused");
        assert!(!told.is_empty() && due.state() == State::Ended);
    }
}

fn nobody_is_in_two_calls(live: &BTreeMap<CallId, Call>) {
    for device in devices() {
        let takes_up = |call: &&Call| match call.role(&device) {
            Some(Role::Caller) => true,
            Some(Role::Callee) => call.accepted().is_some(),
            None => false,
        };
        assert!(live.values().filter(takes_up).count() <= 1, "{device} is in two calls");
    }
    let pairs: Vec<BTreeSet<_>> = live
        .values()
        .map(|call| BTreeSet::from([call.caller().user.clone(), call.callee().clone()]))
        .collect();
    assert_eq!(pairs.len(), pairs.iter().collect::<BTreeSet<_>>().len(), "two users have two calls");
}

/// The same input again, at once, changes nothing; only a v1 device, which forgets, is told to ring again.
fn twice_is_once(subject: &mut Subject, now: Millis, event: &Event) {
    if matches!(event, Event::Restart) {
        return;
    }
    let before = (subject.live(), subject.stored.clone());
    let reply = subject.apply(now, event);
    assert_eq!(before, (subject.live(), subject.stored.clone()), "{event:?} twice");
    let rings_again = matches!(event, Event::Online { rings_at_once: true, .. });
    let fine = |notice: &Notice| rings_again && matches!(notice, Notice::Ring { .. });
    assert!(
        reply.effects.iter().all(|effect| fine(&effect.notice)),
        "{event:?} twice told {:?}",
        reply.effects
    );
}
