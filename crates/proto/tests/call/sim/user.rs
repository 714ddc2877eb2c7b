//! What people do: call, accept, decline, hang up, lose patience.

use tincan_proto::call::{Act, EndReason, Media, RejectReason, Role, Scope};
use tincan_proto::id::{Address, CallId, UserId};

use super::client::{Stage, View};
use super::frames::{Event, Say, Wish};
use super::world::World;
use crate::kit::call_id;

impl World {
    /// A user calls someone. A few are hasty and do so in the middle of another call.
    pub(crate) fn user_calls(&mut self, device: usize, to: UserId) {
        let hasty = self.rng.chance(5);
        let client = &self.clients[device];
        if client.session.is_none() || (client.is_taken_up() && !hasty) {
            return;
        }
        self.seen.calls += 1;
        let call = call_id(self.seen.calls);
        let view = View::new(Role::Caller, None, Stage::Calling);
        self.clients[device].calls.insert(call, view);
        self.say(device, Say::Request { call, to });
        if self.rng.chance(20) {
            let patience = self.rng.between(0, 20_000);
            self.after(patience, Event::Decide(device, call, Wish::HangUp(EndReason::HungUp)));
        }
    }

    /// A device alerts its user.
    pub(crate) fn rings(&mut self, device: usize, call: CallId, from: Address, ring_ms: u64) {
        let until = self.now + ring_ms;
        let missed = self.clients[device].calls.get(&call).is_some_and(|view| view.missed);
        let view = View { missed, ..View::new(Role::Callee, Some(from), Stage::Ringing { until }) };
        self.clients[device].calls.insert(call, view);
        self.act(device, call, Act::Ringing);
        self.at(until, Event::RingOut(device, call));
        let after =
            if self.rng.chance(30) { self.rng.between(10, 400) } else { self.rng.between(500, 60_000) };
        let wish = match self.rng.below(20) {
            0..2 => Wish::Decline,
            2..4 => Wish::Silence,
            4 => Wish::Busy,
            _ => Wish::Accept,
        };
        self.after(after, Event::Decide(device, call, wish));
        if self.rng.chance(10) {
            let later = after + self.rng.between(100, 5_000);
            self.after(later, Event::Decide(device, call, Wish::Accept));
        }
    }

    pub(crate) fn ring_out(&mut self, device: usize, call: CallId) {
        if let Some(view) = self.clients[device].calls.get_mut(&call)
            && let Stage::Ringing { until } = view.stage
            && until <= self.now
        {
            view.stage = Stage::Quiet;
        }
    }

    /// A device is in the call: it gets a path, and some day its user hangs up.
    pub(crate) fn talks(&mut self, device: usize, call: CallId) {
        if let Some(view) = self.clients[device].calls.get_mut(&call) {
            view.stage = Stage::Talking;
        }
        self.offers(device, call);
        let talk = self.rng.between(500, 60_000);
        let reason = if self.rng.chance(4) { EndReason::UserMediaFailed } else { EndReason::HungUp };
        if self.rng.chance(80) {
            self.after(talk, Event::Decide(device, call, Wish::HangUp(reason)));
        }
        if self.rng.chance(50) {
            let patience = self.rng.between(12_000, 30_000);
            self.after(patience, Event::Decide(device, call, Wish::GiveUp));
        }
    }

    pub(crate) fn user_decides(&mut self, device: usize, call: CallId, wish: Wish) {
        let client = &self.clients[device];
        let Some(view) = client.calls.get(&call) else { return };
        if client.session.is_none() {
            return;
        }
        let rings = matches!(view.stage, Stage::Ringing { .. });
        let may_accept = (rings || view.stage == Stage::Quiet) && view.role == Role::Callee;
        let (stage, act) = match wish {
            Wish::Accept if may_accept && !client.is_taken_up() => (Stage::Accepting, Act::Accept),
            Wish::Decline if rings => (Stage::Leaving, reject(RejectReason::Declined, Scope::All)),
            Wish::Busy if rings => (Stage::Leaving, reject(RejectReason::Busy, Scope::All)),
            Wish::Silence if rings => (Stage::Quiet, reject(RejectReason::Declined, Scope::Here)),
            Wish::HangUp(reason)
                if matches!(view.stage, Stage::Calling | Stage::Accepting | Stage::Talking) =>
            {
                (Stage::Leaving, Act::HangUp { reason })
            }
            Wish::GiveUp if view.stage == Stage::Talking && view.media != Some(Media::Connected) => {
                let reason =
                    if view.media.is_some() { EndReason::ConnectionLost } else { EndReason::MediaFailed };
                (Stage::Leaving, Act::HangUp { reason })
            }
            Wish::Accept | Wish::Decline | Wish::Busy | Wish::Silence | Wish::HangUp(_) | Wish::GiveUp => {
                return;
            }
        };
        if let Some(view) = self.clients[device].calls.get_mut(&call) {
            view.stage = stage;
        }
        self.act(device, call, act);
        if stage == Stage::Leaving {
            self.path_breaks(call);
        }
    }

    /// Sound goes from one to the other if both are in the call.
    pub(crate) fn path_up(&mut self, call: CallId) {
        let ends = self.talkers(call);
        if ends.len() != 2 {
            return;
        }
        self.paths.insert(call, self.now);
        for device in ends {
            let after = self.rng.below(200);
            self.after(after, Event::Hears(device, call, Media::Connected));
        }
        if self.rng.chance(25) {
            let after = self.rng.between(500, 30_000);
            self.after(after, Event::PathDown(call));
        }
    }

    /// The network between the two fails; mostly it comes back.
    pub(crate) fn path_down(&mut self, call: CallId) {
        let comes_back = self.rng.chance(70);
        if self.paths.contains_key(&call) && comes_back {
            let after = self.rng.between(3_000, 70_000);
            self.after(after, Event::PathUp(call));
        }
        self.path_breaks(call);
    }

    /// No sound any more: whoever is still in the call hears that after a while.
    pub(crate) fn path_breaks(&mut self, call: CallId) {
        if self.paths.remove(&call).is_some() {
            for device in self.talkers(call) {
                let after = self.rng.between(1_000, 3_000);
                self.after(after, Event::Hears(device, call, Media::Lost));
            }
        }
    }

    pub(crate) fn talkers(&self, call: CallId) -> Vec<usize> {
        let talks = |device: &usize| {
            self.clients[*device].calls.get(&call).is_some_and(|v| v.stage == Stage::Talking)
        };
        (0..self.clients.len()).filter(talks).collect()
    }
}

const fn reject(reason: RejectReason, scope: Scope) -> Act {
    Act::Reject { reason, scope }
}
