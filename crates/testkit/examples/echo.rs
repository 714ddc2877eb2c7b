//! A WebSocket echo over the codec that the server uses, for the Autobahn test suite (`autobahn/run`).
//!
//! One blocking thread for each connection. Takes text and binary messages of at most 64 KiB, answers pings, and closes as
//! RFC 6455 §7 says. Not here: anything of Tincan, which refuses binary messages and reads frames.
//!
//! `--listen 127.0.0.1:0` (the default); the first line of output is the port.
#![expect(clippy::print_stdout, reason = "the port is for the script that started it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tincan_proto::websocket::{Decoder, End, Item, Opcode, Step, Violation, write_close, write_server};
use tincan_proto::wire::{CloseCode, FRAME_MAX};

/// What a server appends to the client's key (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How long the other side may take to close after we did.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let listen = match (args.next().as_deref(), args.next()) {
        (None, _) => "127.0.0.1:0".to_owned(),
        (Some("--listen"), Some(address)) => address,
        (Some(_), _) => anyhow::bail!("usage: echo [--listen ADDRESS]"),
    };
    let listener = TcpListener::bind(listen)?;
    println!("{}", listener.local_addr()?.port());
    for socket in listener.incoming() {
        let socket = socket?;
        thread::spawn(move || {
            // A client that goes away is not this server's fault.
            let _ = serve(socket);
        });
    }
    Ok(())
}

fn serve(socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut reader = BufReader::new(socket.try_clone()?);
    let key = upgrade(&mut reader)?;
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes()));
    write!(
        &socket,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    echo(&mut reader, &socket)?;
    // Reading to the end keeps the close frame from being overtaken by a reset.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(LINGER))?;
    io::copy(&mut reader, &mut io::sink()).map(|_| ())
}

/// Reads the request's head and returns its `Sec-WebSocket-Key`.
fn upgrade(reader: &mut impl BufRead) -> io::Result<String> {
    let mut key = None;
    for line in reader.lines() {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("Sec-WebSocket-Key") => {
                key = Some(value.trim().to_owned())
            }
            Some(_) => {}
            None if line.is_empty() => break,
            None => {}
        }
    }
    key.ok_or_else(|| io::Error::other("not a WebSocket upgrade"))
}

/// Echoes until one side closes.
fn echo(reader: &mut impl Read, mut socket: &TcpStream) -> io::Result<()> {
    let mut decoder = Decoder::new(End::Server, FRAME_MAX);
    let (mut buf, mut out, mut more) = (Vec::new(), Vec::new(), [0; 16 * 1024]);
    loop {
        let closed = answer_all(&mut decoder, &mut buf, &mut out);
        socket.write_all(&out)?;
        out.clear();
        if closed {
            return Ok(());
        }
        match reader.read(&mut more)? {
            0 => return Ok(()),
            len => buf.extend_from_slice(&more[..len]),
        }
    }
}

/// Answers each whole frame in `buf` and takes it out. Returns whether the answer was a close.
fn answer_all(decoder: &mut Decoder, buf: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    let mut done = 0;
    let closed = loop {
        match decoder.step(&mut buf[done..]) {
            Ok(Step::Item { item, used }) => {
                if answer(&item, out) {
                    break true;
                }
                done += used;
            }
            Ok(Step::Fragment { used }) => done += used,
            Ok(Step::More { .. }) => break false,
            Err(violation) => {
                write_close(out, close_code(violation), &violation.to_string());
                break true;
            }
        }
    };
    buf.drain(..done);
    closed
}

fn answer(item: &Item<'_>, out: &mut Vec<u8>) -> bool {
    match *item {
        Item::Text(text) => write_server(out, Opcode::Text, text.as_bytes()),
        Item::Binary(bytes) => write_server(out, Opcode::Binary, bytes),
        Item::Ping(payload) => write_server(out, Opcode::Pong, payload),
        Item::Pong(_) => {}
        Item::Close(code) => {
            // The answer repeats the code (RFC 6455 §5.5.1).
            let code = code.map(u16::to_be_bytes);
            write_server(out, Opcode::Close, code.as_ref().map_or(&[], |code| code));
            return true;
        }
    }
    false
}

fn close_code(violation: Violation) -> CloseCode {
    match violation {
        Violation::Protocol(_) => CloseCode::ProtocolError,
        Violation::NotUtf8 => CloseCode::NotText,
        Violation::TooBig => CloseCode::TooBig,
    }
}
