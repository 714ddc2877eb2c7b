//! Bytes as what 3 users with 3 devices each do to one another at a desk: whatever they do, everyone who is told of a call
//! is told its end, once and last, and what the desk says has changed is what has changed.
//!
//! Four bytes are one step: what happens, to which device, in which call, and how much later.

use std::collections::{BTreeMap, BTreeSet};

use tincan_proto::call::{
    Act, Call, Changes, Desk, Effect, EndReason, Input, Limits, Media, Notice, Refusal, RejectReason,
    Request, Scope, State,
};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::time::Millis;

/// Takes one script and panics if a rule is broken.
pub(crate) fn run(bytes: &[u8]) {
    let mut world = World::default();
    for step in bytes.chunks_exact(4).take(400) {
        world.step([step[0], step[1], step[2], step[3]]);
    }
    world.finish();
}

/// A desk, and what the rest of the server would know of it.
#[derive(Default)]
struct World {
    now: Millis,
    desk: Desk,
    online: BTreeSet<Address>,
    /// The newest version of each call, as the desk said.
    stored: BTreeMap<CallId, Call>,
    told: BTreeMap<(Address, CallId), Told>,
    accepted_by: BTreeMap<CallId, Address>,
    /// Calls that somebody hung up, there or not.
    hung_up: BTreeSet<CallId>,
}

/// What a device was told of a call.
#[derive(Default)]
struct Told {
    accepted: bool,
    ended: bool,
    /// It said that it wants to hear no more.
    silenced: bool,
}

impl World {
    fn step(&mut self, [what, who, which, later]: [u8; 4]) {
        // A tenth of a second to twenty, or ten minutes to nine hours.
        let ms = if later < 200 { u64::from(later) * 100 } else { u64::from(later - 199) * 600_000 };
        self.now = Millis(self.now.0 + ms);
        if what & 0x80 == 0 {
            self.expire();
        }
        let device = device(who);
        let call = CallId::from_bytes([which % 8; 16]);
        let (this, that) = (which & 0x10 != 0, which & 0x20 != 0);
        let act = match what & 0x0F {
            0 | 1 => return self.request(call, device, user(who / 9), this, that, what & 0x40 != 0),
            2 => return self.come(device, this),
            3 => return self.go(&device, this),
            4 => return self.restart(),
            5 => Act::Ringing,
            6..=8 => Act::Accept,
            9 | 10 => {
                let reason = if this { RejectReason::Busy } else { RejectReason::Declined };
                Act::Reject { reason, scope: if that { Scope::Here } else { Scope::All } }
            }
            11 => Act::HangUp { reason: if this { EndReason::MediaFailed } else { EndReason::HungUp } },
            _ => Act::Media(if this { Media::Lost } else { Media::Connected }),
        };
        self.act(call, device, act, what & 0x40 != 0);
    }

    fn request(
        &mut self,
        call: CallId,
        caller: Address,
        callee: UserId,
        wait: bool,
        moves_on: bool,
        fails: bool,
    ) {
        let devices: Vec<_> = self
            .online
            .iter()
            .filter(|device| device.user == callee)
            .map(|d| (d.clone(), rings_at_once(d)))
            .collect();
        let request = Request {
            call,
            caller: caller.clone(),
            callee: callee.clone(),
            data: "{}".into(),
            devices,
            takes_many: false,
            wait,
            moves_on,
        };
        let result = self.once_more(fails, |desk, now| desk.request(now, request.clone()));
        match &result {
            Ok(_) => assert_ne!(caller.user, callee, "nobody calls themselves"),
            Err(Refusal::AlreadyInCall) => assert!(!moves_on, "who moves on is not in a call"),
            Err(Refusal::NoSuchCall) => {
                assert!(self.is_over(call), "a call is refused as ended that never was")
            }
            Err(Refusal::BadState) => {
                let other = self.stored.get(&call).is_some_and(|live| live.end().is_none());
                assert!(other || caller.user == callee, "a good request is refused");
            }
            Err(Refusal::AlreadyAnswered) => panic!("nobody can have answered a new request"),
        }
        self.changed(result);
    }

    fn act(&mut self, call: CallId, from: Address, act: Act, fails: bool) {
        let silenced = matches!(act, Act::Reject { scope: Scope::Here, .. });
        let input = Input::act(from.clone(), act.clone());
        let result = self.once_more(fails, |desk, now| desk.handle(now, call, input.clone()));
        if matches!(act, Act::HangUp { .. }) {
            self.hung_up.insert(call);
        }
        let done = result.is_ok();
        self.changed(result);
        if done && silenced {
            self.told.entry((from, call)).or_default().silenced = true;
        }
    }

    /// Does it; or, if storing `fails` the first time, does it, takes it back and does it again, which must then go the
    /// same way.
    fn once_more(
        &mut self,
        fails: bool,
        mut act: impl FnMut(&mut Desk, Millis) -> Result<Changes, Refusal>,
    ) -> Result<Changes, Refusal> {
        let first = act(&mut self.desk, self.now);
        if !fails {
            return first;
        }
        let outcome = first.as_ref().map(|changes| changes.calls.len()).map_err(|refusal| *refusal);
        if let Ok(changes) = first {
            self.desk.undo(changes);
            self.consistent();
        }
        let second = act(&mut self.desk, self.now);
        assert_eq!(second.as_ref().map(|changes| changes.calls.len()).map_err(|refusal| *refusal), outcome);
        second
    }

