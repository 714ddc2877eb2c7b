mod bad_input;
mod proof;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
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

#[test]
fn a_binding_tells_a_client_its_address_and_is_no_weapon() {
    let mut bench = Bench::new();
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]));
    bench.say(client(ALICE), &out);
    let answer = bench.answer().unwrap();
    let message = Message::parse(&answer).unwrap();
    assert_eq!(message.address(AttributeType::XOR_MAPPED_ADDRESS), Some(addr(ALICE)));
    assert!(answer.len() * 10 <= out.len() * 16, "{} for {}", answer.len(), out.len());
}

#[test]
fn whoever_proves_nothing_is_told_how_to_and_leaves_nothing_behind() {
    let mut bench = Bench::new();
    for method in [Method::ALLOCATE, Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        for transport in [false, true] {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out, Class::Request, method, TransactionId([1; 12]));
            if transport {
                udp(&mut writer);
            }
            bench.say(client(ALICE), &out);
            let answer = bench.answer().unwrap();
            assert_eq!(code(&Message::parse(&answer).unwrap()), if transport { 401 } else { 400 });
            assert!(answer.len() <= 2 * out.len(), "{} for {}", answer.len(), out.len());
        }
    }
    assert_eq!(bench.server.relays(), 0);
    assert!(bench.server.allocations.is_empty() && bench.server.by_user.is_empty());
}

#[test]
fn a_network_that_proves_nothing_gets_so_many_answers_and_then_silence() {
    let unproven = Rate { per_minute: 60, burst: 10 };
    let mut bench = Bench::with(Limits { unproven, ..Limits::default() });
    let mut out = Vec::new();
    Writer::new(&mut out, Class::Request, Method::BINDING, TransactionId([1; 12]));
    for host in 0..100 {
        bench.say(client(&format!("192.0.2.{host}:1")), &out);
    }
    assert_eq!(bench.sockets.answers.len(), 10);
    bench.say(client("192.0.3.1:1"), &out);
    assert_eq!(bench.sockets.answers.len(), 11, "another network has its own");
}

#[test]
fn what_a_client_sends_reaches_its_peer_and_what_the_peer_sends_comes_back() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let relayed = bench.allocate(&alice);
    assert_eq!(bench.permit(&alice, PEER), 0);
    bench.say(alice.client, &send_indication(PEER, b"hello"));
    assert_eq!(bench.sockets.sent.pop(), Some((RelayId(0), addr(PEER), b"hello".to_vec())));
    let back = bench.peer_says(0, PEER, b"hi").unwrap();
    let data = Message::parse(&back).unwrap();
    assert_eq!((data.class(), data.method()), (Class::Indication, Method::DATA));
    assert_eq!(data.address(AttributeType::XOR_PEER_ADDRESS), Some(addr(PEER)));
    assert_eq!(data.get(AttributeType::DATA), Some(&b"hi"[..]));
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    bench.say(alice.client, &channel_data(0x4000, b"again"));
    assert_eq!(bench.sockets.sent.pop(), Some((RelayId(0), addr(PEER), b"again".to_vec())));
    assert_eq!(bench.peer_says(0, PEER, b"too"), Some(channel_data(0x4000, b"too")));
    assert_ne!(relayed, addr(PEER));
}

#[test]
fn a_peer_that_was_not_let_through_is_not_heard_and_not_reached() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
    bench.say(alice.client, &send_indication(PEER, b"hello"));
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert!(bench.sockets.sent.is_empty());
    assert_eq!(bench.permit(&alice, PEER), 0);
    assert!(
        bench.peer_says(0, "8.8.8.8:99", b"hi").is_some(),
        "a permission is for an address, whatever the port"
    );
    assert_eq!(bench.peer_says(0, "8.8.4.4:53", b"hi"), None);
    bench.pass(301);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None, "it is over after five minutes");
}

#[test]
fn a_bound_peer_is_let_through_for_as_long_as_it_is_bound() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    bench.pass(500);
    assert!(bench.peer_says(0, PEER, b"hi").is_some());
    let code = bench.ask(&alice, Method::REFRESH, |_| {});
    assert_eq!(code, 0);
    bench.pass(101);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
}

