//! A server without a network, and what tests ask of it.

mod allocating;
mod bad_input;
mod passing;
mod proof;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tincan_proto::limit::Rate;
use tincan_proto::time::Millis;

use super::*;
use crate::channel::{self, Channel};
use crate::policy;
use crate::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

const START: Millis = Millis(1_700_000_000_000);
const REALM: &str = "tincan";

/// Sockets that keep what was sent.
#[derive(Debug, Default)]
struct Sockets {
    answers: Vec<(Client, Vec<u8>)>,
    sent: Vec<(RelayId, SocketAddr, Vec<u8>)>,
    closed: Vec<RelayId>,
    used: Vec<Used>,
    opened: u16,
    most: u16,
}

impl Host for Sockets {
    fn open(&mut self, _: RelayId, family: Family, even: bool) -> Option<SocketAddr> {
        if self.opened >= self.most {
            return None;
        }
        self.opened += 1;
        if even {
            self.opened += self.opened % 2;
        }
        let ip: IpAddr =
            if family == Family::V4 { [198, 51, 100, 1].into() } else { "2001:db8::1".parse().unwrap() };
        Some(SocketAddr::new(ip, 50_000 + self.opened))
    }

    fn close(&mut self, relay: RelayId, _: &Username<'_>, used: Used) {
        self.closed.push(relay);
        self.used.push(used);
    }

    fn admits(&self, who: &Username<'_>) -> bool {
        who.call != OVER
    }

    fn to_client(&mut self, client: Client, parts: [&[u8]; 2]) {
        self.answers.push((client, parts.concat()));
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, data: &[u8]) {
        self.sent.push((relay, peer, data.to_vec()));
    }

    fn may_reach(&self, _: &Username<'_>, peer: IpAddr) -> bool {
        policy::is_public(peer)
    }
}

struct Bench {
    server: Server,
    sockets: Sockets,
    secrets: Secrets,
    now: Millis,
    next: u8,
}

/// What a test asks with.
struct Asks<'a> {
    client: Client,
    username: &'a str,
    key: Key,
    nonce: String,
}

