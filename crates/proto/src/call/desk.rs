//! All live calls, and what concerns more than one of them: busy, glare, a call that replaces another.
//!
//! The rules, first match wins, for a request of device *a* of user A to user B:
//!
//! | there is | then |
//! |---|---|
//! | this very call, live | nothing: the request was sent twice |
//! | a call with this id that ended lately | refused, `no_such_call`: it comes late, or was overtaken by its hang-up |
//! | a live call of *a* with someone else | refused, `already_in_call`; on v1 that call is hung up |
//! | a ringing call from B to A | glare: *a* accepts that call, and this request ends as `glare` |
//! | any other live call between A and B | that call ends as `replaced` (a page that crashed calls again), and what follows decides |
//! | a live call that occupies B, unless B takes many | this one ends as `busy` |
//! | no device of B | this one ends as `unreachable` |
//! | otherwise | it opens and rings |
//!
//! Deterministic, so that a seed replays: what is walked is ordered, and the hash maps are only asked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::effect::{Effects, Notice};
use super::input::{Act, Input};
use super::limits::Limits;
use super::machine::{Call, Refusal, Role};
use super::state::{End, EndReason, State};
use crate::id::{Address, CallId, UserId};
use crate::time::{Millis, whole_ms};

/// How many ended calls are remembered, so that a late request cannot revive one.
const TOMBSTONES: usize = 100_000;

/// A request to open a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The id the caller made.
    pub call: CallId,
    /// The calling device.
    pub caller: Address,
    /// The user to ring.
    pub callee: UserId,
    /// The request's `data`: a JSON text, or empty.
    pub data: Box<str>,
    /// The callee's devices that can be rung, each with whether it rings at once (v1).
    pub devices: Vec<(Address, bool)>,
    /// The callee is no person, and is never busy.
    pub takes_many: bool,
    /// Wait for a device although there is none: the server started a moment ago and its users are coming back.
    pub wait: bool,
    /// Hang up what the device has with someone else instead of refusing: a v1 client cannot be told that it must.
    pub moves_on: bool,
}

/// What an input changed: calls to store, then effects to carry out.
#[must_use = "changed calls must be stored, then the effects carried out"]
#[derive(Debug, Default)]
pub struct Changes {
    /// Each changed call as it now stands; an ended one has left the desk.
    pub calls: Vec<Arc<Call>>,
    /// What to tell whom, once the calls are stored.
    pub effects: Effects,
    /// Each changed call as it was before; `None` if there was none.
    before: Vec<(CallId, Option<Arc<Call>>)>,
}

/// What a device that comes without its old session is told of one of its calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// The call.
    pub call: CallId,
    /// The device's part in it.
    pub role: Role,
    /// The other device where there is one, else the called user.
    pub peer: Box<str>,
    /// Where it stands.
    pub state: State,
    /// Milliseconds since the request.
    pub age_ms: u64,
    /// Milliseconds until the ring limit, while it rings.
    pub ring_ms: Option<u64>,
    /// The request's `data`, for a device that rings: a JSON text, or empty.
    pub data: Box<str>,
}

/// All live calls.
#[derive(Debug, Default)]
pub struct Desk {
    limits: Limits,
    calls: BTreeMap<CallId, Arc<Call>>,
    /// The live calls of each user, as caller or callee.
    by_user: HashMap<UserId, Vec<CallId>>,
    deadlines: BTreeSet<(Millis, CallId)>,
    /// Calls that ended, or that were hung up before their request came; oldest first.
    ended: VecDeque<CallId>,
    ended_ids: HashSet<CallId>,
}

impl Desk {
    /// An empty desk.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes up the calls that a former run of the server left. All their devices count as gone since `now`; those whose
    /// time has passed end at the next [`Desk::expire`]. `ended` are calls that ended lately, oldest first.
    pub fn restore(
        &mut self,
        now: Millis,
        calls: impl IntoIterator<Item = Call>,
        ended: impl IntoIterator<Item = CallId>,
    ) {
        for mut call in calls {
            call.restart(now);
            self.put(Arc::new(call));
        }
        for id in ended {
            self.bury(id);
        }
    }

