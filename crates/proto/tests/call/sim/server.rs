//! The server: a desk, a store, and a session for each device. It decides, stores, and then tells; between any two of
//! these it may crash, and then only the store is left.

use std::collections::BTreeMap;

use tincan_proto::call::{Call, Changes, Desk, Input, Limits, Refusal, Request, State};
use tincan_proto::id::{Address, CallId};
use tincan_proto::session::{Incoming, Outgoing};
use tincan_proto::time::Millis;

use super::frames::{Down, Event, Hear, Resume, Say, Up};
use super::world::World;

/// How long a session outlives its connection.
const RESUME_MS: u64 = 60_000;

/// A session as the server has it.
#[derive(Debug)]
pub(crate) struct Session {
    device: usize,
    secret: u64,
    out: Outgoing,
    inc: Incoming,
    conn: Option<usize>,
    lost_at: u64,
}

/// What a server has in memory.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) desk: Desk,
    pub(crate) sessions: BTreeMap<u64, Session>,
    pub(crate) started_at: u64,
    /// When the timer is set to.
    timer: Option<Millis>,
}

/// What outlives it: each call's newest version, as JSON.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) live: BTreeMap<CallId, String>,
    pub(crate) ended: Vec<CallId>,
}

impl World {
    /// A place where the server may crash. Returns whether it is still there.
    fn point(&mut self) -> bool {
        match self.crash_at {
            Some(0) => self.crash(),
            Some(n) => self.crash_at = Some(n - 1),
            None => {}
        }
        self.server.is_some()
    }

    pub(crate) fn crash(&mut self) {
        self.crash_at = None;
        if self.server.take().is_none() {
            return;
        }
        self.note(|_| "server: crash".into());
        self.seen.crashes += 1;
        for conn in 0..self.conns.len() {
            let after = self.rng.below(1_500);
            self.cut(conn, after, 0);
        }
        let down =
            if self.rng.chance(15) { self.rng.between(10_000, 40_000) } else { self.rng.between(50, 4_000) };
        self.after(down, Event::Start);
    }

