//! Bytes as the doings of two clients who have credentials, one who has none, their peers, and the clock: no relay more
//! than the quota, no byte to a denied address, no long answer to someone who proved nothing.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tincan_proto::time::Millis;
use tincan_turn::credential::{Secrets, Username};
use tincan_turn::policy;
use tincan_turn::server::{Client, Family, Host, Limits, RelayId, Server, Settings, Used, Via};
use tincan_turn::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

const REALM: &str = "tincan";
const START: Millis = Millis(1_700_000_000_000);
const LIMITS: (u32, u32) = (4, 2);

/// Peers that a script can name: public ones, special ones, and where the first relays will be.
const PEERS: [&str; 8] = [
    "8.8.8.8:53",
    "9.9.9.9:1",
    "127.0.0.1:80",
    "169.254.169.254:80",
    "198.51.100.1:50001",
    "198.51.100.1:50002",
    "[2606:4700::1111]:1",
    "[::ffff:10.0.0.1]:80",
];

#[derive(Default)]
struct Sockets {
    open: BTreeSet<RelayId>,
    answers: Vec<(Client, usize, Option<String>)>,
    opened: u16,
}

impl Host for Sockets {
    fn open(&mut self, relay: RelayId, family: Family, _: bool) -> Option<SocketAddr> {
        if family == Family::V6 {
            return None;
        }
        assert!(self.open.insert(relay), "a number is one relay's");
        self.opened = self.opened.wrapping_add(1);
        Some(SocketAddr::new([198, 51, 100, 1].into(), 50_000 + self.opened % 10_000))
    }

    fn close(&mut self, relay: RelayId, _: &Username<'_>, _: Used) {
        assert!(self.open.remove(&relay), "it was open");
    }

    fn to_client(&mut self, client: Client, parts: [&[u8]; 2]) {
        let bytes = parts.concat();
        let nonce = Message::parse(&bytes)
            .ok()
            .and_then(|answer| answer.text(AttributeType::NONCE).map(ToOwned::to_owned));
        self.answers.push((client, bytes.len(), nonce));
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, _: &[u8]) {
        assert!(self.open.contains(&relay), "it is open");
        assert!(policy::is_public(peer.ip()), "{peer} was relayed to");
    }

    fn admits(&self, _: &Username<'_>) -> bool {
        true
    }

    fn may_reach(&self, _: &Username<'_>, peer: IpAddr) -> bool {
        policy::is_public(peer)
    }
}

/// Runs one script and panics if a rule is broken.
pub(crate) fn run(script: &[u8]) {
    let secrets = Secrets::new(b"secret", []);
    let limits =
        Limits { allocations: LIMITS.0, allocations_per_user: LIMITS.1, peers: 3, ..Limits::default() };
    let settings = Settings {
        realm: REALM.into(),
        secrets: secrets.clone(),
        nonce_secret: [1; 32],
        neighbours: Vec::new(),
        limits,
    };
    let (mut server, mut sockets, mut now) = (Server::new(settings), Sockets::default(), START);
    let clients: Vec<Client> = (1..=6)
        .map(|n| Client { remote: SocketAddr::new([192, 0, 2, n].into(), 1000), via: Via::Datagram(0) })
        .collect();
    let mut nonces = vec![String::new(); clients.len()];
    let mut rest = script;
    while let [what, who, size, tail @ ..] = rest {
        let (body, after) = tail.split_at(usize::from(*size).min(tail.len()));
        rest = after;
        let n = usize::from(*who) % clients.len();
        let client = clients[n];
        sockets.answers.clear();
        match what % 4 {
            0 => {
                let relays = server.relays();
                server.receive(now, client, body, &mut sockets);
                assert_eq!(server.relays(), relays, "nobody who is not signed opens or closes anything");
                let to_it = sockets.answers.iter().filter(|(to, ..)| *to == client);
                let answered: usize = to_it.map(|(_, length, _)| length).sum();
                assert!(answered <= 2 * body.len(), "{answered} bytes for {}", body.len());
            }
            1 => {
                // The last client has credentials of a secret that nobody knows.
                let secrets =
                    if n + 1 == clients.len() { Secrets::new(b"guess", []) } else { secrets.clone() };
                let (username, password) =
                    secrets.mint(START.0 / 1000 + 600, "call", if n < 3 { "alice" } else { "bob" });
                let key = Key::long_term(&username, REALM, &password);
                let bytes = signed(body, &username, &nonces[n], &key);
                server.receive(now, client, &bytes, &mut sockets);
            }
            2 => {
                let peer = PEERS[usize::from(*who >> 4) % PEERS.len()].parse().unwrap();
                server.relayed(now, RelayId(u32::from(*who & 7)), peer, body, &mut sockets);
            }
            _ => {
                now = now + Duration::from_secs(u64::from(*size));
                server.expire(now, &mut sockets);
            }
        }
        for (to, _, nonce) in &sockets.answers {
            if let (Some(nonce), Some(n)) = (nonce, clients.iter().position(|client| client == to)) {
                nonces[n].clone_from(nonce);
            }
        }
        assert_eq!(server.relays(), sockets.open.len());
        assert!(sockets.open.len() <= LIMITS.0 as usize);
    }
    server.expire(now + Duration::from_secs(3601), &mut sockets);
    assert!(sockets.open.is_empty() && server.deadline().is_none(), "every relay ends");
}

/// A request: its method by the first byte, and then attributes, two bytes each.
fn signed(body: &[u8], username: &str, nonce: &str, key: &Key) -> Vec<u8> {
    let [method, body @ ..] = body else { return Vec::new() };
    let methods = [Method::ALLOCATE, Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND];
    let id = TransactionId([body.len() as u8; 12]);
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, Class::Request, methods[usize::from(*method) % methods.len()], id);
    for pair in body.chunks_exact(2) {
        let value = usize::from(pair[1]);
        match pair[0] % 6 {
            0 => writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]),
            1 => writer.address(AttributeType::XOR_PEER_ADDRESS, PEERS[value % PEERS.len()].parse().unwrap()),
            2 => writer.put(AttributeType::CHANNEL_NUMBER, &[0x40, pair[1], 0, 0]),
            3 => writer.number(AttributeType::LIFETIME, u32::from(pair[1]) * 20),
            4 => writer.put(AttributeType::REQUESTED_ADDRESS_FAMILY, &[pair[1] % 4, 0, 0, 0]),
            _ => writer.put(AttributeType(u16::from(pair[1])), &[1, 2, 3]),
        };
    }
    writer
        .put(AttributeType::USERNAME, username.as_bytes())
        .put(AttributeType::REALM, REALM.as_bytes())
        .put(AttributeType::NONCE, nonce.as_bytes())
        .sign(key);
    out
}
