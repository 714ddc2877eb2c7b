//! One seed: people, devices, a network, a server, and a queue of events in the order of their time.

use std::collections::BTreeMap;

use tincan_proto::call::{Act, EndReason};
use tincan_proto::id::{Address, CallId};

use super::client::{Client, Stage};
use super::frames::{Event, Hear, Say};
use super::net::Conn;
use super::oracle::{Judge, Log};
use super::seen::Seen;
use super::server::{Server, Store};
use crate::kit::dev;
use crate::rng::Rng;

/// More events than any story of this length can have.
const ENDLESS: u64 = 400_000;

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    pub(crate) server: Option<Server>,
    pub(crate) store: Store,
    /// After so many places where the server may crash, it does.
    pub(crate) crash_at: Option<u32>,
    pub(crate) clients: Vec<Client>,
    pub(crate) conns: Vec<Conn>,
    pub(crate) next_session: u64,
    pub(crate) says: Vec<Say>,
    pub(crate) hears: Vec<Hear>,
    /// What was numbered in each session.
    pub(crate) logs: BTreeMap<u64, Log>,
    /// Calls whose sound gets through, and since when.
    pub(crate) paths: BTreeMap<CallId, u64>,
    /// Nothing bad happens any more, and nobody decides anything.
    settled: bool,
    pub(crate) judge: Judge,
    pub(crate) faults: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) trace: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut world = Self {
            rng: Rng::new(seed),
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            server: Some(Server::default()),
            store: Store::default(),
            crash_at: None,
            clients: Vec::new(),
            conns: Vec::new(),
            next_session: 1,
            says: Vec::new(),
            hears: Vec::new(),
            logs: BTreeMap::new(),
            paths: BTreeMap::new(),
            settled: false,
            judge: Judge::default(),
            faults: Vec::new(),
            seen: Seen::default(),
            trace: traced.then(Vec::new),
        };
        world.people();
        let end = world.story();
        world.weather(end);
        let settled = end + 20_000;
        world.at(settled, Event::Settle);
        world.at(settled + 45_000, Event::Compare);
        world.at(settled + 49_000, Event::Compare);
        world.at(settled + 50_000, Event::HangUpAll);
        world
    }

    fn people(&mut self) {
        let users = if self.rng.chance(75) { 2 } else { 3 };
        for name in ["alice", "bob", "carol"].into_iter().take(users) {
            let devices = usize::try_from(self.rng.between(1, 3)).expect("it is small");
            for device in ["phone", "web", "pad"].into_iter().take(devices) {
                self.clients.push(Client::new(dev(&format!("{name}/{device}"))));
                let at = self.rng.below(500);
                if self.rng.chance(92) {
                    self.at(at, Event::Connect(self.clients.len() - 1));
                }
            }
        }
    }

    /// Who calls whom, and when. Returns when the last one does.
    fn story(&mut self) -> u64 {
        let mut at = 2_000;
        for _ in 0..self.rng.between(6, 14) {
            let caller = self.anyone();
            let callee = self.anyone();
            let (from, to) =
                (self.clients[caller].address.user.clone(), self.clients[callee].address.user.clone());
            if from == to {
                continue;
            }
            self.at(at, Event::Call(caller, to));
            if self.rng.chance(25) {
                let after = if self.rng.chance(70) { self.rng.below(400) } else { self.rng.below(20_000) };
                self.at(at + after, Event::Call(callee, from));
            }
            at += if self.rng.chance(30) { self.rng.below(3_000) } else { self.rng.between(1_000, 60_000) };
        }
        at
    }

    fn anyone(&mut self) -> usize {
        usize::try_from(self.rng.below(self.clients.len() as u64)).expect("it is small")
    }

    /// What goes wrong until then; in every fourth world nothing does.
    fn weather(&mut self, end: u64) {
        if self.rng.chance(25) {
            return;
        }
        for _ in 0..self.rng.between(1, end / 8_000 + 2) {
            let at = self.rng.between(500, end);
            let device = self.anyone();
            let event = match self.rng.below(100) {
                0..40 => Event::Cut(device),
                40..55 => Event::Pause(device, self.rng.between(500, 40_000)),
                55..63 => Event::PageCrash(device),
                63..88 => Event::CrashAt(u32::try_from(self.rng.below(12)).expect("it is small")),
                _ => Event::Crash,
            };
            self.at(at, event);
        }
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), event);
    }

    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now + ms, event);
    }

    /// Adds a line to the trace, if there is one.
    pub(crate) fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(format!("{:>7}.{:03}  {}", self.now / 1000, self.now % 1000, line(self)));
            self.trace = Some(trace);
        }
    }

    pub(crate) fn device(&self, address: &Address) -> Option<usize> {
        self.clients.iter().position(|client| client.address == *address)
    }

    /// Tells the story to its end, or to the first thing that must not be.
    pub(crate) fn run(&mut self) {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            self.seen.events += 1;
            self.happen(event);
            if self.seen.events > ENDLESS {
                self.faults.push("it never becomes quiet".into());
            }
            if !self.faults.is_empty() {
                return;
            }
        }
        self.judge_all();
    }

    fn happen(&mut self, event: Event) {
        if let Some(wake) = self.sleeps_until(&event) {
            return self.at(wake, event);
        }
        match event {
            Event::Up(conn) => self.server_hears(conn),
            Event::Down(conn) => self.client_hears(conn),
            Event::ClientNotices(conn) => self.client_notices(conn),
            Event::ServerNotices(conn) => self.server_notices(conn),
            Event::Connect(device) => self.client_connects(device),
            Event::NoWelcome(conn) => self.no_welcome(conn),
            Event::ClientAck(device) => self.client_acks(device),
            Event::ServerTimer => self.expire(),
            Event::Cut(device) => self.cut_device(device),
            Event::Pause(device, ms) => self.pause(device, ms),
            Event::PageCrash(device) => self.page_crash(device),
            Event::Crash => self.crash(),
            Event::CrashAt(points) => self.crash_at = Some(points),
            Event::Start => self.start(),
            Event::Call(device, to) => self.user_calls(device, to),
            Event::RingOut(device, call) => self.ring_out(device, call),
            Event::Decide(_, _, _) if self.settled => {}
            Event::Decide(device, call, wish) => self.user_decides(device, call, wish),
            Event::PathUp(call) => self.path_up(call),
            Event::PathDown(_) if self.settled => {}
            Event::PathDown(call) => self.path_down(call),
            Event::Hears(device, call, media) => self.hears_sound(device, call, media),
            Event::Reoffer(device, call) => self.offers(device, call),
            Event::Settle => {
                self.settled = true;
                self.crash_at = None;
            }
            Event::Compare => self.compare(),
            Event::HangUpAll => self.hang_up_all(),
        }
    }

    /// Until when a device that is paused puts an event of its own off.
    fn sleeps_until(&self, event: &Event) -> Option<u64> {
        let device = match event {
            Event::ClientNotices(conn) | Event::NoWelcome(conn) => self.conns[*conn].device,
            Event::Connect(device) | Event::ClientAck(device) | Event::Call(device, _) => *device,
            Event::RingOut(device, _) | Event::Decide(device, _, _) | Event::Reoffer(device, _) => *device,
            Event::Hears(device, _, _) => *device,
            Event::Up(_) | Event::Down(_) | Event::ServerNotices(_) | Event::ServerTimer | Event::Cut(_) => {
                return None;
            }
            Event::Pause(_, _) | Event::PageCrash(_) | Event::Crash | Event::CrashAt(_) | Event::Start => {
                return None;
            }
            Event::PathUp(_) | Event::PathDown(_) | Event::Settle | Event::Compare | Event::HangUpAll => {
                return None;
            }
        };
        Some(self.clients[device].paused_until).filter(|wake| *wake > self.now)
    }

    fn cut_device(&mut self, device: usize) {
        if let Some(conn) = self.clients[device].conn {
            self.note(|w| format!("cut {}", w.clients[device].address));
            self.seen.cuts += 1;
            let quickly = self.rng.chance(60);
            let (client, server) = if quickly { (300, 500) } else { (20_000, 30_000) };
            let (client, server) = (self.rng.below(client), self.rng.below(server));
            self.cut(conn, client, server);
        }
    }

    fn pause(&mut self, device: usize, ms: u64) {
        self.note(|w| format!("pause {} for {ms} ms", w.clients[device].address));
        self.clients[device].paused_until = self.now + ms;
        if let Some(conn) = self.clients[device].conn
            && ms > 25_000
        {
            self.cut(conn, ms, 25_000);
        }
    }

    /// A page dies and is loaded again: it knows nothing, not even its session.
    fn page_crash(&mut self, device: usize) {
        self.note(|w| format!("page crash {}", w.clients[device].address));
        let calls: Vec<CallId> = self.clients[device].calls.keys().copied().collect();
        if let Some(conn) = self.clients[device].conn {
            let server = self.rng.below(2_000);
            self.cut(conn, 0, server);
        }
        let paused_until = self.clients[device].paused_until;
        let address = self.clients[device].address.clone();
        self.clients[device] = Client { paused_until, ..Client::new(address) };
        for call in calls {
            self.path_breaks(call);
        }
        let back = self.rng.between(500, 6_000);
        self.after(back, Event::Connect(device));
    }

    fn hang_up_all(&mut self) {
        for device in 0..self.clients.len() {
            let live = |stage: Stage| matches!(stage, Stage::Calling | Stage::Accepting | Stage::Talking);
            let views = self.clients[device].calls.iter();
            let calls: Vec<CallId> =
                views.filter(|(_, view)| live(view.stage)).map(|(call, _)| *call).collect();
            for call in calls {
                if let Some(view) = self.clients[device].calls.get_mut(&call) {
                    view.stage = Stage::Leaving;
                }
                self.act(device, call, Act::HangUp { reason: EndReason::HungUp });
            }
        }
    }
}
