//! Clients that come by TCP or TLS: the way of those whose network lets no UDP through.
//!
//! A task reads whole frames and hands them to the relay's thread; what the thread has to say waits in an [`Outbox`] and
//! is written in one go. Sound that cannot be sent now is lost, as a datagram would be: late sound is of no use.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_turn::channel::{self, Frame};
use tincan_turn::server::{Client, Via};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::{Command, Relay};

/// Bytes that may wait for a client: half a second of a relay at its limit.
const WAITING: usize = 32 * 1024;

/// Bytes of the read buffer: the largest frame, which is longer than any that a browser sends.
const READ: usize = 64 * 1024 + 32;
const FIRST_READ: usize = 2048;

/// A client that says nothing for so long is gone: browsers refresh at least every ten minutes, and check each path more
/// often than that.
const SILENCE: Duration = Duration::from_secs(15 * 60);

/// What waits to be written to a client.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Mutex<Vec<u8>>,
    filled: Notify,
}

impl Outbox {
    /// Adds a frame, padded as a stream wants it (RFC 8656 §12.5); drops it if too much waits.
    pub(super) fn push(&self, [head, body]: [&[u8]; 2]) {
        let mut bytes = self.bytes.lock();
        let length = head.len() + body.len();
        if bytes.len() + length > WAITING {
            return;
        }
        let was_empty = bytes.is_empty();
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(body);
        let padded = bytes.len() + length.next_multiple_of(4) - length;
        bytes.resize(padded, 0);
        if was_empty {
            self.filled.notify_one();
        }
    }

    async fn take(&self, out: &mut Vec<u8>) {
        out.clear();
        loop {
            std::mem::swap(&mut *self.bytes.lock(), out);
            if !out.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }
}

/// Serves one client until either side ends it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    relay: &Relay,
    stream: S,
    remote: SocketAddr,
) {
    let number = relay.0.streams.fetch_add(1, Ordering::Relaxed);
    let client = Client { remote, via: Via::Stream(number) };
    let outbox = Arc::new(Outbox::default());
    relay.tell(Command::Opened(client, Arc::clone(&outbox)));
    let (mut reader, mut writer) = tokio::io::split(stream);
    tokio::select! {
        () = read(relay, client, &mut reader) => {}
        () = write(&outbox, &mut writer) => {}
    }
    relay.tell(Command::Closed(client));
}

async fn read<R: AsyncRead + Unpin>(relay: &Relay, client: Client, reader: &mut R) {
    let mut buffer = Vec::with_capacity(FIRST_READ);
    loop {
        let read = tokio::time::timeout(SILENCE, reader.read_buf(&mut buffer)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return;
        }
        let mut end = 0;
        loop {
            match channel::frame(&buffer[end..]) {
                Frame::Whole { whole, .. } => end += whole,
                Frame::Partial => break,
                Frame::Neither => return,
            }
        }
        if end > 0 {
            let rest = buffer.split_off(end);
            relay.tell(Command::Said(client, std::mem::replace(&mut buffer, rest)));
        }
        let room = if buffer.is_empty() { FIRST_READ } else { READ };
        buffer.reserve(room.saturating_sub(buffer.len()));
    }
}

async fn write<W: AsyncWrite + Unpin>(outbox: &Outbox, writer: &mut W) {
    let mut bytes = Vec::new();
    loop {
        outbox.take(&mut bytes).await;
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_padded_bounded_and_taken_in_one_go() {
        let (outbox, mut out) = (Outbox::default(), Vec::new());
        outbox.push([b"head", b"body!"]);
        outbox.push([b"next", b""]);
        outbox.take(&mut out).await;
        assert_eq!(out, b"headbody!\0\0\0next");
        for _ in 0..100 {
            outbox.push([&[1; 4], &[2; 1000]]);
        }
        outbox.take(&mut out).await;
        assert_eq!(out.len(), WAITING / 1004 * 1004);
    }
}
