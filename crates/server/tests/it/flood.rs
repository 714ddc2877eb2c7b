//! Story: strangers send whatever they like to the relay, from a hundred thousand addresses. They are told little and leave
//! nothing behind, and those who talk go on talking.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use tincan_turn::server::Limits;
use tincan_turn::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

use crate::media::{Media, both_relayed, lead_to_each_other, talk};
use crate::operator::{read, read_at_rest};
use crate::process::Process;
use crate::util::{ENOUGH, accepted, call_id, pair};
use crate::ways::{by_udp, place, servers};

const STRANGERS: u32 = 100_000;

/// So many datagrams find room in a socket that is not being read.
const AT_ONCE: u32 = 100;

/// The first of them touch what the relay keeps for all.
const WARM_UP: u32 = 10_000;

/// What the relay may keep of the others, in bytes: a page of two megabytes, which is the system's doing, and not a dozen
/// for each.
const KEPT: u64 = 3 * 1024 * 1024;

/// Somebody whom the relay does not know, at an address of their own. All of 127.0.0.0/8 is this machine.
struct Stranger {
    socket: UdpSocket,
    question: Vec<u8>,
    /// The code that they are to be answered with, 0 for what they asked; `None`: not at all.
    expected: Option<u16>,
}

impl Stranger {
    /// The stranger of this number has asked. No more than two are of the same network.
    fn asks(relay: SocketAddr, number: u32) -> Self {
        let network = number % (STRANGERS / 2);
        let [_, _, high, low] = network.to_be_bytes();
        let host = if number == network { 1 } else { 2 };
        let ip = Ipv4Addr::new(127, 1 + high, low, host);
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(ENOUGH)).unwrap();
        let (question, expected) = question(number);
        socket.send_to(&question, relay).unwrap();
        Self { socket, question, expected }
    }

    /// Checks that they were told what they should be, and no more.
    fn was_told_little(&self) {
        let Some(expected) = self.expected else {
            assert_eq!(answer(&self.socket), None, "to {:02x?}", self.question);
            return;
        };
        let mut answer = [0; 512];
        let length = self.socket.recv(&mut answer).expect("an answer");
        let message = Message::parse(&answer[..length]).unwrap();
        assert_eq!(message.error_code().unwrap_or_default(), expected);
        let tenths = if message.method() == Method::BINDING { 16 } else { 20 };
        assert!(length * 10 <= self.question.len() * tenths, "{length} for {}", self.question.len());
        if expected == 0 {
            let seen = message.address(AttributeType::XOR_MAPPED_ADDRESS);
            assert_eq!(seen, self.socket.local_addr().ok(), "it really comes from there");
        }
    }
}

/// What strangers say, in turn, and the code that they are to be answered with.
fn question(number: u32) -> (Vec<u8>, Option<u16>) {
    let (mut out, id) = (Vec::new(), TransactionId([7; 12]));
    let expected = match number % 7 {
        0 => {
            Writer::new(&mut out, Class::Request, Method::BINDING, id);
            Some(0)
        }
        1 => {
            let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, id);
            writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
            Some(401)
        }
        2 => {
            Writer::new(&mut out, Class::Request, Method::ALLOCATE, id)
                .put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
                .put(AttributeType::USERNAME, format!("9999999999:call:stranger{number}").as_bytes())
                .put(AttributeType::REALM, b"tincan")
                .put(AttributeType::NONCE, b"AAAAAAAAAAAA")
                .sign(&Key::long_term("stranger", "tincan", "guessed"));
            Some(438)
        }
        3 => {
            Writer::new(&mut out, Class::Indication, Method::SEND, id)
                .address(AttributeType::XOR_PEER_ADDRESS, ([8, 8, 8, 8], 53).into())
                .put(AttributeType::DATA, b"let me through");
            None
        }
        4 => {
            // It says that it is longer than it is.
            Writer::new(&mut out, Class::Request, Method::ALLOCATE, id);
            out[3] = 8;
            None
        }
        5 => {
            // ChannelData on a channel that nobody has.
            out.extend_from_slice(b"\x40\x00\x00\x05hello");
            None
        }
        _ => {
            out.extend(number.to_be_bytes().repeat(25));
            None
        }
    };
    (out, expected)
}

