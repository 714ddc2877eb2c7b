//! One call: the state machine.
//!
//! Pure: no clock, socket, lock, task or randomness. [`Call::handle`] takes what happened and when, changes the call and
//! returns what to tell whom; [`Call::deadline`] says when to come back with [`Input::Deadline`]. The states and their
//! transitions are drawn at [`State`]. The state is not stored anywhere: it follows from the legs, so it cannot disagree
//! with them.
//!
//! Not here: anything that concerns two calls at once (`desk`).

use serde::{Deserialize, Serialize};

use super::effect::{Effects, Notice};
use super::input::{Act, Input, Media, Scope};
use super::limits::Limits;
use super::state::{End, EndReason, RejectReason, State};
use crate::id::{Address, CallId, UserId};
use crate::time::{Millis, whole_ms};

/// Why an input was refused; the call is unchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no live call with that id in which the device has a part. Wire code `no_such_call`.
    #[error("no live call of this device has that id")]
    NoSuchCall,
    /// The call is not in a state for it. Wire code `bad_state`.
    #[error("the call is not in a state for that")]
    BadState,
    /// Another device of the same user accepted first. Wire code `already_answered`.
    #[error("another device answered this call")]
    AlreadyAnswered,
    /// The device already has a live call. Wire code `already_in_call`.
    #[error("this device has a live call; end it first")]
    AlreadyInCall,
}

/// The part a device plays in a call.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It made the request.
    Caller,
    /// It rings, or accepted.
    Callee,
}

/// A device of the callee, while the call rings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Leg {
    device: Address,
    alert: Alert,
    /// Since when its connection is lost.
    gone_at: Option<Millis>,
}

/// What a leg does with the request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Alert {
    /// It was handed the request.
    Delivered,
    /// It alerts its user.
    Ringing,
    /// Its user silenced it. It hears how the call ended, as every leg does, and its user may still accept.
    Silenced,
}

/// One of the two devices that talk.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Party {
    device: Address,
    gone_at: Option<Millis>,
    /// What it last said of its media, and when.
    media: Option<(Media, Millis)>,
}

impl Party {
    const fn new(device: Address, gone_at: Option<Millis>) -> Self {
        Self { device, gone_at, media: None }
    }

    fn is(&self, media: Media) -> bool {
        self.media.is_some_and(|(last, _)| last == media)
    }
}

/// The two halves of a call's life, and its end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Before accept.
    Ring { legs: Vec<Leg>, alone_since: Option<Millis> },
    /// After accept. The limit for the set-up counts from the accept, or from a restart of the server since.
    Talk { callee: Party, accepted_at: Millis, setup_from: Millis, connected_at: Option<Millis> },
    /// Over. Who had accepted, and when, is kept for the history.
    Ended { end: End, accepted: Option<(Address, Millis)> },
}

/// One caller's attempt to reach one user, from request to end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Call {
    id: CallId,
    caller: Party,
    callee: UserId,
    /// The request's `data`: a JSON text, or empty. Handed to every device that rings, however late it comes.
    data: Box<str>,
    requested_at: Millis,
    version: u32,
    phase: Phase,
}

impl Call {
    /// A call that was just requested. Nobody rings yet: let the callee's devices in as [`Input::Online`].
    #[must_use]
    pub const fn new(now: Millis, id: CallId, caller: Address, callee: UserId, data: Box<str>) -> Self {
        let phase = Phase::Ring { legs: Vec::new(), alone_since: Some(now) };
        Self { id, caller: Party::new(caller, None), callee, data, requested_at: now, version: 1, phase }
    }

    /// The call's id.
    #[must_use]
    pub const fn id(&self) -> CallId {
        self.id
    }

    /// The calling device.
    #[must_use]
    pub const fn caller(&self) -> &Address {
        &self.caller.device
    }

    /// The user who is called.
    #[must_use]
    pub const fn callee(&self) -> &UserId {
        &self.callee
    }

    /// The request's `data`: a JSON text, or empty.
    #[must_use]
    pub const fn data(&self) -> &str {
        &self.data
    }

    /// When it was requested.
    #[must_use]
    pub const fn requested_at(&self) -> Millis {
        self.requested_at
    }

