//! The relay: STUN and TURN on UDP, and on the streams that it is handed.
//!
//! ```text
//! clients <--> listening sockets, streams \
//!                                          one thread: tincan_turn::server decides, sockets carry out
//! peers   <--> a socket for each relay    /
//! ```
//!
//! One thread owns the relays and all their sockets: a packet is received, looked up and sent on without a lock, a task or
//! a queue. What others want of it comes by a channel. A stream's bytes do, too: its reader is a task, since TLS and many
//! slow connections are what the runtime is good at.
//!
//! Not here: what STUN and TURN say (`tincan_turn`), whose call it is, who connects by TCP or TLS (`listen`).

mod datagrams;
mod local;
mod sockets;
mod stream;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Events, Poll, Waker};
use parking_lot::Mutex;
use tincan_proto::time::Millis;
use tincan_turn::channel::{self, Frame};
use tincan_turn::credential::Secrets;
use tincan_turn::server::{Client, Limits, RelayId, Server, Totals};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::clock::Clock;
use crate::config::Cidr;
use crate::places::Place;
use datagrams::{BATCH, Datagram, Inbox, Sending};
use sockets::{Sockets, Source, WAKER};
use stream::Outbox;

/// What credentials belong to. Short: it is part of an answer to those who have not proven who they are.
pub const REALM: &str = "tincan";

/// What the relay is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// Where clients come in.
    pub clients: Vec<UdpSocket>,
    /// Where relays are bound, and the addresses at which others see them: at most one of a family.
    pub places: Vec<Place>,
    /// The ports of relays.
    pub ports: RangeInclusive<u16>,
    /// Peers that may be reached: none, or those with public addresses and these others.
    pub reach: Option<Vec<Cidr>>,
    /// Addresses of ours that are no relays and that may be reached.
    pub neighbours: Vec<SocketAddr>,
    /// What credentials are checked with.
    pub secrets: Secrets,
    /// Limits.
    pub limits: Limits,
}

/// The running relay. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    commands: Sender<Command>,
    waker: Waker,
    thread: Mutex<Option<JoinHandle<()>>>,
    counted: Arc<Mutex<Counted>>,
    /// Counts the streams: each has a number.
    streams: AtomicU64,
}

/// What the relay has done, as of its latest turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Relays that are open.
    pub open: usize,
    /// Since the start.
    pub totals: Totals,
}

/// What others want of the thread.
enum Command {
    /// The call is over: its relays end, and no new ones are made.
    End {
        call: String,
    },
    /// Other secrets from now on.
    Rotate(Secrets),
    /// A client on a stream, and where what it is told goes.
    Opened(Client, Arc<Outbox>),
    /// Whole frames of its stream.
    Said(Client, Vec<u8>),
    Closed(Client),
    Stop,
}

impl Relay {
    /// Starts to serve.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn start(settings: Settings, clock: Clock) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut nonce_secret = [0; 32];
        aws_lc_rs::rand::fill(&mut nonce_secret).map_err(|_| io::Error::other("there is no randomness"))?;
        let server = Server::new(tincan_turn::server::Settings {
            realm: REALM.into(),
            secrets: settings.secrets.clone(),
            nonce_secret,
            neighbours: settings.neighbours.clone(),
            limits: settings.limits,
        });
        let sockets = Sockets::new(settings, poll.registry().try_clone()?)?;
        let (commands, receiver) = mpsc::channel();
        let counted = Arc::default();
        let thread =
            Thread { poll, server, sockets, clock, commands: receiver, counted: Arc::clone(&counted) };
        let thread = std::thread::Builder::new().name("tincan-relay".into()).spawn(move || thread.run())?;
        let thread = Mutex::new(Some(thread));
        Ok(Self(Arc::new(Shared { commands, waker, thread, counted, streams: AtomicU64::new(0) })))
    }

    /// Ends the relays of a call. No new ones are made for it.
    pub fn end(&self, call: &str) {
        self.tell(Command::End { call: call.into() });
    }

    /// Takes other secrets from now on. Relays that are open stay.
    pub fn rotate(&self, secrets: Secrets) {
        self.tell(Command::Rotate(secrets));
    }

    /// What was done.
    #[must_use]
    pub fn counted(&self) -> Counted {
        *self.0.counted.lock()
    }

    /// Serves a client on a stream until it ends.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, stream: S, remote: SocketAddr) {
        stream::serve(self, stream, remote).await;
    }

    /// Stops. All relays end, and what clones are asked for does not happen any more.
    pub fn stop(&self) {
        self.tell(Command::Stop);
        if self.0.thread.lock().take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the relay's thread had panicked");
        }
    }

    fn tell(&self, command: Command) {
        // Both fail only if the thread is gone, and then there is nothing to tell it.
        let _ = self.0.commands.send(command);
        let _ = self.0.waker.wake();
    }
}

