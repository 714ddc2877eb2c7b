//! Story: whoever cannot be reached straight is reached through the relay, and nobody else is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tincan_server::clock::Clock;
use tincan_server::places::Place;
use tincan_server::service::media::{REALM, Relay, Settings, self_test};
use tincan_turn::channel::{self, Channel};
use tincan_turn::credential::Secrets;
use tincan_turn::server::Limits;
use tincan_turn::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

use crate::util::ENOUGH;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A relay, and where it listens.
struct Media {
    relay: Relay,
    addr: SocketAddr,
}

impl Media {
    fn stop(self) {
        self.relay.stop();
    }
}

fn start(reach: &[&str]) -> (Media, Secrets) {
    let secrets = Secrets::new(b"a secret of this test", []);
    let clients = UdpSocket::bind((LOCAL, 0)).unwrap();
    let addr = clients.local_addr().unwrap();
    let settings = Settings {
        clients: vec![clients],
        places: vec![Place { bind: LOCAL, public: LOCAL }],
        ports: 20_000..=60_000,
        reach: Some(reach.iter().map(|net| net.parse().unwrap()).collect()),
        neighbours: Vec::new(),
        secrets: secrets.clone(),
        // The client that others wrote is many clients under one name.
        limits: Limits { allocations_per_user: 100, ..Limits::default() },
    };
    (Media { relay: Relay::start(settings, Clock::start()).unwrap(), addr }, secrets)
}

fn soon() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600
}

fn socket() -> UdpSocket {
    socket_at(LOCAL)
}

fn socket_at(ip: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(ENOUGH)).unwrap();
    socket
}

/// A TURN client: no more than a test needs.
pub(crate) struct Client {
    socket: UdpSocket,
    username: String,
    key: Key,
    nonce: String,
    asked: u8,
}

impl Client {
    fn new(media: &Media, secrets: &Secrets, user: &str) -> Self {
        let (username, password) = secrets.mint(soon(), "call", user);
        Self::at(media.addr, &username, &password)
    }

    /// A client of the relay at `addr`, with these credentials.
    pub(crate) fn at(addr: SocketAddr, username: &str, password: &str) -> Self {
        let socket = socket();
        socket.connect(addr).unwrap();
        let (username, key) = (username.to_owned(), Key::long_term(username, REALM, password));
        let mut client = Self { socket, username, key, nonce: String::new(), asked: 0 };
        let answer = client.ask(Method::ALLOCATE, |_| {});
        let nonce = Message::parse(&answer).unwrap().text(AttributeType::NONCE).unwrap().to_owned();
        client.nonce = nonce;
        client
    }

    pub(crate) fn ask(&mut self, method: Method, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        self.asked = self.asked.wrapping_add(1);
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, method, TransactionId([self.asked; 12]));
        writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        write(&mut writer);
        writer
            .put(AttributeType::USERNAME, self.username.as_bytes())
            .put(AttributeType::REALM, REALM.as_bytes())
            .put(AttributeType::NONCE, self.nonce.as_bytes())
            .sign(&self.key);
        self.socket.send(&out).unwrap();
        self.next().expect("an answer")
    }

    pub(crate) fn allocate(&mut self) -> SocketAddr {
        let answer = self.ask(Method::ALLOCATE, |_| {});
        let message = Message::parse(&answer).unwrap();
        assert_eq!(message.address(AttributeType::XOR_MAPPED_ADDRESS), self.socket.local_addr().ok());
        message.address(AttributeType::XOR_RELAYED_ADDRESS).expect("a relay")
    }

    pub(crate) fn bind(&mut self, peer: SocketAddr) -> Class {
        let answer = self.ask(Method::CHANNEL_BIND, |writer| {
            writer
                .put(AttributeType::CHANNEL_NUMBER, &[0x40, 0, 0, 0])
                .address(AttributeType::XOR_PEER_ADDRESS, peer);
        });
        Message::parse(&answer).unwrap().class()
    }

    pub(crate) fn send(&self, data: &[u8]) {
        let header = channel::header(Channel::new(0x4000).unwrap(), data.len()).unwrap();
        self.socket.send(&[&header[..], data].concat()).unwrap();
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    }

    pub(crate) fn heard(&self) -> Option<Vec<u8>> {
        channel::read(&self.next()?).map(|(_, data)| data.to_vec())
    }
}

