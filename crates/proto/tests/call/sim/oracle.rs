//! What must never be, whatever the weather.
//!
//! - Of a callee's devices one at most is told that it talks, in the life of a call, over all crashes.
//! - A device is told an end once, and nothing of that call after it. Nobody is told to ring past the limit.
//! - A call is stored as ended once; all who hear a reason hear that one, or that another device of theirs was first.
//! - Time does not end a call that is stored as connected, nor any other before its time.
//! - A session loses, doubles and reorders nothing.
//! - When all is calm again devices and server are of one mind, but for what is under way (two seconds at most); when all
//!   have hung up nothing is left, and who does not know the reason had lost its session.

use std::collections::{BTreeMap, BTreeSet};

use tincan_proto::call::{Call, Effect, End, EndReason, Notice, Role, State};
use tincan_proto::id::{Address, CallId};

use super::client::{Stage, View};
use super::world::World;

/// What was said and stored so far.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    winners: BTreeMap<CallId, Address>,
    told_end: BTreeSet<(CallId, Address)>,
    ends: BTreeMap<CallId, End>,
    /// What was not of one mind the first time it was compared.
    differed: Option<BTreeSet<String>>,
}

/// What was numbered in a session, each way.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) up: Vec<usize>,
    pub(crate) down: Vec<usize>,
    up_heard: u64,
    down_heard: u64,
}

impl World {
    fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    /// A frame that a session took as new.
    pub(crate) fn judge_arrival(&mut self, session: u64, up: bool, seq: u64, frame: usize) {
        let log = self.logs.entry(session).or_default();
        let (sent, heard) = if up { (&log.up, &mut log.up_heard) } else { (&log.down, &mut log.down_heard) };
        *heard += 1;
        let nth = usize::try_from(*heard - 1).expect("a session is short");
        if *heard != seq || sent.get(nth) != Some(&frame) {
            self.fault(format!("session {session} took frame {frame} as number {seq}"));
        }
    }

    /// A call that is about to be stored.
    pub(crate) fn judge_commit(&mut self, before: Option<&Call>, after: &Call) {
        let id = after.id();
        if self.judge.ends.contains_key(&id) {
            self.fault(format!("{id} was stored after it had ended"));
        }
        if let Some(before) = before {
            if before.version() >= after.version() {
                self.fault(format!("{id} changed and kept version {}", after.version()));
            }
            if before.accepted().is_some() && before.accepted() != after.accepted() {
                self.fault(format!("{id} was accepted twice"));
            }
        }
        if let Some((by, _)) = after.accepted() {
            self.judge_winner(id, by);
        }
        let Some(end) = after.end() else { return };
        let was_connected = before.is_some_and(|before| before.state() == State::Connected);
        if was_connected && end.by.is_none() && end.reason != EndReason::Replaced {
            self.fault(format!("{id} was connected and ended as {:?}", end.reason));
        }
        if let Some(before) = before
            && end.by.is_none()
            && !self.had_its_time(before, end.reason)
        {
            self.fault(format!("{id} ended as {:?} before its time", end.reason));
        }
        *self.seen.reasons.entry(end.reason).or_default() += 1;
        self.judge.ends.insert(id, end.clone());
    }

    /// Whether what time ended is what had to end by now.
    fn had_its_time(&self, call: &Call, reason: EndReason) -> bool {
        let Some(server) = &self.server else { return false };
        let connected =
            |address: &Address| self.reachable(address.user.as_str()).iter().any(|(a, _)| a == address);
        match reason {
            EndReason::NoAnswer => self.now >= call.requested_at().0 + 45_000,
            EndReason::Cancelled => !connected(call.caller()),
            EndReason::Unreachable => self.reachable(call.callee().as_str()).is_empty(),
            EndReason::MediaFailed => {
                let from = call.accepted().map_or(0, |(_, at)| at.0.max(server.started_at));
                self.now >= from + 20_000 && !self.is_known_to_sound(call.id())
            }
            _ => true,
        }
    }

    /// Whether two people hear each other and had five seconds to let the server know.
    fn is_known_to_sound(&self, call: CallId) -> bool {
        let long_ago = |at: u64| at + 5_000 < self.now;
        let in_touch = |device: usize| {
            let client = &self.clients[device];
            let lives = client.conn.is_some_and(|conn| !self.conns[conn].dead);
            client.open && lives && long_ago(client.opened_at) && long_ago(client.paused_until)
        };
        self.paths.get(&call).is_some_and(|at| long_ago(*at)) && self.talkers(call).into_iter().all(in_touch)
    }

    /// A device that took a call, as it was stored or as it was told.
    fn judge_winner(&mut self, call: CallId, by: &Address) {
        let winner = self.judge.winners.entry(call).or_insert_with(|| by.clone());
        if winner != by {
            let fault = format!("{by} takes {call}, which {winner} had taken");
            self.fault(fault);
        }
    }

