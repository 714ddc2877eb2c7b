//! The task that has all calls of the echo: it takes what comes by the bus and by UDP to the line it is for, and wakes each
//! line in time.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::Input;
use str0m::net::{Protocol, Receive};
use tincan_proto::call::{Act, EndReason, RejectReason, Scope};
use tincan_proto::id::{Address, CallId};
use tincan_proto::wire::ErrorCode;
use tokio::sync::mpsc;

use super::line::Line;
use super::sockets::{Datagram, Sockets};
use crate::bus::{Bus, Command, CommandKind};

/// No datagram of a call is longer.
const DATAGRAM_MAX: usize = 2048;

/// How long to sleep if there is no call.
const IDLE: Duration = Duration::from_secs(3600);

/// What came by the bus.
#[derive(Debug)]
pub(super) enum Heard {
    /// Somebody calls.
    Ring { call: CallId, own: Address, peer: Address },
    /// A call of ours was accepted, now or by a former run.
    Accepted { call: CallId, own: Address },
    /// The other side's description.
    Offer { call: CallId, from: Address, data: Box<str> },
    /// What we said was not carried out.
    Refused(CallId, ErrorCode),
    /// A call is over.
    Ended(CallId),
    /// The server stops.
    Stop,
}

/// What a line reaches of the world.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) bus: Bus,
    pub(super) sockets: Sockets,
}

impl Outside {
    /// Asks the call service for something in the name of one of our devices.
    pub(super) fn act(&self, from: &Address, call: CallId, act: Act) {
        let kind = CommandKind::Act { call, act };
        self.bus.calls.publish(&(), &Command { from: from.clone(), re: None, kind });
    }
}

pub(super) struct Exchange {
    outside: Outside,
    lines: HashMap<CallId, Line>,
    /// Calls at a time.
    most: usize,
    call_limit: Duration,
    stops: bool,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    pub(super) fn new(bus: Bus, sockets: Sockets, most: usize, call_limit: Duration) -> Self {
        let outside = Outside { bus, sockets };
        Self { outside, lines: HashMap::new(), most, call_limit, stops: false }
    }

    /// Runs until it was told to stop and all calls are over.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Heard>) {
        let mut buffer = [0; DATAGRAM_MAX];
        while !(self.stops && self.lines.is_empty()) {
            let wake = self.lines.values().map(Line::wake).min().unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                heard = inbox.recv() => match heard {
                    Some(heard) => self.hear(heard),
                    None => return,
                },
                datagram = self.outside.sockets.receive(&mut buffer) => self.receive(datagram, &buffer),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.tick(Instant::now());
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Ring { call, own, peer } => self.ring(call, own, peer),
            Heard::Accepted { call, own } => {
                // Of a former run: its sound went with that.
                if !self.lines.contains_key(&call) {
                    self.outside.act(&own, call, Act::HangUp { reason: EndReason::ConnectionLost });
                }
            }
            Heard::Offer { call, from, data } => {
                self.with(call, |line, outside| line.offer(Instant::now(), &from, &data, outside));
            }
            Heard::Refused(call, ErrorCode::Unavailable) => {
                self.with(call, |line, outside| line.say_again(outside));
            }
            Heard::Refused(call, _) | Heard::Ended(call) => drop(self.lines.remove(&call)),
            Heard::Stop => {
                self.stops = true;
                for line in self.lines.values_mut() {
                    line.hang_up(EndReason::HungUp, &self.outside);
                }
            }
        }
    }

    fn ring(&mut self, call: CallId, own: Address, peer: Address) {
        if self.stops || self.lines.len() >= self.most {
            let reject = Act::Reject { reason: RejectReason::Busy, scope: Scope::All };
            return self.outside.act(&own, call, reject);
        }
        let line = Line::new(Instant::now(), call, own, peer, self.call_limit, &self.outside);
        self.lines.insert(call, line);
    }

    fn receive(&mut self, Datagram { length, from, to }: Datagram, buffer: &[u8]) {
        // What is no STUN, DTLS or RTP is of nobody.
        let Ok(receive) = Receive::new(Protocol::Udp, from, to, &buffer[..length]) else { return };
        let now = Instant::now();
        let input = Input::Receive(now, receive);
        let found = self.lines.iter().find(|(_, line)| line.accepts(&input)).map(|(call, _)| *call);
        if let (Some(call), Input::Receive(_, receive)) = (found, input) {
            self.with(call, |line, outside| line.receive(now, receive, outside));
        }
    }

    fn tick(&mut self, now: Instant) {
        let due = |(call, line): (&CallId, &Line)| (line.wake() <= now).then_some(*call);
        let due: Vec<CallId> = self.lines.iter().filter_map(due).collect();
        for call in due {
            self.with(call, |line, outside| line.tick(now, outside));
        }
    }

    /// Lets a line do something. Should it panic on what its client sent, that ends its call and no other.
    fn with(&mut self, call: CallId, act: impl FnOnce(&mut Line, &Outside)) {
        let Some(line) = self.lines.get_mut(&call) else { return };
        if catch_unwind(AssertUnwindSafe(|| act(line, &self.outside))).is_err() {
            tracing::error!(call.id = %call, "a call of the echo has panicked, and ends");
            line.hang_up(EndReason::MediaFailed, &self.outside);
        }
    }
}