/// What has come, if anything has.
fn answer(socket: &UdpSocket) -> Option<usize> {
    socket.set_nonblocking(true).unwrap();
    match socket.recv(&mut [0; 512]) {
        Ok(length) => Some(length),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_hundred_thousand_strangers_leave_nothing_behind_and_disturb_nobody() {
    let data_dir = tempfile::tempdir().unwrap();
    let settings = [("TINCAN_MEDIA__LISTEN", "127.0.0.1:0"), ("TINCAN_METRICS__LISTEN", "127.0.0.1:0")];
    let process = Process::start(data_dir.path(), &settings);
    let opened = "tincan_relay_allocations_opened_total";
    let opened_before = read_at_rest(process.metrics()).await[opened];
    let (mut alice, mut bob) = pair(process.addr).await;
    accepted(&mut alice, &mut bob, &call_id('c')).await;
    let (for_alice, for_bob) =
        (servers(&mut alice, &call_id('c')).await, servers(&mut bob, &call_id('c')).await);
    let (relay, mut both) = (place(&for_alice), [by_udp(&for_alice).await, by_udp(&for_bob).await]);
    lead_to_each_other(&mut both).await;
    talk(&mut both).await;

    let (mut before, mut allocated) = (0, 2.0);
    for first in (0..STRANGERS).step_by(AT_ONCE as usize) {
        let strangers: Vec<_> =
            (first..first + AT_ONCE).map(|number| Stranger::asks(relay, number)).collect();
        // This passes behind all that they said.
        talk(&mut both).await;
        strangers.iter().for_each(Stranger::was_told_little);
        if first % 10_000 == 0 {
            let mut late = by_udp(&for_bob).await;
            late.allocate().await.unwrap().unwrap();
            assert_eq!(late.give_back().await.unwrap(), 0);
            allocated += 1.0;
        }
        if first == WARM_UP {
            before = process.resident();
        }
    }
    let kept = process.resident().saturating_sub(before);
    assert!(kept <= KEPT, "{kept} bytes are kept of {STRANGERS} strangers");
    // It is counted when the turn is over in which it was done.
    let after = loop {
        let after = read(process.metrics()).await;
        if after[opened] - opened_before >= allocated {
            break after;
        }
    };
    assert_eq!((after[opened] - opened_before, after["tincan_relay_allocations"]), (allocated, 2.0));
}

#[tokio::test]
async fn a_network_that_asks_without_end_gets_its_share_of_answers_and_others_get_theirs() {
    let media = Media::start(&[]);
    let (mut both, _) = both_relayed(&media).await;
    let crowd = (1..=250).map(|host| UdpSocket::bind((Ipv4Addr::new(127, 9, 9, host), 0)).unwrap());
    let (crowd, started) = (crowd.collect::<Vec<_>>(), Instant::now());
    let mut answers = 0;
    for _ in 0..20 {
        for part in crowd.chunks(AT_ONCE as usize) {
            for socket in part {
                socket.send_to(&question(0).0, media.addr).unwrap();
            }
            talk(&mut both).await;
            answers += part.iter().filter_map(answer).count();
        }
    }
    let share = Limits::default().unproven;
    let earned = started.elapsed().as_millis() * u128::from(share.per_minute) / 60_000;
    let most = u128::from(share.burst) + earned + 1;
    assert!((1..=most).contains(&(answers as u128)), "{answers} answers, and not {most} at the most");
    assert!(media.relay.counted().totals.ignored > 0);
    // Of four thousand networks two may share one budget by chance, but not three.
    let others: [IpAddr; 2] = [[127, 10, 10, 1].into(), [127, 11, 11, 1].into()];
    let others = others.map(|ip| UdpSocket::bind((ip, 0)).unwrap());
    for socket in &others {
        socket.send_to(&question(0).0, media.addr).unwrap();
    }
    talk(&mut both).await;
    assert!(others.iter().any(|socket| answer(socket).is_some()), "others are answered");
}