    /// The callee's device that accepted, and when. An ended call still knows.
    #[must_use]
    pub fn accepted(&self) -> Option<(&Address, Millis)> {
        match &self.phase {
            Phase::Talk { callee, accepted_at, .. } => Some((&callee.device, *accepted_at)),
            Phase::Ended { accepted, .. } => accepted.as_ref().map(|(device, at)| (device, *at)),
            Phase::Ring { .. } => None,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        match &self.phase {
            Phase::Ended { end, .. } => Some(end),
            Phase::Ring { .. } | Phase::Talk { .. } => None,
        }
    }

    /// Counts the changes, from 1. An input that changed nothing leaves it alone.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Where the call stands.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.phase {
            Phase::Ring { legs, .. } if legs.is_empty() => State::Requested,
            Phase::Ring { legs, .. } if legs.iter().any(|leg| leg.alert != Alert::Delivered) => {
                State::Ringing
            }
            Phase::Ring { .. } => State::Delivered,
            Phase::Talk { connected_at: None, .. } => State::Negotiating,
            Phase::Talk { callee, .. } if callee.is(Media::Lost) || self.caller.is(Media::Lost) => {
                State::Reconnecting
            }
            Phase::Talk { .. } => State::Connected,
            Phase::Ended { .. } => State::Ended,
        }
    }

    /// The part this device plays now: a device that was silenced, or that lost the race, plays none.
    #[must_use]
    pub fn role(&self, device: &Address) -> Option<Role> {
        if *device == self.caller.device {
            return Some(Role::Caller);
        }
        let takes_part = match &self.phase {
            Phase::Ring { legs, .. } => {
                legs.iter().any(|leg| leg.device == *device && leg.alert != Alert::Silenced)
            }
            Phase::Talk { callee, .. } => callee.device == *device,
            Phase::Ended { .. } => false,
        };
        takes_part.then_some(Role::Callee)
    }

    /// The other device, once there is one: the caller for a ringing device, the device that accepted for the caller.
    #[must_use]
    pub fn peer(&self, device: &Address) -> Option<&Address> {
        match self.role(device)? {
            Role::Callee => Some(&self.caller.device),
            Role::Caller => match &self.phase {
                Phase::Talk { callee, .. } => Some(&callee.device),
                Phase::Ring { .. } | Phase::Ended { .. } => None,
            },
        }
    }

    /// Whether `user` is taken up by this call: a caller from the request on, a callee from the first ring on. A user
    /// whose device has been gone for [`Limits::busy_away`] is not.
    #[must_use]
    pub fn occupies(&self, now: Millis, user: &UserId, limits: &Limits) -> bool {
        let here = |gone_at: Option<Millis>| gone_at.is_none_or(|at| now < at + limits.busy_away);
        if self.caller.device.user == *user {
            return self.end().is_none() && here(self.caller.gone_at);
        }
        match &self.phase {
            Phase::Ring { legs, .. } => {
                *user == self.callee
                    && legs.iter().any(|leg| leg.alert == Alert::Ringing && here(leg.gone_at))
            }
            Phase::Talk { callee, .. } => callee.device.user == *user && here(callee.gone_at),
            Phase::Ended { .. } => false,
        }
    }

    /// How long it may still ring, in milliseconds; `None` once it was accepted or has ended.
    #[must_use]
    pub fn ring_ms(&self, now: Millis, limits: &Limits) -> Option<u64> {
        let rings = matches!(self.phase, Phase::Ring { .. });
        rings.then(|| whole_ms((self.requested_at + limits.ring).since(now)))
    }

    /// When to call [`Call::handle`] with [`Input::Deadline`]; `None` once it has ended.
    #[must_use]
    pub fn deadline(&self, limits: &Limits) -> Option<Millis> {
        self.next_end(limits).map(|(at, _)| at)
    }

    /// The earliest end that time alone would bring, and its reason.
    fn next_end(&self, limits: &Limits) -> Option<(Millis, EndReason)> {
        match &self.phase {
            Phase::Ring { alone_since, .. } => {
                let ring = Some((self.requested_at + limits.ring, EndReason::NoAnswer));
                let reach = alone_since.map(|at| (at + limits.reach, EndReason::Unreachable));
                let ghost = self.caller.gone_at.map(|at| (at + limits.caller_away, EndReason::Cancelled));
                [ring, reach, ghost].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
            Phase::Talk { setup_from, connected_at: None, .. } => {
                Some((*setup_from + limits.setup, EndReason::MediaFailed))
            }
            Phase::Talk { callee, .. } => {
                let lost = match (self.caller.media, callee.media) {
                    (Some((Media::Lost, a)), Some((Media::Lost, b))) => {
                        Some((a.max(b) + limits.media_lost, EndReason::ConnectionLost))
                    }
                    _ => None,
                };
                let abandoned = match (self.caller.gone_at, callee.gone_at) {
                    (Some(a), Some(b)) => Some((a.max(b) + limits.abandoned, EndReason::ConnectionLost)),
                    _ => None,
                };
                [lost, abandoned].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
            Phase::Ended { .. } => None,
        }
    }

    /// Applies `input`, which happened at `now`.
    ///
    /// Returns what to tell whom; empty, and the version unchanged, if nothing changed, as when the winner repeats its
    /// accept or a hang-up arrives twice. First accept wins: every other leg is told `answered_elsewhere`
    /// (as in RFC 3261 §16.7, where a forking proxy cancels the other branches).
    ///
    /// # Errors
    /// A [`Refusal`]; the call is then unchanged. [`Refusal::AlreadyInCall`] is the desk's and not returned here.
    pub fn handle(&mut self, now: Millis, input: Input, limits: &Limits) -> Result<Effects, Refusal> {
        if self.end().is_some() {
            return if matches!(input, Input::Act { .. }) {
                Err(Refusal::NoSuchCall)
            } else {
                Ok(Effects::default())
            };
        }
        let before = self.phase.clone();
        let caller_before = (self.caller.gone_at, self.caller.media);
        let effects = match input {
            Input::Act { from, act } => self.act(now, &from, act, limits)?,
            Input::Online { device, rings_at_once } => self.online(now, device, rings_at_once, limits),
            Input::Gone { device, for_good } => self.gone(now, &device, for_good),
            Input::Replaced => self.finish(now, EndReason::Replaced, None),
            Input::Deadline => match self.next_end(limits) {
                Some((at, reason)) if at <= now => self.finish(now, reason, None),
                _ => Effects::default(),
            },
        };
        if self.phase != before || (self.caller.gone_at, self.caller.media) != caller_before {
            self.version += 1;
        }
        Ok(effects)
    }

    fn act(&mut self, now: Millis, from: &Address, act: Act, limits: &Limits) -> Result<Effects, Refusal> {
        let is_caller = *from == self.caller.device;
        if !is_caller && from.user != self.callee {
            return Err(Refusal::NoSuchCall);
        }
        match act {
            Act::Ringing if !is_caller => self.ringing(from),
            Act::Accept if !is_caller => self.accept(now, from),
            Act::Reject { reason, scope } if !is_caller => self.reject(now, from, reason, scope, limits),
            Act::Ringing | Act::Accept | Act::Reject { .. } => Err(Refusal::BadState),
            Act::HangUp { reason } => self.hang_up(now, from, is_caller, reason, limits),
            Act::Media(media) => self.media(now, from, media),
        }
    }

    fn ringing(&mut self, from: &Address) -> Result<Effects, Refusal> {
        let mut effects = Effects::default();
        match &mut self.phase {
            Phase::Ring { legs, .. } => {
                let leg = legs.iter_mut().find(|leg| leg.device == *from).ok_or(Refusal::NoSuchCall)?;
                if leg.alert == Alert::Delivered {
                    leg.alert = Alert::Ringing;
                    effects.tell(&self.caller.device, self.id, Notice::Ringing { by: from.clone() });
                }
                Ok(effects)
            }
            // It rang, and the accept (its own or another's) overtook the receipt: nothing to tell any more.
            Phase::Talk { .. } => Ok(effects),
            Phase::Ended { .. } => Err(Refusal::NoSuchCall),
        }
    }

    fn accept(&mut self, now: Millis, from: &Address) -> Result<Effects, Refusal> {
        let legs = match &mut self.phase {
            Phase::Ring { legs, .. } => std::mem::take(legs),
            Phase::Talk { callee, .. } if callee.device == *from => return Ok(Effects::default()),
            Phase::Talk { .. } => return Err(Refusal::AlreadyAnswered),
            Phase::Ended { .. } => return Err(Refusal::NoSuchCall),
        };
        let callee = Party::new(from.clone(), None);
        self.phase = Phase::Talk { callee, accepted_at: now, setup_from: now, connected_at: None };
        let mut effects = Effects::default();
        let caller = self.caller.device.clone();
        // The callee first: the caller's offer may follow at once, from another thread.
        effects.tell(from, self.id, Notice::Accepted { by: from.clone(), peer: caller.clone() });
        effects.tell(&caller, self.id, Notice::Accepted { by: from.clone(), peer: from.clone() });
        let lost = End { reason: EndReason::AnsweredElsewhere, by: Some(from.clone()), at: now, talk_ms: 0 };
        for leg in legs.iter().filter(|leg| leg.device != *from) {
            effects.tell(&leg.device, self.id, Notice::Ended { end: lost.clone(), goes_on: None });
        }
        Ok(effects)
    }

    fn reject(
        &mut self,
        now: Millis,
        from: &Address,
        reason: RejectReason,
        scope: Scope,
        limits: &Limits,
    ) -> Result<Effects, Refusal> {
        let legs = match &mut self.phase {
            Phase::Ring { legs, .. } => legs,
            // It was silenced before its user accepted after all, and says so again since its session was lost.
            Phase::Talk { callee, .. } if callee.device == *from && scope == Scope::Here => {
                return Err(Refusal::BadState);
            }
            Phase::Talk { callee, .. } if callee.device == *from => {
                return self.hang_up(now, from, false, EndReason::HungUp, limits);
            }
            // A late "no" on a device that kept ringing must not end the call that another device took.
            Phase::Talk { .. } => return Err(Refusal::AlreadyAnswered),
            Phase::Ended { .. } => return Err(Refusal::NoSuchCall),
        };
        if scope == Scope::All {
            let reason = match reason {
                RejectReason::Declined => EndReason::Declined,
                RejectReason::Busy => EndReason::Busy,
            };
            return Ok(self.finish(now, reason, Some(from)));
        }
        let leg = legs.iter_mut().find(|leg| leg.device == *from).ok_or(Refusal::NoSuchCall)?;
        leg.alert = Alert::Silenced;
        Ok(Effects::default())
    }

    fn hang_up(
        &mut self,
        now: Millis,
        from: &Address,
        is_caller: bool,
        reason: EndReason,
        limits: &Limits,
    ) -> Result<Effects, Refusal> {
        match &self.phase {
            Phase::Ring { .. } if is_caller => Ok(self.finish(now, EndReason::Cancelled, Some(from))),
            Phase::Ring { .. } => self.reject(now, from, RejectReason::Declined, Scope::All, limits),
            Phase::Talk { callee, .. } if is_caller || callee.device == *from => {
                Ok(self.finish(now, reason, Some(from)))
            }
            Phase::Talk { .. } => Err(Refusal::AlreadyAnswered),
            Phase::Ended { .. } => Err(Refusal::NoSuchCall),
        }
    }

    fn media(&mut self, now: Millis, from: &Address, media: Media) -> Result<Effects, Refusal> {
        let Phase::Talk { callee, connected_at, .. } = &mut self.phase else { return Err(Refusal::BadState) };
        let party = if callee.device == *from {
            &mut *callee
        } else if self.caller.device == *from {
            &mut self.caller
        } else {
            return Err(Refusal::AlreadyAnswered);
        };
        if !party.is(media) {
            party.media = Some((media, now));
        }
        if connected_at.is_none() && callee.is(Media::Connected) && self.caller.is(Media::Connected) {
            *connected_at = Some(now);
        }
        Ok(Effects::default())
    }

    fn online(&mut self, now: Millis, device: Address, rings_at_once: bool, limits: &Limits) -> Effects {
        let mut effects = Effects::default();
        if device == self.caller.device {
            self.caller.gone_at = None;
        }
        let ring_until = self.requested_at + limits.ring;
        match &mut self.phase {
            Phase::Ring { legs, alone_since } if device.user == self.callee && now < ring_until => {
                let known = legs.iter_mut().find(|leg| leg.device == device);
                let first = known.is_none();
                let alert = if rings_at_once { Alert::Ringing } else { Alert::Delivered };
                match known {
                    Some(leg) if leg.alert == Alert::Silenced => {
                        leg.gone_at = None;
                        return effects;
                    }
                    Some(leg) => leg.gone_at = None,
                    None => legs.push(Leg { device: device.clone(), alert, gone_at: None }),
                }
                *alone_since = None;
                // A device with a session learns of a call it had from the snapshot; a v1 device has forgotten it.
                if first || rings_at_once {
                    let ring_ms = whole_ms(ring_until.since(now));
                    let (from, data) = (self.caller.device.clone(), self.data.clone());
                    effects.tell(&device, self.id, Notice::Ring { from, ring_ms, data });
                }
                if first {
                    let devices = legs.len();
                    effects.tell(&self.caller.device, self.id, Notice::Delivered { devices });
                }
                if first && rings_at_once {
                    effects.tell(&self.caller.device, self.id, Notice::Ringing { by: device });
                }
            }
            Phase::Talk { callee, .. } if callee.device == device => callee.gone_at = None,
            Phase::Ring { .. } | Phase::Talk { .. } | Phase::Ended { .. } => {}
        }
        effects
    }

    fn gone(&mut self, now: Millis, device: &Address, for_good: bool) -> Effects {
        if *device == self.caller.device {
            self.caller.gone_at.get_or_insert(now);
            if for_good && matches!(self.phase, Phase::Ring { .. }) {
                return self.finish(now, EndReason::Cancelled, Some(device));
            }
        }
        match &mut self.phase {
            Phase::Ring { legs, alone_since } => {
                if let Some(leg) = legs.iter_mut().find(|leg| leg.device == *device) {
                    leg.gone_at.get_or_insert(now);
                    // A user who silenced a device has been reached; only legs that could still ring count.
                    if legs.iter().all(|leg| leg.gone_at.is_some() && leg.alert != Alert::Silenced) {
                        alone_since.get_or_insert(now);
                    }
                }
            }
            Phase::Talk { callee, .. } if callee.device == *device => {
                callee.gone_at.get_or_insert(now);
            }
            Phase::Talk { .. } | Phase::Ended { .. } => {}
        }
        Effects::default()
    }

    /// Marks every device as gone since `now`: after a restart none has a connection, and each that comes back says so.
    /// Limits that a device could not meet while nobody listened count from now; the ring limit goes on.
    pub(super) fn restart(&mut self, now: Millis) {
        self.caller.gone_at = Some(now);
        match &mut self.phase {
            Phase::Ring { legs, alone_since } => {
                for leg in &mut *legs {
                    leg.gone_at = Some(now);
                }
                if legs.iter().all(|leg| leg.alert != Alert::Silenced) {
                    *alone_since = Some(now);
                }
            }
            Phase::Talk { callee, setup_from, .. } => {
                callee.gone_at = Some(now);
                *setup_from = now;
                for party in [&mut self.caller, callee] {
                    party.media = party.media.map(|(media, _)| (media, now));
                }
            }
            Phase::Ended { .. } => {}
        }
    }

    /// A request that ended before it rang anywhere.
    pub(super) fn refused(self, end: End) -> Self {
        Self { phase: Phase::Ended { end, accepted: None }, ..self }
    }

    /// Ends the call: the only way from a live phase to [`Phase::Ended`], so there is one reason and each leg hears it once.
    fn finish(&mut self, now: Millis, reason: EndReason, by: Option<&Address>) -> Effects {
        let mut effects = Effects::default();
        let talk_ms = match &self.phase {
            Phase::Talk { connected_at: Some(at), .. } => whole_ms(now.since(*at)),
            Phase::Ring { .. } | Phase::Talk { .. } => 0,
            Phase::Ended { .. } => return effects,
        };
        let end = End { reason, by: by.cloned(), at: now, talk_ms };
        let ended = |end: &End| Notice::Ended { end: end.clone(), goes_on: None };
        effects.tell(&self.caller.device, self.id, ended(&end));
        let accepted = self.accepted().map(|(device, at)| (device.clone(), at));
        match std::mem::replace(&mut self.phase, Phase::Ended { end: end.clone(), accepted }) {
            Phase::Ring { legs, .. } => {
                let elsewhere = End { reason: EndReason::DeclinedElsewhere, ..end.clone() };
                for leg in &legs {
                    let rejected = by.is_some_and(|by| by.user == self.callee);
                    let own = !rejected || by == Some(&leg.device);
                    effects.tell(&leg.device, self.id, ended(if own { &end } else { &elsewhere }));
                }
            }
            Phase::Talk { callee, .. } => effects.tell(&callee.device, self.id, ended(&end)),
            Phase::Ended { .. } => {}
        }
        effects
    }
}
