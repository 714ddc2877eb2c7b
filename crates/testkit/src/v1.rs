//! A v1 client, written from nothing but the description of the original pages: it connects to `/ws?id=…` and speaks
//! `{type, to, from, data}`.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::socket::{Event, Socket};

/// Everything that a page of old may be sent.
const TYPES: [&str; 8] = [
    "call-request",
    "call-accept",
    "call-reject",
    "offer",
    "answer",
    "candidate",
    "hangup",
    "ice-servers-response",
];

/// Everything that such a frame may have.
const MEMBERS: [&str; 4] = ["type", "to", "from", "data"];

/// One of the original pages, without the page.
#[derive(Debug)]
pub struct V1 {
    /// Its connection.
    pub socket: Socket,
    id: String,
}

impl V1 {
    /// "Connect to Server".
    ///
    /// # Errors
    /// The server does not upgrade.
    pub async fn connect(addr: SocketAddr, id: &str) -> Result<Self> {
        let socket = Socket::open(addr, &format!("/ws?id={id}"), &[]).await?;
        Ok(Self::over(socket, id))
    }

    /// The page on a connection that was opened for this id already.
    #[must_use]
    pub fn over(socket: Socket, id: &str) -> Self {
        Self { socket, id: id.into() }
    }

    /// Sends a frame without data.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, kind: &str, to: &str) -> Result<()> {
        self.socket.text(&json!({ "type": kind, "to": to }).to_string()).await
    }

    /// Sends a frame with data.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_data(&mut self, kind: &str, to: &str, data: &Value) -> Result<()> {
        self.socket.text(&json!({ "type": kind, "to": to, "data": data }).to_string()).await
    }

    /// The next frame: its type, who sent it, and its data.
    ///
    /// # Errors
    /// The connection ended, or the frame is none of v1's or not for this client.
    pub async fn next(&mut self) -> Result<(String, String, Value)> {
        let text = match self.socket.next().await? {
            Event::Text(text) => text,
            other => bail!("{}: {other:?}", self.id),
        };
        let frame: Value = serde_json::from_str(&text)?;
        if frame["to"] != self.id.as_str() {
            bail!("a frame for someone else: {text}");
        }
        let word = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        let known =
            frame.as_object().is_some_and(|frame| frame.keys().all(|name| MEMBERS.contains(&name.as_str())));
        if !known || !TYPES.contains(&word("type").as_str()) {
            bail!("a frame that no page of old knows: {text}");
        }
        Ok((word("type"), word("from"), frame["data"].clone()))
    }

    /// Expects a frame of this type from this user. Returns its data.
    ///
    /// # Errors
    /// Something else came.
    pub async fn expect(&mut self, kind: &str, from: &str) -> Result<Value> {
        let (got, sender, data) = self.next().await?;
        if (got.as_str(), sender.as_str()) != (kind, from) {
            bail!("{} expected {kind} from {from}, and got {got} from {sender}: {data}", self.id);
        }
        Ok(data)
    }

    /// Proves that the connection has nothing more to say: whatever it had came before this answer.
    ///
    /// # Errors
    /// Something came.
    pub async fn expect_silence(&mut self) -> Result<()> {
        self.socket.text(r#"{"type":"ice-servers-request"}"#).await?;
        let id = self.id.clone();
        self.expect("ice-servers-response", &id).await.map(drop)
    }
}