#[test]
fn what_is_sent_through_a_relay_arrives_and_the_answer_comes_back() {
    let (media, secrets) = start(&["127.0.0.0/8"]);
    let mut alice = Client::new(&media, &secrets, "alice");
    let (relay, peer) = (alice.allocate(), socket_at([127, 0, 0, 2].into()));
    assert_eq!(alice.bind(peer.local_addr().unwrap()), Class::Success);
    for n in 0..500_u32 {
        alice.send(&n.to_be_bytes());
        let mut buffer = [0; 16];
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&n.to_be_bytes()[..], relay));
        peer.send_to(&(!n).to_be_bytes(), relay).unwrap();
        assert_eq!(alice.heard().unwrap(), (!n).to_be_bytes());
    }
    media.stop();
}

#[test]
fn who_asks_for_an_even_port_gets_one() {
    let (media, secrets) = start(&[]);
    for _ in 0..8 {
        let mut alice = Client::new(&media, &secrets, "alice");
        let answer = alice.ask(Method::ALLOCATE, |writer| {
            writer.put(AttributeType::EVEN_PORT, &[0]);
        });
        let relay = Message::parse(&answer).unwrap().address(AttributeType::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!(relay.port() % 2, 0);
    }
    media.stop();
}

#[test]
fn two_who_are_both_relayed_hear_each_other() {
    let (media, secrets) = start(&[]);
    let (mut alice, mut bob) = (Client::new(&media, &secrets, "alice"), Client::new(&media, &secrets, "bob"));
    let (at_alice, at_bob) = (alice.allocate(), bob.allocate());
    assert_eq!((alice.bind(at_bob), bob.bind(at_alice)), (Class::Success, Class::Success));
    alice.send(b"hello");
    assert_eq!(bob.heard().unwrap(), b"hello");
    bob.send(b"hi");
    assert_eq!(alice.heard().unwrap(), b"hi");
    media.stop();
}

#[test]
fn no_way_to_write_a_special_address_leads_to_it() {
    let (media, secrets) = start(&[]);
    let mut alice = Client::new(&media, &secrets, "alice");
    alice.allocate();
    let special = [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "fe80::1",
        "fd00::1",
    ];
    for ip in special {
        let peer = SocketAddr::new(ip.parse().unwrap(), 80);
        let answer = alice.ask(Method::CREATE_PERMISSION, |writer| {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        });
        assert_eq!(Message::parse(&answer).unwrap().class(), Class::Error, "{ip}");
    }
    media.stop();
}

#[test]
fn the_relays_of_a_call_end_with_the_call() {
    let (media, secrets) = start(&[]);
    let (mut alice, mut bob) = (Client::new(&media, &secrets, "alice"), Client::new(&media, &secrets, "bob"));
    let (at_alice, at_bob) = (alice.allocate(), bob.allocate());
    assert_eq!((alice.bind(at_bob), bob.bind(at_alice)), (Class::Success, Class::Success));
    media.relay.end("call");
    // The thread hears of it between two packets.
    while bob.bind(at_alice) == Class::Success || alice.bind(at_bob) == Class::Success {}
    while media.relay.counted().open > 0 {}
    let mut late = Client::new(&media, &secrets, "alice");
    let answer = late.ask(Method::ALLOCATE, |_| {});
    assert_eq!(Message::parse(&answer).unwrap().error_code(), Some(403), "and none is made for it any more");
    media.stop();
}

#[test]
fn the_self_test_tells_a_relay_that_works_from_one_that_does_not() {
    let (media, secrets) = start(&[]);
    let now_s = soon() - 600;
    self_test(media.addr, &secrets, now_s).unwrap();
    // It is counted when the turn is over in which it was done.
    while media.relay.counted().totals.opened < 2 {}
    let wrong = self_test(media.addr, &Secrets::new(b"another secret", []), now_s).unwrap_err();
    assert!(wrong.to_string().contains("refused with 401"), "{wrong}");
    media.stop();
    let silent = self_test(socket().local_addr().unwrap(), &secrets, now_s).unwrap_err();
    assert!(silent.to_string().contains("nothing answers"), "{silent}");
}

#[test]
fn a_client_that_others_wrote_is_served() {
    let (media, secrets) = start(&[]);
    let (username, password) = secrets.mint(soon(), "call", "alice");
    let port = media.addr.port().to_string();
    // Ten clients in pairs send each other 40 packets of 172 bytes through their relays.
    let arguments =
        ["-y", "-s", "-c", "-m", "10", "-n", "40", "-l", "172", "-z", "5", "-u", &username, "-w", &password];
    let output = Command::new("turnutils_uclient")
        .args(arguments)
        .args(["-p", &port, "127.0.0.1"])
        .output()
        .expect("turnutils_uclient: it comes with coturn, which tools/setup installs");
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}{wrong}", output.status);
    assert!(said.contains("Total lost packets 0 (0.000000%)"), "{said}");
    media.stop();
}