#[test]
fn special_addresses_are_refused_and_relays_of_ours_are_not() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    let (at_alice, at_bob) = (bench.allocate(&alice), bench.allocate(&bob));
    for special in ["127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80", "192.168.1.1:80"] {
        assert_eq!(bench.permit(&alice, special), 403, "{special}");
        assert_eq!(bench.bind(&alice, 0x4000, special), 403, "{special}");
    }
    assert_eq!(bench.permit(&alice, &format!("{}:1", at_bob.ip())), 403, "our own address is not a relay");
    assert_eq!(bench.bind(&alice, 0x4000, &at_bob.to_string()), 0);
    assert_eq!(bench.bind(&bob, 0x4001, &at_alice.to_string()), 0);
    bench.sockets.answers.clear();
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert!(bench.sockets.sent.is_empty(), "no socket lies between two relays of ours");
    assert_eq!(bench.sockets.answers.pop(), Some((bob.client, channel_data(0x4001, b"hello"))));
}

#[test]
fn a_permission_for_a_relay_of_ours_opens_nothing_else_at_its_address() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    bench.allocate(&alice);
    let at_bob = bench.allocate(&bob);
    assert_eq!(bench.permit(&alice, &at_bob.to_string()), 0);
    bench.say(alice.client, &send_indication(&format!("{}:22", at_bob.ip()), b"hello"));
    bench.server.gone(bob.client, &mut bench.sockets);
    bench.say(alice.client, &send_indication(&at_bob.to_string(), b"hello"));
    assert!(bench.sockets.sent.is_empty(), "{:?}", bench.sockets.sent);
}

#[test]
fn a_relay_of_ours_is_reached_from_within_its_call_only() {
    let mut bench = Bench::new();
    let (mut name, mut other) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let mallory = bench.credentials_for("another", BOB, &mut other, "mallory");
    let (at_alice, at_mallory) = (bench.allocate(&alice), bench.allocate(&mallory));
    assert_eq!(bench.bind(&mallory, 0x4000, &at_alice.to_string()), 403);
    assert_eq!(bench.permit(&mallory, &at_alice.to_string()), 403);
    // Not even with a permission for the address that both relays share.
    assert_eq!((bench.permit(&alice, ECHO), bench.permit(&mallory, ECHO)), (0, 0));
    bench.sockets.answers.clear();
    bench.say(mallory.client, &send_indication(&at_alice.to_string(), b"hello"));
    bench.say(alice.client, &send_indication(&at_mallory.to_string(), b"hello"));
    assert_eq!((bench.sockets.answers.len(), bench.sockets.sent.len()), (0, 0));
}

#[test]
fn a_neighbour_is_reached_although_it_is_an_address_of_ours() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, ECHO), 0);
    bench.say(alice.client, &channel_data(0x4000, b"hello"));
    assert_eq!(bench.sockets.sent, [(RelayId(0), addr(ECHO), b"hello".to_vec())]);
    bench.say(alice.client, &send_indication("198.51.100.1:8", b"hello"));
    assert_eq!(bench.sockets.sent.len(), 1, "the port beside it is not");
}

#[test]
fn a_call_that_is_over_gets_no_new_relay() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials_for(OVER, ALICE, &mut name, "alice");
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 403);
    assert_eq!((bench.server.relays(), bench.server.totals().refused), (0, 1));
}

#[test]
fn what_passed_is_counted_for_each_relay_and_for_all_sound_apart() {
    // By the first byte (RFC 7983 §7): RTP and RTCP, and beside them STUN, DTLS and nothing at all.
    let (lowest, highest) = ([128; 5], [191; 2]);
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    for data in [&lowest[..], &[127; 7], &[192; 9], &[]] {
        bench.say(alice.client, &channel_data(0x4000, data));
    }
    bench.say(alice.client, &send_indication(PEER, &highest));
    bench.peer_says(0, PEER, &lowest).unwrap();
    bench.peer_says(0, PEER, b"good morning").unwrap();
    bench.peer_says(0, "9.9.9.9:1", &lowest);
    let media = Used { to_peers: 2, bytes_to_peers: 7, to_client: 1, bytes_to_client: 5 };
    let other = Used { to_peers: 3, bytes_to_peers: 16, to_client: 1, bytes_to_client: 12 };
    assert_eq!(bench.server.totals(), Totals { media, other, opened: 1, ..Totals::default() });
    bench.server.end("call", &mut bench.sockets);
    let all = Used { to_peers: 5, bytes_to_peers: 23, to_client: 2, bytes_to_client: 17 };
    assert_eq!(bench.sockets.used, [all]);
}

