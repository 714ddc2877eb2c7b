//! The call service: decides, stores, and only then tells.
//!
//! One task owns the [`Desk`]. Each turn of its loop takes every command that has come in, lets the desk decide on all of
//! them, stores what changed in one transaction, and carries out the effects. While the disk syncs, the next commands
//! gather: the group commit needs no timer. A crash at any point leaves either nothing or a stored change whose devices
//! learn it from the snapshot when they come back.
//!
//! Not here: what is decided (`tincan_proto::call`), how devices are reached (the signaling service, over the bus).

mod turn;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tincan_proto::call::{Call, Desk, Limits, Snapshot, State};
use tincan_proto::id::CallId;
use tincan_proto::time::Millis;
use tincan_proto::wire::ErrorCode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::bus::{Bus, Command, CommandKind, Event, News, Refused, Reply, Subscription};
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Commands that may wait. More means that the disk is far behind, and then they are refused.
const INBOX: usize = 65_536;

/// Commands of one turn.
const TURN: usize = 1024;

/// After a start, for how long a user without a device may still be on the way back.
const COMING_BACK: Duration = Duration::from_secs(10);

/// How long ended calls are remembered across a restart, so that a repeated request opens nothing.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Least time between the starts of two turns. Nobody hears 2 ms, and under load a turn then has much to store at the
/// price of one sync; a command that comes after a pause is served at once.
const PACE: Duration = Duration::from_millis(2);

/// How long a change may wait to be stored if it tells nobody anything: that a leg has media, or that its connection is
/// lost. What the call comes to meanwhile is stored in its place. A crash forgets it, and the devices say it again when
/// they come back.
const QUIET: Duration = Duration::from_millis(100);

/// How long to wait after the store refused.
const RETRY: Duration = Duration::from_millis(100);

/// The running service.
#[derive(Debug)]
pub struct CallService {
    subscription: Subscription<(), Command>,
    census: Census,
    task: JoinHandle<()>,
}

/// Counts the live calls, for those who look at the service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Census(mpsc::Sender<oneshot::Sender<Counted>>);

/// Live calls by state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Nobody has accepted.
    pub ringing: u64,
    /// Accepted; the two look for a path.
    pub negotiating: u64,
    /// With sound.
    pub connected: u64,
    /// The sound is lost.
    pub reconnecting: u64,
}

impl Census {
    /// Counts them, between two turns; none if the service has stopped.
    pub async fn count(&self) -> Counted {
        let (reply, counted) = oneshot::channel();
        // Fails only if the service is gone, and then nobody answers.
        let _ = self.0.send(reply).await;
        counted.await.unwrap_or_default()
    }
}

struct Inbox {
    command: Command,
    reply: Option<Reply<Vec<Snapshot>>>,
}

struct Actor {
    bus: Bus,
    clock: Clock,
    desk: Desk,
    store: Store,
    started_at: Millis,
    /// Devices that came or went while nothing could be stored: said again at the next turn.
    again: Vec<Inbox>,
    /// Calls as they stand since changes of which nobody is told, not yet stored.
    quiet: HashMap<CallId, Arc<Call>>,
    /// When they will be.
    quiet_until: Option<Millis>,
}

impl CallService {
    /// Takes up the stored calls and starts to serve commands.
    ///
    /// # Errors
    /// [`StoreError`] if the stored calls cannot be read.
    pub async fn start(bus: Bus, clock: Clock, store: Store, limits: Limits) -> Result<Self, StoreError> {
        let now = clock.now();
        let mut desk = Desk::new(limits);
        let live = store.live_calls().await?;
        tracing::debug!(call.count = live.len(), "took up live calls");
        for call in &live {
            if let Some((callee, at)) = call.accepted() {
                let (caller, callee) = (call.caller().clone(), callee.clone());
                bus.news.publish(&(), &News::Accepted { call: call.id(), caller, callee, at });
            }
        }
        desk.restore(now, live, store.ended_since(now - REMEMBERED).await?);
        let (sender, inbox) = mpsc::channel(INBOX);
        let receive = receiver(bus.clone(), sender);
        let subscription = bus.calls.subscribe((), Arc::new(receive));
        let (again, quiet, quiet_until) = (Vec::new(), HashMap::new(), None);
        let actor = Actor { bus, clock, desk, store, started_at: now, again, quiet, quiet_until };
        let (census, asked) = mpsc::channel(1);
        let task = tokio::spawn(actor.run(inbox, asked));
        Ok(Self { subscription, census: Census(census), task })
    }

