//! One connection: reads frames until it ends.
//!
//! A connection at rest owns no buffer. It reads into its thread's, hands the frames out of it, and keeps only what is
//! left of a frame that is not whole. Everything that a read caused is sent when the read has been worked through: one
//! write for each receiver.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tincan_proto::limit::{Bucket, Rate};
use tincan_proto::time::Millis;
use tincan_proto::websocket::{Decoder, End, Item, Opcode, Step, Violation};
use tincan_proto::wire::{CloseCode, FRAME_MAX};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::link::{Flush, Link, Stall};
use super::session::{Session, Version};
use super::transport::{Reader, Writer};
use super::{Language, Opening, Shared, hello, v1, v2};

/// Bytes of a thread's read buffer: a whole frame and its header, so that a large frame seldom needs another place.
const READ: usize = FRAME_MAX + 16;

/// Bad frames that a client may send before it is cut off.
const BAD_FRAMES: Rate = Rate { per_minute: 60, burst: 10 };

/// The close code of a client that will not resume.
const GOODBYE: u16 = 1000;

/// How long the other side may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(2);

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// What a connection was woken for.
enum Turn {
    Read(ControlFlow<Option<(CloseCode, String)>>),
    Closed,
    Timer,
}

/// What a connection does with a text, and whether it goes on.
pub(super) type Next = ControlFlow<(CloseCode, String)>;

/// A connection's reading side.
pub(super) struct Connection {
    reader: Reader,
    decoder: Decoder,
    /// The beginning of a frame that is not whole; without capacity while there is none.
    partial: Vec<u8>,
    bad: Bucket,
    /// When something last came.
    heard_at: Instant,
    /// The client closed and will not resume.
    goodbye: bool,
    pub link: Arc<Link>,
}

/// Serves a connection from its first frame to its end.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    io: (Reader, Writer, Vec<u8>),
    opening: Opening,
    known: impl FnOnce() + Send,
) {
    let (reader, writer, partial) = io;
    let link = Link::new(writer);
    let decoder = Decoder::new(End::Server, FRAME_MAX);
    let (bad, heard_at) = (Bucket::default(), Instant::now());
    let mut connection = Connection { reader, decoder, partial, bad, heard_at, goodbye: false, link };
    let session = match opening.language {
        Language::V1(user) => hello::open_v1(shared, user, &connection.link).await,
        Language::V2 { guests } => hello::open_v2(shared, &mut connection, guests).await,
    };
    if let Some(session) = session {
        session.lock().host = opening.host;
        known();
        connection.run(shared, &session).await;
        shared.left(&session, &connection.link, connection.goodbye);
    }
    connection.close(shared.settings.write_stall).await;
}

impl Connection {
    /// Reads and answers until the connection ends.
    async fn run(&mut self, shared: &Arc<Shared>, session: &Arc<Session>) {
        let settings = &shared.settings;
        let mut pinged = false;
        let mut stall = Stall::default();
        let timer = tokio::time::sleep(settings.ping);
        tokio::pin!(timer);
        // What came behind the handshake, or behind the hello, is worked through first.
        if !self.partial.is_empty()
            && let ControlFlow::Break(why) = self.work_partial(shared, session)
        {
            return self.end(why);
        }
        loop {
            let turn = poll_fn(|cx| {
                if let Poll::Ready(next) = self.poll_read(cx, shared, session) {
                    return Poll::Ready(Turn::Read(next));
                }
                if self.link.poll_run(cx, &mut stall, settings.write_stall).is_ready() {
                    return Poll::Ready(Turn::Closed);
                }
                timer.as_mut().poll(cx).map(|()| Turn::Timer)
            });
            match turn.await {
                Turn::Read(ControlFlow::Continue(())) => pinged = false,
                Turn::Read(ControlFlow::Break(why)) => return self.end(why),
                Turn::Closed => return,
                // The timer is not set anew for each frame: it looks, when it fires, how long it has been quiet.
                Turn::Timer if self.heard_at + settings.ping > Instant::now() => {
                    timer.as_mut().reset(self.heard_at + settings.ping);
                }
                Turn::Timer if pinged => return self.link.close(CloseCode::Idle, ""),
                Turn::Timer => {
                    self.link.frame(Opcode::Ping, b"", &mut Flush::default());
                    pinged = true;
                    timer.as_mut().reset(Instant::now() + settings.pong_timeout);
                }
            }
        }
    }

