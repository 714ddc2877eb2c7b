//! Pairs of clients that go through dialogs: clients 2n and 2n + 1, the even one calls.
//!
//! ```text
//! A request →          ← accept B
//! A offer →            ← answer B
//! A candidate 1…8 →    ← candidate 1…8 B     in parallel with the answer
//! A hangup →
//! ```
//!
//! Closed loop: a side sends its next message when its last one arrived. No step waits for a server that holds candidates
//! back until the page can use them: the answer does not wait for A's first candidate, and A goes on sending when it got
//! the answer.

use crate::{
    dialect::Kind,
    histogram::Histogram,
    leg::{CANDIDATES, Leg, Received, Role, compare},
    lines::{Lines, Message},
    net::{Net, Sink},
    tally::{Fault, Tally},
};

/// What a pair does once its call is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Then {
    /// Hangs up and calls again, until [`Pairs::stop`].
    Again,
    /// Hangs up and is done.
    HangUp,
    /// Stays in the call.
    Stay,
}

/// How long a dialog may take before what is missing of it counts as lost: 30 s in nanoseconds, less where the server is
/// a fake.
const GIVE_UP_NS: u64 = if cfg!(test) { 3_000_000_000 } else { 30_000_000_000 };

struct Pair {
    to_callee: Leg,
    to_caller: Leg,
    dialog: u64,
    began_ns: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// No dialog is under way; if there was one, it is complete or given up.
    Rests,
    SettingUp,
    InCall,
    HangingUp,
}

/// Pairs of clients and what became of their dialogs.
pub(crate) struct Pairs {
    pub(crate) lines: Lines,
    pairs: Vec<Pair>,
    then: Then,
    /// Candidates back to back instead of one at a time.
    burst: bool,
    /// The next pair that has not had its turn.
    next: usize,
    /// Pairs in a dialog that is not yet where `then` says.
    active: usize,
    pub(crate) tally: Tally,
    /// Whether latencies and dialogs are recorded.
    pub(crate) recording: bool,
    /// Dialogs completed while recording.
    pub(crate) completed: u64,
    /// Messages delivered while recording.
    pub(crate) delivered: u64,
    pub(crate) latencies: Histogram,
}

impl Pairs {
    /// The pairs of all clients of `net`, resting.
    pub(crate) fn new(net: &Net, lines: Lines, then: Then, burst: bool) -> Self {
        let pair = |n| Pair {
            to_callee: Leg::new(Role::Callee, net.user(2 * n)),
            to_caller: Leg::new(Role::Caller, net.user(2 * n + 1)),
            dialog: 0,
            began_ns: 0,
            state: State::Rests,
        };
        Self {
            lines,
            pairs: (0..net.len() / 2).map(pair).collect(),
            then,
            burst,
            next: 0,
            active: 0,
            tally: Tally::default(),
            recording: false,
            completed: 0,
            delivered: 0,
            latencies: Histogram::default(),
        }
    }

    /// Starts the first `at_once` pairs. With [`Then::Again`] they go on and on; otherwise each one that is done makes way
    /// for the next, until all had their turn.
    pub(crate) fn start(&mut self, net: &mut Net, at_once: usize) {
        for _ in 0..at_once {
            self.start_next(net);
        }
    }

    /// Lets the dialogs under way end, and starts no more.
    pub(crate) fn stop(&mut self) {
        self.then = Then::HangUp;
        self.next = self.pairs.len();
    }

    /// Hangs up every call that was set up.
    pub(crate) fn hang_up(&mut self, net: &mut Net) {
        self.stop();
        for pair in 0..self.pairs.len() {
            if self.pairs[pair].state == State::InCall {
                self.active += 1;
                self.send_hangup(net, pair);
            }
        }
    }

    /// Whether every dialog that was started is where it shall be.
    pub(crate) fn is_done(&self) -> bool {
        self.active == 0
    }

    /// Gives up dialogs that take too long; with `all`, every one under way. To be called now and then.
    pub(crate) fn sweep(&mut self, net: &mut Net, all: bool) {
        let now = net.now_ns();
        for n in 0..self.pairs.len() {
            let pair = &self.pairs[n];
            let is_active = matches!(pair.state, State::SettingUp | State::HangingUp);
            if is_active && (all || now > pair.began_ns + GIVE_UP_NS) {
                self.give_up(n);
                self.go_on(net, n);
            }
        }
    }

    fn start_next(&mut self, net: &mut Net) {
        if self.next < self.pairs.len() {
            self.next += 1;
            self.begin(net, self.next - 1);
        }
    }

    fn begin(&mut self, net: &mut Net, n: usize) {
        let pair = &mut self.pairs[n];
        pair.dialog += 1;
        pair.began_ns = net.event_ns();
        pair.state = State::SettingUp;
        pair.to_callee.begin(pair.dialog);
        pair.to_caller.begin(pair.dialog);
        self.active += 1;
        self.send(net, n, Role::Callee, Kind::Request);
    }

    /// What follows on a pair that rests again.
    fn go_on(&mut self, net: &mut Net, n: usize) {
        match self.then {
            Then::Again => self.begin(net, n),
            Then::HangUp | Then::Stay => self.start_next(net),
        }
    }

