//! A v2 device: a client of the protocol with its session, without a browser.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tincan_proto::websocket::{Opcode, write_client};

use crate::socket::{Event, Socket};

/// How a device proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A guest's name.
    Guest(String),
    /// An access token.
    Token(String),
}

/// What a client says again on a new session, if it was not acknowledged: the server takes each of them twice as once.
const SAID_AGAIN: [&str; 5] = ["call-request", "call-accept", "call-reject", "call-cancel", "hangup"];

/// A device with a session.
#[derive(Debug)]
pub struct Device {
    /// Its connection.
    pub socket: Socket,
    /// The `data` of the last `welcome`.
    pub welcome: Value,
    addr: SocketAddr,
    proof: Proof,
    name: String,
    sent: u64,
    received: u64,
    unacked: Vec<Value>,
}

impl Device {
    /// A guest's device, registered.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn guest(addr: SocketAddr, user: &str, device: &str) -> Result<Self> {
        Self::open(addr, Proof::Guest(user.into()), device).await
    }

    /// A device, registered.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn open(addr: SocketAddr, proof: Proof, device: &str) -> Result<Self> {
        Self::open_over(Self::connect(addr).await?, addr, proof, device).await
    }

    /// A device, registered on a connection that is open already. It comes back at `addr`.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn open_over(socket: Socket, addr: SocketAddr, proof: Proof, device: &str) -> Result<Self> {
        let (socket, welcome) = Self::hello(socket, &proof, device, None).await?;
        let name = device.to_owned();
        Ok(Self { socket, welcome, addr, proof, name, sent: 0, received: 0, unacked: Vec::new() })
    }

    async fn connect(addr: SocketAddr) -> Result<Socket> {
        Socket::open(addr, "/ws", &[("Sec-WebSocket-Protocol", "tincan.v2")]).await
    }

    async fn hello(
        mut socket: Socket,
        proof: &Proof,
        device: &str,
        resume: Option<Value>,
    ) -> Result<(Socket, Value)> {
        let mut data = match proof {
            Proof::Guest(user) => json!({ "guest": user, "device": device }),
            Proof::Token(token) => json!({ "token": token, "device": device }),
        };
        if let Some(resume) = resume {
            data["resume"] = resume;
        }
        socket.text(&json!({ "type": "hello", "data": data }).to_string()).await?;
        match socket.next().await? {
            Event::Text(text) => {
                let mut frame: Value = serde_json::from_str(&text)?;
                if frame["type"] != "welcome" {
                    bail!("not welcome: {text}");
                }
                Ok((socket, frame["data"].take()))
            }
            other => bail!("not welcome: {other:?}"),
        }
    }

    /// What a hello says to resume this session.
    #[must_use]
    pub fn resume(&self) -> Value {
        let word = |name: &str| self.welcome[name].clone();
        json!({ "session": word("session"), "secret": word("secret"), "ack": self.received })
    }

    /// Drops the connection and comes back with what the session needs to go on. Returns whether it was resumed; if so,
    /// what the server had not got is sent again, and else only what can be said twice.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn come_back(&mut self) -> Result<bool> {
        self.come_back_with(self.resume()).await.map(drop)?;
        Ok(self.welcome["resumed"] == true)
    }

    /// Comes back with `resume` as the proof. Returns the connection that it had.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn come_back_with(&mut self, resume: Value) -> Result<Socket> {
        let socket = Self::connect(self.addr).await?;
        self.come_back_over(socket, resume).await
    }

    /// Comes back on a connection that is open already. Returns the one that it had.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn come_back_over(&mut self, socket: Socket, resume: Value) -> Result<Socket> {
        let (socket, welcome) = Self::hello(socket, &self.proof, &self.name, Some(resume)).await?;
        let old = std::mem::replace(&mut self.socket, socket);
        self.welcome = welcome;
        if self.welcome["resumed"] == true {
            let ack = self.welcome["ack"].as_u64().context("welcome.ack")?;
            self.unacked.retain(|frame| frame["seq"].as_u64() > Some(ack));
            for frame in self.unacked.clone() {
                self.socket.text(&frame.to_string()).await?;
            }
            return Ok(old);
        }
        (self.sent, self.received) = (0, 0);
        for frame in std::mem::take(&mut self.unacked) {
            if SAID_AGAIN.iter().any(|kind| frame["type"] == *kind) {
                self.send(frame).await?;
            }
        }
        Ok(old)
    }

    /// How many frames the server has not acknowledged, as far as this device heard.
    #[must_use]
    pub fn unacked(&self) -> usize {
        self.unacked.len()
    }

    /// Says what arrived.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn ack(&mut self) -> Result<()> {
        self.socket.text(&json!({ "type": "ack", "ack": self.received }).to_string()).await
    }

    /// Sends no more than the first `bytes` of a numbered frame before the connection breaks.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_torn(&mut self, frame: Value, bytes: usize) -> Result<()> {
        let text = self.number(frame).to_string();
        let mut wire = Vec::new();
        write_client(&mut wire, Opcode::Text, text.as_bytes(), [3, 1, 4, 1]);
        let sent = self.socket.raw(&wire[..bytes.min(wire.len())]).await;
        self.socket.cut();
        sent
    }

    /// Goes to another address, as after a restart, and opens a new session there.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn move_to(&mut self, addr: SocketAddr) -> Result<bool> {
        self.addr = addr;
        self.come_back().await
    }

    /// Sends a numbered frame. `frame` has everything but `seq`.
    ///
    /// # Errors
    /// The connection is gone; the frame is sent again by [`Device::come_back`].
    pub async fn send(&mut self, frame: Value) -> Result<()> {
        let text = self.number(frame).to_string();
        self.socket.text(&text).await
    }

    /// Gives a frame its number and does not send it, as no connection should lose one.
    pub fn skip(&mut self, frame: Value) {
        self.number(frame);
    }

    /// Gives a frame its number, and keeps it until it is acknowledged.
    fn number(&mut self, mut frame: Value) -> Value {
        self.sent += 1;
        frame["seq"] = self.sent.into();
        frame["ack"] = self.received.into();
        self.unacked.push(frame.clone());
        frame
    }

    /// Sends a frame about a call.
    ///
    /// # Errors
    /// As [`Device::send`].
    pub async fn call(&mut self, kind: &str, call: &str, data: Value) -> Result<()> {
        self.send(json!({ "type": kind, "id": kind, "call": call, "data": data })).await
    }

    /// Rings `user`.
    ///
    /// # Errors
    /// As [`Device::send`].
    pub async fn ring(&mut self, user: &str, call: &str) -> Result<()> {
        self.send(json!({ "type": "call-request", "id": "ring", "call": call, "to": user })).await
    }

    /// The next numbered frame, or an unnumbered one that is not a bare `ack`.
    ///
    /// # Errors
    /// The connection ended, or a number was skipped or doubled.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            let text = match self.socket.next().await? {
                Event::Text(text) => text,
                other => bail!("{}: {other:?}", self.name),
            };
            let frame: Value = serde_json::from_str(&text)?;
            if let Some(ack) = frame["ack"].as_u64() {
                self.unacked.retain(|frame| frame["seq"].as_u64() > Some(ack));
            }
            if let Some(seq) = frame["seq"].as_u64() {
                if seq != self.received + 1 {
                    bail!("{} got {seq} after {}: {text}", self.name, self.received);
                }
                self.received = seq;
            }
            if frame["type"] != "ack" {
                return Ok(frame);
            }
        }
    }

    /// Expects a frame of this type. Returns it.
    ///
    /// # Errors
    /// Something else came.
    pub async fn expect(&mut self, kind: &str) -> Result<Value> {
        let frame = self.next().await?;
        if frame["type"] != kind {
            bail!("{} expected {kind}, and got {frame}", self.name);
        }
        Ok(frame)
    }

    /// Expects the end of a call, for this reason.
    ///
    /// # Errors
    /// Something else came.
    pub async fn expect_end(&mut self, call: &str, reason: &str) -> Result<Value> {
        let frame = self.expect("call-ended").await?;
        if frame["call"] != call || frame["data"]["reason"] != reason {
            bail!("{} expected {call} to end as {reason}, and got {frame}", self.name);
        }
        Ok(frame)
    }

    /// Proves that nothing waits: whatever the server had to say came before the answer to this ping.
    ///
    /// # Errors
    /// Something came.
    pub async fn expect_silence(&mut self) -> Result<()> {
        self.socket.text(r#"{"type":"ping"}"#).await?;
        self.expect("pong").await.map(drop)
    }
}
