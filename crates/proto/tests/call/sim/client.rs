//! An honest client of v2, as PROTOCOL.md describes one: its session, and what it makes of what it hears.
//!
//! What its user wants is in `user`; how it brings itself in line after it lost its session is in `reconcile`.

use std::collections::BTreeMap;

use tincan_proto::call::{Act, EndReason, Media, Notice, Refusal, Role};
use tincan_proto::id::{Address, CallId};
use tincan_proto::session::{Incoming, Outgoing};

use super::frames::{Down, Event, Hear, Relay, Resume, Say, Up};
use super::server::numbered;
use super::world::World;

/// One device.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: Address,
    pub(crate) conn: Option<usize>,
    /// The connection has a session.
    pub(crate) open: bool,
    pub(crate) opened_at: u64,
    pub(crate) session: Option<(u64, u64)>,
    pub(crate) out: Outgoing,
    pub(crate) inc: Incoming,
    pub(crate) ack_set: bool,
    pub(crate) paused_until: u64,
    pub(crate) calls: BTreeMap<CallId, View>,
}

/// A call as a device sees it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) role: Role,
    pub(crate) peer: Option<Address>,
    pub(crate) stage: Stage,
    pub(crate) media: Option<Media>,
    /// A session or the page's memory was lost since, so an end may have been missed.
    pub(crate) missed: bool,
}

impl View {
    pub(crate) const fn new(role: Role, peer: Option<Address>, stage: Stage) -> Self {
        Self { role, peer, stage, media: None, missed: false }
    }
}

/// How far a device is with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Calling,
    Ringing {
        until: u64,
    },
    /// Silenced by its user, or by the time on the frame.
    Quiet,
    Accepting,
    Talking,
    /// Its user is through with it; the end was not heard yet.
    Leaving,
    /// Why, as far as it was told.
    Ended(Option<EndReason>),
}

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            conn: None,
            open: false,
            opened_at: 0,
            session: None,
            out: Outgoing::default(),
            inc: Incoming::default(),
            ack_set: false,
            paused_until: 0,
            calls: BTreeMap::new(),
        }
    }

    /// Whether its user is taken up by a call on this device.
    pub(crate) fn is_taken_up(&self) -> bool {
        let taken = |view: &View| matches!(view.stage, Stage::Calling | Stage::Accepting | Stage::Talking);
        self.calls.values().any(taken)
    }
}

impl World {
    /// Opens a connection and says hello.
    pub(crate) fn client_connects(&mut self, device: usize) {
        if self.clients[device].conn.is_some() {
            return;
        }
        let retry = self.rng.between(100, 3_000);
        if self.server.is_none() {
            self.after(retry, Event::Connect(device));
            return;
        }
        let conn = self.connect(device);
        let stale = self.rng.below(3);
        let client = &mut self.clients[device];
        client.conn = Some(conn);
        client.open = false;
        // An older acknowledgement than it could give makes the server send some frames again.
        let acked = |inc: Incoming| if stale == 0 { inc.ack() } else { inc.ack().saturating_sub(stale) };
        let resume =
            client.session.map(|(session, secret)| Resume { session, secret, ack: acked(client.inc) });
        self.send_up(conn, Up::Hello { resume });
        self.after(5_000, Event::NoWelcome(conn));
    }

    pub(crate) fn no_welcome(&mut self, conn: usize) {
        let client = &self.clients[self.conns[conn].device];
        if client.conn == Some(conn) && !client.open {
            self.cut(conn, 0, 0);
        }
    }

    pub(crate) fn client_notices(&mut self, conn: usize) {
        let device = self.conns[conn].device;
        let client = &mut self.clients[device];
        if client.conn == Some(conn) {
            client.conn = None;
            client.open = false;
            let backoff = self.rng.between(50, 3_000);
            self.after(backoff, Event::Connect(device));
        }
    }

