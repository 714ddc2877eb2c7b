//! One turn of the call service: decide on everything that came in, store it, carry it out.

use std::sync::Arc;

use tincan_proto::call::{Call, Changes, Effect, End, Input, Notice, Refusal, Request, Snapshot};
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::time::whole_ms;
use tincan_proto::wire::ErrorCode;

use super::{Actor, COMING_BACK, Inbox, QUIET, RETRY, refuse};
use crate::bus::{Command, CommandKind, DeviceState, Event, News, Reply};
use crate::store::StoreError;

/// What a turn decided, before it is stored.
#[derive(Default)]
struct Decided {
    changes: Vec<Changes>,
    refused: Vec<(Command, Refusal)>,
    /// Commands that the store must carry for them to count.
    carried: Vec<Command>,
    snapshots: Vec<(Reply<Vec<Snapshot>>, Address, Vec<Snapshot>)>,
}

/// Nobody is told anything of it.
fn is_quiet(changes: &Changes) -> bool {
    changes.effects.is_empty() && changes.calls.iter().all(|call| call.end().is_none())
}

impl Actor {
    /// Serves what time has brought, and then `commands`: nobody is shown a call whose time is over, or accepts it.
    pub(super) async fn turn(&mut self, commands: impl Iterator<Item = Inbox>) {
        let mut decided = Decided::default();
        decided.changes.push(self.desk.expire(self.clock.now()));
        for Inbox { command, reply } in commands {
            self.decide(command, reply, &mut decided).await;
        }
        self.conclude(decided).await;
    }

    async fn decide(&mut self, command: Command, reply: Option<Reply<Vec<Snapshot>>>, decided: &mut Decided) {
        let from = command.from.clone();
        let outcome = match &command.kind {
            CommandKind::Request { call, to, data, moves_on } => {
                let found = self.devices(to).await;
                let takes_many = found.iter().any(|state| state.takes_many);
                let devices = found.into_iter().map(|state| (state.device, state.rings_at_once)).collect();
                let now = self.clock.now();
                let wait = now.since(self.started_at) < COMING_BACK;
                let (callee, data) = (to.clone(), data.clone());
                let (call, moves_on) = (*call, *moves_on);
                let request =
                    Request { call, caller: from, callee, data, devices, takes_many, wait, moves_on };
                self.desk.request(now, request)
            }
            CommandKind::Act { call, act } => {
                self.desk.handle(self.clock.now(), *call, Input::act(from, act.clone()))
            }
            CommandKind::Online { rings_at_once } => {
                let now = self.clock.now();
                // The snapshot first: what the device learns from it, it must not be told again as an effect.
                if let Some(reply) = reply {
                    let snapshot = self.desk.snapshot(now, &from);
                    decided.snapshots.push((reply, from.clone(), snapshot));
                }
                Ok(self.desk.online(now, &from, *rings_at_once))
            }
            CommandKind::Gone { for_good } => Ok(self.desk.gone(self.clock.now(), &from, *for_good)),
        };
        match outcome {
            Ok(changes) => {
                if !changes.is_empty() {
                    decided.changes.push(changes);
                    decided.carried.push(command);
                }
            }
            Err(refusal) => decided.refused.push((command, refusal)),
        }
    }

    /// The devices of `user` that can be rung: asked on the bus, where only a connected user is listening.
    async fn devices(&self, user: &UserId) -> Vec<DeviceState> {
        self.bus.users.request(user, &Event::Devices).await.unwrap_or_default()
    }

    /// Stores, then tells. Snapshots and refusals speak of everything that was decided; else what nobody is told of waits
    /// for [`QUIET`].
    async fn conclude(&mut self, decided: Decided) {
        let Decided { changes, refused, carried, snapshots } = decided;
        let is_due = self.quiet_until.is_some_and(|until| until <= self.clock.now());
        let everything = is_due || !refused.is_empty() || !snapshots.is_empty();
        if let Err(error) = self.save(&changes, everything).await {
            tracing::error!(%error, "calls could not be stored; their changes are taken back");
            return self.take_back(changes, carried, snapshots).await;
        }
        for (reply, _, snapshot) in snapshots {
            reply.send(snapshot);
        }
        for Changes { calls, effects, .. } in changes {
            for effect in effects {
                self.tell(effect);
            }
            for (call, end) in calls.iter().filter_map(|call| Some((call, call.end()?))) {
                self.bus.news.publish(&(), &ended(call, end));
            }
        }
        for (command, refusal) in refused {
            refuse(&self.bus, &command, refusal.into(), &refusal.to_string());
        }
    }

