//! A v2 device: a client of the protocol with its session, without a browser.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::socket::{Event, Socket};

/// How a device proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A guest's name.
    Guest(String),
    /// An access token.
    Token(String),
}

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
        let (socket, welcome) = Self::hello(addr, &proof, device, None).await?;
        let name = device.to_owned();
        Ok(Self { socket, welcome, addr, proof, name, sent: 0, received: 0, unacked: Vec::new() })
    }

    async fn hello(addr: SocketAddr, proof: &Proof, device: &str, resume: Option<Value>) -> Result<(Socket, Value)> {
        let mut socket = Socket::open(addr, "/ws", &[("Sec-WebSocket-Protocol", "tincan.v2")]).await?;
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

    /// Drops the connection and comes back with what the session needs to go on. Returns whether it was resumed; if so,
    /// what the server had not got is sent again.
    ///
    /// # Errors
    /// The server does not welcome it.
    pub async fn come_back(&mut self) -> Result<bool> {
        let word = |name: &str| self.welcome[name].clone();
        let resume = json!({ "session": word("session"), "secret": word("secret"), "ack": self.received });
        let (socket, welcome) = Self::hello(self.addr, &self.proof, &self.name, Some(resume)).await?;
        (self.socket, self.welcome) = (socket, welcome);
        if self.welcome["resumed"] != true {
            (self.sent, self.received) = (0, 0);
            self.unacked.clear();
            return Ok(false);
        }
        let ack = self.welcome["ack"].as_u64().context("welcome.ack")?;
        self.unacked.retain(|frame| frame["seq"].as_u64() > Some(ack));
        for frame in self.unacked.clone() {
            self.socket.text(&frame.to_string()).await?;
        }
        Ok(true)
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
    pub async fn send(&mut self, mut frame: Value) -> Result<()> {
        self.sent += 1;
        frame["seq"] = self.sent.into();
        frame["ack"] = self.received.into();
        self.unacked.push(frame.clone());
        self.socket.text(&frame.to_string()).await
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