    /// Sends a numbered frame, now or when there is a connection again.
    pub(crate) fn say(&mut self, device: usize, say: Say) {
        let frame = self.says.len();
        let client = &mut self.clients[device];
        let Some((session, _)) = client.session else { return };
        let seq = client.out.next_seq();
        if client.out.push(frame.to_be_bytes().into()).is_err() {
            self.faults.push("the window of a client is full".into());
            return;
        }
        let (conn, ack) = (client.conn.filter(|_| client.open), client.inc.ack());
        self.note(|w| format!("{} > server: {say:?}", w.clients[device].address));
        self.says.push(say);
        self.logs.entry(session).or_default().up.push(frame);
        if let Some(conn) = conn {
            self.send_up(conn, Up::Frame { seq, frame, ack });
        }
    }

    pub(crate) fn act(&mut self, device: usize, call: CallId, act: Act) {
        self.say(device, Say::Act { call, act });
    }

    pub(crate) fn client_hears(&mut self, conn: usize) {
        let device = self.conns[conn].device;
        let wake = self.clients[device].paused_until;
        if wake > self.now {
            self.at(wake, Event::Down(conn));
            return;
        }
        let Some(packet) = self.next_down(conn) else { return };
        if self.clients[device].conn != Some(conn) {
            return;
        }
        match packet {
            Down::Close => self.cut(conn, 0, 0),
            Down::Ack(ack) => self.client_is_acked(device, ack),
            Down::Welcome { session, secret, resumed: true, ack, .. } => {
                self.clients[device].session = Some((session, secret));
                self.opens(device);
                let frames = numbered(&self.clients[device].out);
                self.client_is_acked(device, ack);
                let heard = self.clients[device].inc.ack();
                for (seq, frame) in frames.into_iter().filter(|(seq, _)| *seq > ack) {
                    self.send_up(conn, Up::Frame { seq, frame, ack: heard });
                }
            }
            Down::Welcome { session, secret, resumed: false, calls, .. } => {
                self.opens(device);
                self.reconcile(device, (session, secret), &calls);
            }
            Down::Frame { seq, frame, ack } => {
                self.client_is_acked(device, ack);
                self.client_takes(device, seq, frame);
            }
        }
    }

    fn opens(&mut self, device: usize) {
        self.clients[device].open = true;
        self.clients[device].opened_at = self.now;
    }

    fn client_is_acked(&mut self, device: usize, ack: u64) {
        if let Err(fault) = self.clients[device].out.ack(ack) {
            self.faults.push(format!("{}: {fault}", self.clients[device].address));
        }
    }

    fn client_takes(&mut self, device: usize, seq: u64, frame: usize) {
        let client = &mut self.clients[device];
        let Some((session, _)) = client.session else { return };
        match client.inc.take(seq) {
            Ok(true) => {
                self.judge_arrival(session, false, seq, frame);
                if !std::mem::replace(&mut self.clients[device].ack_set, true) {
                    self.after(500, Event::ClientAck(device));
                }
                let hear = self.hears[frame].clone();
                self.note(|w| format!("{} < {hear:?}", w.clients[device].address));
                self.listen(device, hear);
            }
            Ok(false) => self.seen.doubles += 1,
            Err(fault) => self.faults.push(format!("{}: {fault}", self.clients[device].address)),
        }
    }

    pub(crate) fn client_acks(&mut self, device: usize) {
        let client = &mut self.clients[device];
        client.ack_set = false;
        let (conn, ack) = (client.conn.filter(|_| client.open), client.inc.ack());
        if let Some(conn) = conn {
            self.send_up(conn, Up::Ack(ack));
        }
    }

    fn listen(&mut self, device: usize, hear: Hear) {
        match hear {
            Hear::Notice { call, notice } => self.heed(device, call, notice),
            Hear::Error { call, request, refusal } => self.is_refused(device, call, request, refusal),
            Hear::Unavailable { frame } => self.say(device, self.says[frame].clone()),
            Hear::Relay { call, from, relay } => self.negotiate(device, call, &from, relay),
        }
    }

