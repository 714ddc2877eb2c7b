//! The media service: STUN and TURN on UDP.
//!
//! ```text
//! clients <--> listening socket \
//!                                one thread: tincan_turn::server decides, sockets carry out
//! peers   <--> a socket a relay /
//! ```
//!
//! One thread owns the relay and all its sockets: a packet is received, looked up and sent on without a lock, a task or a
//! queue. What others want of it comes by a channel.
//!
//! Not here: what STUN and TURN say (`tincan_turn`), whose call it is, TCP and TLS.

mod sockets;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Events, Poll, Waker};
use tincan_proto::time::Millis;
use tincan_turn::credential::Secrets;
use tincan_turn::server::{Limits, RelayId, Server};

use crate::clock::Clock;
use crate::config::Cidr;
use sockets::{Sockets, Source, WAKER};

/// What credentials belong to. Short: it is part of an answer to those who have not proven who they are.
pub const REALM: &str = "tincan";

/// What the service is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// Where clients come in.
    pub listen: SocketAddr,
    /// Where relays are bound.
    pub relay_ip: IpAddr,
    /// The address at which others see the relays: another one where a router stands before this machine.
    pub public_ip: IpAddr,
    /// The ports of relays.
    pub ports: RangeInclusive<u16>,
    /// Peers that may be reached although their addresses are not public.
    pub reach: Vec<Cidr>,
    /// What credentials are checked with.
    pub secrets: Secrets,
    /// Limits.
    pub limits: Limits,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The address is taken, or is not this machine's.
    #[error(
        "cannot listen for STUN and TURN on {listen} ({source}); choose another address or stop what has it"
    )]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else that the system refuses.
    #[error("STUN and TURN cannot be served: {0}")]
    System(#[from] io::Error),
}

/// The running service.
#[derive(Debug)]
pub struct Media {
    /// Where it listens.
    pub addr: SocketAddr,
    commands: Sender<Command>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
}

/// What others want of the thread.
enum Command {
    /// The relays of a call, or of one user in it, end.
    End {
        call: String,
        user: Option<String>,
    },
    Stop,
}

impl Media {
    /// Listens, and starts to serve.
    ///
    /// # Errors
    /// [`MediaError`], with a sentence that says what to do.
    pub fn start(settings: Settings, clock: Clock) -> Result<Self, MediaError> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut nonce_secret = [0; 32];
        aws_lc_rs::rand::fill(&mut nonce_secret).map_err(|_| io::Error::other("there is no randomness"))?;
        let server = Server::new(tincan_turn::server::Settings {
            realm: REALM.into(),
            secrets: settings.secrets.clone(),
            nonce_secret,
            limits: settings.limits,
        });
        let sockets = Sockets::bind(&settings, poll.registry().try_clone()?)?;
        let (addr, (commands, receiver)) = (sockets.addr()?, mpsc::channel());
        let relay = Relay { poll, server, sockets, clock, commands: receiver };
        let thread = std::thread::Builder::new().name("tincan-relay".into()).spawn(move || relay.run())?;
        Ok(Self { addr, commands, waker, thread })
    }

    /// Ends the relays of a call, or those of one user in it.
    pub fn end(&self, call: &str, user: Option<&str>) {
        self.tell(Command::End { call: call.into(), user: user.map(Into::into) });
    }

    /// Stops. All relays end.
    pub fn stop(self) {
        self.tell(Command::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the relay's thread had panicked");
        }
    }

    fn tell(&self, command: Command) {
        // Both fail only if the thread is gone, and then there is nothing to tell it.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }
}

/// The thread's own.
struct Relay {
    poll: Poll,
    server: Server,
    sockets: Sockets,
    clock: Clock,
    commands: Receiver<Command>,
}

impl Relay {
    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; usize::from(u16::MAX)];
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
                self.drain(from, now, &mut buffer);
            }
            self.server.expire(now, &mut self.sockets);
            for command in self.commands.try_iter() {
                match command {
                    Command::End { call, user } => {
                        self.server.end(&call, user.as_deref(), &mut self.sockets);
                    }
                    Command::Stop => return,
                }
            }
        }
    }

    /// Takes what a socket has, up to a fair share.
    fn drain(&mut self, from: Source, now: Millis, buffer: &mut [u8]) {
        for _ in 0..sockets::SHARE {
            let Some((length, remote)) = self.sockets.receive(from, buffer) else { return };
            let bytes = &buffer[..length];
            match from {
                Source::Clients => {
                    self.server.receive(now, sockets::client(remote), bytes, &mut self.sockets);
                }
                Source::Peers(relay) => self.server.relayed(now, relay, remote, bytes, &mut self.sockets),
            }
        }
        self.sockets.put_back(from);
    }
}

/// The number of a relay's socket in the poll.
const fn token(RelayId(relay): RelayId) -> mio::Token {
    mio::Token(relay as usize)
}
