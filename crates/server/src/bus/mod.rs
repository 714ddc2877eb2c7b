//! How services reach each other. A service never names another; it says something on a topic.
//!
//! | topic | subject | who listens | what is said | what is answered |
//! |---|---|---|---|---|
//! | [`Bus::calls`] | – | one call service | [`Command`] | the device's calls |
//! | [`Bus::users`] | a user | the service that holds a device of that user | [`Event`] | the user's devices |
//! | [`Bus::ice`] | – | one media service | [`IceRequest`] | ICE servers |
//! | [`Bus::quality`] | – | one media service | [`Reported`] | – |
//! | [`Bus::news`] | – | whoever wants to know | [`News`] | – |
//!
//! A connected user is a subscription, so the bus's own table is the registry: a request that nobody answers means that
//! the user is offline. What is said is handed over by reference: a dialog makes a dozen messages, and encoding them
//! within one process took a twentieth of the server's time.
//!
//! Not here: anything that must not be lost. The bus carries hints; the store is the record.

mod message;
mod topic;

use tincan_proto::id::UserId;

pub use message::{
    Command, CommandKind, DeviceState, Event, IcePurpose, IceRequest, IceServers, News, Refused, Relayed,
    Reported,
};
pub use topic::{NoResponder, Reply, Said, Subscription, Topic};

/// The bus. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bus {
    /// Asks the call service.
    pub calls: Topic<(), Command>,
    /// Tells a user's devices.
    pub users: Topic<UserId, Event>,
    /// Asks for ICE servers.
    pub ice: Topic<(), IceRequest>,
    /// Says how good calls are.
    pub quality: Topic<(), Reported>,
    /// Tells what becomes of calls.
    pub news: Topic<(), News>,
}
