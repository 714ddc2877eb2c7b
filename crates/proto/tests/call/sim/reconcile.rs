//! What a client does with a welcome that did not resume its session.

use tincan_proto::call::{Act, Media, Role, Snapshot, State};
use tincan_proto::id::{Address, CallId};
use tincan_proto::session::{Incoming, Outgoing};

use super::client::{Stage, View};
use super::frames::{Event, Say, Wish};
use super::server::numbered;
use super::world::World;

impl World {
    /// Brings a client in line with the truth, and says again what it had not seen acknowledged.
    pub(crate) fn reconcile(&mut self, device: usize, session: (u64, u64), calls: &[Snapshot]) {
        self.note(|w| format!("{} < not resumed, {calls:?}", w.clients[device].address));
        let client = &mut self.clients[device];
        let unacked: Vec<usize> = numbered(&client.out).into_iter().map(|(_, frame)| frame).collect();
        let is_first = client.session.is_none();
        client.session = Some(session);
        client.out = Outgoing::default();
        client.inc = Incoming::default();
        self.seen.not_resumed += u64::from(!is_first);
        let unacked: Vec<Say> = unacked.into_iter().map(|frame| self.says[frame].clone()).collect();
        self.end_unlisted(device, calls, &unacked);
        for shown in calls {
            self.adopt(device, shown);
        }
        self.clients[device].calls.values_mut().for_each(|view| view.missed = true);
        for say in unacked {
            let again = match &say {
                Say::Request { .. } => true,
                Say::Act { act, .. } => !matches!(act, Act::Media(_) | Act::Ringing),
                Say::Relay { .. } => false,
            };
            if again {
                self.say(device, say);
            }
        }
        // The server's picture of this leg may be older than the leg.
        let views: Vec<(CallId, Option<Media>)> = self.clients[device]
            .calls
            .iter()
            .filter(|(_, v)| v.stage == Stage::Talking)
            .map(|(id, v)| (*id, v.media))
            .collect();
        for (call, media) in views {
            if let Some(media) = media {
                self.act(device, call, Act::Media(media));
            }
            self.offers(device, call);
        }
    }

    /// A call that is not listed has ended, unless the server may never have heard of it.
    fn end_unlisted(&mut self, device: usize, calls: &[Snapshot], unacked: &[Say]) {
        let asked =
            |id: &CallId| unacked.iter().any(|say| matches!(say, Say::Request { call, .. } if call == id));
        let mut broken = Vec::new();
        for (id, view) in &mut self.clients[device].calls {
            let over = matches!(view.stage, Stage::Ended(_) | Stage::Quiet);
            if !over && !asked(id) && !calls.iter().any(|shown| shown.call == *id) {
                view.stage = Stage::Ended(None);
                broken.push(*id);
                self.seen.unknown_ends += 1;
            }
        }
        for call in broken {
            self.path_breaks(call);
        }
    }

    /// One listed call.
    fn adopt(&mut self, device: usize, shown: &Snapshot) {
        let call = shown.call;
        let known = self.clients[device].calls.get(&call).map(|view| view.stage);
        if let Some(Stage::Ended(Some(reason))) = known {
            let address = &self.clients[device].address;
            self.faults.push(format!("{address} was shown {call} after it had heard {reason:?}"));
            return;
        }
        let peer: Option<Address> = shown.peer.parse().ok();
        let talks = matches!(shown.state, State::Negotiating | State::Connected | State::Reconnecting);
        let fresh = View::new(shown.role, peer.clone(), Stage::Quiet);
        let view = self.clients[device].calls.entry(call).or_insert(fresh);
        view.peer = peer.clone().or(view.peer.take());
        match (talks, shown.role, view.stage) {
            (_, _, Stage::Leaving) | (false, Role::Callee, Stage::Accepting) | (true, _, Stage::Talking) => {}
            (true, _, _) => {
                self.talks(device, call);
                if known.is_none() && self.rng.chance(50) {
                    self.after(1_000, Event::Decide(device, call, Wish::GiveUp));
                }
            }
            (false, Role::Caller, _) => view.stage = Stage::Calling,
            (false, Role::Callee, Stage::Ringing { .. }) => self.act(device, call, Act::Ringing),
            (false, Role::Callee, _) => {
                let left = shown.ring_ms.unwrap_or(0);
                if let Some(peer) = peer
                    && left > 0
                {
                    self.rings(device, call, peer, left);
                }
            }
        }
    }
}
