//! Story: whoever cannot be reached straight is reached through the relay, and nobody else is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use tincan_server::clock::Clock;
use tincan_server::places::Place;
use tincan_server::service::media::{Relay, Settings, self_test};
use tincan_testkit::turn::{Credentials, TurnClient};
use tincan_turn::credential::Secrets;
use tincan_turn::server::Limits;
use tincan_turn::stun::AttributeType;

use crate::util::ENOUGH;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A relay, where it listens, and what its credentials are made with. Dropped, it stops.
pub(crate) struct Media {
    pub(crate) relay: Relay,
    pub(crate) addr: SocketAddr,
    secrets: Secrets,
}

impl Media {
    pub(crate) fn start(reach: &[&str]) -> Self {
        Self::start_with(reach, 20_000..=60_000, Limits::default())
    }

    fn start_with(reach: &[&str], ports: RangeInclusive<u16>, limits: Limits) -> Self {
        Self::start_at(LOCAL, reach, ports, limits)
    }

    fn start_at(listen: IpAddr, reach: &[&str], ports: RangeInclusive<u16>, limits: Limits) -> Self {
        let secrets = Secrets::new(b"a secret of this test", []);
        let clients = UdpSocket::bind((listen, 0)).unwrap();
        let addr = clients.local_addr().unwrap();
        let settings = Settings {
            clients: vec![clients],
            // By name the second is IPv6, which not every machine has; whom it leads to is decided by that name.
            places: [LOCAL, Ipv6Addr::LOCALHOST.into()].map(|public| Place { bind: LOCAL, public }).into(),
            ports,
            reach: Some(reach.iter().map(|net| net.parse().unwrap()).collect()),
            neighbours: Vec::new(),
            secrets: secrets.clone(),
            limits,
        };
        Self { relay: Relay::start(settings, Clock::start()).unwrap(), addr, secrets }
    }

    async fn client(&self, user: &str) -> TurnClient {
        self.client_at(self.addr.ip(), user).await
    }

    /// A client that knows the server by one of its addresses, and hears only what comes from there.
    async fn client_at(&self, ip: IpAddr, user: &str) -> TurnClient {
        let at = SocketAddr::new(ip, self.addr.port());
        TurnClient::by_udp(at, credentials(&self.secrets, user)).await.unwrap()
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.relay.stop();
    }
}

/// Good for ten minutes.
pub(crate) fn credentials(secrets: &Secrets, user: &str) -> Credentials {
    secrets.mint(now_s() + 600, "call", user).into()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn socket_at(ip: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(ENOUGH)).unwrap();
    socket
}

/// Two whose relays lead to each other, and where those are.
pub(crate) async fn both_relayed(media: &Media) -> ([TurnClient; 2], [SocketAddr; 2]) {
    let mut both = [media.client("alice").await, media.client("bob").await];
    let at = lead_to_each_other(&mut both).await;
    (both, at)
}

pub(crate) async fn lead_to_each_other([alice, bob]: &mut [TurnClient; 2]) -> [SocketAddr; 2] {
    let (at_alice, at_bob) =
        (alice.allocate().await.unwrap().unwrap(), bob.allocate().await.unwrap().unwrap());
    assert_eq!((alice.bind(at_bob).await.unwrap(), bob.bind(at_alice).await.unwrap()), (0, 0));
    [at_alice, at_bob]
}

pub(crate) async fn talk([alice, bob]: &mut [TurnClient; 2]) {
    alice.send(b"hello").await.unwrap();
    assert_eq!(bob.hear().await.unwrap(), b"hello");
    bob.send(b"hi").await.unwrap();
    assert_eq!(alice.hear().await.unwrap(), b"hi");
}

#[tokio::test]
async fn what_is_sent_through_a_relay_arrives_and_the_answer_comes_back() {
    let media = Media::start(&["127.0.0.0/8"]);
    let (mut alice, peer) = (media.client("alice").await, socket_at([127, 0, 0, 2].into()));
    let relay = alice.allocate().await.unwrap().unwrap();
    assert_eq!(alice.bind(peer.local_addr().unwrap()).await.unwrap(), 0);
    for n in 0..500_u32 {
        alice.send(&n.to_be_bytes()).await.unwrap();
        let mut buffer = [0; 16];
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&n.to_be_bytes()[..], relay));
        peer.send_to(&(!n).to_be_bytes(), relay).unwrap();
        assert_eq!(alice.hear().await.unwrap(), (!n).to_be_bytes());
    }
}

#[tokio::test]
async fn who_asks_for_an_even_port_gets_one() {
    let media = Media::start(&[]);
    for _ in 0..8 {
        let mut alice = media.client("alice").await;
        let even = alice.allocate_with(|writer| {
            writer.put(AttributeType::EVEN_PORT, &[0]);
        });
        assert_eq!(even.await.unwrap().unwrap().port() % 2, 0);
    }
}

#[tokio::test]
async fn two_who_are_both_relayed_hear_each_other() {
    let media = Media::start(&[]);
    talk(&mut both_relayed(&media).await.0).await;
}

