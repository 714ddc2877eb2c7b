//! The writing side of a connection, shared by everyone who has something to say to it.
//!
//! Whoever sends appends its frames and, at the end of its own batch of work, flushes every link it touched: one `write`
//! for each receiver and batch, straight into the socket, with no task and no channel between. Only while a socket is
//! full do bytes wait, and then the connection's own task sends them on. What may wait is bounded: a client that does not
//! read is cut off, and nobody else notices.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tincan_proto::websocket::{Opcode, write_close, write_server};
use tincan_proto::wire::CloseCode;
use tokio::time::Sleep;

use super::transport::Writer;

/// Bytes that may wait for a client that does not read.
const WAITING_MAX: usize = 256 * 1024;

/// Most bytes of the buffer that a thread keeps from one link to the next.
const SPARE_MAX: usize = 16 * 1024;

thread_local! {
    /// What the last link had no use for any more, for the next one: at rest a link has none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A connection, to those who send on it.
pub(super) struct Link {
    writer: Writer,
    out: Mutex<Out>,
    /// The connection's task: woken when bytes wait, or when the link was closed.
    task: AtomicWaker,
}

#[derive(Default)]
struct Out {
    /// Bytes not yet taken by the socket; without capacity at rest.
    bytes: Vec<u8>,
    /// In some sender's [`Flush`] list.
    touched: bool,
    /// The socket was full: the connection's task sends on.
    full: bool,
    /// A close frame was written, or the socket broke. Nothing is taken any more.
    closed: bool,
}

/// Links to flush at the end of a batch of work. Nearly always there is one.
#[derive(Default)]
pub(super) struct Flush {
    first: Option<Arc<Link>>,
    more: Vec<Arc<Link>>,
}

impl Flush {
    fn add(&mut self, link: &Arc<Link>) {
        match &self.first {
            None => self.first = Some(Arc::clone(link)),
            Some(_) => self.more.push(Arc::clone(link)),
        }
    }

    /// Sends what was said to each link, in one write each.
    pub(super) fn run(&mut self) {
        for link in self.first.take().into_iter().chain(self.more.drain(..)) {
            link.flush();
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.run();
    }
}

/// How long a client has left its socket full; nothing while it has not.
#[derive(Default)]
pub(super) struct Stall(Option<Pin<Box<Sleep>>>);

impl Link {
    pub(super) fn new(writer: Writer) -> Arc<Self> {
        Arc::new(Self { writer, out: Mutex::default(), task: AtomicWaker::new() })
    }

    /// Says `text`, when `flush` runs.
    pub(super) fn text(self: &Arc<Self>, text: &[u8], flush: &mut Flush) {
        self.frame(Opcode::Text, text, flush);
    }

    /// Sends a frame, when `flush` runs.
    pub(super) fn frame(self: &Arc<Self>, opcode: Opcode, payload: &[u8], flush: &mut Flush) {
        let mut out = self.out.lock();
        if out.closed {
            return;
        }
        if out.bytes.len() + payload.len() > WAITING_MAX {
            drop(out);
            self.close(CloseCode::Slow, "");
            return;
        }
        if out.bytes.capacity() == 0 {
            out.bytes = SPARE.take();
        }
        write_server(&mut out.bytes, opcode, payload);
        if !std::mem::replace(&mut out.touched, true) {
            flush.add(self);
        }
    }

    /// Says why, and ends the connection. The first reason counts.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        {
            let mut out = self.out.lock();
            if std::mem::replace(&mut out.closed, true) {
                return;
            }
            if code == CloseCode::Slow {
                // It does not read: what waits would only keep the close frame from ever being sent.
                out.bytes = Vec::new();
            }
            write_close(&mut out.bytes, code, reason);
        }
        self.flush();
        self.task.wake();
    }

    /// Whether it was closed, by either side.
    pub(super) fn is_closed(&self) -> bool {
        self.out.lock().closed
    }

    fn flush(&self) {
        let mut out = self.out.lock();
        out.touched = false;
        if !out.full && !self.write(&mut out) {
            self.task.wake();
        }
    }

    /// Writes what the socket takes. Returns whether nothing is left to do.
    fn write(&self, out: &mut Out) -> bool {
        let mut sent = 0;
        let outcome = loop {
            if sent == out.bytes.len() {
                break self.writer.flush().map_err(|error| error.kind());
            }
            match self.writer.try_write(&out.bytes[sent..]) {
                Ok(taken) => sent += taken,
                Err(error) => break Err(error.kind()),
            }
        };
        match outcome {
            Ok(()) => {
                let mut spare = std::mem::take(&mut out.bytes);
                if spare.capacity() <= SPARE_MAX {
                    spare.clear();
                    SPARE.set(spare);
                }
                out.full = false;
                true
            }
            Err(io::ErrorKind::WouldBlock) => {
                out.bytes.drain(..sent);
                out.full = true;
                false
            }
            Err(_) => {
                *out = Out { closed: true, ..Out::default() };
                false
            }
        }
    }

    /// Sends on what waits. Ready when the link is closed and everything has left, or when the client has left its socket
    /// full for `patience`.
    pub(super) fn poll_run(&self, cx: &mut Context<'_>, stall: &mut Stall, patience: Duration) -> Poll<()> {
        self.task.register(cx.waker());
        let mut out = self.out.lock();
        while out.full {
            match self.writer.poll_writable(cx) {
                Poll::Ready(Ok(())) => {
                    self.write(&mut out);
                }
                Poll::Ready(Err(_)) => *out = Out { closed: true, ..Out::default() },
                Poll::Pending => {
                    let sleep = stall.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    *out = Out { closed: true, ..Out::default() };
                }
            }
        }
        stall.0 = None;
        if out.closed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Tells the client that nothing more will come.
    pub(super) fn finish(&self) {
        self.out.lock().closed = true;
        self.writer.finish();
    }
}