    /// A live call.
    #[must_use]
    pub fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id).map(Arc::as_ref)
    }

    /// All live calls, by id.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.values().map(Arc::as_ref)
    }

    /// When to call [`Desk::expire`].
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// What `device` is told of its live calls when it comes without its old session.
    pub fn snapshot(&self, now: Millis, device: &Address) -> Vec<Snapshot> {
        let of_device = |call: &Call| {
            let role = call.role(device)?;
            let peer = call.peer(device).map_or_else(|| call.callee().to_string(), ToString::to_string);
            let data = if role == Role::Callee { call.data() } else { "" };
            Some(Snapshot {
                call: call.id(),
                role,
                peer: peer.into(),
                state: call.state(),
                age_ms: whole_ms(now.since(call.requested_at())),
                ring_ms: call.ring_ms(now, &self.limits),
                data: data.into(),
            })
        };
        self.of_user(&device.user).filter_map(of_device).collect()
    }

    /// A device asks for a call. The rules are in the module's text.
    ///
    /// # Errors
    /// [`Refusal::AlreadyInCall`], [`Refusal::NoSuchCall`] for a call that ended, and [`Refusal::BadState`] for a call to
    /// oneself or with the id of another live call; nothing has changed then.
    pub fn request(&mut self, now: Millis, request: Request) -> Result<Changes, Refusal> {
        let Request { call: id, caller, callee, data, devices, takes_many, wait, moves_on } = request;
        let mut changes = Changes::default();
        if let Some(call) = self.calls.get(&id) {
            let twice = *call.caller() == caller && *call.callee() == callee;
            return if twice { Ok(changes) } else { Err(Refusal::BadState) };
        }
        // Not with silence: a caller that missed the end would wait for ever.
        if self.ended_ids.contains(&id) {
            return Err(Refusal::NoSuchCall);
        }
        if caller.user == callee {
            return Err(Refusal::BadState);
        }
        let elsewhere = |call: &Call| {
            let with_callee = *call.callee() == callee || call.caller().user == callee;
            !with_callee && takes_up(call, &caller)
        };
        let others: Vec<CallId> =
            self.of_user(&caller.user).filter(|call| elsewhere(call)).map(Call::id).collect();
        if !others.is_empty() && !moves_on {
            return Err(Refusal::AlreadyInCall);
        }
        for other in others {
            let hang_up = Act::HangUp { reason: EndReason::HungUp };
            self.apply(now, other, Input::act(caller.clone(), hang_up), &mut changes)?;
        }
        if let Some(met) = self.met(&caller, &callee) {
            let call = Call::new(now, id, caller.clone(), callee, data);
            self.refuse(now, call, EndReason::Glare, Some(met), &mut changes);
            self.apply(now, met, Input::act(caller, Act::Accept), &mut changes)?;
            return Ok(changes);
        }
        for old in self.between(&caller.user, &callee) {
            self.apply(now, old, Input::Replaced, &mut changes)?;
        }
        let busy = !takes_many && self.of_user(&callee).any(|call| call.occupies(now, &callee, &self.limits));
        let call = Call::new(now, id, caller.clone(), callee, data);
        if busy || (devices.is_empty() && !wait) {
            let reason = if busy { EndReason::Busy } else { EndReason::Unreachable };
            self.refuse(now, call, reason, None, &mut changes);
            return Ok(changes);
        }
        let call = Arc::new(call);
        changes.store(Arc::clone(&call), None);
        self.put(call);
        for (device, rings_at_once) in devices {
            self.apply(now, id, Input::Online { device, rings_at_once }, &mut changes)?;
        }
        Ok(changes)
    }

    /// Something happened in one call.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCall`] if there is no such live call, [`Refusal::AlreadyInCall`] for the accept of a device that
    /// another call takes up, and what [`Call::handle`] refuses. A hang-up that comes before its request is remembered
    /// all the same: the request then opens nothing.
    pub fn handle(&mut self, now: Millis, id: CallId, input: Input) -> Result<Changes, Refusal> {
        let mut changes = Changes::default();
        if !self.calls.contains_key(&id) && matches!(input, Input::Act { act: Act::HangUp { .. }, .. }) {
            self.bury(id);
        }
        if let Input::Act { from, act: Act::Accept } = &input
            && self.is_engaged(from, id)
        {
            return Err(Refusal::AlreadyInCall);
        }
        self.apply(now, id, input, &mut changes)?;
        Ok(changes)
    }

    /// A device has a connection: its calls go on, and ringing calls to its user ring there too.
    pub fn online(&mut self, now: Millis, device: &Address, rings_at_once: bool) -> Changes {
        self.each_call_of(now, device, &Input::Online { device: device.clone(), rings_at_once })
    }

    /// A device's connection is lost; `for_good` if no session can resume.
    pub fn gone(&mut self, now: Millis, device: &Address, for_good: bool) -> Changes {
        self.each_call_of(now, device, &Input::Gone { device: device.clone(), for_good })
    }

    /// Ends what time has ended.
    pub fn expire(&mut self, now: Millis) -> Changes {
        let mut changes = Changes::default();
        while let Some((at, id)) = self.deadlines.first().copied() {
            if at > now {
                break;
            }
            // Refused only if the call is not live, and then its deadline is gone too.
            let _ = self.apply(now, id, Input::Deadline, &mut changes);
            self.deadlines.remove(&(at, id));
        }
        changes
    }

    /// The live calls between two users, either way round.
    #[must_use]
    pub fn between(&self, a: &UserId, b: &UserId) -> Vec<CallId> {
        self.of_user(a)
            .filter(|call| *call.callee() == *b || call.caller().user == *b)
            .map(Call::id)
            .collect()
    }

    /// Whether a device that could still take call `id` is taken up by another.
    fn is_engaged(&self, device: &Address, id: CallId) -> bool {
        let open = |call: &Call| call.accepted().is_none() && *call.callee() == device.user;
        let other = |call: &Call| call.id() != id && takes_up(call, device);
        self.get(id).is_some_and(open) && self.of_user(&device.user).any(other)
    }

    /// Ends a request before it rang anywhere: it is recorded, and its caller hears why.
    fn refuse(
        &mut self,
        now: Millis,
        call: Call,
        reason: EndReason,
        goes_on: Option<CallId>,
        changes: &mut Changes,
    ) {
        let end = End { reason, by: None, at: now, talk_ms: 0 };
        changes.effects.tell(call.caller(), call.id(), Notice::Ended { end: end.clone(), goes_on });
        self.bury(call.id());
        changes.store(Arc::new(call.refused(end)), None);
    }

    /// A ringing call the other way round, which a request from `caller` to `callee` accepts.
    fn met(&self, caller: &Address, callee: &UserId) -> Option<CallId> {
        let rings =
            |call: &&Call| matches!(call.state(), State::Requested | State::Delivered | State::Ringing);
        self.of_user(&caller.user).filter(rings).find(|call| call.caller().user == *callee).map(Call::id)
    }

    fn of_user(&self, user: &UserId) -> impl Iterator<Item = &Call> {
        self.by_user.get(user).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    fn each_call_of(&mut self, now: Millis, device: &Address, input: &Input) -> Changes {
        let mut changes = Changes::default();
        for id in self.by_user.get(&device.user).cloned().unwrap_or_default() {
            // These inputs are never refused by a live call.
            let _ = self.apply(now, id, input.clone(), &mut changes);
        }
        changes
    }

    fn apply(&mut self, now: Millis, id: CallId, input: Input, changes: &mut Changes) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::NoSuchCall)?;
        let (before, deadline) = (Arc::clone(call), call.deadline(&self.limits));
        let effects = Arc::make_mut(call).handle(now, input, &self.limits)?;
        changes.effects.append(effects);
        if call.version() == before.version() {
            return Ok(());
        }
        let changed = Arc::clone(call);
        let next = call.deadline(&self.limits);
        if next != deadline {
            deadline.map(|at| self.deadlines.remove(&(at, id)));
            next.map(|at| self.deadlines.insert((at, id)));
        }
        if changed.end().is_some() {
            self.take(&changed);
            self.bury(id);
        }
        changes.store(changed, Some(before));
        Ok(())
    }

    /// Takes back changes that could not be stored, newest first where there are several. Their effects must not be
    /// carried out. The ids are not remembered as ended, so that a client may send its request again.
    pub fn undo(&mut self, changes: Changes) {
        for (id, before) in changes.before {
            self.unbury(id);
            if let Some(now) = self.calls.get(&id).cloned() {
                if let Some(at) = now.deadline(&self.limits) {
                    self.deadlines.remove(&(at, id));
                }
                self.take(&now);
            }
            if let Some(before) = before {
                self.put(before);
            }
        }
    }

    fn put(&mut self, call: Arc<Call>) {
        let id = call.id();
        for user in [&call.caller().user, call.callee()] {
            self.by_user.entry(user.clone()).or_default().push(id);
        }
        if let Some(at) = call.deadline(&self.limits) {
            self.deadlines.insert((at, id));
        }
        self.calls.insert(id, call);
    }

    fn take(&mut self, call: &Call) {
        self.calls.remove(&call.id());
        for user in [&call.caller().user, call.callee()] {
            if let Some(ids) = self.by_user.get_mut(user) {
                ids.retain(|id| *id != call.id());
                if ids.is_empty() {
                    self.by_user.remove(user);
                }
            }
        }
    }

    fn bury(&mut self, id: CallId) {
        if !self.ended_ids.insert(id) {
            return;
        }
        self.ended.push_back(id);
        if self.ended.len() > TOMBSTONES
            && let Some(oldest) = self.ended.pop_front()
        {
            self.ended_ids.remove(&oldest);
        }
    }

    fn unbury(&mut self, id: CallId) {
        if self.ended_ids.remove(&id) {
            self.ended.retain(|ended| *ended != id);
        }
    }
}

/// Whether `call` takes up `device`: it calls, or it accepted.
fn takes_up(call: &Call, device: &Address) -> bool {
    match call.role(device) {
        Some(Role::Caller) => true,
        Some(Role::Callee) => call.accepted().is_some(),
        None => false,
    }
}

impl Changes {
    /// Whether nothing changed and nothing is to be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.effects.is_empty()
    }

    /// Keeps the newest version of each call, and the oldest of what was before.
    fn store(&mut self, call: Arc<Call>, before: Option<Arc<Call>>) {
        let id = call.id();
        match self.calls.iter_mut().find(|old| old.id() == id) {
            Some(old) => *old = call,
            None => {
                self.calls.push(call);
                self.before.push((id, before));
            }
        }
    }
}
