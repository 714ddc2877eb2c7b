//! A WebSocket client that can also misbehave: raw bytes, no automatic answers but the pong.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tincan_proto::websocket::{Decoder, End, Item, Opcode, Step, write_client};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long anything may take before a test gives up. Generous: a test machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Longest message that is taken from a server.
const MESSAGE_MAX: usize = 1 << 20;

/// What the server sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A text message.
    Text(String),
    /// A close frame: its code.
    Close(Option<u16>),
    /// The connection is gone.
    Gone,
}

/// What a WebSocket can run over: a socket, or TLS on one.
pub trait Wire: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> Wire for T {}

/// A WebSocket connection to a server under test.
#[derive(Debug)]
pub struct Socket {
    /// Pings are not answered, as by a client that hangs.
    pub deaf_to_pings: bool,
    stream: Box<dyn Wire>,
    decoder: Decoder,
    buf: Vec<u8>,
}

impl Socket {
    /// Opens `path`, with further header lines.
    ///
    /// # Errors
    /// The server's status line, if it does not upgrade.
    pub async fn open(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let host = format!("localhost:{}", addr.port());
        Self::over(Box::new(stream), path, &[&[("Host", host.as_str())], headers].concat()).await
    }

    /// Opens `path` on a stream that is connected already, with these header lines behind those of the handshake.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub async fn over(stream: Box<dyn Wire>, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let opening = Self::upgrade(stream, path, headers);
        tokio::time::timeout(PATIENCE, opening).await.context("the server does not answer the handshake")?
    }

    async fn upgrade(mut stream: Box<dyn Wire>, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut buf = Vec::new();
        let head = loop {
            if let Some(end) = buf.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buf).await? == 0 {
                bail!("the server closed during the handshake: {}", String::from_utf8_lossy(&buf));
            }
        };
        let status = String::from_utf8_lossy(&buf[..head]).lines().next().unwrap_or_default().to_owned();
        if !status.starts_with("HTTP/1.1 101") {
            bail!("{status}");
        }
        buf.drain(..head);
        Ok(Self { deaf_to_pings: false, stream, decoder: Decoder::new(End::Client, MESSAGE_MAX), buf })
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn text(&mut self, text: &str) -> Result<()> {
        self.frame(Opcode::Text, text.as_bytes()).await
    }

    /// Sends any frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn frame(&mut self, opcode: Opcode, payload: &[u8]) -> Result<()> {
        let mut out = Vec::new();
        write_client(&mut out, opcode, payload, [7, 1, 9, 3]);
        self.raw(&out).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(PATIENCE, write)
            .await
            .context("the server reads nothing")?
            .context("the server is gone")
    }

    /// Breaks the connection without a word: what is under way in either direction is lost.
    pub fn cut(&mut self) {
        self.stream = Box::new(tokio::io::empty());
        self.buf.clear();
        self.decoder = Decoder::new(End::Client, MESSAGE_MAX);
    }

    /// What the server says next; pings are answered on the way.
    ///
    /// # Errors
    /// Nothing came within [`PATIENCE`], or it was no WebSocket.
    pub async fn next(&mut self) -> Result<Event> {
        tokio::time::timeout(PATIENCE, self.read()).await.context("the server said nothing")?
    }

    async fn read(&mut self) -> Result<Event> {
        loop {
            let mut pong = None;
            let (used, event) = match self.decoder.step(&mut self.buf)? {
                Step::Item { item: Item::Text(text), used } => (used, Some(Event::Text(text.to_owned()))),
                Step::Item { item: Item::Close(code), used } => (used, Some(Event::Close(code))),
                Step::Item { item: Item::Ping(payload), used } => {
                    pong = Some(payload.to_vec());
                    (used, None)
                }
                Step::Item { used, .. } | Step::Fragment { used } => (used, None),
                Step::More { .. } => {
                    match self.stream.read_buf(&mut self.buf).await {
                        Ok(0) | Err(_) => return Ok(Event::Gone),
                        Ok(_) => {}
                    }
                    continue;
                }
            };
            self.buf.drain(..used);
            if let Some(payload) = pong.filter(|_| !self.deaf_to_pings) {
                let _ = self.frame(Opcode::Pong, &payload).await;
            }
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// The close code that the server ends the connection with.
    ///
    /// # Errors
    /// It ended without one, or did not end.
    pub async fn closed(&mut self) -> Result<u16> {
        loop {
            match self.next().await? {
                Event::Text(_) => {}
                Event::Close(code) => return code.context("a close frame without a code"),
                Event::Gone => bail!("the connection ended without a close frame"),
            }
        }
    }
}
