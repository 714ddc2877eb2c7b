//! A signaling server with vices, in the test's own process: what the load must notice.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

/// What a fake does to every nth candidate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vice {
    None,
    Lose,
    Double,
    /// Changes the payload.
    Damage,
    /// Writes another message's number into the payload.
    Renumber,
    /// Leaves out whom it is from.
    Strip,
    /// Says it is from someone else.
    Forge,
    /// Delivers it after the next one.
    Swap,
    /// Answers it with a hangup instead, as Tincan does with a frame of no call.
    Refuse,
    /// Closes the receiver's connection.
    Close,
}

/// A fake, listening; it lives as long as the test's process.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
}

struct Hub {
    vice: Vice,
    every: u64,
    v2: bool,
    candidates: AtomicU64,
    clients: Mutex<HashMap<String, Out>>,
}

/// What goes to one client.
struct Out {
    stream: TcpStream,
    seq: u64,
    kept: Option<Value>,
    /// v2: the other end of the current call.
    peer: String,
}

impl Fake {
    /// Starts a fake that has its vice on every `every`th candidate.
    pub(crate) fn start(vice: Vice, every: u64, v2: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let clients = Mutex::default();
        let hub = Arc::new(Hub { vice, every, v2, candidates: AtomicU64::new(0), clients });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hub = Arc::clone(&hub);
                std::thread::spawn(move || hub.serve(stream));
            }
        });
        Self { address }
    }
}

impl Hub {
    /// One client, until it goes.
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(byte(&mut stream)?);
        }
        let head = String::from_utf8(head).ok()?;
        let mut id = head.split("?id=").nth(1).unwrap_or_default().split(' ').next()?.to_owned();
        let mut out = Out { stream: stream.try_clone().ok()?, seq: 0, kept: None, peer: String::new() };
        let accept = "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        let upgraded = format!("HTTP/1.1 101 Switching Protocols\r\n{accept}\r\n\r\n");
        if self.v2 {
            stream.write_all(upgraded.as_bytes()).ok()?;
            let hello = read_frame(&mut stream)?;
            id = hello["data"]["guest"].as_str()?.to_owned();
        }
        {
            // Nobody is told to be in before they are.
            let mut clients = self.clients.lock().unwrap();
            if self.v2 {
                write_frame(&mut out.stream, &json!({"type": "welcome", "data": {}}))?;
            } else {
                stream.write_all(upgraded.as_bytes()).ok()?;
            }
            clients.insert(id.clone(), out);
        }
        while let Some(frame) = read_frame(&mut stream) {
            self.route(&id, frame);
        }
        Some(())
    }

    fn route(&self, from: &str, mut frame: Value) {
        let mut clients = self.clients.lock().unwrap();
        if frame["type"] == "ack" {
            return;
        }
        if let Some(to) = frame["to"].as_str().map(str::to_owned) {
            clients.get_mut(from).unwrap().peer = to.clone();
            clients.get_mut(&to).unwrap().peer = from.to_owned();
        }
        let to = clients[from].peer.clone();
        if self.v2 {
            frame["from"] = format!("{from}/load").into();
            frame.as_object_mut().unwrap().remove("ack");
            self.v2_extras(&mut clients, from, &mut frame);
        } else {
            frame["from"] = from.into();
        }
        let Some(out) = clients.get_mut(&to) else { return };
        let is_due = frame["type"] == "candidate"
            && (self.candidates.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every);
        let kept = out.kept.take();
        match if is_due { self.vice } else { Vice::None } {
            Vice::None => self.deliver(out, frame),
            Vice::Lose => {}
            Vice::Double => {
                self.deliver(out, frame.clone());
                self.deliver(out, frame);
            }
            Vice::Damage => {
                frame["data"]["sdpMLineIndex"] = 1.into();
                self.deliver(out, frame);
            }
            Vice::Renumber => {
                // The slot of the offer or answer: a kind that this is not.
                let number: u64 = frame["data"]["n"].as_str().unwrap().parse().unwrap();
                frame["data"]["n"] = format!("{:010}", number / 16 * 16 + 1).into();
                self.deliver(out, frame);
            }
            Vice::Strip => {
                frame.as_object_mut().unwrap().remove("from");
                self.deliver(out, frame);
            }
            Vice::Forge => {
                frame["from"] = "mallory".into();
                self.deliver(out, frame);
            }
            Vice::Swap => out.kept = Some(frame),
            Vice::Refuse => self.deliver(
                out,
                json!({"type": "hangup", "from": from, "to": to, "data": {"reason": "no_such_call"}}),
            ),
            Vice::Close => {
                let _ = out.stream.shutdown(std::net::Shutdown::Both);
            }
        }
        if let Some(kept) = kept {
            self.deliver(out, kept);
        }
    }

    /// What Tincan's v2 says besides and instead of what it routes.
    fn v2_extras(&self, clients: &mut HashMap<String, Out>, from: &str, frame: &mut Value) {
        let own = clients.get_mut(from).unwrap();
        let call = frame["call"].clone();
        match frame["type"].as_str().unwrap() {
            "call-request" => {
                self.deliver(own, json!({"type": "call-delivered", "call": call, "data": {"devices": 1}}));
                frame["data"]["ring_ms"] = 45_000.into();
            }
            "call-accept" => {
                frame["data"] = json!({"peer": format!("{from}/load")});
                self.deliver(own, frame.clone());
            }
            "hangup" => {
                *frame =
                    json!({"type": "call-ended", "call": call, "data": {"reason": "hung_up", "by": from}});
                self.deliver(own, frame.clone());
            }
            _ => {}
        }
    }

    fn deliver(&self, out: &mut Out, mut frame: Value) {
        if self.v2 {
            out.seq += 1;
            frame["seq"] = out.seq.into();
        }
        write_frame(&mut out.stream, &frame);
    }
}

fn byte(stream: &mut TcpStream) -> Option<u8> {
    let mut one = [0];
    stream.read_exact(&mut one).ok()?;
    Some(one[0])
}

/// A masked text frame of less than 64 KiB.
fn read_frame(stream: &mut TcpStream) -> Option<Value> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    assert_eq!(head[0], 0x81, "not a text frame");
    assert!(head[1] & 0x80 != 0, "not masked");
    let length = match head[1] & 0x7f {
        126 => usize::from(u16::from_be_bytes([byte(stream)?, byte(stream)?])),
        short => usize::from(short),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    payload.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= mask[i & 3]);
    Some(serde_json::from_slice(&payload).unwrap())
}

fn write_frame(stream: &mut TcpStream, frame: &Value) -> Option<()> {
    let text = frame.to_string();
    let mut bytes = vec![0x81];
    match text.len() {
        short @ 0..126 => bytes.push(short as u8),
        long => bytes.extend([&[126], &(long as u16).to_be_bytes()[..]].concat()),
    }
    bytes.extend(text.as_bytes());
    stream.write_all(&bytes).ok()
}