    /// Something that a device is about to be told.
    pub(crate) fn judge_notice(&mut self, effect: &Effect) {
        let Effect { to, call, notice } = effect;
        if self.judge.told_end.contains(&(*call, to.clone())) {
            self.fault(format!("{to} is told {notice:?} of {call} after its end"));
        }
        match notice {
            Notice::Ring { ring_ms, .. } => {
                let live = self.server.as_ref().and_then(|server| server.desk.get(*call));
                let in_time = live.is_some_and(|call| self.now + ring_ms == call.requested_at().0 + 45_000);
                if !in_time || *ring_ms == 0 {
                    self.fault(format!("{to} is to ring for {ring_ms} ms in {call}"));
                }
            }
            Notice::Accepted { by, .. } => self.judge_winner(*call, by),
            Notice::Ended { end, .. } => {
                if !self.is_true(*call, to, end.reason) {
                    self.fault(format!("{to} is told {:?} of {call}", end.reason));
                }
                self.judge.told_end.insert((*call, to.clone()));
            }
            Notice::Delivered { .. } | Notice::Ringing { .. } => {}
        }
    }

    /// Whether a device may hear this reason.
    fn is_true(&self, call: CallId, device: &Address, reason: EndReason) -> bool {
        let end = self.judge.ends.get(&call);
        match reason {
            EndReason::AnsweredElsewhere => self
                .judge
                .winners
                .get(&call)
                .is_some_and(|winner| winner.user == device.user && winner != device),
            EndReason::DeclinedElsewhere => end.is_some_and(|end| {
                matches!(end.reason, EndReason::Declined | EndReason::Busy) && end.by.as_ref() != Some(device)
            }),
            _ => end.is_some_and(|end| end.reason == reason),
        }
    }

    /// Whether devices and server are of one mind: what differs now may not differ four seconds later.
    pub(crate) fn compare(&mut self) {
        let mut differs = BTreeSet::new();
        let Some(server) = &self.server else {
            return self.fault("the server is not back".into());
        };
        let live: Vec<(CallId, u32)> = server.desk.calls().map(|call| (call.id(), call.version())).collect();
        let read = |text: &String| -> Call { serde_json::from_str(text).expect("it was stored") };
        let stored = self.store.live.values().map(read).map(|call| (call.id(), call.version()));
        if live != stored.collect::<Vec<_>>() {
            differs.insert("the store is not what the desk says".into());
        }
        for (device, client) in self.clients.iter().enumerate() {
            if client.session.is_none() {
                continue;
            }
            if !self.is_in_touch(device) {
                differs.insert(format!("{} is not in touch", client.address));
            }
            let ids: BTreeSet<CallId> =
                server.desk.calls().map(Call::id).chain(client.calls.keys().copied()).collect();
            for id in ids {
                let (call, view) = (server.desk.get(id), client.calls.get(&id));
                if !of_one_mind(call, view, &client.address) {
                    let state = call.map(Call::state);
                    differs.insert(format!("{} sees {view:?} of {id}, the server {state:?}", client.address));
                }
            }
        }
        if let Some(before) = self.judge.differed.take() {
            self.faults.extend(before.intersection(&differs).cloned());
        }
        self.judge.differed = Some(differs);
    }

    /// When all is over.
    pub(crate) fn judge_all(&mut self) {
        let live: Vec<CallId> =
            self.server.iter().flat_map(|server| server.desk.calls()).map(Call::id).collect();
        self.faults.extend(live.into_iter().map(|id| format!("{id} is left over")));
        for device in 0..self.clients.len() {
            let client = &self.clients[device];
            let mut found = Vec::new();
            for (id, view) in &client.calls {
                let fine = match view.stage {
                    Stage::Ended(Some(reason)) => self.is_true(*id, &client.address, reason),
                    // Its session had been lost, or its request was refused and there never was a call.
                    Stage::Ended(None) => view.missed || !self.judge.ends.contains_key(id),
                    Stage::Quiet => view.missed,
                    Stage::Calling
                    | Stage::Ringing { .. }
                    | Stage::Accepting
                    | Stage::Talking
                    | Stage::Leaving => false,
                };
                if !fine {
                    found.push(format!("{} is left with {view:?} of {id}", client.address));
                }
            }
            if let Some((session, _)) = client.session {
                let log = self.logs.get(&session);
                let heard_all = log.is_none_or(|log| {
                    log.down_heard == log.down.len() as u64 && log.up_heard == log.up.len() as u64
                });
                if !heard_all {
                    found.push(format!("session {session} of {} lost something", client.address));
                }
            }
            self.faults.extend(found);
        }
        self.seen.worlds = 1;
    }
}

/// Whether a device and the server agree on a call in which the device may have a part.
fn of_one_mind(call: Option<&Call>, view: Option<&View>, device: &Address) -> bool {
    let part = call.and_then(|call| Some((call.role(device)?, call.accepted().is_some())));
    let stage = view.map(|view| view.stage);
    match (part, stage) {
        (None, None | Some(Stage::Ended(_) | Stage::Quiet)) => true,
        (Some((Role::Caller, false)), Some(Stage::Calling)) => true,
        (Some((Role::Callee, false)), Some(Stage::Ringing { .. } | Stage::Quiet)) => true,
        (Some((_, true)), Some(Stage::Talking)) => {
            call.and_then(|call| call.peer(device)) == view.and_then(|view| view.peer.as_ref())
        }
        _ => false,
    }
}
