//! Thousands of WebSocket clients on one thread: epoll (edge-triggered, through mio) and non-blocking sockets.
//!
//! ```text
//! Absent --connect--> Connecting --writable--> Upgrading --101--> Greeting --welcome--> Open
//!    ^------------- closed, refused, broken ------------------------------------------'
//! ```
//!
//! A client costs the load no buffer while nothing is half read or half written. It answers pings by itself. What arrives
//! goes to a [`Sink`], which is the scenario.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, event::Event, net::TcpStream};
use socket2::{Domain, Socket, Type};

use crate::{
    dialect::{Dialect, User, user},
    envelope,
    scenario::watch::Moment,
    stream::{Stream, Target},
    ws,
    ws::{Incoming, Opcode},
};

/// Clients for each source address, well below the 28,000 ports that one has.
const CLIENTS_PER_ADDRESS: usize = 1000;

/// Hears what happens to the clients.
pub(crate) trait Sink {
    /// A client is open: upgraded, and welcomed where the dialect welcomes.
    fn opened(&mut self, _net: &mut Net, _client: usize) {}
    /// A text message arrived.
    fn text(&mut self, net: &mut Net, client: usize, text: &[u8]);
    /// A client's connection is gone, for the reason given in words.
    fn closed(&mut self, net: &mut Net, client: usize, why: &str);
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Absent,
    Connecting,
    Upgrading,
    Greeting,
    Open,
}

struct Client {
    stream: Option<Stream>,
    state: State,
    /// Read, but not yet a whole message.
    carry: Vec<u8>,
    /// Not yet taken by the kernel.
    unsent: Vec<u8>,
}

/// The clients, numbered from 0, and the clock of the run.
pub(crate) struct Net {
    poll: Poll,
    events: Events,
    target: Target,
    dialect: Dialect,
    clients: Vec<Client>,
    buffer: Vec<u8>,
    /// Tells this run's users and calls from those of others: milliseconds since 1970.
    run: u64,
    start: Instant,
    event_ns: u64,
    idle_ns: u64,
    open: usize,
    opening: usize,
    pings: u64,
}

