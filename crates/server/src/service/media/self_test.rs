//! A TURN client that proves that the relay works: it allocates twice and sends from one to the other, as two people in a
//! call would who are both behind hard NATs.
//!
//! It speaks over a blocking socket, so run it where blocking is allowed.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use tincan_turn::channel::{self, Channel};
use tincan_turn::credential::Secrets;
use tincan_turn::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

use super::REALM;

/// How long an answer may take, and how often a question is said again (RFC 8489 §6.2.1).
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(500);

/// Whose credentials it makes.
const CALL: &str = "self-test";

/// What did not work. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The system refuses.
    #[error("STUN and TURN cannot be tried: {0}")]
    System(#[from] io::Error),
    /// Nobody answers.
    #[error("nothing answers STUN at {0}: is UDP to that port let through?")]
    Silent(SocketAddr),
    /// It answers, and refuses.
    #[error("the relay at {0} refused with {1}")]
    Refused(SocketAddr, u16),
    /// What was sent into one relay did not come out of the other.
    #[error(
        "what was sent through the relay at {0} did not arrive: can its public address be reached from here?"
    )]
    Lost(SocketAddr),
}

/// Allocates at `server` and relays through it. Returns the round trip from relay to relay and back.
///
/// # Errors
/// [`SelfTestError`]: what did not work.
pub fn self_test(server: SocketAddr, secrets: &Secrets, now_s: u64) -> Result<Duration, SelfTestError> {
    let (mut one, mut other) =
        (Probe::new(server, secrets, now_s, "one")?, Probe::new(server, secrets, now_s, "other")?);
    let (at_one, at_other) = (one.allocate()?, other.allocate()?);
    one.bind(at_other)?;
    other.bind(at_one)?;
    let started = Instant::now();
    let outcome = one.send(b"ping").and_then(|()| other.hears(b"ping")).and_then(|heard| {
        other.send(b"pong")?;
        Ok(heard && one.hears(b"pong")?)
    })?;
    let took = started.elapsed();
    one.give_back();
    other.give_back();
    if outcome { Ok(took) } else { Err(SelfTestError::Lost(server)) }
}

/// One client.
struct Probe {
    server: SocketAddr,
    socket: UdpSocket,
    username: String,
    key: Key,
    nonce: String,
    asked: u8,
}

impl Probe {
    fn new(server: SocketAddr, secrets: &Secrets, now_s: u64, user: &str) -> Result<Self, SelfTestError> {
        let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(AGAIN))?;
        let (username, password) = secrets.mint(now_s + 60, CALL, user);
        let key = Key::long_term(&username, REALM, &password);
        Ok(Self { server, socket, username, key, nonce: String::new(), asked: 0 })
    }

    fn allocate(&mut self) -> Result<SocketAddr, SelfTestError> {
        let challenge = self.ask(Method::ALLOCATE, udp)?;
        let message = Message::parse(&challenge).ok();
        self.nonce =
            message.and_then(|m| m.text(AttributeType::NONCE).map(str::to_owned)).unwrap_or_default();
        let answer = self.asked_and_granted(Method::ALLOCATE, udp)?;
        let message = Message::parse(&answer).ok();
        message
            .and_then(|message| message.address(AttributeType::XOR_RELAYED_ADDRESS))
            .ok_or(SelfTestError::Refused(self.server, 0))
    }

    fn bind(&mut self, peer: SocketAddr) -> Result<(), SelfTestError> {
        let bind = |writer: &mut Writer<'_>| {
            writer.put(AttributeType::CHANNEL_NUMBER, &[0x40, 0, 0, 0]);
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        };
        self.asked_and_granted(Method::CHANNEL_BIND, bind).map(drop)
    }

    fn send(&self, data: &[u8]) -> Result<(), SelfTestError> {
        let header = Channel::new(0x4000).and_then(|channel| channel::header(channel, data.len()));
        self.socket.send(&[&header.unwrap_or_default()[..], data].concat())?;
        Ok(())
    }

    fn hears(&self, data: &[u8]) -> Result<bool, SelfTestError> {
        let heard = self.receive(|bytes| channel::read(bytes).is_some_and(|(_, carried)| carried == data))?;
        Ok(heard.is_some())
    }

    /// Ends the relay; it would end by itself, later.
    fn give_back(&mut self) {
        let _ = self.ask(Method::REFRESH, |writer| {
            writer.number(AttributeType::LIFETIME, 0);
        });
    }

    fn asked_and_granted(
        &mut self,
        method: Method,
        write: impl Fn(&mut Writer<'_>),
    ) -> Result<Vec<u8>, SelfTestError> {
        let answer = self.ask(method, write)?;
        match Message::parse(&answer) {
            Ok(message) if message.class() == Class::Success => Ok(answer),
            Ok(message) => Err(SelfTestError::Refused(self.server, message.error_code().unwrap_or(0))),
            Err(_) => Err(SelfTestError::Refused(self.server, 0)),
        }
    }

    /// Asks until there is an answer.
    fn ask(&mut self, method: Method, write: impl Fn(&mut Writer<'_>)) -> Result<Vec<u8>, SelfTestError> {
        self.asked = self.asked.wrapping_add(1);
        let (mut out, id) = (Vec::new(), TransactionId([self.asked; 12]));
        let mut writer = Writer::new(&mut out, Class::Request, method, id);
        write(&mut writer);
        if !self.nonce.is_empty() {
            writer
                .put(AttributeType::USERNAME, self.username.as_bytes())
                .put(AttributeType::REALM, REALM.as_bytes())
                .put(AttributeType::NONCE, self.nonce.as_bytes())
                .sign(&self.key);
        }
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            // A refused datagram is told at the next call: the same as silence.
            let _ = self.socket.send(&out);
            let is_answer =
                |bytes: &[u8]| Message::parse(bytes).is_ok_and(|message| message.transaction() == id);
            if let Some(answer) = self.receive(is_answer)? {
                return Ok(answer);
            }
        }
        Err(SelfTestError::Silent(self.server))
    }

    /// The next datagram that is wanted, if it comes soon.
    fn receive(&self, wanted: impl Fn(&[u8]) -> bool) -> Result<Option<Vec<u8>>, SelfTestError> {
        let (mut buffer, started) = ([0; 2048], Instant::now());
        while started.elapsed() < AGAIN {
            match self.socket.recv(&mut buffer) {
                Ok(length) if wanted(&buffer[..length]) => return Ok(Some(buffer[..length].to_vec())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    std::thread::sleep(AGAIN.saturating_sub(started.elapsed()));
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

fn udp(writer: &mut Writer<'_>) {
    writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
}
