//! What is said to each kind of server, and how its deliveries read.
//!
//! A dialog has the same 21 messages everywhere; a dialect maps them to what its server forwards. PeerJS knows neither
//! request, accept nor hangup and forwards only OFFER, ANSWER, CANDIDATE and LEAVE, so those three travel as OFFER, ANSWER
//! and LEAVE; the message's number in `data` tells them apart.

use std::{fmt::Write as _, ops::ControlFlow};

use crate::{
    envelope::{self, Malformed},
    template::Field,
};

/// The seven steps of a dialog, without the reject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Request,
    Accept,
    Offer,
    Answer,
    Candidate,
    Hangup,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Request, Self::Accept, Self::Offer, Self::Answer, Self::Candidate, Self::Hangup];
}

/// The language of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// The original pages' `{type,to,from,data}` at `/ws?id=…`: Tincan's v1, and the hub.
    Seed,
    /// The PeerJS server's.
    Peerjs,
    /// Tincan's v2, as guests.
    V2,
}

/// A message that arrived, its members as they stood in the frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery<'a> {
    pub(crate) kind: &'a [u8],
    /// The user that the server says it is from, without the device.
    pub(crate) from: Option<&'a [u8]>,
    /// The raw payload; empty if there was none.
    pub(crate) data: &'a [u8],
    /// The number its sender wrote into the payload.
    pub(crate) number: Option<u64>,
    pub(crate) call: Option<&'a [u8]>,
    pub(crate) seq: Option<u64>,
}

/// A user's name.
pub(crate) type User = [u8; 11];

/// The name of a client: a `c`, four digits for the run and six for the client. No run meets what a server still keeps
/// for the users of one before it.
pub(crate) fn user(run: u64, client: usize) -> User {
    let mut name = [b'c'; 11];
    name[1..5].copy_from_slice(&crate::template::digits::<4>(run, b'0'));
    name[5..].copy_from_slice(&crate::template::digits::<6>(client as u64, b'0'));
    name
}

impl Dialect {
    /// Where a user opens its WebSocket.
    pub(crate) fn path(self, user: &User) -> String {
        let user = String::from_utf8_lossy(user);
        match self {
            Self::Seed => format!("/ws?id={user}"),
            Self::Peerjs => format!("/peerjs?key=peerjs&id={user}&token={user}"),
            Self::V2 => "/ws".into(),
        }
    }