    fn tell(&self, effect: Effect) {
        if let Notice::Accepted { by, peer } = &effect.notice
            && effect.to == *by
        {
            let (caller, callee) = (peer.clone(), by.clone());
            let at = self.clock.now();
            self.bus.news.publish(&(), &News::Accepted { call: effect.call, caller, callee, at });
        }
        let to = effect.to.user.clone();
        self.bus.users.publish(&to, &Event::Effect(effect));
    }

    /// Stores the newest version of each changed call: of everything, or of what somebody is told of.
    pub(super) async fn save(&mut self, changes: &[Changes], everything: bool) -> Result<(), StoreError> {
        let is_due = |changes: &&Changes| everything || !is_quiet(changes);
        let changed = changes.iter().filter(is_due).flat_map(|changes| &changes.calls);
        let waited = self.quiet.values().filter(|_| everything);
        let mut calls: Vec<&Call> = changed.chain(waited).map(Arc::as_ref).collect();
        if !calls.is_empty() {
            calls.sort_by_key(|call| (call.id(), std::cmp::Reverse(call.version())));
            calls.dedup_by_key(|call| call.id());
            self.store.save_calls(&calls).await?;
        }
        if everything {
            self.quiet.clear();
        } else {
            let stored: Vec<_> = calls.iter().map(|call| (call.id(), call.version())).collect();
            self.set_aside(changes, &stored);
        }
        if self.quiet.is_empty() {
            self.quiet_until = None;
        } else if self.quiet_until.is_none() {
            self.quiet_until = Some(self.clock.now() + QUIET);
        }
        Ok(())
    }

    /// Keeps what nobody is told of, but for what newer versions were stored of, in the order of their ids.
    fn set_aside(&mut self, changes: &[Changes], stored: &[(CallId, u32)]) {
        for (id, _) in stored {
            self.quiet.remove(id);
        }
        for call in changes.iter().filter(|changes| is_quiet(changes)).flat_map(|changes| &changes.calls) {
            let stored = stored.binary_search_by_key(&call.id(), |(id, _)| *id).map(|at| stored[at].1);
            if stored.is_ok_and(|version| version > call.version()) {
                continue;
            }
            self.quiet.insert(call.id(), Arc::clone(call));
        }
    }

    /// Nothing of this turn has happened, and everyone who asked for something is told so. Devices that came or went
    /// did so all the same: the next turn hears of them again.
    async fn take_back(
        &mut self,
        changes: Vec<Changes>,
        carried: Vec<Command>,
        snapshots: Vec<(Reply<Vec<Snapshot>>, Address, Vec<Snapshot>)>,
    ) {
        for changes in changes.into_iter().rev() {
            self.desk.undo(changes);
        }
        for (reply, device, _) in snapshots {
            reply.send(self.desk.snapshot(self.clock.now(), &device));
        }
        for command in carried {
            refuse(
                &self.bus,
                &command,
                ErrorCode::Unavailable,
                "the server could not store it; nothing happened",
            );
            if matches!(command.kind, CommandKind::Online { .. } | CommandKind::Gone { .. }) {
                self.again.push(Inbox { command, reply: None });
            }
        }
        // A full disk is not freed by asking it a thousand times a second.
        tokio::time::sleep(RETRY).await;
    }
}

/// Tells of an end, and how long the call took to get there. A call that was connected for no millisecond was not.
fn ended(call: &Call, end: &End) -> News {
    let accepted_at = call.accepted().map(|(_, at)| at);
    let setup = |at| end.at.since(at).saturating_sub(std::time::Duration::from_millis(end.talk_ms));
    News::Ended {
        call: call.id(),
        reason: end.reason,
        talk_ms: end.talk_ms,
        ring_ms: accepted_at.map(|at| whole_ms(at.since(call.requested_at()))),
        setup_ms: accepted_at.filter(|_| end.talk_ms > 0).map(|at| whole_ms(setup(at))),
    }
}
