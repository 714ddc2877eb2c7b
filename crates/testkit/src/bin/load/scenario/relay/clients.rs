//! The clients' side of RFC 8656: relays are asked for, led to peers, and given back.

use std::{
    net::SocketAddr,
    ops::Range,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use tincan_turn::{
    credential::Secrets,
    stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer},
};

use super::{
    net::{Net, Sink},
    packet::CHANNEL,
};

/// Clients that ask at once.
const AT_ONCE: usize = 16;
/// How long an answer may take.
const ANSWER_NS: u64 = 3_000_000_000;
/// How long credentials are good.
const GOOD_S: u64 = 3600;

/// The clients, by their numbers in the [`Net`].
pub(super) struct Clients {
    logins: Vec<Login>,
    asked: u64,
}

/// What a client shows with each request, and what it got.
#[derive(Default)]
struct Login {
    username: String,
    password: String,
    realm: String,
    nonce: String,
    key: Option<Key>,
    relayed: Option<SocketAddr>,
}

impl Clients {
    /// Clients two to a call, with credentials made by `secret`.
    pub(super) fn new(clients: usize, secret: &str) -> Result<Self> {
        let secrets = Secrets::new(secret.as_bytes(), []);
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + GOOD_S;
        let login = |client| {
            let (call, user) = (format!("call-{}", client / 2), format!("user-{client}"));
            let (username, password) = secrets.mint(expires, &call, &user);
            Login { username, password, ..Login::default() }
        };
        let logins = (0..clients).map(login).collect();
        Ok(Self { logins, asked: 0 })
    }

    /// Where peers reach a client.
    pub(super) fn relayed(&self, client: usize) -> Result<SocketAddr> {
        self.logins[client].relayed.context("a client without a relay")
    }

    /// Opens a relay for each: first they are told with what to sign, then they sign.
    pub(super) fn allocate(&mut self, net: &mut Net, who: Range<usize>) -> Result<()> {
        let udp = |_, writer: &mut Writer<'_>| {
            writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        };
        for some in groups(who) {
            for (client, answer) in some.clone().zip(self.ask(net, some.clone(), Method::ALLOCATE, udp)?) {
                let message = Message::parse(&answer)?;
                ensure!(message.error_code() == Some(401), "not asked who it is: {:?}", message.error_code());
                let word = |kind| message.text(kind).map(str::to_owned).context("a challenge without all");
                let login = &mut self.logins[client];
                (login.realm, login.nonce) = (word(AttributeType::REALM)?, word(AttributeType::NONCE)?);
                login.key = Some(Key::long_term(&login.username, &login.realm, &login.password));
            }
            for (client, answer) in some.clone().zip(self.ask(net, some.clone(), Method::ALLOCATE, udp)?) {
                let message = agreed(&answer)?;
                self.logins[client].relayed = message.address(AttributeType::XOR_RELAYED_ADDRESS);
            }
        }
        Ok(())
    }

    /// Lets each client's peer through, and binds it to its channel.
    pub(super) fn bind(
        &mut self,
        net: &mut Net,
        who: Range<usize>,
        peer: impl Fn(&Self, usize) -> Result<SocketAddr>,
    ) -> Result<()> {
        let peers: Vec<_> = who.clone().map(|client| peer(self, client)).collect::<Result<_>>()?;
        let first = who.start;
        let permit = |client: usize, writer: &mut Writer<'_>| {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peers[client - first]);
        };
        let bind = |client: usize, writer: &mut Writer<'_>| {
            let [a, b] = CHANNEL.to_be_bytes();
            writer.put(AttributeType::CHANNEL_NUMBER, &[a, b, 0, 0]);
            permit(client, writer);
        };
        for some in groups(who) {
            for answer in self.ask(net, some.clone(), Method::CREATE_PERMISSION, permit)? {
                agreed(&answer)?;
            }
            for answer in self.ask(net, some, Method::CHANNEL_BIND, bind)? {
                agreed(&answer)?;
            }
        }
        Ok(())
    }

    /// Gives the relays back.
    pub(super) fn give_back(&mut self, net: &mut Net, who: Range<usize>) -> Result<()> {
        for some in groups(who) {
            let now = |_, writer: &mut Writer<'_>| {
                writer.number(AttributeType::LIFETIME, 0);
            };
            for answer in self.ask(net, some, Method::REFRESH, now)? {
                agreed(&answer)?;
            }
        }
        Ok(())
    }

    /// Asks for all of them, and waits for all answers, in their order.
    fn ask(
        &mut self,
        net: &mut Net,
        who: Range<usize>,
        method: Method,
        write: impl Fn(usize, &mut Writer<'_>),
    ) -> Result<Vec<Vec<u8>>> {
        self.asked += 1;
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.asked.to_be_bytes());
        let request = |client: usize| {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out, Class::Request, method, TransactionId(id));
            write(client, &mut writer);
            let login = &self.logins[client];
            if let Some(key) = &login.key {
                writer
                    .put(AttributeType::USERNAME, login.username.as_bytes())
                    .put(AttributeType::REALM, login.realm.as_bytes())
                    .put(AttributeType::NONCE, login.nonce.as_bytes())
                    .sign(key);
            }
            out
        };
        // First all are signed, then all are sent: the time that the load takes is not the server's.
        let requests: Vec<_> = who.clone().map(request).collect();
        for (client, request) in who.clone().zip(&requests) {
            net.send(client, request)?;
        }
        let mut answers = Answers { id, first: who.start, all: vec![None; who.len()], missing: who.len() };
        let start = net.now_ns();
        while answers.missing > 0 {
            net.turn(&mut answers)?;
            if net.now_ns() - start > ANSWER_NS {
                bail!("{} of {} clients got no answer to {method:?}", answers.missing, who.len());
            }
        }
        Ok(answers.all.into_iter().flatten().collect())
    }
}

fn groups(who: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = who.end;
    who.step_by(AT_ONCE).map(move |first| first..(first + AT_ONCE).min(end))
}

/// A good answer.
fn agreed(answer: &[u8]) -> Result<Message<'_>> {
    let message = Message::parse(answer)?;
    match message.class() {
        Class::Success => Ok(message),
        _ => bail!("{:?} was refused with {:?}", message.method(), message.error_code()),
    }
}

/// Answers to one question, by client.
struct Answers {
    id: [u8; 12],
    first: usize,
    all: Vec<Option<Vec<u8>>>,
    missing: usize,
}

impl Sink for Answers {
    fn datagram(&mut self, at: usize, bytes: &[u8], _now_ns: u64) {
        let is_mine =
            Message::parse(bytes).is_ok_and(|message| message.transaction() == TransactionId(self.id));
        if let Some(answer @ None) = self.all.get_mut(at.wrapping_sub(self.first))
            && is_mine
        {
            *answer = Some(bytes.to_vec());
            self.missing -= 1;
        }
    }
}
