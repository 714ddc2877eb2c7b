//! Short words for tests: names, a desk with a clock, and notices as lines of text.

use std::sync::Arc;
use std::time::Duration;

use tincan_proto::call::{
    Act, Call, Changes, Desk, Effect, EndReason, Input, Limits, Media, Notice, Refusal,
};
use tincan_proto::call::{RejectReason, Request, Scope, State};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::time::Millis;

/// When every script starts.
pub(crate) const T0: Millis = Millis(1_000_000);

pub(crate) const CONNECTED: Act = Act::Media(Media::Connected);
pub(crate) const LOST: Act = Act::Media(Media::Lost);
pub(crate) const HANG_UP: Act = Act::HangUp { reason: EndReason::HungUp };
pub(crate) const REJECT: Act = Act::Reject { reason: RejectReason::Declined, scope: Scope::All };
pub(crate) const BUSY: Act = Act::Reject { reason: RejectReason::Busy, scope: Scope::All };
pub(crate) const SILENCE: Act = Act::Reject { reason: RejectReason::Declined, scope: Scope::Here };

pub(crate) fn dev(text: &str) -> Address {
    text.parse().expect("a test names devices well")
}

pub(crate) fn user(text: &str) -> UserId {
    text.parse().expect("a test names users well")
}

/// The `n`th call of a test.
pub(crate) fn call_id(n: u64) -> CallId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    CallId::from_bytes(bytes)
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A request of `caller` to `callee`, whose `devices` are connected and speak v2.
pub(crate) fn request(n: u64, caller: &str, callee: &str, devices: &[&str]) -> Request {
    Request {
        call: call_id(n),
        caller: dev(caller),
        callee: user(callee),
        data: r#"{"media":"audio"}"#.into(),
        devices: devices.iter().map(|device| (dev(device), false)).collect(),
        takes_many: false,
        wait: false,
        moves_on: false,
    }
}

/// An effect as a line: whom, what, and of which call unless it is the first.
pub(crate) fn line(effect: &Effect) -> String {
    let what = match &effect.notice {
        Notice::Ring { from, ring_ms, .. } => format!("ring from {from} for {ring_ms}"),
        Notice::Delivered { devices } => format!("delivered to {devices}"),
        Notice::Ringing { by } => format!("{by} rings"),
        Notice::Accepted { by, peer } => format!("{by} accepted, peer {peer}"),
        Notice::Ended { end, goes_on } => {
            let by = end.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
            let goes_on = goes_on.map_or(String::new(), |call| format!(", {} goes on", number(call)));
            format!("ended {}{by}{goes_on}", end.reason.as_str())
        }
    };
    let of = if effect.call == call_id(1) { String::new() } else { format!(" [{}]", number(effect.call)) };
    format!("{}: {what}{of}", effect.to)
}

pub(crate) fn lines<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Vec<String> {
    effects.into_iter().map(line).collect()
}

/// Which call of the test it is.
pub(crate) fn number(call: CallId) -> u64 {
    call.as_bytes()[8..].iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// A desk with a clock that the test moves.
pub(crate) struct Bench {
    pub(crate) desk: Desk,
    pub(crate) now: Millis,
    /// Each call as it was last stored.
    pub(crate) stored: Vec<Call>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { desk: Desk::new(Limits::default()), now: T0, stored: Vec::new() }
    }

    /// alice/web has called bob, whose devices have the request.
    pub(crate) fn delivered(devices: &[&str]) -> Self {
        let mut bench = Self::new();
        bench.request(request(1, "alice/web", "bob", devices)).expect("nothing is in the way");
        bench
    }

    /// As `delivered`, and all of bob's devices alert him.
    pub(crate) fn ringing(devices: &[&str]) -> Self {
        let mut bench = Self::delivered(devices);
        for device in devices {
            bench.act(device, Act::Ringing).expect("it was handed the request");
        }
        bench
    }

    /// The first of `devices` accepted.
    pub(crate) fn accepted(devices: &[&str]) -> Self {
        let mut bench = Self::ringing(devices);
        bench.act(devices[0], Act::Accept).expect("it rings");
        bench
    }

    /// Both legs said that they are connected.
    pub(crate) fn connected(devices: &[&str]) -> Self {
        let mut bench = Self::accepted(devices);
        bench.act("alice/web", CONNECTED).expect("it talks");
        bench.act(devices[0], CONNECTED).expect("it talks");
        bench
    }

    pub(crate) fn pass(&mut self, time: Duration) -> &mut Self {
        self.now = self.now + time;
        self
    }

    pub(crate) fn request(&mut self, request: Request) -> Result<Vec<String>, Refusal> {
        let changes = self.desk.request(self.now, request)?;
        Ok(self.keep(changes))
    }

    /// `from` does `act` in the first call.
    pub(crate) fn act(&mut self, from: &str, act: Act) -> Result<Vec<String>, Refusal> {
        self.act_in(1, from, act)
    }

    pub(crate) fn act_in(&mut self, n: u64, from: &str, act: Act) -> Result<Vec<String>, Refusal> {
        let changes = self.desk.handle(self.now, call_id(n), Input::act(dev(from), act))?;
        Ok(self.keep(changes))
    }

    pub(crate) fn online(&mut self, device: &str) -> Vec<String> {
        let changes = self.desk.online(self.now, &dev(device), false);
        self.keep(changes)
    }

    pub(crate) fn online_v1(&mut self, device: &str) -> Vec<String> {
        let changes = self.desk.online(self.now, &dev(device), true);
        self.keep(changes)
    }

    pub(crate) fn gone(&mut self, device: &str) -> Vec<String> {
        let changes = self.desk.gone(self.now, &dev(device), false);
        self.keep(changes)
    }

    pub(crate) fn closed(&mut self, device: &str) -> Vec<String> {
        let changes = self.desk.gone(self.now, &dev(device), true);
        self.keep(changes)
    }

    pub(crate) fn expire(&mut self) -> Vec<String> {
        let changes = self.desk.expire(self.now);
        self.keep(changes)
    }

    pub(crate) fn state(&self) -> State {
        self.state_of(1)
    }

    pub(crate) fn state_of(&self, n: u64) -> State {
        self.desk.get(call_id(n)).map_or(State::Ended, Call::state)
    }

    /// Why the `n`th call ended, by what was stored.
    pub(crate) fn reason_of(&self, n: u64) -> Option<EndReason> {
        self.stored.iter().find(|call| call.id() == call_id(n))?.end().map(|end| end.reason)
    }

    /// The server dies and starts again: what was stored comes back, through JSON, and nothing else.
    pub(crate) fn restart(&mut self) {
        let read = |call: &Call| -> Call {
            let text = serde_json::to_string(call).expect("a call can be written");
            serde_json::from_str(&text).expect("what was written can be read")
        };
        let live = self.stored.iter().filter(|call| call.end().is_none()).map(read);
        let ended = self.stored.iter().filter(|call| call.end().is_some()).map(Call::id);
        self.desk = Desk::new(Limits::default());
        self.desk.restore(self.now, live, ended);
    }

    fn keep(&mut self, changes: Changes) -> Vec<String> {
        for call in changes.calls {
            self.stored.retain(|old| old.id() != call.id());
            self.stored.push(Arc::unwrap_or_clone(call));
        }
        lines(&changes.effects)
    }
}