    fn is_over(&self, call: CallId) -> bool {
        self.hung_up.contains(&call) || self.stored.get(&call).is_some_and(|call| call.end().is_some())
    }

    fn come(&mut self, device: Address, again: bool) {
        if again {
            self.online.remove(&device);
        }
        let rings_at_once = rings_at_once(&device);
        let changes = self.desk.online(self.now, &device, rings_at_once);
        self.online.insert(device);
        self.changed(Ok(changes));
    }

    fn go(&mut self, device: &Address, for_good: bool) {
        self.online.remove(device);
        let changes = self.desk.gone(self.now, device, for_good);
        self.changed(Ok(changes));
    }

    fn expire(&mut self) {
        let changes = self.desk.expire(self.now);
        assert!(self.desk.deadline().is_none_or(|at| at > self.now), "what is due is done");
        self.changed(Ok(changes));
    }

    /// The server goes down and comes back with what was stored.
    fn restart(&mut self) {
        let (live, ended): (Vec<_>, Vec<_>) =
            self.stored.values().cloned().partition(|call| call.end().is_none());
        let mut desk = Desk::new(Limits::default());
        desk.restore(self.now, live, ended.iter().map(Call::id));
        self.desk = desk;
        self.online.clear();
        self.stored.retain(|_, call| call.end().is_some());
        self.stored.extend(self.desk.calls().map(|call| (call.id(), call.clone())));
        self.consistent();
    }

    /// Stores what changed and carries out what is to be told.
    fn changed(&mut self, result: Result<Changes, Refusal>) {
        if let Ok(changes) = result {
            for call in &changes.calls {
                let old = self.stored.insert(call.id(), Call::clone(call));
                assert!(old.is_none_or(|old| old.version() < call.version()), "a change counts up");
            }
            for effect in &changes.effects {
                self.tell(effect);
            }
        }
        self.consistent();
    }

    fn tell(&mut self, Effect { to, call, notice }: &Effect) {
        let told = self.told.entry((to.clone(), *call)).or_default();
        assert!(!told.ended, "{to} is told {notice:?} after the end of {call}");
        match notice {
            Notice::Ring { from, .. } => assert_ne!(from.user, to.user, "nobody is rung by themselves"),
            Notice::Delivered { .. } | Notice::Ringing { .. } => {
                assert!(!told.accepted, "progress after the accept")
            }
            Notice::Accepted { by, peer } => {
                assert!(!told.accepted, "{to} is told twice that {call} was accepted");
                told.accepted = true;
                assert_ne!(peer, to);
                let first = self.accepted_by.entry(*call).or_insert_with(|| by.clone());
                assert_eq!(first, by, "two devices accepted {call}");
            }
            Notice::Ended { .. } => told.ended = true,
        }
    }

    /// The desk holds what it said it holds.
    fn consistent(&self) {
        let live: Vec<&Call> = self.stored.values().filter(|call| call.end().is_none()).collect();
        assert_eq!(self.desk.calls().collect::<Vec<_>>(), live, "a change was not told");
        let limits = Limits::default();
        let next = live.iter().filter_map(|call| call.deadline(&limits)).min();
        assert_eq!(self.desk.deadline(), next, "the next deadline is that of a call");
        for device in (0..9).map(device) {
            let mut shown: Vec<_> =
                self.desk.snapshot(self.now, &device).into_iter().map(|shown| shown.call).collect();
            shown.sort_unstable();
            let own = live.iter().filter(|call| call.role(&device).is_some()).map(|call| call.id());
            assert_eq!(shown, own.collect::<Vec<_>>(), "{device} is shown other calls than its own");
        }
        for call in self.desk.calls() {
            assert_ne!(call.state(), State::Ended);
            assert!(self.desk.between(&call.caller().user, call.callee()).contains(&call.id()));
        }
    }

    /// Everyone leaves and time passes: then every call is over, and everyone who was told of it knows.
    fn finish(&mut self) {
        for device in (0..9).map(device) {
            self.go(&device, true);
        }
        while let Some(at) = self.desk.deadline() {
            self.now = self.now.max(at);
            self.expire();
        }
        assert_eq!(self.desk.calls().count(), 0, "a call outlives everything");
        for ((device, call), told) in &self.told {
            let deaf = told.silenced && !told.accepted;
            assert!(told.ended || deaf, "{device} was never told that {call} is over");
        }
    }
}

fn user(number: u8) -> UserId {
    ["a", "b", "c"][usize::from(number % 3)].parse().unwrap()
}

fn device(number: u8) -> Address {
    format!("{}/{}", user(number), number / 3 % 3).parse().unwrap()
}

/// The third device of each user is a v1 client.
fn rings_at_once(device: &Address) -> bool {
    device.device.as_str() == "2"
}
