//! A TURN client: as much of RFC 8656 as a test needs, over UDP or any stream.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tincan_turn::channel::{self, Channel, Frame};
use tincan_turn::stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use crate::socket::PATIENCE;

/// The one channel that it uses.
const CHANNEL: u16 = 0x4000;

/// What a client proves itself with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// As it goes over the wire.
    pub username: String,
    /// What requests are signed with.
    pub password: String,
}

impl Credentials {
    /// Those in what the server answered to `ice-servers-request`.
    ///
    /// # Errors
    /// There is no relay in `servers`.
    pub fn of(servers: &Value) -> Result<Self> {
        let list = servers["iceServers"].as_array().context("no list of servers")?;
        let relay = list.iter().find(|server| server["username"].is_string()).context("there is no relay")?;
        let word = |name: &str| relay[name].as_str().unwrap_or_default().to_owned();
        Ok(Self { username: word("username"), password: word("credential") })
    }
}

/// A user name and its password.
impl From<(String, String)> for Credentials {
    fn from((username, password): (String, String)) -> Self {
        Self { username, password }
    }
}

/// A stream of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

enum Wire {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>, Vec<u8>),
}

/// A client of a TURN server.
pub struct TurnClient {
    wire: Wire,
    credentials: Credentials,
    realm: String,
    nonce: String,
    asked: u8,
}

impl std::fmt::Debug for TurnClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TurnClient({})", self.credentials.username)
    }
}

impl TurnClient {
    /// By UDP.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn by_udp(server: SocketAddr, credentials: Credentials) -> Result<Self> {
        let socket = UdpSocket::bind((server.ip(), 0)).await?;
        socket.connect(server).await?;
        Ok(Self::new(Wire::Datagrams(socket), credentials))
    }

    /// By a stream that is open.
    pub fn by_stream(stream: impl Stream + 'static, credentials: Credentials) -> Self {
        Self::new(Wire::Stream(Box::new(stream), Vec::new()), credentials)
    }

    const fn new(wire: Wire, credentials: Credentials) -> Self {
        Self { wire, credentials, realm: String::new(), nonce: String::new(), asked: 0 }
    }

    /// Its relayed address, or the code with which that was refused.
    ///
    /// # Errors
    /// The connection is gone, or there is no answer.
    pub async fn allocate(&mut self) -> Result<Result<SocketAddr, u16>> {
        self.allocate_with(|_| {}).await
    }

    /// As [`Self::allocate`]; `write` adds what it wishes for.
    ///
    /// # Errors
    /// The connection is gone, or there is no answer.
    pub async fn allocate_with(
        &mut self,
        write: impl Fn(&mut Writer<'_>),
    ) -> Result<Result<SocketAddr, u16>> {
        let wish = |writer: &mut Writer<'_>| {
            writer.put(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
            write(writer);
        };
        if self.nonce.is_empty() {
            let challenge = self.ask(Method::ALLOCATE, wish).await?;
            let message = Message::parse(&challenge)?;
            let word = |kind| message.text(kind).map(str::to_owned).unwrap_or_default();
            (self.realm, self.nonce) = (word(AttributeType::REALM), word(AttributeType::NONCE));
        }
        let answer = self.ask(Method::ALLOCATE, wish).await?;
        let message = Message::parse(&answer)?;
        Ok(message
            .address(AttributeType::XOR_RELAYED_ADDRESS)
            .ok_or_else(|| message.error_code().unwrap_or_default()))
    }

    /// Gives its relayed address back. Returns the code of a refusal, or 0.
    ///
    /// # Errors
    /// The connection is gone, or there is no answer.
    pub async fn give_back(&mut self) -> Result<u16> {
        let none = |writer: &mut Writer<'_>| {
            writer.number(AttributeType::LIFETIME, 0);
        };
        refusal(&self.ask(Method::REFRESH, none).await?)
    }

    /// Lets `peer` through. Returns the code of a refusal, or 0.
    ///
    /// # Errors
    /// The connection is gone, or there is no answer.
    pub async fn permit(&mut self, peer: SocketAddr) -> Result<u16> {
        let permit = |writer: &mut Writer<'_>| {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        };
        refusal(&self.ask(Method::CREATE_PERMISSION, permit).await?)
    }

    /// Gives `peer` its channel. Returns the code of a refusal, or 0.
    ///
    /// # Errors
    /// The connection is gone, or there is no answer.
    pub async fn bind(&mut self, peer: SocketAddr) -> Result<u16> {
        let [a, b] = CHANNEL.to_be_bytes();
        let bind = |writer: &mut Writer<'_>| {
            writer.put(AttributeType::CHANNEL_NUMBER, &[a, b, 0, 0]);
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer);
        };
        refusal(&self.ask(Method::CHANNEL_BIND, bind).await?)
    }

    /// Sends on its channel.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, data: &[u8]) -> Result<()> {
        let header = Channel::new(CHANNEL).and_then(|channel| channel::header(channel, data.len()));
        let mut bytes = [&header.context("too long")?[..], data].concat();
        if let Wire::Stream(..) = self.wire {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        self.write(&bytes).await
    }

    /// What came on its channel next.
    ///
    /// # Errors
    /// The connection is gone, or something else came.
    pub async fn hear(&mut self) -> Result<Vec<u8>> {
        let bytes = self.read().await?;
        let (_, data) = channel::read(&bytes).context("this is not on a channel")?;
        Ok(data.to_vec())
    }

    async fn ask(&mut self, method: Method, write: impl Fn(&mut Writer<'_>)) -> Result<Vec<u8>> {
        self.asked = self.asked.wrapping_add(1);
        let Credentials { username, password } = &self.credentials;
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, method, TransactionId([self.asked; 12]));
        write(&mut writer);
        if !self.nonce.is_empty() {
            writer
                .put(AttributeType::USERNAME, username.as_bytes())
                .put(AttributeType::REALM, self.realm.as_bytes())
                .put(AttributeType::NONCE, self.nonce.as_bytes())
                .sign(&Key::long_term(username, &self.realm, password));
        }
        self.write(&out).await?;
        self.read().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.wire {
            Wire::Datagrams(socket) => drop(socket.send(bytes).await?),
            Wire::Stream(stream, _) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<u8>> {
        tokio::time::timeout(PATIENCE, self.next()).await.context("nothing came")?
    }

    /// One datagram, or one frame of the stream without its padding.
    async fn next(&mut self) -> Result<Vec<u8>> {
        match &mut self.wire {
            Wire::Datagrams(socket) => {
                let mut buffer = vec![0; 2048];
                let length = socket.recv(&mut buffer).await?;
                buffer.truncate(length);
                Ok(buffer)
            }
            Wire::Stream(stream, buffer) => loop {
                match channel::frame(buffer) {
                    Frame::Whole { length, whole } => {
                        let rest = buffer.split_off(whole);
                        let mut frame = std::mem::replace(buffer, rest);
                        frame.truncate(length);
                        return Ok(frame);
                    }
                    Frame::Partial if stream.read_buf(buffer).await? > 0 => {}
                    Frame::Partial => bail!("the stream has ended"),
                    Frame::Neither => bail!("this is neither STUN nor ChannelData"),
                }
            },
        }
    }
}

/// The code of a refusal, or 0.
fn refusal(answer: &[u8]) -> Result<u16> {
    let message = Message::parse(answer)?;
    match (message.class(), message.error_code()) {
        (Class::Success, _) => Ok(0),
        (_, Some(code)) => Ok(code),
        _ => bail!("this is no answer"),
    }
}