#[tokio::test]
async fn a_server_with_many_addresses_answers_from_the_one_that_was_asked() {
    let media = Media::start_at(Ipv4Addr::UNSPECIFIED.into(), &[], 20_000..=60_000, Limits::default());
    let mut both = [
        media.client_at([127, 0, 0, 5].into(), "alice").await,
        media.client_at([127, 8, 8, 8].into(), "bob").await,
    ];
    lead_to_each_other(&mut both).await;
    talk(&mut both).await;
}

#[tokio::test]
async fn a_stream_is_read_and_written_however_it_is_cut() {
    let media = Media::start(&[]);
    // A pipe that takes one byte at a time.
    let (ours, theirs) = tokio::io::duplex(1);
    let relay = media.relay.clone();
    let served = tokio::spawn(async move { relay.serve(theirs, ([192, 0, 2, 1], 1).into()).await });
    let alice = TurnClient::by_stream(ours, credentials(&media.secrets, "alice"));
    let mut both = [alice, media.client("bob").await];
    lead_to_each_other(&mut both).await;
    talk(&mut both).await;
    drop(both);
    served.await.unwrap();
}

#[tokio::test]
async fn whoever_has_their_share_of_relays_gets_no_more_and_nobody_else_notices() {
    let limits = Limits { allocations_per_user: 2, allocations: 4, ..Limits::default() };
    let media = Media::start_with(&[], 20_000..=60_000, limits);
    let (mut both, _) = both_relayed(&media).await;
    let (mut clients, mut answers) = (Vec::new(), Vec::new());
    for user in ["alice", "alice", "bob", "carol"] {
        let mut client = media.client(user).await;
        answers.push(client.allocate().await.unwrap().err());
        clients.push(client);
        talk(&mut both).await;
    }
    assert_eq!(answers, [None, Some(486), None, Some(508)]);
    assert_eq!(clients[0].give_back().await.unwrap(), 0);
    clients[3].allocate().await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_port_left_there_is_no_relay_and_those_that_are_go_on() {
    // Some may be taken by others.
    let media = Media::start_with(&[], 20_000..=20_031, Limits::default());
    let ((mut both, _), mut others) = (both_relayed(&media).await, Vec::new());
    let refused = loop {
        let mut other = media.client(&format!("user{}", others.len())).await;
        match other.allocate().await.unwrap() {
            Ok(_) => others.push(other),
            Err(code) => break code,
        }
    };
    assert!(refused == 508 && others.len() <= 30, "{refused} after {} more", others.len());
    talk(&mut both).await;
}

#[tokio::test]
async fn no_way_to_write_a_special_address_leads_to_it() {
    let media = Media::start(&[]);
    let credentials = credentials(&media.secrets, "alice");
    assert_eq!(reached(media.addr, &credentials, &[IPV4, IPV6]).await, Vec::<&str>::new());
}

/// Addresses that are no one's on the internet, and ways to write them.
const SPECIAL: [&str; 21] = [
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

/// Families of addresses, as RFC 8656 §18.8 numbers them.
pub(crate) const IPV4: u8 = 1;
pub(crate) const IPV6: u8 = 2;

/// Which of them a relay at `server`, of one of these families, lets through.
pub(crate) async fn reached(
    server: SocketAddr,
    credentials: &Credentials,
    families: &[u8],
) -> Vec<&'static str> {
    let mut reached = Vec::new();
    for family in families {
        let mut client = TurnClient::by_udp(server, credentials.clone()).await.unwrap();
        let in_family = client.allocate_with(|writer| {
            writer.put(AttributeType::REQUESTED_ADDRESS_FAMILY, &[*family, 0, 0, 0]);
        });
        assert_eq!(in_family.await.unwrap().unwrap().is_ipv4(), *family == IPV4);
        for text in SPECIAL {
            if client.permit(SocketAddr::new(text.parse().unwrap(), 80)).await.unwrap() == 0 {
                reached.push(text);
            }
        }
    }
    reached
}

#[tokio::test]
async fn the_relays_of_a_call_end_with_the_call() {
    let media = Media::start(&[]);
    let ([mut alice, mut bob], [at_alice, at_bob]) = both_relayed(&media).await;
    media.relay.end("call");
    // The thread hears of it between two packets.
    while bob.bind(at_alice).await.unwrap() == 0 || alice.bind(at_bob).await.unwrap() == 0 {}
    while media.relay.counted().open > 0 {}
    let late = media.client("alice").await.allocate().await.unwrap();
    assert_eq!(late, Err(403), "and none is made for it any more");
}

#[test]
fn the_self_test_tells_a_relay_that_works_from_one_that_does_not() {
    let media = Media::start(&[]);
    let addr = media.addr;
    self_test(addr, &media.secrets, now_s()).unwrap();
    // It is counted when the turn is over in which it was done.
    while media.relay.counted().totals.opened < 2 {}
    let wrong = self_test(addr, &Secrets::new(b"another secret", []), now_s()).unwrap_err();
    assert!(wrong.to_string().contains("refused with 401"), "{wrong}");
    let silent = socket_at(LOCAL);
    let silent = self_test(silent.local_addr().unwrap(), &media.secrets, now_s()).unwrap_err();
    assert!(silent.to_string().contains("nothing answers"), "{silent}");
}