    fn give_up(&mut self, n: usize) {
        let pair = &mut self.pairs[n];
        let missing = pair.to_callee.missing() + pair.to_caller.missing();
        let example =
            || format!("pair {n}, dialog {}: {:?}, {:?}", pair.dialog, pair.to_callee, pair.to_caller);
        self.tally.faults(Fault::Lost, missing.into(), example);
        pair.to_callee.give_up();
        pair.to_caller.give_up();
        pair.state = State::Rests;
        self.active -= 1;
    }

    /// Sends a message to the side `to` of a pair; a candidate is the next one.
    fn send(&mut self, net: &mut Net, n: usize, to: Role, kind: Kind) {
        let pair = &mut self.pairs[n];
        let (leg, sender, receiver) = match to {
            Role::Callee => (&mut pair.to_callee, 2 * n, 2 * n + 1),
            Role::Caller => (&mut pair.to_caller, 2 * n + 1, 2 * n),
        };
        let candidate = if kind == Kind::Candidate { leg.candidates_sent() } else { 0 };
        let number = leg.send(kind, candidate, net.event_ns());
        self.lines.send(net, Message { from: sender, to: receiver, kind, number, dialog: pair.dialog });
    }

    fn send_candidates(&mut self, net: &mut Net, n: usize, to: Role) {
        let pair = &self.pairs[n];
        let leg = match to {
            Role::Callee => &pair.to_callee,
            Role::Caller => &pair.to_caller,
        };
        let left = CANDIDATES - leg.candidates_sent();
        for _ in 0..if self.burst { left } else { left.min(1) } {
            self.send(net, n, to, Kind::Candidate);
        }
    }

    fn send_hangup(&mut self, net: &mut Net, n: usize) {
        self.pairs[n].state = State::HangingUp;
        self.pairs[n].began_ns = net.event_ns();
        self.send(net, n, Role::Callee, Kind::Hangup);
    }

    /// The step of the dialog that follows when `role` received `kind`.
    fn step(&mut self, net: &mut Net, n: usize, role: Role, kind: Kind) {
        match kind {
            Kind::Request => self.send(net, n, Role::Caller, Kind::Accept),
            Kind::Accept => self.send(net, n, Role::Callee, Kind::Offer),
            Kind::Offer => {
                self.send(net, n, Role::Caller, Kind::Answer);
                // In a burst A holds its candidates until the answer, and B's follow the answer at once.
                self.send_candidates(net, n, if self.burst { Role::Caller } else { Role::Callee });
            }
            Kind::Answer => {
                self.send_candidates(net, n, if self.burst { Role::Callee } else { Role::Caller })
            }
            Kind::Candidate if self.burst => {}
            Kind::Candidate => self.send_candidates(net, n, role),
            Kind::Hangup => {
                self.pairs[n].state = State::Rests;
                self.active -= 1;
                self.completed += u64::from(self.recording);
                return self.go_on(net, n);
            }
        }
        let pair = &mut self.pairs[n];
        if pair.state == State::SettingUp && pair.to_callee.is_set_up() && pair.to_caller.is_set_up() {
            if self.then == Then::Stay {
                pair.state = State::InCall;
                let dialog = pair.dialog;
                self.lines.send_connected(net, 2 * n, dialog);
                self.lines.send_connected(net, 2 * n + 1, dialog);
                self.active -= 1;
                self.start_next(net);
            } else {
                self.send_hangup(net, n);
            }
        }
    }
}

impl Sink for Pairs {
    fn text(&mut self, net: &mut Net, client: usize, text: &[u8]) {
        let delivery = match self.lines.read(net, client, text) {
            Ok(delivery) => delivery,
            Err(fault) => return self.tally.fault(fault, text),
        };
        let role = if client.is_multiple_of(2) { Role::Caller } else { Role::Callee };
        let pair = &mut self.pairs[client / 2];
        let leg = match role {
            Role::Caller => &mut pair.to_caller,
            Role::Callee => &mut pair.to_callee,
        };
        match leg.receive(self.lines.dialect(), &delivery) {
            Ok(Received::Message { kind, sent_ns, fault }) => {
                let whole = compare(&self.tally, kind, &delivery);
                self.tally.delivered += 1;
                self.tally.compared += u64::from(whole.is_some());
                if let Some(fault) = fault.or((whole == Some(false)).then_some(Fault::Damaged)) {
                    self.tally.fault(fault, text);
                }
                if self.recording {
                    self.delivered += 1;
                    self.latencies.record(net.event_ns().saturating_sub(sent_ns));
                }
                self.step(net, client / 2, role, kind);
            }
            Ok(Received::Aside) => {}
            Err(fault) => self.tally.fault(fault, text),
        }
    }

    fn closed(&mut self, _net: &mut Net, client: usize, why: &str) {
        self.tally.fault(Fault::Closed, why.as_bytes());
        let n = client / 2;
        match self.pairs[n].state {
            State::SettingUp | State::HangingUp => self.give_up(n),
            State::InCall => self.pairs[n].state = State::Rests,
            State::Rests => {}
        }
    }
}
