//! The signaling service: the devices' connections and sessions.
//!
//! ```text
//! socket -> connection (task) -> v1 | v2 -> relay ----------> the other session -> its link -> socket
//!                                       \-> bus: calls            ^
//!                                      bus: users -> notice ------'
//! ```
//!
//! It stamps who sent what, keeps the order, resumes sessions, and relays offers, answers and candidates between the two
//! legs of an accepted call without asking anyone. What a call is and what becomes of it, it asks the call service.
//!
//! Not here: decisions about calls, storage, HTTP.

mod connection;
mod directory;
mod hello;
mod ice;
mod identity;
mod leg;
mod link;
mod notice;
mod relay;
mod session;
mod transport;
mod v1;
mod v2;

use std::sync::Arc;
use std::time::Duration;

use tincan_proto::call::Act;
use tincan_proto::id::{Address, CallId, UserId};
use tincan_proto::limit::Rate;
use tincan_proto::wire::{CloseCode, ServerFrame};

use crate::bus::{Bus, Command, CommandKind, Event, Reply};
use crate::clock::Clock;
use crate::limiter::Limiter;
use directory::Directory;
use link::Flush;
use session::{Session, Version};

pub use identity::Tokens;

/// What the service is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// How long a session can be resumed.
    pub resume: Duration,
    /// How long a connection may take to say hello.
    pub hello_timeout: Duration,
    /// A connection that was silent for this long is pinged.
    pub ping: Duration,
    /// How long its pong may take.
    pub pong_timeout: Duration,
    /// How long a v1 page may take to set its answer.
    pub v1_settle: Duration,
    /// How long a client may leave its socket full.
    pub write_stall: Duration,
    /// Frames of a session.
    pub frames: Rate,
    /// Call requests of a user.
    pub call_requests: Rate,
    /// Call requests of a user to another.
    pub call_requests_pair: Rate,
    /// Calls hide addresses: only a relay's candidates pass.
    pub relay_only: bool,
    /// Names of users that are no clients: whoever comes with one is refused.
    pub reserved: Vec<UserId>,
    /// What access tokens are checked with; without it there are only guests.
    pub tokens: Option<Tokens>,
}

/// How a client opened its connection, as far as HTTP could tell.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its language, and what it needs to know of who it is.
    pub language: Language,
    /// The name by which the client reached this server.
    pub host: Option<Box<str>>,
}

/// The language of a connection.
#[derive(Clone, Debug)]
pub enum Language {
    /// `/ws?id=<user>`: v1.
    V1(UserId),
    /// Subprotocol `tincan.v2`. `guests`: names without proof may be taken, because the client is on this machine.
    V2 {
        /// Whether a guest name is accepted.
        guests: bool,
    },
}

/// The running service. Cheap to clone.
#[derive(Clone)]
pub struct Signaling(Arc<Shared>);

/// What all connections share.
struct Shared {
    bus: Bus,
    clock: Clock,
    settings: Settings,
    directory: Directory,
    by_user: Limiter<UserId>,
    by_pair: Limiter<(UserId, UserId)>,
}

impl std::fmt::Debug for Signaling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signaling")
    }
}

impl Signaling {
    /// The service, without a connection yet.
    #[must_use]
    pub fn new(bus: Bus, clock: Clock, settings: Settings) -> Self {
        let by_user = Limiter::new(settings.call_requests);
        let by_pair = Limiter::new(settings.call_requests_pair);
        Self(Arc::new(Shared { bus, clock, settings, directory: Directory::default(), by_user, by_pair }))
    }

    /// Serves one upgraded connection until it ends.
    ///
    /// `known` runs once it is known who the client is.
    pub async fn serve(
        &self,
        upgraded: hyper::upgrade::Upgraded,
        opening: Opening,
        known: impl FnOnce() + Send,
    ) {
        match transport::split(upgraded) {
            Ok(io) => connection::serve(&self.0, io, opening, known).await,
            Err(error) => tracing::error!(%error, "an upgraded connection cannot be used"),
        }
    }

    /// How many sessions there are, and how many of them have a connection.
    #[must_use]
    pub fn present(&self) -> (usize, usize) {
        let sessions = self.0.directory.all();
        (sessions.len(), sessions.iter().filter(|session| session.lock().link.is_some()).count())
    }

    /// Sends every client away: the server stops. Clients come back after times spread over `spread`.
    pub fn drain(&self, spread: Duration) {
        let sessions = self.0.directory.all();
        let step = spread.as_millis() as u64 / (sessions.len() as u64).max(1);
        for (at, session) in sessions.into_iter().enumerate() {
            let mut flush = Flush::default();
            session.lock().send(&ServerFrame::Goaway { reconnect_in_ms: at as u64 * step }, &mut flush);
            flush.run();
            session.close(CloseCode::Restart, "");
        }
    }
}

impl Shared {
    /// Asks the call service for something in the name of a device.
    fn command(&self, from: &Address, re: Option<&str>, kind: CommandKind) {
        let command = Command { from: from.clone(), re: re.map(Into::into), kind };
        if self.bus.calls.publish(&(), &command) == 0 {
            tracing::error!("no call service is listening");
        }
    }

    /// Whether `user` may ring `to` now.
    fn may_request(&self, user: &UserId, to: &UserId) -> Result<(), Duration> {
        let now = self.clock.now();
        self.by_pair.take(now, (user.clone(), to.clone()))?;
        self.by_user.take(now, user.clone())
    }

    fn act(&self, from: &Address, re: Option<&str>, call: CallId, act: Act) {
        self.command(from, re, CommandKind::Act { call, act });
    }

    /// Puts a session in its device's place, and sends off the one that was there.
    fn enter(self: &Arc<Self>, session: &Arc<Session>) {
        let subscribe = |user: &UserId| {
            let (shared, of) = (Arc::clone(self), user.clone());
            let hear = move |event: &Event, reply: Option<Reply<_>>| notice::hear(&shared, &of, event, reply);
            self.bus.users.subscribe(user.clone(), Arc::new(hear))
        };
        if let Some(old) = self.directory.put(Arc::clone(session), subscribe) {
            old.send_off();
        }
    }

    /// The device has no connection any more.
    fn left(self: &Arc<Self>, session: &Arc<Session>, link: &Arc<link::Link>, goodbye: bool) {
        let mut state = session.lock();
        if !state.link.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
            return;
        }
        state.link = None;
        let connection = state.numbers.as_ref().map_or(0, |numbers| numbers.connection);
        let for_good = goodbye || session.version == Version::V1;
        if for_good {
            if let Some(numbers) = &mut state.numbers {
                numbers.retire();
            }
            if !self.directory.remove(session) {
                return;
            }
        }
        if !state.legs.is_empty() {
            // Under the lock: whoever takes the device over comes after it, and says so after this.
            self.command(&session.address, None, CommandKind::Gone { for_good });
        }
        drop(state);
        if !for_good {
            let (shared, session) = (Arc::clone(self), Arc::clone(session));
            tokio::spawn(async move {
                tokio::time::sleep(shared.settings.resume).await;
                shared.forget(&session, connection);
            });
        }
    }

    /// Ends a session whose time to resume is over.
    fn forget(&self, session: &Arc<Session>, connection: u64) {
        let mut state = session.lock();
        let is_away = state.link.is_none();
        let numbers = state.numbers.as_mut().filter(|numbers| is_away && numbers.connection == connection);
        if let Some(numbers) = numbers {
            numbers.retire();
            self.directory.remove(session);
        }
    }
}
