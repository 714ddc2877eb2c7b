//! The echo: a user who accepts every call and says back what it hears, one second later. So somebody alone, with one
//! browser, can hear that everything works.
//!
//! ```text
//! bus: users "echo" --> inbox --> exchange (one task) --> line (one call) --> bus: calls, users
//!                                   UDP <--> sockets <-----'
//! ```
//!
//! To everyone else it is a user as any other, on another service: it has devices, rings, accepts and hangs up by the
//! bus. Only that it is never busy is its own: each call finds a device of its own name.
//!
//! It is one end of its calls, and so the one part of the server that reads session descriptions and has keys of sound.
//! It decodes nothing: the packets that it sends are those that it got.
//!
//! Not here: what a call is, WebRTC (the crate `str0m`, which has no sockets), whether this user exists (`node`).

mod delay;
mod description;
mod exchange;
mod line;
mod sockets;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tincan_proto::call::{Effect, Notice};
use tincan_proto::id::{Address, UserId};
use tincan_proto::wire::Relay;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::bus::{Bus, DeviceState, Event, News, Reply, Subscription};
use crate::places::Place;
use exchange::{Exchange, Heard};
use sockets::Sockets;

/// Its name.
pub const USER: &str = "echo";

/// What may wait for the task. More means that it hangs, and then calls end by their own limits.
const INBOX: usize = 1024;

/// How long calls may take to end when the server stops.
const PARTING: Duration = Duration::from_secs(1);

/// What the service is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub user: UserId,
    /// Where it can be.
    pub places: Vec<Place>,
    /// The ports that it may take.
    pub ports: RangeInclusive<u16>,
    /// Calls at a time.
    pub calls: usize,
    /// It hangs up after this time.
    pub call_limit: Duration,
}

/// Why it cannot start. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum EchoError {
    /// No port is free.
    #[error(
        "no port of media.relay_ports, {}-{}, is free for the echo; give it more ports, or set echo.enabled = false",
        .0.start(), .0.end()
    )]
    Port(RangeInclusive<u16>),
    /// Anything else that the system refuses.
    #[error("the echo cannot be reached: {0}")]
    System(#[from] std::io::Error),
}

/// The service, which can be reached and hears already what is said to it, but says nothing yet.
#[derive(Debug)]
pub struct Waiting {
    exchange: Exchange,
    inbox: mpsc::Receiver<Heard>,
    addresses: Vec<SocketAddr>,
    echo: Ears,
}

/// What it hears by.
#[derive(Debug)]
struct Ears {
    sender: mpsc::Sender<Heard>,
    users: Subscription<UserId, Event>,
    news: Subscription<(), News>,
}

/// The running service.
#[derive(Debug)]
pub struct Echo {
    ears: Ears,
    task: JoinHandle<()>,
}

impl Waiting {
    /// Takes its ports. Open it before the call service starts: it then hears of calls that a former run has left.
    ///
    /// # Errors
    /// [`EchoError`], with a sentence that says what to do.
    pub fn open(bus: &Bus, settings: Settings) -> Result<Self, EchoError> {
        let sockets = Sockets::bind(&settings.places, &settings.ports)?;
        let addresses = sockets.addresses();
        let (sender, inbox) = mpsc::channel(INBOX);
        let users = bus.users.subscribe(settings.user.clone(), Arc::new(to_user(&settings.user, &sender)));
        let news = bus.news.subscribe((), Arc::new(of_news(&settings.user, &sender)));
        let exchange = Exchange::new(bus.clone(), sockets, settings.calls, settings.call_limit);
        Ok(Self { exchange, inbox, addresses, echo: Ears { sender, users, news } })
    }

    /// Where its calls reach it, as others see that.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Starts to accept calls. The call service must be there.
    #[must_use]
    pub fn start(self) -> Echo {
        Echo { ears: self.echo, task: tokio::spawn(self.exchange.run(self.inbox)) }
    }
}

impl Echo {
    /// Hangs up, and stops.
    pub async fn stop(mut self) {
        let _ = self.ears.sender.send(Heard::Stop).await;
        if tokio::time::timeout(PARTING, &mut self.task).await.is_err() {
            self.task.abort();
        }
        drop((self.ears.users, self.ears.news));
    }
}

/// What the user is told, as far as it matters here. Runs in the publisher's context.
fn to_user(
    user: &UserId,
    sender: &mpsc::Sender<Heard>,
) -> impl Fn(&Event, Option<Reply<Vec<DeviceState>>>) + use<> {
    let (user, sender) = (user.clone(), sender.clone());
    move |event, reply| match event {
        Event::Devices => {
            if let Some(reply) = reply {
                reply.send(device(&user).into_iter().collect());
            }
        }
        Event::Effect(Effect { to, call, notice: Notice::Ring { from, .. } }) => {
            tell(&sender, Heard::Ring { call: *call, own: to.clone(), peer: from.clone() });
        }
        Event::Effect(Effect { call, notice: Notice::Ended { .. }, .. }) => {
            tell(&sender, Heard::Ended(*call));
        }
        Event::Effect(_) => {}
        Event::Refused(refused) => tell(&sender, Heard::Refused(refused.call, refused.code)),
        // Candidates are of no use to it: the other side finds it, and is answered where it is found.
        Event::Relayed(relayed) if relayed.relay == Relay::Offer => {
            let (call, from, data) = (relayed.call, relayed.from.clone(), relayed.data.clone());
            tell(&sender, Heard::Offer { call, from, data });
        }
        Event::Relayed(_) => {}
    }
}

/// Calls that were accepted, those of a former run of the server among them. Runs in the publisher's context.
fn of_news(user: &UserId, sender: &mpsc::Sender<Heard>) -> impl Fn(&News, Option<Reply<()>>) + use<> {
    let (user, sender) = (user.clone(), sender.clone());
    move |news, _| match news {
        News::Accepted { call, callee, .. } if callee.user == user => {
            tell(&sender, Heard::Accepted { call: *call, own: callee.clone() });
        }
        News::Accepted { .. } | News::Ended { .. } => {}
    }
}

fn tell(sender: &mpsc::Sender<Heard>, heard: Heard) {
    if sender.try_send(heard).is_err() {
        tracing::warn!("the echo is far behind and misses what it is told");
    }
}

/// A device for the next call, with a name that no call of a former run has.
fn device(user: &UserId) -> Option<DeviceState> {
    let mut random = [0; 6];
    rand::fill(&mut random).ok()?;
    let device = Address { user: user.clone(), device: URL_SAFE_NO_PAD.encode(random).parse().ok()? };
    Some(DeviceState { device, rings_at_once: false, takes_many: true })
}