impl Net {
    /// `clients` absent clients of the server at `target`.
    pub(crate) fn new(target: Target, dialect: Dialect, clients: usize) -> io::Result<Self> {
        let absent = || Client { stream: None, state: State::Absent, carry: Vec::new(), unsent: Vec::new() };
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            target,
            dialect,
            clients: std::iter::repeat_with(absent).take(clients).collect(),
            buffer: vec![0; 64 * 1024],
            run: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
            start: Instant::now(),
            event_ns: 0,
            idle_ns: 0,
            open: 0,
            opening: 0,
            pings: 0,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Clients that are open.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Clients between [`connect`](Self::connect) and open.
    pub(crate) fn opening(&self) -> usize {
        self.opening
    }

    pub(crate) fn is_absent(&self, client: usize) -> bool {
        self.clients[client].state == State::Absent
    }

    /// What this run's calls are told from those of others by.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// The name of a client's user.
    pub(crate) fn user(&self, client: usize) -> User {
        user(self.run / 10, client)
    }

    /// Pings answered so far.
    pub(crate) fn pings(&self) -> u64 {
        self.pings
    }

    /// Nanoseconds of the run.
    pub(crate) fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// When what is being handled was read. Asking the clock for every message and every send would cost the load a tenth of
    /// its time.
    pub(crate) fn event_ns(&self) -> u64 {
        self.event_ns
    }

    /// How far the run has come.
    pub(crate) fn moment(&self) -> Moment {
        Moment { now_ns: self.now_ns(), idle_ns: self.idle_ns }
    }

    /// Starts to open an absent client.
    pub(crate) fn connect(&mut self, client: usize) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(self.target.address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if self.target.address.is_ipv4() {
            // Loopback is all of 127.0.0.0/8.
            let last = 1 + (client / CLIENTS_PER_ADDRESS) % 250;
            socket.bind(&SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last as u8)), 0).into())?;
        }
        match socket.connect(&self.target.address.into()) {
            Err(error) if error.raw_os_error() != Some(EINPROGRESS) => return Err(error),
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(client), Interest::READABLE | Interest::WRITABLE)?;
        let stream = Stream::new(stream, self.target.tls.as_ref()).map_err(io::Error::other)?;
        self.clients[client].stream = Some(stream);
        self.clients[client].state = State::Connecting;
        self.opening += 1;
        Ok(())
    }

    /// Drops a client's connection without a word.
    pub(crate) fn drop_client(&mut self, client: usize) {
        let client = &mut self.clients[client];
        match client.state {
            State::Absent => {}
            State::Open => self.open -= 1,
            State::Connecting | State::Upgrading | State::Greeting => self.opening -= 1,
        }
        *client = Client { stream: None, state: State::Absent, carry: Vec::new(), unsent: Vec::new() };
    }

    /// Sends whole masked frames from a client; an absent one sends nothing.
    pub(crate) fn send(&mut self, client: usize, bytes: &[u8]) {
        let client = &mut self.clients[client];
        let Some(stream) = &mut client.stream else { return };
        if !client.unsent.is_empty() {
            client.unsent.extend_from_slice(bytes);
            return;
        }
        match stream.write(bytes) {
            Ok(taken) if taken == bytes.len() => {}
            Ok(taken) => client.unsent.extend_from_slice(&bytes[taken..]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => client.unsent.extend_from_slice(bytes),
            // A broken connection tells so when it is next read.
            Err(_) => {}
        }
    }

    /// Handles what happened, after waiting at most `wait` for it. With no wait the caller spins: a client that sleeps has
    /// to be woken, and the kernel charges that to the server that writes to it.
    pub(crate) fn turn(&mut self, wait: Duration, sink: &mut impl Sink) -> io::Result<()> {
        let before = self.now_ns();
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let mut buffer = std::mem::take(&mut self.buffer);
        let polled = self.poll.poll(&mut events, Some(wait));
        if events.is_empty() {
            self.idle_ns += self.now_ns() - before;
        }
        for event in &events {
            self.handle(event, &mut buffer, sink);
        }
        self.events = events;
        self.buffer = buffer;
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    fn handle(&mut self, event: &Event, buffer: &mut [u8], sink: &mut impl Sink) {
        let Token(client) = event.token();
        if event.is_writable() && !event.is_error() {
            self.writable(client);
        }
        if (event.is_readable() || event.is_error() || event.is_read_closed())
            && let Err(why) = self.readable(client, buffer, sink)
            && !self.is_absent(client)
        {
            self.drop_client(client);
            sink.closed(self, client, &why);
        }
    }

    fn writable(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let Some(stream) = &mut client.stream else { return };
        if client.state == State::Connecting && stream.socket().peer_addr().is_ok() {
            client.state = State::Upgrading;
            let (host, protocol) = (self.target.address.to_string(), self.dialect.protocol());
            let request = ws::upgrade(&host, &self.dialect.path(&self.user(number)), protocol);
            self.send(number, request.as_bytes());
        } else {
            // What TLS still holds; if the socket is full again, the next edge comes here.
            let _ = stream.flush();
            self.resend(number);
        }
    }

    /// Sends what the socket, or a handshake, did not take.
    fn resend(&mut self, number: usize) {
        let client = &mut self.clients[number];
        if !client.unsent.is_empty() {
            let unsent = std::mem::take(&mut client.unsent);
            self.send(number, &unsent);
        }
    }

    /// Reads until the socket is empty.
    ///
    /// # Errors
    /// Why the connection is over.
    fn readable(&mut self, client: usize, buffer: &mut [u8], sink: &mut impl Sink) -> Result<(), String> {
        loop {
            let Some(stream) = &mut self.clients[client].stream else { return Ok(()) };
            let count = match stream.read(buffer) {
                Ok(0) => return Err("end of stream".into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.resend(client);
                    return Ok(());
                }
                Err(error) => return Err(error.to_string()),
            };
            let tells_its_end = stream.tells_its_end();
            self.event_ns = self.now_ns();
            let mut carry = std::mem::take(&mut self.clients[client].carry);
            if !carry.is_empty() {
                carry.extend_from_slice(&buffer[..count]);
            }
            let bytes = if carry.is_empty() { &buffer[..count] } else { &carry[..] };
            let used = self.take(client, bytes, sink)?;
            if self.is_absent(client) {
                return Ok(());
            }
            // A new allocation, exactly as large: a client that is not in the middle of a message holds none.
            self.clients[client].carry = bytes[used..].to_vec();
            // A short read emptied the socket; what comes later is a new edge (epoll(7)).
            if tells_its_end && count < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Handles the whole messages in `bytes`; returns how many bytes those were.
    fn take(&mut self, client: usize, bytes: &[u8], sink: &mut impl Sink) -> Result<usize, String> {
        let mut used = 0;
        if self.clients[client].state == State::Upgrading {
            let Some(head) = ws::upgraded(bytes)? else { return Ok(0) };
            used = head;
            self.clients[client].state = State::Greeting;
            if let Some(hello) = self.dialect.hello(&self.user(client)) {
                self.send(client, &ws::frame(Opcode::Text, hello.as_bytes()).0);
            }
            if self.dialect.welcome().is_none() {
                self.opened(client, sink);
            }
        }
        while let Some((incoming, length)) = ws::parse(&bytes[used..]).map_err(|error| error.to_string())? {
            used += length;
            match incoming {
                Incoming::Text(text) if self.clients[client].state == State::Greeting => {
                    self.welcome(client, text, sink)?;
                }
                Incoming::Text(text) => sink.text(self, client, text),
                Incoming::Ping(payload) => {
                    self.pings += 1;
                    self.send(client, &ws::frame(Opcode::Pong, payload).0);
                }
                Incoming::Pong => {}
                Incoming::Close(Some(code)) => return Err(format!("closed with {code}")),
                Incoming::Close(None) => return Err("closed without a code".into()),
            }
            if self.is_absent(client) {
                return Ok(used);
            }
        }
        Ok(used)
    }

    fn welcome(&mut self, client: usize, text: &[u8], sink: &mut impl Sink) -> Result<(), String> {
        let kind = envelope::member(text, "type").and_then(envelope::inside);
        if kind != self.dialect.welcome().map(str::as_bytes) {
            return Err(format!("not welcomed: {}", String::from_utf8_lossy(text)));
        }
        self.opened(client, sink);
        Ok(())
    }

    fn opened(&mut self, client: usize, sink: &mut impl Sink) {
        self.clients[client].state = State::Open;
        self.opening -= 1;
        self.open += 1;
        sink.opened(self, client);
    }
}

/// The connection is on its way: what a non-blocking connect says on Linux.
const EINPROGRESS: i32 = 115;