#[test]
fn a_list_of_peers_is_let_through_whole_or_not_at_all() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    let both = |bench: &mut Bench, peers: [&str; 2]| {
        bench.ask(&alice, Method::CREATE_PERMISSION, |writer| {
            for peer in peers {
                writer.address(AttributeType::XOR_PEER_ADDRESS, addr(peer));
            }
        })
    };
    assert_eq!(both(&mut bench, [PEER, "127.0.0.1:1"]), 403);
    assert_eq!(bench.peer_says(0, PEER, b"hi"), None);
    assert_eq!(both(&mut bench, [PEER, "[2606:4700::1111]:1"]), 443);
    assert_eq!(both(&mut bench, [PEER, "9.9.9.9:1"]), 0);
    assert!(bench.peer_says(0, PEER, b"hi").is_some());
    assert_eq!(bench.ask(&alice, Method::CREATE_PERMISSION, |_| {}), 400);
    let empty = bench.ask(&alice, Method::CREATE_PERMISSION, |writer| {
        writer.put(AttributeType::XOR_PEER_ADDRESS, &[]);
    });
    assert_eq!(empty, 400);
}

#[test]
fn a_channel_is_one_peer_s_and_a_peer_has_one_channel() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 437, "there is no relay yet");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0, "the same again goes on");
    assert_eq!(bench.bind(&alice, 0x4000, "9.9.9.9:1"), 400);
    assert_eq!(bench.bind(&alice, 0x4001, PEER), 400);
    for number in [0x3FFF, 0x5000, 0xFFFF] {
        assert_eq!(bench.bind(&alice, number, "9.9.9.9:1"), 400);
    }
}

#[test]
fn a_request_whose_answer_was_lost_gets_the_same_answer() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    let request = bench.signed(&alice, Method::ALLOCATE, udp);
    bench.say(alice.client, &request);
    let first = bench.answer().unwrap();
    bench.say(alice.client, &request);
    assert_eq!(bench.answer().unwrap(), first);
    assert_eq!(bench.ask(&alice, Method::ALLOCATE, udp), 437, "another request is another wish");
    assert_eq!(bench.server.relays(), 1);
}

#[test]
fn a_relay_lives_as_long_as_it_is_refreshed() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    bench.pass(599);
    assert_eq!(bench.ask(&alice, Method::REFRESH, |_| {}), 0, "although its credential has all but expired");
    bench.pass(599);
    assert_eq!(bench.server.relays(), 1);
    bench.pass(1);
    assert_eq!((bench.server.relays(), &bench.sockets.closed[..]), (0, &[RelayId(0)][..]));
    assert!(bench.server.by_user.is_empty() && bench.server.deadline().is_none());
}

#[test]
fn a_relay_that_is_given_back_is_gone_and_its_number_is_used_again() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    for _ in 0..3 {
        bench.allocate(&alice);
        let code = bench.ask(&alice, Method::REFRESH, |writer| {
            writer.number(AttributeType::LIFETIME, 0);
        });
        assert_eq!((code, bench.server.relays()), (0, 0));
    }
    assert_eq!(bench.server.allocations.len(), 1);
}

