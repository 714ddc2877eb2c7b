//! How services reach each other. A service never names another; it publishes to a subject.
//!
//! Subjects:
//!
//! | subject | who listens | what is said |
//! |---|---|---|
//! | `call.command` | one call service | [`Command`] |
//! | `user.<user>` | the signaling service that holds a device of that user | [`Event`] |
//!
//! A connected user is a subscription, so the bus's own table is the registry: a request that nobody answers means that
//! the user is offline. Everything is encoded, also inside one process, so that a cluster runs the same path; in postcard,
//! because a dialog makes a dozen messages and JSON took a tenth of the server's time.
//!
//! Not here: anything that must not be lost. The bus carries hints; the store is the record.

mod local;
mod message;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tincan_proto::id::UserId;

pub use local::{Local, Subscription};
pub use message::{Command, CommandKind, DeviceState, Event, Refused};

/// The subject of commands to the call service.
pub const CALL_COMMAND: &str = "call.command";

/// The subject of events for a user's devices.
#[must_use]
pub fn user_subject(user: &UserId) -> String {
    format!("user.{user}")
}

/// Nobody answered a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nobody answered on the bus")]
pub struct NoResponder;

/// What a subscriber gets.
#[derive(Debug)]
pub struct Message<'a> {
    body: &'a [u8],
    reply: Option<Reply>,
}

/// Where the answer to a request goes.
#[derive(Debug)]
pub struct Reply(tokio::sync::oneshot::Sender<Vec<u8>>);

impl Message<'_> {
    /// What was said, or `None`, logged, if it cannot be read: another version may be speaking.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        postcard::from_bytes(self.body)
            .inspect_err(|error| tracing::error!(%error, "a bus message cannot be read"))
            .ok()
    }

    /// Where to answer, if it was a request.
    pub const fn take_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }
}

impl Reply {
    /// Answers. It does not matter if nobody waits any more.
    pub fn send<T: Serialize>(self, answer: &T) {
        let _ = self.0.send(encode(answer));
    }
}

/// What runs for each message, in the publisher's context: it must be quick and must not block.
pub type Subscriber = Arc<dyn Fn(Message<'_>) + Send + Sync>;

/// The bus. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bus {
    local: Arc<Local>,
}

impl Bus {
    /// Tells all subscribers of `subject`. Returns how many there were.
    pub fn publish<T: Serialize>(&self, subject: &str, body: &T) -> usize {
        self.local.publish(subject, &encode(body))
    }

    /// Calls `subscriber` for each message to `subject`, until the subscription is dropped.
    pub fn subscribe(&self, subject: String, subscriber: Subscriber) -> Subscription {
        Local::subscribe(&self.local, subject, subscriber)
    }

    /// Asks the subscribers of `subject`; the first answer counts.
    ///
    /// # Errors
    /// [`NoResponder`] at once if there is no subscriber, or when the last one dropped the request.
    pub async fn request<T: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        body: &T,
    ) -> Result<A, NoResponder> {
        let answer = self.local.request(subject, &encode(body)).await?;
        postcard::from_bytes(&answer).map_err(|error| {
            tracing::error!(%error, "a bus answer cannot be read");
            NoResponder
        })
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Our messages are plain data of known length, so this cannot fail.
    postcard::to_stdvec(value).unwrap_or_default()
}