    /// Reads once and works through what came. `Break` with no reason means that the other side is gone.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Arc<Shared>,
        session: &Arc<Session>,
    ) -> Poll<ControlFlow<Option<(CloseCode, String)>>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buf = ReadBuf::new(buffer);
            let read = match ready!(self.reader.poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => buf.filled().len(),
                Ok(()) | Err(_) => return Poll::Ready(ControlFlow::Break(None)),
            };
            self.heard_at = Instant::now();
            if !self.partial.is_empty() {
                self.partial.extend_from_slice(&buffer[..read]);
                return Poll::Ready(self.work_partial(shared, session));
            }
            let (used, outcome) = self.work(&mut buffer[..read], shared, session);
            self.partial = if used < read { buffer[used..read].to_vec() } else { Vec::new() };
            Poll::Ready(outcome)
        })
    }

    fn work_partial(
        &mut self,
        shared: &Arc<Shared>,
        session: &Arc<Session>,
    ) -> ControlFlow<Option<(CloseCode, String)>> {
        let mut partial = std::mem::take(&mut self.partial);
        let (used, outcome) = self.work(&mut partial, shared, session);
        partial.drain(..used);
        if !partial.is_empty() {
            self.partial = partial;
        }
        outcome
    }

    /// Works through the whole frames in `buf`. Returns how many bytes are done with.
    fn work(
        &mut self,
        buf: &mut [u8],
        shared: &Arc<Shared>,
        session: &Arc<Session>,
    ) -> (usize, ControlFlow<Option<(CloseCode, String)>>) {
        let mut flush = Flush::default();
        let now = shared.clock.at(self.heard_at);
        let mut at = 0;
        let outcome = loop {
            let (used, next) = match self.decoder.step(&mut buf[at..]) {
                Ok(Step::More { .. }) => break ControlFlow::Continue(()),
                Ok(Step::Fragment { used }) => (used, Next::Continue(())),
                Ok(Step::Item { item, used }) => match item {
                    Item::Text(text) => {
                        (used, receive(shared, session, now, &mut self.bad, text, &mut flush))
                    }
                    Item::Binary(_) => {
                        (used, Next::Break((CloseCode::Unsupported, "frames are text".into())))
                    }
                    Item::Ping(payload) => {
                        self.link.frame(Opcode::Pong, payload, &mut flush);
                        (used, Next::Continue(()))
                    }
                    Item::Pong(_) => (used, Next::Continue(())),
                    Item::Close(code) => {
                        self.goodbye = code == Some(GOODBYE);
                        (used, Next::Break((CloseCode::Normal, String::new())))
                    }
                },
                Err(violation) => break ControlFlow::Break(Some(answer(violation))),
            };
            at += used;
            if let Next::Break(why) = next {
                break ControlFlow::Break(Some(why));
            }
        };
        self.decoder.rest();
        flush.run();
        (at, outcome)
    }

    /// Reads until one text came: the hello. What came behind it stays for later.
    pub(super) async fn first_text(&mut self) -> Result<String, Option<(CloseCode, String)>> {
        loop {
            let mut at = 0;
            let found = loop {
                let mut rest = std::mem::take(&mut self.partial);
                let step = self.decoder.step(&mut rest[at..]).map(|step| match step {
                    Step::Item { item: Item::Text(text), used } => (used, Some(Ok(text.to_owned()))),
                    Step::Item { item: Item::Ping(_) | Item::Pong(_), used } | Step::Fragment { used } => {
                        (used, None)
                    }
                    Step::Item { item: Item::Close(_), used } => (used, Some(Err(CloseCode::Normal))),
                    Step::Item { item: Item::Binary(_), used } => (used, Some(Err(CloseCode::Unsupported))),
                    Step::More { .. } => (0, None),
                });
                self.partial = rest;
                match step.map_err(|violation| Some(answer(violation)))? {
                    (0, None) => break None,
                    (used, None) => at += used,
                    (used, Some(found)) => {
                        at += used;
                        break Some(found);
                    }
                }
            };
            self.partial.drain(..at);
            match found {
                Some(Ok(text)) => return Ok(text),
                Some(Err(code)) => return Err(Some((code, String::new()))),
                None => self.read_more().await.map_err(|()| None)?,
            }
        }
    }

    /// Reads once, behind what is there.
    async fn read_more(&mut self) -> Result<(), ()> {
        poll_fn(|cx| {
            READ_BUFFER.with_borrow_mut(|buffer| {
                let mut buf = ReadBuf::new(buffer);
                let read = ready!(self.reader.poll_read(cx, &mut buf)).map_or(0, |()| buf.filled().len());
                self.partial.extend_from_slice(&buffer[..read]);
                Poll::Ready(if read == 0 { Err(()) } else { Ok(()) })
            })
        })
        .await
    }

    /// Says why it ends, if there is someone to tell.
    pub(super) fn end(&self, why: Option<(CloseCode, String)>) {
        if let Some((code, reason)) = why {
            self.link.close(code, &reason);
        }
    }

    /// Sends what is left, then waits for the other side to go: a socket that is dropped with unread bytes resets the
    /// connection, and the close frame would be lost with it.
    async fn close(mut self, patience: Duration) {
        if self.link.is_closed() {
            let mut stall = Stall::default();
            let sent = poll_fn(|cx| self.link.poll_run(cx, &mut stall, patience));
            let _ = tokio::time::timeout(CLOSING, sent).await;
        }
        self.link.finish();
        let drain = async {
            while self.read_more().await.is_ok() {
                self.partial.clear();
            }
        };
        let _ = tokio::time::timeout(CLOSING, drain).await;
    }
}

/// One frame of the client. A bad one is answered; one too many ends the connection.
fn receive(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    now: Millis,
    bad: &mut Bucket,
    text: &str,
    flush: &mut Flush,
) -> Next {
    let end = match session.version {
        Version::V1 => return v1::receive(shared, session, now, text, flush),
        Version::V2 => match v2::receive(shared, session, now, text, flush)? {
            v2::Received::Good => return Next::Continue(()),
            v2::Received::Bad => (CloseCode::Misbehaved, "too many bad frames"),
            v2::Received::TooMany => (CloseCode::RateLimited, "too many frames"),
        },
    };
    match bad.take(now, BAD_FRAMES) {
        Ok(()) => Next::Continue(()),
        Err(_) => Next::Break((end.0, end.1.into())),
    }
}

/// What a violation of RFC 6455 is answered with.
fn answer(violation: Violation) -> (CloseCode, String) {
    let code = match violation {
        Violation::Protocol(_) => CloseCode::ProtocolError,
        Violation::NotUtf8 => CloseCode::NotText,
        Violation::TooBig => CloseCode::TooBig,
    };
    (code, violation.to_string())
}