fn client(text: &str) -> Client {
    Client { remote: text.parse().unwrap(), via: Via::Datagram(0) }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const ALICE: &str = "192.0.2.1:1000";
const ECHO: &str = "198.51.100.1:7";
/// A call that has ended.
const OVER: &str = "over";
const BOB: &str = "192.0.2.2:2000";
const PEER: &str = "8.8.8.8:53";
static UDP: [u8; 4] = [17, 0, 0, 0];

impl Bench {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let secrets = Secrets::new(b"secret", []);
        let settings = Settings {
            realm: REALM.into(),
            secrets: secrets.clone(),
            nonce_secret: [3; 32],
            neighbours: vec![addr(ECHO)],
            limits,
        };
        let sockets = Sockets { most: u16::MAX, ..Sockets::default() };
        Self { server: Server::new(settings), sockets, secrets, now: START, next: 0 }
    }

    fn say(&mut self, from: Client, bytes: &[u8]) {
        self.server.receive(self.now, from, bytes, &mut self.sockets);
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        self.sockets.answers.pop().map(|(_, bytes)| bytes)
    }

    /// The code with which `bytes` are refused, or 0.
    fn refusal(&mut self, from: Client, bytes: &[u8]) -> u16 {
        self.say(from, bytes);
        code(&Message::parse(&self.answer().unwrap()).unwrap())
    }

    fn transaction(&mut self) -> TransactionId {
        self.next += 1;
        TransactionId([self.next; 12])
    }

    /// What `user` needs to ask for something from `from`: a credential and a nonce.
    fn credentials<'a>(&mut self, from: &str, username: &'a mut String, user: &str) -> Asks<'a> {
        self.credentials_for("call", from, username, user)
    }

    fn credentials_for<'a>(
        &mut self,
        call: &str,
        from: &str,
        username: &'a mut String,
        user: &str,
    ) -> Asks<'a> {
        let expires = self.now.0 / 1000 + 600;
        let (name, password) = self.secrets.mint(expires, call, user);
        *username = name;
        let client = client(from);
        let mut out = Vec::new();
        let id = self.transaction();
        Writer::new(&mut out, Class::Request, Method::ALLOCATE, id)
            .put(AttributeType::REQUESTED_TRANSPORT, &UDP);
        self.say(client, &out);
        let answer = self.answer().unwrap();
        let challenge = Message::parse(&answer).unwrap();
        assert_eq!(code(&challenge), 401);
        let nonce = challenge.text(AttributeType::NONCE).unwrap().to_owned();
        Asks { client, username, key: Key::long_term(username, REALM, &password), nonce }
    }

    /// Asks, and returns the code of the answer: 0 for yes.
    fn ask(&mut self, who: &Asks<'_>, method: Method, write: impl FnOnce(&mut Writer<'_>)) -> u16 {
        let bytes = self.signed(who, method, write);
        self.say(who.client, &bytes);
        let Some((_, answer)) = self.sockets.answers.last() else { return 999 };
        let message = Message::parse(answer).unwrap();
        assert_eq!(message.method(), method);
        let code = code(&message);
        if ![401, 438].contains(&code) {
            assert_eq!(message.is_signed_with(&who.key), if code == 441 { None } else { Some(true) });
        }
        code
    }

    fn signed(&mut self, who: &Asks<'_>, method: Method, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let (mut out, id) = (Vec::new(), self.transaction());
        let mut writer = Writer::new(&mut out, Class::Request, method, id);
        write(&mut writer);
        names(&mut writer, who.username, REALM, &who.nonce).sign(&who.key).fingerprint();
        out
    }

    fn allocate(&mut self, who: &Asks<'_>) -> SocketAddr {
        assert_eq!(self.ask(who, Method::ALLOCATE, udp), 0);
        let answer = self.answer().unwrap();
        let message = Message::parse(&answer).unwrap();
        assert_eq!(message.address(AttributeType::XOR_MAPPED_ADDRESS), Some(who.client.remote));
        message.address(AttributeType::XOR_RELAYED_ADDRESS).unwrap()
    }

    fn permit(&mut self, who: &Asks<'_>, peer: &str) -> u16 {
        let peer = addr(peer);
        self.ask(who, Method::CREATE_PERMISSION, |writer| {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        })
    }

    fn bind(&mut self, who: &Asks<'_>, number: u16, peer: &str) -> u16 {
        let (peer, [a, b]) = (addr(peer), number.to_be_bytes());
        self.ask(who, Method::CHANNEL_BIND, |writer| {
            writer
                .put(AttributeType::CHANNEL_NUMBER, &[a, b, 0, 0])
                .address(AttributeType::XOR_PEER_ADDRESS, peer);
        })
    }

    fn peer_says(&mut self, relay: u32, peer: &str, data: &[u8]) -> Option<Vec<u8>> {
        self.sockets.answers.clear();
        self.server.relayed(self.now, RelayId(relay), addr(peer), data, &mut self.sockets);
        self.answer()
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.server.expire(self.now, &mut self.sockets);
    }
}

fn udp(writer: &mut Writer<'_>) {
    writer.put(AttributeType::REQUESTED_TRANSPORT, &UDP);
}

/// Adds what a signature stands for.
fn names<'w, 'a>(writer: &'w mut Writer<'a>, username: &str, realm: &str, nonce: &str) -> &'w mut Writer<'a> {
    writer
        .put(AttributeType::USERNAME, username.as_bytes())
        .put(AttributeType::REALM, realm.as_bytes())
        .put(AttributeType::NONCE, nonce.as_bytes())
}

fn code(message: &Message<'_>) -> u16 {
    match message.get(AttributeType::ERROR_CODE) {
        Some(value) => u16::from(value[2]) * 100 + u16::from(value[3]),
        None => 0,
    }
}

fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    [&channel::header(Channel::new(number).unwrap(), data.len()).unwrap()[..], data].concat()
}

fn send_indication(peer: &str, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Indication, Method::SEND, TransactionId([9; 12]))
        .address(AttributeType::XOR_PEER_ADDRESS, addr(peer))
        .put(AttributeType::DATA, data);
    out
}
