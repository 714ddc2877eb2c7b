//! A check that cannot fail is no check: relays that do wrong.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use tincan_proto::time::Millis;
use tincan_turn::{
    channel,
    credential::{Secrets, Username},
    server::{Client, Family, Host, Limits, RelayId, Server as Turn, Settings, Used, Via},
};

use super::{Plan, packet::PAYLOAD, run_with};
use crate::{fake::Vice, report::Report, server::Server, tally::Fault, tests::turn};

const SECRET: &str = "north";
/// A vice is had on every so many packets to clients.
const EVERY: u64 = 50;

/// A relay in the test's own process, with a thread for each socket; they live as long as that.
struct Fake {
    turn: Turn,
    sockets: Sockets,
}

struct Sockets {
    clients: Arc<UdpSocket>,
    relays: HashMap<RelayId, Arc<UdpSocket>>,
    /// Opened, and not read from yet.
    opened: Vec<RelayId>,
    vice: Vice,
    packets: u64,
}

impl Fake {
    fn start(vice: Vice) -> SocketAddr {
        let clients = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let settings = Settings {
            realm: "fake".into(),
            secrets: Secrets::new(SECRET.as_bytes(), []),
            nonce_secret: [7; 32],
            neighbours: Vec::new(),
            limits: Limits::default(),
        };
        let sockets = Sockets {
            clients: Arc::clone(&clients),
            relays: HashMap::new(),
            opened: Vec::new(),
            vice,
            packets: 0,
        };
        let address = clients.local_addr().unwrap();
        let fake = Arc::new(Mutex::new(Self { turn: Turn::new(settings), sockets }));
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, remote)) = clients.recv_from(&mut buffer) {
                let Self { turn, sockets } = &mut *fake.lock().unwrap();
                let client = Client { remote, via: Via::Datagram(0) };
                turn.receive(now(), client, &buffer[..length], sockets);
                for relay in std::mem::take(&mut sockets.opened) {
                    let (fake, socket) = (Arc::clone(&fake), Arc::clone(&sockets.relays[&relay]));
                    thread::spawn(move || Self::serve(&fake, relay, &socket));
                }
            }
        });
        address
    }

    fn serve(fake: &Mutex<Self>, relay: RelayId, socket: &UdpSocket) {
        let mut buffer = [0; 2048];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            let Self { turn, sockets } = &mut *fake.lock().unwrap();
            turn.relayed(now(), relay, peer, &buffer[..length], sockets);
        }
    }
}

impl Host for Sockets {
    fn open(&mut self, relay: RelayId, _: Family, _: bool) -> Option<SocketAddr> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        self.relays.insert(relay, Arc::new(socket));
        self.opened.push(relay);
        Some(address)
    }

    fn close(&mut self, _: RelayId, _: &Username<'_>, _: Used) {}

    fn to_client(&mut self, client: Client, parts: [&[u8]; 2]) {
        let mut bytes = parts.concat();
        let mut times = 1;
        if channel::read(&bytes).is_some() {
            self.packets += 1;
            match (self.packets % EVERY, self.vice) {
                (0, Vice::Lose) => times = 0,
                (0, Vice::Double) => times = 2,
                (0, Vice::Damage) => bytes[PAYLOAD - 1] ^= 1,
                _ => {}
            }
        }
        for _ in 0..times {
            self.clients.send_to(&bytes, client.remote).unwrap();
        }
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, data: &[u8]) {
        self.relays[&relay].send_to(data, peer).unwrap();
    }

    fn admits(&self, _: &Username<'_>) -> bool {
        true
    }

    fn may_reach(&self, _: &Username<'_>, _: IpAddr) -> bool {
        true
    }
}

fn now() -> Millis {
    Millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

/// Eight relays for a moment.
fn measure(vice: Vice, between: bool, may_lose: bool) -> Report {
    let plan = Plan {
        target: Fake::start(vice),
        secret_file: "unread".into(),
        relays: 8,
        per_second: 2000.0,
        between,
        may_lose,
        seconds: 0.3,
    };
    run_with(SECRET, Server::new(std::process::id(), None), &plan).unwrap()
}

#[track_caller]
fn assert_only(report: &Report, faults: &[Fault]) {
    for (fault, name) in Fault::ALL {
        assert_eq!(report.faults(name) > 0, faults.contains(&fault), "{name} in {report:?}");
    }
}

#[test]
fn a_good_relay_is_found_good_to_peers_and_from_relay_to_relay() {
    let _turn = turn();
    for between in [false, true] {
        let report = measure(Vice::None, between, false);
        assert_only(&report, &[]);
        assert!(report.faults("delivered") > 100, "{report:?}");
        assert!(report.value("passed_per_s").unwrap() > 100.0, "{report:?}");
    }
}

#[test]
fn a_packet_that_is_lost_doubled_or_changed_is_noticed() {
    let _turn = turn();
    for between in [false, true] {
        assert_only(&measure(Vice::Lose, between, false), &[Fault::Lost]);
        assert_only(&measure(Vice::Double, between, false), &[Fault::Doubled]);
        // What is not what was sent has not arrived.
        assert_only(&measure(Vice::Damage, between, false), &[Fault::Damaged, Fault::Lost]);
    }
}

#[test]
fn where_loss_is_expected_it_is_a_figure_and_no_fault() {
    let _turn = turn();
    let report = measure(Vice::Lose, false, true);
    assert_only(&report, &[]);
    assert!(report.value("lost").unwrap() > 0.0, "{report:?}");
}

#[test]
fn a_relay_that_turns_clients_away_ends_the_run() {
    let _turn = turn();
    let plan = Plan {
        target: Fake::start(Vice::None),
        secret_file: "unread".into(),
        relays: 8,
        per_second: 2000.0,
        between: false,
        may_lose: false,
        seconds: 0.0,
    };
    let error = run_with("south", Server::new(std::process::id(), None), &plan).unwrap_err().to_string();
    assert!(error.contains("refused with Some(401)"), "{error}");
}