    pub(crate) fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        self.note(|_| "server: start".into());
        let mut desk = Desk::new(Limits::default());
        let read =
            |text: &String| -> Call { serde_json::from_str(text).expect("what was written can be read") };
        desk.restore(Millis(self.now), self.store.live.values().map(read), self.store.ended.iter().copied());
        for id in self.store.live.keys() {
            match desk.get(*id).map(Call::state) {
                None => self.faults.push(format!("{id} did not survive the crash")),
                Some(State::Connected) => self.seen.survived += 1,
                Some(_) => {}
            }
        }
        self.server = Some(Server { desk, started_at: self.now, ..Server::default() });
        self.expire();
    }

    pub(crate) fn expire(&mut self) {
        let now = Millis(self.now);
        let Some(server) = &mut self.server else { return };
        server.timer = None;
        let changes = server.desk.expire(now);
        self.carry_out(changes);
    }

    /// Stores what changed, and then tells what is to be told.
    fn carry_out(&mut self, changes: Changes) {
        if !self.point() {
            return;
        }
        for call in &changes.calls {
            self.commit(call);
        }
        if !self.point() {
            return;
        }
        for effect in changes.effects {
            self.judge_notice(&effect);
            let hear = Hear::Notice { call: effect.call, notice: effect.notice };
            self.tell(&effect.to, hear);
            if !self.point() {
                return;
            }
        }
        self.set_timer();
    }

    fn commit(&mut self, call: &Call) {
        let before: Option<Call> =
            self.store.live.get(&call.id()).map(|text| serde_json::from_str(text).expect("it was stored"));
        self.judge_commit(before.as_ref(), call);
        if call.state() == State::Ended {
            self.store.live.remove(&call.id());
            self.store.ended.push(call.id());
        } else {
            self.store.live.insert(call.id(), serde_json::to_string(call).expect("a call can be written"));
        }
    }

    fn set_timer(&mut self) {
        let Some(server) = &mut self.server else { return };
        if let Some(at) = server.desk.deadline()
            && server.timer.is_none_or(|set| at < set)
        {
            server.timer = Some(at);
            let late = self.rng.below(3);
            self.at(at.0.max(self.now) + late, Event::ServerTimer);
        }
    }

    fn session_of(&self, device: usize) -> Option<u64> {
        let kept = |session: &Session| session.conn.is_some() || self.now - session.lost_at < RESUME_MS;
        let sessions = &self.server.as_ref()?.sessions;
        sessions.iter().find(|(_, session)| session.device == device && kept(session)).map(|(id, _)| *id)
    }

    /// Numbers a frame and sends it, if its device has a session.
    fn tell(&mut self, to: &Address, hear: Hear) {
        let Some(id) = self.device(to).and_then(|device| self.session_of(device)) else { return };
        self.note(|_| format!("server > {to}: {hear:?}"));
        let frame = self.hears.len();
        self.hears.push(hear);
        let Some(session) = self.server.as_mut().and_then(|server| server.sessions.get_mut(&id)) else {
            return;
        };
        let seq = session.out.next_seq();
        if session.out.push(frame.to_be_bytes().into()).is_err() {
            self.faults.push(format!("the window of {to} is full"));
            return;
        }
        let (ack, conn) = (session.inc.ack(), session.conn);
        self.logs.entry(id).or_default().down.push(frame);
        if let Some(conn) = conn {
            self.send_down(conn, Down::Frame { seq, frame, ack });
        }
    }

    pub(crate) fn server_hears(&mut self, conn: usize) {
        let Some(packet) = self.next_up(conn) else { return };
        if self.server.is_none() || self.conns[conn].closed {
            return;
        }
        match packet {
            Up::Hello { resume } => self.hello(conn, resume),
            Up::Ack(ack) => {
                self.server_is_acked(conn, ack);
            }
            Up::Frame { seq, frame, ack } => {
                let Some(id) = self.server_is_acked(conn, ack) else { return };
                let Some(session) = self.server.as_mut().and_then(|server| server.sessions.get_mut(&id))
                else {
                    return;
                };
                match session.inc.take(seq) {
                    Ok(true) => {
                        self.judge_arrival(id, true, seq, frame);
                        self.obey(conn, frame);
                    }
                    Ok(false) => self.seen.doubles += 1,
                    Err(fault) => self.faults.push(format!("server: {fault} on connection {conn}")),
                }
            }
        }
    }

    /// Takes an acknowledgement; returns whose it is.
    fn server_is_acked(&mut self, conn: usize, ack: u64) -> Option<u64> {
        let server = self.server.as_mut()?;
        let (id, session) = server.sessions.iter_mut().find(|(_, session)| session.conn == Some(conn))?;
        if let Err(fault) = session.out.ack(ack) {
            self.faults.push(format!("server: {fault}"));
        }
        Some(*id)
    }

    fn hello(&mut self, conn: usize, resume: Option<Resume>) {
        let (device, now) = (self.conns[conn].device, self.now);
        let address = self.clients[device].address.clone();
        let secret = self.rng.next();
        let Some(server) = &mut self.server else { return };
        let resumable = resume.filter(|resume| {
            server.sessions.get(&resume.session).is_some_and(|session| {
                let in_time = session.conn.is_some() || now - session.lost_at < RESUME_MS;
                session.secret == resume.secret && in_time && session.device == device
            })
        });
        let olds: Vec<u64> =
            server.sessions.iter().filter(|(_, s)| s.device == device).map(|(id, _)| *id).collect();
        let old_conns: Vec<usize> = olds.iter().filter_map(|id| server.sessions[id].conn).collect();
        let id = if let Some(resume) = resumable {
            self.resume(conn, secret, resume);
            resume.session
        } else {
            server.sessions.retain(|_, session| session.device != device);
            let id = self.next_session;
            self.next_session += 1;
            let (out, inc) = (Outgoing::default(), Incoming::default());
            server.sessions.insert(id, Session { device, secret, out, inc, conn: Some(conn), lost_at: 0 });
            let calls = server.desk.snapshot(Millis(now), &address);
            self.send_down(conn, Down::Welcome { session: id, secret, resumed: false, ack: 0, calls });
            id
        };
        self.note(|_| format!("server: {address} has session {id}, resumed {}", resumable.is_some()));
        for old in old_conns {
            self.conns[old].closed = true;
            self.send_down(old, Down::Close);
        }
        let Some(server) = &mut self.server else { return };
        let changes = server.desk.online(Millis(now), &address, false);
        self.carry_out(changes);
    }

    /// Goes on with a session: the welcome, and what the client has not.
    fn resume(&mut self, conn: usize, secret: u64, resume: Resume) {
        let stale = self.rng.below(3);
        let Some(session) = self.server.as_mut().and_then(|server| server.sessions.get_mut(&resume.session))
        else {
            return;
        };
        if let Err(fault) = session.out.ack(resume.ack) {
            self.faults.push(format!("server: {fault} in a resume"));
        }
        session.secret = secret;
        session.conn = Some(conn);
        let frames = numbered(&session.out);
        // An older acknowledgement than it could give makes the client send some frames again.
        let ack = session.inc.ack().saturating_sub(stale);
        let welcome =
            Down::Welcome { session: resume.session, secret, resumed: true, ack, calls: Vec::new() };
        let ack = session.inc.ack();
        self.seen.resumed += 1;
        self.send_down(conn, welcome);
        for (seq, frame) in frames {
            self.send_down(conn, Down::Frame { seq, frame, ack });
        }
    }

    pub(crate) fn server_notices(&mut self, conn: usize) {
        self.conns[conn].closed = true;
        let now = self.now;
        let Some(server) = &mut self.server else { return };
        let Some(session) = server.sessions.values_mut().find(|session| session.conn == Some(conn)) else {
            return;
        };
        session.conn = None;
        session.lost_at = now;
        let address = self.clients[session.device].address.clone();
        let changes = server.desk.gone(Millis(now), &address, false);
        self.note(|_| format!("server: {address} is gone"));
        self.carry_out(changes);
    }

    /// Carries out a client's frame.
    fn obey(&mut self, conn: usize, frame: usize) {
        let (now, from) = (Millis(self.now), self.clients[self.conns[conn].device].address.clone());
        let say = self.says[frame].clone();
        let devices =
            if let Say::Request { to, .. } = &say { self.reachable(to.as_str()) } else { Vec::new() };
        let Some(server) = &mut self.server else { return };
        let wait = self.now < server.started_at + 10_000 && server.started_at > 0;
        let (call, request) = match &say {
            Say::Request { call, .. } => (*call, true),
            Say::Act { call, .. } | Say::Relay { call, .. } => (*call, false),
        };
        let decided = match say {
            Say::Request { call, to } => {
                let data = "{}".into();
                let (caller, takes_many, moves_on) = (from.clone(), false, false);
                let request = Request { call, caller, callee: to, data, devices, takes_many, wait, moves_on };
                server.desk.request(now, request)
            }
            Say::Act { call, act } => server.desk.handle(now, call, Input::act(from.clone(), act)),
            Say::Relay { call, relay } => {
                let peer = server.desk.get(call).filter(|call| call.accepted().is_some());
                let Some(peer) = peer.and_then(|call| call.peer(&from)).cloned() else {
                    self.tell(&from, Hear::Error { call, request, refusal: Refusal::NoSuchCall });
                    return;
                };
                self.tell(&peer, Hear::Relay { call, from, relay });
                return;
            }
        };
        match decided {
            // Now and then the store is full.
            Ok(changes) if !changes.calls.is_empty() && self.rng.chance(1) => {
                server.desk.undo(changes);
                self.seen.undone += 1;
                self.tell(&from, Hear::Unavailable { frame });
            }
            Ok(changes) => self.carry_out(changes),
            Err(refusal) => self.tell(&from, Hear::Error { call, request, refusal }),
        }
        self.server_acks(conn);
    }

    /// Acknowledges now and then where nothing else did.
    fn server_acks(&mut self, conn: usize) {
        let sometimes = self.rng.chance(40);
        let Some(server) = &self.server else { return };
        let session = server.sessions.values().find(|session| session.conn == Some(conn));
        if let Some(ack) = session.map(|session| session.inc.ack()).filter(|_| sometimes) {
            self.send_down(conn, Down::Ack(ack));
        }
    }

    /// The connected devices of a user.
    pub(crate) fn reachable(&self, user: &str) -> Vec<(Address, bool)> {
        let Some(server) = &self.server else { return Vec::new() };
        let connected = server.sessions.values().filter(|session| session.conn.is_some());
        let addresses = connected.map(|session| self.clients[session.device].address.clone());
        addresses.filter(|address| address.user.as_str() == user).map(|address| (address, false)).collect()
    }

    /// Whether a device's session has a connection that lives.
    pub(crate) fn is_in_touch(&self, device: usize) -> bool {
        let Some(server) = &self.server else { return false };
        let session = server.sessions.values().find(|session| session.device == device);
        session.and_then(|session| session.conn).is_some_and(|conn| !self.conns[conn].dead)
    }
}

/// The frames that were not acknowledged, with their numbers.
pub(crate) fn numbered(out: &Outgoing) -> Vec<(u64, usize)> {
    let frames: Vec<usize> =
        out.unacked().map(|bytes| usize::from_be_bytes(bytes.try_into().expect("8 bytes"))).collect();
    let first = out.next_seq() - frames.len() as u64;
    (first..).zip(frames).collect()
}