    /// The subprotocol to ask for.
    pub(crate) fn protocol(self) -> Option<&'static str> {
        match self {
            Self::Seed | Self::Peerjs => None,
            Self::V2 => Some("tincan.v2"),
        }
    }

    /// The first frame of a user.
    pub(crate) fn hello(self, user: &User) -> Option<String> {
        let user = String::from_utf8_lossy(user);
        match self {
            Self::Seed | Self::Peerjs => None,
            Self::V2 => Some(format!(r#"{{"type":"hello","data":{{"guest":"{user}","device":"load"}}}}"#)),
        }
    }

    /// The type of the server's first frame, without which a client is not yet open.
    pub(crate) fn welcome(self) -> Option<&'static str> {
        match self {
            Self::Seed => None,
            Self::Peerjs => Some("OPEN"),
            Self::V2 => Some("welcome"),
        }
    }

    /// The type under which a message is sent.
    pub(crate) fn sent_as(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Seed | Self::V2, Kind::Request) => "call-request",
            (Self::Seed | Self::V2, Kind::Accept) => "call-accept",
            (Self::Seed | Self::V2, Kind::Offer) => "offer",
            (Self::Seed | Self::V2, Kind::Answer) => "answer",
            (Self::Seed | Self::V2, Kind::Candidate) => "candidate",
            (Self::Seed | Self::V2, Kind::Hangup) => "hangup",
            (Self::Peerjs, Kind::Request | Kind::Offer) => "OFFER",
            (Self::Peerjs, Kind::Accept | Kind::Answer) => "ANSWER",
            (Self::Peerjs, Kind::Candidate) => "CANDIDATE",
            (Self::Peerjs, Kind::Hangup) => "LEAVE",
        }
    }

    /// The type under which it arrives.
    pub(crate) fn delivered_as(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::V2, Kind::Hangup) => "call-ended",
            (Self::Seed | Self::Peerjs | Self::V2, _) => self.sent_as(kind),
        }
    }

    /// Whether a server may make this message anew, so that the sender's payload, and the number in it, does not arrive.
    /// Tincan does so with what only changes a call's state; it is then matched by its kind, of which a dialog has one.
    pub(crate) fn may_be_remade(self, kind: Kind) -> bool {
        match self {
            Self::Seed | Self::V2 => matches!(kind, Kind::Accept | Kind::Hangup),
            Self::Peerjs => false,
        }
    }

    /// Whether the message must say whom it is from. A `call-ended` of v2 does not: nobody but the server says it.
    pub(crate) fn is_signed(self, kind: Kind) -> bool {
        !(self == Self::V2 && kind == Kind::Hangup)
    }

    /// Whether a client may get this besides the messages of its dialogs.
    pub(crate) fn is_aside(self, kind: &[u8]) -> bool {
        match self {
            Self::Seed | Self::Peerjs => false,
            Self::V2 => matches!(
                kind,
                b"ack"
                    | b"pong"
                    | b"call-delivered"
                    | b"call-ringing"
                    | b"call-accept"
                    | b"call-update"
                    | b"call-ended"
            ),
        }
    }

    /// The text of a message, its fields as marks.
    pub(crate) fn text(self, kind: Kind) -> String {
        let (name, data) = (self.sent_as(kind), payload(kind));
        let (to, call) = (Field::To.mark(), Field::Call.mark());
        match self {
            Self::Seed => format!(r#"{{"type":"{name}","to":"{to}","data":{data}}}"#),
            Self::Peerjs => format!(r#"{{"type":"{name}","payload":{data},"dst":"{to}"}}"#),
            Self::V2 => {
                let to = if kind == Kind::Request { format!(r#""to":"{to}","#) } else { String::new() };
                let (seq, ack) = (Field::Seq.mark(), Field::Ack.mark());
                format!(r#"{{"type":"{name}","call":"{call}",{to}"data":{data},"seq":{seq},"ack":{ack}}}"#)
            }
        }
    }

    /// Reads a delivered frame.
    ///
    /// # Errors
    /// [`Malformed`] if it is not a JSON object.
    pub(crate) fn read(self, text: &[u8]) -> Result<Delivery<'_>, Malformed> {
        let mut delivery = Delivery::default();
        let (from, data) = match self {
            Self::Seed | Self::V2 => ("from", "data"),
            Self::Peerjs => ("src", "payload"),
        };
        envelope::members(text, |key, value| {
            match key {
                b"type" => delivery.kind = envelope::inside(value).unwrap_or_default(),
                b"call" => delivery.call = envelope::inside(value),
                b"seq" => delivery.seq = envelope::number(value),
                _ if key == from.as_bytes() => delivery.from = envelope::inside(value),
                _ if key == data.as_bytes() => delivery.data = value,
                _ => {}
            }
            ControlFlow::Continue(())
        })?;
        // v2 names the device too: `user/device`.
        delivery.from = delivery.from.and_then(|from| from.split(|&byte| byte == b'/').next());
        delivery.number = envelope::member(delivery.data, "n").and_then(envelope::number);
        Ok(delivery)
    }
}

/// The `data` of a message. Offer and answer are 2,500 bytes and a candidate 210, so that their frames are about 2.5 KB and
/// 0.25 KB in every dialect. The number comes first, so that it is found soon.
pub(crate) fn payload(kind: Kind) -> String {
    let n = Field::Number.mark();
    match kind {
        Kind::Request => format!(r#"{{"n":"{n}","media":"audio"}}"#),
        Kind::Accept | Kind::Hangup => format!(r#"{{"n":"{n}"}}"#),
        Kind::Offer => sdp(&format!(r#"{{"n":"{n}","type":"offer","sdp":""#)),
        Kind::Answer => sdp(&format!(r#"{{"n":"{n}","type":"answer","sdp":""#)),
        Kind::Candidate => format!(
            r#"{{"n":"{n}","candidate":"candidate:842163049 1 udp 1677729535 192.0.2.77 51472 typ srflx raddr 192.168.100.123 rport 0 generation 0 ufrag EsAw network-id 1 network-cost 10","sdpMid":"0","sdpMLineIndex":0}}"#
        ),
    }
}

fn sdp(head: &str) -> String {
    const SIZE: usize = 2500;
    let mut text =
        format!("{head}v=0\\r\\no=- 4611731400430051336 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\n");
    text.push_str("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\\r\\nc=IN IP4 0.0.0.0\\r\\n");
    for id in 1.. {
        if text.len() + 80 > SIZE {
            break;
        }
        let _ =
            write!(text, "a=extmap:{id} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\\r\\n");
    }
    let filler = SIZE.saturating_sub(text.len() + r#"a=x:\r\n"}"#.len());
    let _ = write!(text, "a=x:{}\\r\\n\"}}", "x".repeat(filler));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_of_the_stated_sizes() {
        for kind in Kind::ALL {
            serde_json::from_str::<serde_json::Value>(&payload(kind)).unwrap();
        }
        assert_eq!(payload(Kind::Offer).len(), 2500);
        assert_eq!(payload(Kind::Answer).len(), 2500);
        assert_eq!(payload(Kind::Candidate).len(), 210);
    }

    #[test]
    fn deliveries_read_alike_in_every_dialect() {
        let seed = Dialect::Seed
            .read(br#"{"type":"answer","to":"c1234000000","from":"c1234000001","data":{"n":"0000000017"}}"#);
        let peerjs = Dialect::Peerjs.read(
            br#"{"type":"ANSWER","src":"c1234000001","dst":"c1234000000","payload":{"n":"0000000017"}}"#,
        );
        let v2 = Dialect::V2.read(
            br#"{"type":"answer","call":"x","from":"c1234000001/load","data":{"n":"0000000017"},"seq":4}"#,
        );
        for (dialect, read) in [(Dialect::Seed, seed), (Dialect::Peerjs, peerjs), (Dialect::V2, v2)] {
            let read = read.unwrap();
            assert_eq!(read.kind, dialect.delivered_as(Kind::Answer).as_bytes());
            assert_eq!(read.from, Some(&user(991_234, 1)[..]));
            assert_eq!(read.number, Some(17));
            assert_eq!(read.seq, (dialect == Dialect::V2).then_some(4));
        }
    }
}
