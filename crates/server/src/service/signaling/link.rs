//! The writing side of a connection, shared by everyone who has something to say to it.
//!
//! Whoever sends appends its frames and, at the end of its own batch of work, flushes every link it touched: one `write`
//! for each receiver and batch, straight into the socket, with no task and no channel between. Only while a socket is
//! full do bytes wait, and then the connection's own task sends them on. What may wait is bounded: a client that does not
//! read is cut off, and nobody else notices.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_proto::websocket::{Opcode, write_close, write_server};
use tincan_proto::wire::CloseCode;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::transport::Writer;

/// Bytes that may wait for a client that does not read.
const WAITING_MAX: usize = 256 * 1024;

/// A connection, to those who send on it.
pub(super) struct Link {
    writer: Writer,
    out: Mutex<Out>,
    /// Wakes the connection's task: bytes wait, or the link was closed.
    wake: Notify,
}

#[derive(Default)]
struct Out {
    /// Bytes not yet taken by the socket; without capacity at rest.
    bytes: Vec<u8>,
    /// In some sender's [`Flush`] list.
    touched: bool,
    /// The socket was full: its task sends on.
    full_since: Option<Instant>,
    /// A close frame was written, or the socket broke. Nothing is taken any more.
    closed: bool,
}

/// Links to flush at the end of a batch of work.
#[derive(Default)]
pub(super) struct Flush(Vec<Arc<Link>>);

impl Flush {
    /// Sends what was said to each link, in one write each.
    pub(super) fn run(&mut self) {
        for link in self.0.drain(..) {
            link.flush();
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.run();
    }
}

impl Link {
    pub(super) fn new(writer: Writer) -> Arc<Self> {
        Arc::new(Self { writer, out: Mutex::default(), wake: Notify::new() })
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
        write_server(&mut out.bytes, opcode, payload);
        if !std::mem::replace(&mut out.touched, true) {
            flush.0.push(Arc::clone(self));
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
        self.wake.notify_one();
    }

    /// Whether it was closed, by either side.
    pub(super) fn is_closed(&self) -> bool {
        self.out.lock().closed
    }

    fn flush(&self) {
        let mut out = self.out.lock();
        out.touched = false;
        if out.full_since.is_none() && !self.write(&mut out) {
            self.wake.notify_one();
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
                out.bytes = Vec::new();
                out.full_since = None;
                true
            }
            Err(io::ErrorKind::WouldBlock) => {
                out.bytes.drain(..sent);
                out.full_since.get_or_insert_with(Instant::now);
                false
            }
            Err(_) => {
                *out = Out { closed: true, ..Out::default() };
                false
            }
        }
    }

    /// Sends on what waits, until the link is closed and everything has left, or until the client has not read for
    /// `stall`. May be dropped and called again at any time.
    pub(super) async fn run(&self, stall: Duration) {
        loop {
            let full_since = {
                let mut out = self.out.lock();
                if out.full_since.is_some() {
                    self.write(&mut out);
                }
                if out.closed && out.full_since.is_none() {
                    return;
                }
                out.full_since
            };
            let Some(since) = full_since else {
                self.wake.notified().await;
                continue;
            };
            let woken = tokio::time::timeout_at(since + stall, self.writer.writable()).await;
            if !matches!(woken, Ok(Ok(()))) {
                self.out.lock().closed = true;
                return;
            }
        }
    }

    /// Tells the client that nothing more will come.
    pub(super) fn finish(&self) {
        self.out.lock().closed = true;
        self.writer.finish();
    }
}