#[test]
fn the_relays_of_a_call_end_with_it() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (String::new(), String::new());
    let alice = bench.credentials(ALICE, &mut a, "alice");
    let bob = bench.credentials(BOB, &mut b, "bob");
    bench.allocate(&alice);
    bench.allocate(&bob);
    bench.server.end("another", &mut bench.sockets);
    assert_eq!(bench.server.relays(), 2);
    bench.server.end("call", &mut bench.sockets);
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn quotas_disturb_nobody_else() {
    let limits = Limits { allocations_per_user: 2, allocations: 4, ..Limits::default() };
    let mut bench = Bench::with(limits);
    let mut codes = Vec::new();
    for (user, port) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 5), ("c", 6)] {
        let mut name = String::new();
        let who = bench.credentials(&format!("192.0.2.1:{port}"), &mut name, user);
        codes.push(bench.ask(&who, Method::ALLOCATE, udp));
    }
    assert_eq!(codes, [0, 0, 486, 0, 0, 508]);
    let mut bench = Bench::new();
    bench.sockets.most = 0;
    let mut name = String::new();
    let who = bench.credentials(ALICE, &mut name, "a");
    assert_eq!(bench.ask(&who, Method::ALLOCATE, udp), 508, "no port is left");
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn what_an_allocation_asks_for_is_checked() {
    let mut bench = Bench::new();
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    type Attribute = (AttributeType, &'static [u8]);
    let udp: Attribute = (AttributeType::REQUESTED_TRANSPORT, &UDP);
    let cases: [(&[Attribute], u16); 6] = [
        (&[], 400),
        (&[(AttributeType::REQUESTED_TRANSPORT, &[6, 0, 0, 0])], 442),
        (&[(AttributeType::REQUESTED_TRANSPORT, &[17])], 400),
        (&[udp, (AttributeType::DONT_FRAGMENT, &[])], 420),
        (&[udp, (AttributeType::EVEN_PORT, &[0x80])], 508),
        (&[udp, (AttributeType::REQUESTED_ADDRESS_FAMILY, &[3, 0, 0, 0])], 440),
    ];
    for (attributes, expected) in cases {
        let code = bench.ask(&alice, Method::ALLOCATE, |writer| {
            for (kind, value) in attributes {
                writer.put(*kind, value);
            }
        });
        assert_eq!(code, expected, "{attributes:?}");
    }
    assert_eq!(bench.server.relays(), 0);
}

#[test]
fn an_even_port_is_given_to_who_asks_for_one() {
    let mut bench = Bench::new();
    for port in 1..4 {
        let mut name = String::new();
        let who = bench.credentials(&format!("192.0.2.1:{port}"), &mut name, "alice");
        let code = bench.ask(&who, Method::ALLOCATE, |writer| {
            udp(writer);
            writer.put(AttributeType::EVEN_PORT, &[0]);
        });
        let answer = bench.answer().unwrap();
        let relay = Message::parse(&answer).unwrap().address(AttributeType::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!((code, relay.port() % 2), (0, 0));
    }
}

#[test]
fn a_relay_passes_so_much_and_no_more() {
    let mut bench = Bench::with(Limits { bytes_per_s: 1000, ..Limits::default() });
    let mut name = String::new();
    let alice = bench.credentials(ALICE, &mut name, "alice");
    bench.allocate(&alice);
    assert_eq!(bench.bind(&alice, 0x4000, PEER), 0);
    for _ in 0..100 {
        bench.say(alice.client, &channel_data(0x4000, &[0; 100]));
    }
    assert_eq!(bench.sockets.sent.len(), 20, "two seconds' worth at once");
    bench.pass(1);
    bench.say(alice.client, &channel_data(0x4000, &[0; 100]));
    assert_eq!(bench.sockets.sent.len(), 21);
}

proptest! {
    #[test]
    fn whatever_comes_from_someone_unknown_leaves_no_trace_and_no_long_answer(
        method in 0_u16..16, class in 0_u8..4, body in proptest::collection::vec(any::<u8>(), 0..120), raw: bool,
    ) {
        let mut bench = Bench::new();
        let bytes = if raw {
            body
        } else {
            let mut out = Vec::new();
            let class = [Class::Request, Class::Indication, Class::Success, Class::Error][usize::from(class)];
            let mut writer =
                Writer::new(&mut out, class, Method::new(method).unwrap(), TransactionId([5; 12]));
            for part in body.chunks(12) {
                let [kind, value @ ..] = part else { continue };
                writer.put(AttributeType(u16::from(*kind & 0x3F)), value);
            }
            out
        };
        bench.say(client(ALICE), &bytes);
        prop_assert_eq!(bench.server.relays(), 0);
        prop_assert!(bench.sockets.sent.is_empty());
        for (_, answer) in &bench.sockets.answers {
            prop_assert!(answer.len() <= 2 * bytes.len(), "{} for {}", answer.len(), bytes.len());
        }
    }
}