/// The thread's own.
struct Thread {
    poll: Poll,
    server: Server,
    sockets: Sockets,
    clock: Clock,
    commands: Receiver<Command>,
    counted: Arc<Mutex<Counted>>,
}

impl Thread {
    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let (mut inbox, mut sending) = (Inbox::new(), Sending::new());
        loop {
            let now = self.clock.now();
            let wait = if self.sockets.has_more() {
                Some(Duration::ZERO)
            } else {
                self.server.deadline().map(|at| at.since(now))
            };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the relay cannot wait for packets any more, and ends");
                return;
            }
            for event in &events {
                self.sockets.note(event.token());
            }
            let now = self.clock.now();
            while let Some(from) = self.sockets.next_ready() {
                self.drain(from, now, &mut inbox);
                self.sockets.flush(&mut sending, BATCH);
            }
            self.server.expire(now, &mut self.sockets);
            let goes_on = self.work(now);
            self.sockets.flush(&mut sending, 1);
            if goes_on.is_break() {
                return;
            }
            *self.counted.lock() = Counted { open: self.server.relays(), totals: self.server.totals() };
        }
    }

    /// Carries out what others want.
    fn work(&mut self, now: Millis) -> ControlFlow<()> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::End { call } => {
                    self.server.end(&call, &mut self.sockets);
                    self.sockets.over(now, call);
                }
                Command::Rotate(secrets) => self.server.rotate(secrets),
                Command::Opened(client, outbox) => self.sockets.opened(client, outbox),
                Command::Said(client, bytes) => self.said(now, client, &bytes),
                Command::Closed(client) => {
                    self.server.gone(client, &mut self.sockets);
                    self.sockets.closed(client);
                }
                Command::Stop => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn said(&mut self, now: Millis, client: Client, mut bytes: &[u8]) {
        while let Frame::Whole { length, whole } = channel::frame(bytes) {
            self.server.receive(now, client, &bytes[..length], &mut self.sockets);
            bytes = &bytes[whole..];
        }
    }

    /// Takes what a socket has, up to a fair share.
    fn drain(&mut self, from: Source, now: Millis, inbox: &mut Inbox) {
        let mut share = 0;
        while share < sockets::SHARE {
            let (count, has_more) = self.sockets.receive(from, inbox);
            for at in 0..count {
                let Datagram { bytes, remote, local } = inbox.datagram(at);
                match from {
                    Source::Clients(socket) => {
                        let client = self.sockets.client(socket, local, remote);
                        self.server.receive(now, client, bytes, &mut self.sockets);
                    }
                    Source::Peers(relay) => {
                        self.server.relayed(now, relay, remote, bytes, &mut self.sockets);
                    }
                }
            }
            if !has_more {
                return;
            }
            share += count;
        }
        self.sockets.put_back(from);
    }
}

/// The number of a relay's socket in the poll.
const fn token(RelayId(relay): RelayId) -> mio::Token {
    mio::Token(relay as usize)
}