    fn heed(&mut self, device: usize, call: CallId, notice: Notice) {
        let me = self.clients[device].address.clone();
        let stage = self.clients[device].calls.get(&call).map(|view| view.stage);
        let is_over = matches!(stage, Some(Stage::Ended(Some(_))));
        if is_over {
            self.faults.push(format!("{me} heard {notice:?} of {call} after its end"));
        }
        match notice {
            Notice::Ring { from, ring_ms, .. } => self.rings(device, call, from, ring_ms),
            Notice::Delivered { .. } | Notice::Ringing { .. } => {}
            Notice::Accepted { by, peer } => {
                let role = if by == me { Role::Callee } else { Role::Caller };
                let forgotten = View::new(role, None, Stage::Quiet);
                let view = self.clients[device].calls.entry(call).or_insert(forgotten);
                view.peer = Some(peer);
                if view.stage != Stage::Leaving {
                    self.talks(device, call);
                }
            }
            Notice::Ended { end, .. } => {
                let forgotten = View::new(Role::Callee, None, Stage::Quiet);
                let view = self.clients[device].calls.entry(call).or_insert(forgotten);
                view.stage = Stage::Ended(Some(end.reason));
                self.path_breaks(call);
            }
        }
    }

    /// A frame of ours could not be carried out.
    fn is_refused(&mut self, device: usize, call: CallId, request: bool, refusal: Refusal) {
        let Some(view) = self.clients[device].calls.get_mut(&call) else { return };
        if matches!(view.stage, Stage::Ended(_)) {
            return;
        }
        match refusal {
            // If the end is under way to it, that will say why.
            Refusal::NoSuchCall => view.stage = Stage::Ended(None),
            Refusal::AlreadyAnswered if view.missed => {
                view.stage = Stage::Ended(Some(EndReason::AnsweredElsewhere))
            }
            Refusal::AlreadyInCall | Refusal::BadState if request => view.stage = Stage::Ended(None),
            Refusal::AlreadyInCall => view.stage = Stage::Quiet,
            _ => {}
        }
    }

    fn negotiate(&mut self, device: usize, call: CallId, from: &Address, relay: Relay) {
        let Some(view) = self.clients[device].calls.get(&call) else { return };
        if view.stage != Stage::Talking || view.peer.as_ref() != Some(from) {
            return;
        }
        match relay {
            Relay::Offer => self.say(device, Say::Relay { call, relay: Relay::Answer }),
            Relay::Answer if self.rng.chance(93) => {
                let after = self.rng.between(20, 900);
                self.after(after, Event::PathUp(call));
            }
            Relay::Answer => {}
        }
    }

    /// The caller offers, and again every few seconds as long as there is no sound.
    pub(crate) fn offers(&mut self, device: usize, call: CallId) {
        let Some(view) = self.clients[device].calls.get(&call) else { return };
        let silent = view.stage == Stage::Talking && view.media != Some(Media::Connected);
        if view.role == Role::Caller && silent {
            self.say(device, Say::Relay { call, relay: Relay::Offer });
            self.after(4_000, Event::Reoffer(device, call));
        }
    }

    /// Sound came up or went, and the server is told.
    pub(crate) fn hears_sound(&mut self, device: usize, call: CallId, media: Media) {
        let still_true = self.paths.contains_key(&call) == (media == Media::Connected);
        let Some(view) = self.clients[device].calls.get_mut(&call).filter(|_| still_true) else { return };
        if view.stage == Stage::Talking
            && view.media != Some(media)
            && (view.media.is_some() || media == Media::Connected)
        {
            view.media = Some(media);
            self.act(device, call, Act::Media(media));
            if media == Media::Lost {
                self.after(1_000, Event::Reoffer(device, call));
            }
        }
    }
}
