//! Random scripts: what can happen to a desk, in any order, and a desk to which it happens.
//!
//! A script is made without looking at the desk, so that it can be shrunk and replayed. Its world is small (three users,
//! three devices each), so that everything meets.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tincan_proto::call::{
    Act, Call, Changes, Desk, Effect, EndReason, Input, Limits, Media, Refusal, RejectReason,
};
use tincan_proto::call::{Request, Scope};
use tincan_proto::id::{Address, CallId};
use tincan_proto::time::Millis;

use crate::kit::{T0, call_id, dev, ms, user};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const DEVICES: [&str; 3] = ["phone", "web", "pad"];

/// One line of a script. Users and devices are numbers; `call` counts back from the newest request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Request { caller: (usize, usize), callee: usize, wait: bool, moves_on: bool },
    Repeat { call: usize },
    Act { call: usize, who: Who, act: Act },
    Online { device: (usize, usize), rings_at_once: bool },
    Gone { device: (usize, usize), for_good: bool },
    Pass { ms: u64 },
    Expire,
    Restart,
}

/// Who acts, as seen from the call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    Caller,
    Callee(usize),
    Someone(usize, usize),
}

/// Something that happens at an instant.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Request(Request),
    Act { call: CallId, from: Address, act: Act },
    Online { device: Address, rings_at_once: bool },
    Gone { device: Address, for_good: bool },
    Expire,
    Restart,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    pub(crate) refusal: Option<Refusal>,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) fn address((user, device): (usize, usize)) -> Address {
    dev(&format!("{}/{}", USERS[user], DEVICES[device]))
}

pub(crate) fn devices() -> impl Iterator<Item = Address> {
    (0..9).map(|n| address((n / 3, n % 3)))
}