    /// Counts the live calls.
    #[must_use]
    pub const fn census(&self) -> &Census {
        &self.census
    }

    /// Stops taking commands, finishes what came in, and ends.
    pub async fn stop(self) {
        drop(self.subscription);
        let _ = self.task.await;
    }
}

/// Puts each command into the inbox, or refuses it at once.
fn receiver(bus: Bus, inbox: mpsc::Sender<Inbox>) -> impl Fn(&Command, Option<Reply<Vec<Snapshot>>>) {
    move |command, reply| {
        if inbox.try_send(Inbox { command: command.clone(), reply }).is_err() {
            tracing::warn!("the call service is far behind and refuses a command");
            refuse(&bus, command, ErrorCode::Unavailable, "the server is overloaded; try again");
        }
    }
}

/// Tells the device that its command was not carried out. What needs no answer gets none.
fn refuse(bus: &Bus, command: &Command, code: ErrorCode, message: &str) {
    let (call, request) = match &command.kind {
        CommandKind::Request { call, .. } => (*call, true),
        CommandKind::Act { call, .. } => (*call, false),
        CommandKind::Online { .. } | CommandKind::Gone { .. } => return,
    };
    let (to, re) = (command.from.clone(), command.re.clone());
    let refused = Refused { to, call, re, request, code, message: message.into() };
    bus.users.publish(&command.from.user, &Event::Refused(refused));
}

impl Actor {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Inbox>,
        mut asked: mpsc::Receiver<oneshot::Sender<Counted>>,
    ) {
        let mut commands = Vec::new();
        let mut next_turn = tokio::time::Instant::now();
        loop {
            // What must be said again does not wait for someone to say something new.
            let soon = if self.again.is_empty() { None } else { Some(self.clock.now()) };
            let deadline = soon.into_iter().chain(self.desk.deadline()).chain(self.quiet_until).min();
            let deadline = deadline.map(|at| self.clock.instant(at));
            let came = tokio::select! {
                Some(reply) = asked.recv() => {
                    // Whoever asked may be gone.
                    let _ = reply.send(self.count());
                    continue;
                }
                came = inbox.recv_many(&mut commands, TURN) => Some(came),
                () = sleep_until(deadline) => None,
            };
            if came == Some(0) {
                return self.leave().await;
            }
            tokio::time::sleep_until(next_turn).await;
            next_turn = tokio::time::Instant::now() + PACE;
            while commands.len() < TURN
                && let Ok(command) = inbox.try_recv()
            {
                commands.push(command);
            }
            let again = std::mem::take(&mut self.again);
            self.turn(again.into_iter().chain(commands.drain(..))).await;
        }
    }

    fn count(&self) -> Counted {
        let mut counted = Counted::default();
        for call in self.desk.calls() {
            match call.state() {
                State::Requested | State::Delivered | State::Ringing => counted.ringing += 1,
                State::Negotiating => counted.negotiating += 1,
                State::Connected => counted.connected += 1,
                State::Reconnecting => counted.reconnecting += 1,
                State::Ended => {}
            }
        }
        counted
    }

    /// Stores what is quiet, before the server stops.
    async fn leave(mut self) {
        if let Err(error) = self.save(&[], true).await {
            tracing::error!(%error, "the last changes of calls could not be stored");
        }
    }
}

/// Sleeps until `deadline`; for ever if there is none.
async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
