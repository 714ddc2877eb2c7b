//! The two halves of a socket, plain or TLS, in the form that the connection path needs: reading into a borrowed buffer,
//! and writing from any task without waiting.
//!
//! `tokio_rustls` wants one owner for both directions. Here the writer is whoever has something to send, so a TLS
//! connection is the bare state machine of `rustls` behind a lock, beside its socket.

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ServerConnection;
use tokio::io::{AsyncRead as _, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

/// Where bytes come from.
pub(super) enum Reader {
    /// `ws:`
    Plain(OwnedReadHalf),
    /// `wss:`
    Tls(Arc<Tls>),
}

/// Where bytes go to.
pub(super) enum Writer {
    /// `ws:`
    Plain(OwnedWriteHalf),
    /// `wss:`
    Tls(Arc<Tls>),
}

/// A TLS connection and its socket.
pub(super) struct Tls {
    tcp: TcpStream,
    state: Mutex<ServerConnection>,
}

/// Takes an upgraded HTTP connection apart. The bytes that the client sent behind its handshake come along.
pub(super) fn split(upgraded: Upgraded) -> io::Result<(Reader, Writer, Vec<u8>)> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(Parts { io, read_buf, .. }) => {
            let (read, write) = io.into_inner().into_split();
            return Ok((Reader::Plain(read), Writer::Plain(write), read_buf.to_vec()));
        }
        Err(upgraded) => upgraded,
    };
    match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
        Ok(Parts { io, read_buf, .. }) => {
            let (tcp, state) = io.into_inner().into_inner();
            let tls = Arc::new(Tls { tcp, state: Mutex::new(state) });
            Ok((Reader::Tls(Arc::clone(&tls)), Writer::Tls(tls), read_buf.to_vec()))
        }
        Err(_) => Err(io::Error::other("the listener handed over an unknown kind of connection")),
    }
}

impl Reader {
    /// Reads what is there into `buf`, as [`tokio::io::AsyncRead`] does; nothing read means the other side is done.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => Pin::new(half).poll_read(cx, buf),
            Self::Tls(tls) => tls.poll_read(cx, buf),
        }
    }
}

impl Writer {
    /// Writes what the socket takes now.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if it takes nothing; otherwise the connection is broken.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(half) => half.try_write(bytes),
            Self::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// Sends on what was taken and kept back: a TLS connection holds ciphertext while its socket is full.
    pub(super) fn flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(&mut tls.state.lock()),
        }
    }

    /// Ready when the socket may take bytes again.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => half.as_ref().poll_write_ready(cx),
            Self::Tls(tls) => tls.tcp.poll_write_ready(cx),
        }
    }

    /// Tells the other side that nothing more will come.
    pub(super) fn finish(&self) {
        let socket: &TcpStream = match self {
            Self::Plain(half) => half.as_ref(),
            Self::Tls(tls) => {
                tls.state.lock().send_close_notify();
                let _ = tls.flush(&mut tls.state.lock());
                &tls.tcp
            }
        };
        let _ = socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Write);
    }
}

impl Tls {
    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            {
                let mut state = self.state.lock();
                match state.reader().read(buf.initialize_unfilled()) {
                    Ok(read) => {
                        buf.advance(read);
                        return Poll::Ready(Ok(()));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.receive() {
                // The socket's end without TLS's own: whatever it was, there is no more of it.
                Ok(0) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Takes ciphertext off the socket, as much as `rustls` wants: it bounds what it decrypts before that is read.
    fn receive(&self) -> io::Result<usize> {
        let mut state = self.state.lock();
        let taken = state.read_tls(&mut Socket(&self.tcp))?;
        let outcome = state.process_new_packets();
        // Alerts and new keys go out even if, or just because, what came in was wrong.
        if state.wants_write() {
            let _ = self.flush(&mut state);
        }
        outcome.map_err(io::Error::other)?;
        Ok(taken)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        // What was encrypted before must leave first, and while it cannot, nothing more is taken: the bound on what
        // waits is the link's, in plain bytes.
        self.flush(&mut state)?;
        let taken = state.writer().write(bytes)?;
        match self.flush(&mut state) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    fn flush(&self, state: &mut ServerConnection) -> io::Result<()> {
        while state.wants_write() {
            state.write_tls(&mut Socket(&self.tcp))?;
        }
        Ok(())
    }
}

/// The socket as `rustls` wants it.
struct Socket<'a>(&'a TcpStream);

impl io::Read for Socket<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_io(Interest::READABLE, || (&*socket2::SockRef::from(self.0)).read(buf))
    }
}

impl io::Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_io(Interest::WRITABLE, || socket2::SockRef::from(self.0).send(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