fn acts() -> impl Strategy<Value = Act> {
    let reasons = [RejectReason::Declined, RejectReason::Busy];
    prop_oneof![
        4 => Just(Act::Ringing),
        4 => Just(Act::Accept),
        1 => proptest::sample::select(reasons.to_vec()).prop_map(|reason| Act::Reject { reason, scope: Scope::All }),
        2 => Just(Act::Reject { reason: RejectReason::Declined, scope: Scope::Here }),
        1 => proptest::sample::select(&[EndReason::HungUp, EndReason::MediaFailed][..])
            .prop_map(|reason| Act::HangUp { reason }),
        4 => Just(Act::Media(Media::Connected)),
        3 => Just(Act::Media(Media::Lost)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let device = || (0..3_usize, 0..3_usize);
    let who = prop_oneof![
        3 => Just(Who::Caller),
        6 => (0..3_usize).prop_map(Who::Callee),
        1 => device().prop_map(|(user, device)| Who::Someone(user, device)),
    ];
    let near =
        [1, 999, 5_000, 14_999, 15_000, 19_999, 20_000, 30_000, 44_999, 45_000, 59_999, 60_000, 86_400_000];
    prop_oneof![
        6 => (device(), 0..3_usize, any::<bool>(), proptest::bool::weighted(0.1))
            .prop_map(|(caller, callee, wait, moves_on)| Step::Request { caller, callee, wait, moves_on }),
        1 => (0..4_usize).prop_map(|call| Step::Repeat { call }),
        20 => (prop_oneof![4 => Just(0_usize), 1 => 1..4_usize], who, acts())
            .prop_map(|(call, who, act)| Step::Act { call, who, act }),
        5 => (device(), proptest::bool::weighted(0.3))
            .prop_map(|(device, rings_at_once)| Step::Online { device, rings_at_once }),
        4 => (device(), proptest::bool::weighted(0.2))
            .prop_map(|(device, for_good)| Step::Gone { device, for_good }),
        4 => proptest::sample::select(near.to_vec()).prop_map(|ms| Step::Pass { ms }),
        3 => Just(Step::Expire),
        1 => Just(Step::Restart),
    ]
}

/// A script of so many steps at most. Every other one begins with a call that is connected, since chance seldom gets there.
pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let act = |who, act| Step::Act { call: 0, who, act };
    let connected = [
        Step::Request { caller: (0, 0), callee: 1, wait: false, moves_on: false },
        act(Who::Callee(0), Act::Accept),
        act(Who::Caller, Act::Media(Media::Connected)),
        act(Who::Callee(0), Act::Media(Media::Connected)),
    ];
    (any::<bool>(), proptest::collection::vec(step(), 1..most)).prop_map(move |(talk, steps)| {
        let first = if talk { connected.as_slice() } else { &[] };
        first.iter().cloned().chain(steps).collect()
    })
}

/// Gives names and times to the steps of a script.
pub(crate) fn events(steps: &[Step]) -> Vec<(Millis, Event)> {
    let phones = devices().filter(|device| device.device.as_str() == "phone");
    let mut story =
        Story { now: T0, online: phones.map(|phone| (phone, false)).collect(), requests: Vec::new() };
    steps.iter().filter_map(|step| story.event(step).map(|event| (story.now, event))).collect()
}

/// What a script has led to so far, as far as no desk is needed to know it.
struct Story {
    now: Millis,
    /// The connected devices, and which of them speak v1.
    online: BTreeMap<Address, bool>,
    requests: Vec<Request>,
}

impl Story {
    fn event(&mut self, step: &Step) -> Option<Event> {
        self.now = self.now + ms(7);
        match step {
            Step::Request { caller, callee, wait, moves_on } => {
                let request = self.request(*caller, *callee, *wait, *moves_on);
                self.requests.push(request.clone());
                Some(Event::Request(request))
            }
            Step::Repeat { call } => self.back(*call).cloned().map(Event::Request),
            Step::Act { call, who, act } => {
                let request = self.back(*call)?;
                let from = match *who {
                    Who::Caller => request.caller.clone(),
                    Who::Callee(n) => {
                        Address { user: request.callee.clone(), device: address((0, n)).device }
                    }
                    Who::Someone(user, device) => address((user, device)),
                };
                Some(Event::Act { call: request.call, from, act: act.clone() })
            }
            Step::Online { device, rings_at_once } => {
                self.online.insert(address(*device), *rings_at_once);
                Some(Event::Online { device: address(*device), rings_at_once: *rings_at_once })
            }
            Step::Gone { device, for_good } => {
                self.online.remove(&address(*device));
                Some(Event::Gone { device: address(*device), for_good: *for_good })
            }
            Step::Pass { ms: time } => {
                self.now = self.now + ms(*time);
                None
            }
            Step::Expire => Some(Event::Expire),
            Step::Restart => Some(Event::Restart),
        }
    }

    /// The request that many before the newest.
    fn back(&self, n: usize) -> Option<&Request> {
        self.requests.iter().rev().nth(n)
    }

    fn request(&self, caller: (usize, usize), callee: usize, wait: bool, moves_on: bool) -> Request {
        let (call, callee) = (call_id(self.requests.len() as u64 + 1), user(USERS[callee]));
        let of_callee = self.online.iter().filter(|(device, _)| device.user == callee);
        let devices = of_callee.map(|(device, at_once)| (device.clone(), *at_once)).collect();
        let (caller, takes_many) = (address(caller), false);
        Request { call, caller, callee, data: "{}".into(), devices, takes_many, wait, moves_on }
    }
}

/// A desk and what was stored of it.
#[derive(Default)]
pub(crate) struct Subject {
    pub(crate) desk: Desk,
    /// Each call as last stored, in the order in which they were first stored.
    pub(crate) stored: Vec<(CallId, String)>,
}

impl Subject {
    pub(crate) fn new() -> Self {
        Self { desk: Desk::new(Limits::default()), stored: Vec::new() }
    }

    /// Decides, without storing.
    pub(crate) fn decide(&mut self, now: Millis, event: &Event) -> Result<Changes, Refusal> {
        match event.clone() {
            Event::Request(request) => self.desk.request(now, request),
            Event::Act { call, from, act } => self.desk.handle(now, call, Input::act(from, act)),
            Event::Online { device, rings_at_once } => Ok(self.desk.online(now, &device, rings_at_once)),
            Event::Gone { device, for_good } => Ok(self.desk.gone(now, &device, for_good)),
            Event::Expire => Ok(self.desk.expire(now)),
            Event::Restart => {
                self.restart(now);
                Ok(Changes::default())
            }
        }
    }

    /// Decides and stores.
    pub(crate) fn apply(&mut self, now: Millis, event: &Event) -> Reply {
        match self.decide(now, event) {
            Err(refusal) => Reply { refusal: Some(refusal), effects: Vec::new() },
            Ok(changes) => self.store(changes),
        }
    }

    pub(crate) fn store(&mut self, changes: Changes) -> Reply {
        for call in &changes.calls {
            let text = serde_json::to_string(&**call).expect("a call can be written");
            match self.stored.iter_mut().find(|(id, _)| *id == call.id()) {
                Some(row) => row.1 = text,
                None => self.stored.push((call.id(), text)),
            }
        }
        Reply { refusal: None, effects: changes.effects.into_iter().collect() }
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = Call> {
        self.stored.iter().map(|(_, text)| serde_json::from_str(text).expect("what was written can be read"))
    }

    fn restart(&mut self, now: Millis) {
        let (ended, live): (Vec<Call>, Vec<Call>) = self.read().partition(|call| call.end().is_some());
        self.desk = Desk::new(Limits::default());
        self.desk.restore(now, live, ended.iter().map(Call::id));
    }

    /// The live calls as they stand, by id.
    pub(crate) fn live(&self) -> BTreeMap<CallId, Call> {
        self.desk.calls().map(|call| (call.id(), call.clone())).collect()
    }
}

/// What each device is told, in its order; devices are not ordered among themselves.
pub(crate) fn by_device(effects: &[Effect]) -> BTreeMap<Address, Vec<Effect>> {
    let mut told: BTreeMap<Address, Vec<Effect>> = BTreeMap::new();
    for effect in effects {
        told.entry(effect.to.clone()).or_default().push(effect.clone());
    }
    told
}
