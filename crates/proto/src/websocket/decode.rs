//! Reading frames, in place.

use super::{End, Opcode, mask};

/// What arrived.
#[derive(Debug, Eq, PartialEq)]
pub enum Item<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// Asks for a pong with the same payload.
    Ping(&'a [u8]),
    /// Answers a ping.
    Pong(&'a [u8]),
    /// The other side closes, with its code if it gave one.
    Close(Option<u16>),
}

/// What a [`Decoder`] made of the bytes it was lent.
#[derive(Debug, Eq, PartialEq)]
pub enum Step<'a> {
    /// `item` took this many bytes.
    Item {
        /// What arrived.
        item: Item<'a>,
        /// Bytes of the buffer that are done with.
        used: usize,
    },
    /// A fragment took this many bytes; the message goes on.
    Fragment {
        /// Bytes of the buffer that are done with.
        used: usize,
    },
    /// The frame is not whole; with this many bytes it may be.
    More {
        /// Length of buffer needed, at least one more than there was.
        needed: usize,
    },
}

/// Why the connection must be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Close code 1002. The sentence says what was wrong.
    #[error("{0}")]
    Protocol(&'static str),
    /// Close code 1007.
    #[error("a text message must be UTF-8")]
    NotUtf8,
    /// Close code 1009.
    #[error("a message has at most 64 KiB")]
    TooBig,
}

/// Reads one side's frames.
#[derive(Debug)]
pub struct Decoder {
    end: End,
    max: usize,
    /// A fragmented message so far; without capacity while there is none.
    fragments: Vec<u8>,
    /// What the fragmented message is.
    fragmented: Option<Opcode>,
}

/// A frame's header, and where its payload is.
struct Head {
    fin: bool,
    opcode: Opcode,
    key: Option<[u8; 4]>,
    start: usize,
    end: usize,
}

impl Decoder {
    /// Reads what arrives at `end`; a message has at most `max` bytes.
    #[must_use]
    pub const fn new(end: End, max: usize) -> Self {
        Self { end, max, fragments: Vec::new(), fragmented: None }
    }

    /// Takes the next frame off the front of `buf`, unmasking it there.
    ///
    /// Call it again with the rest of `buf` after an item or a fragment. After [`Step::More`] call it with the same bytes
    /// and more behind them: `buf` is then as it was.
    ///
    /// # Errors
    /// A [`Violation`]: send a close frame and read no further.
    pub fn step<'a>(&'a mut self, buf: &'a mut [u8]) -> Result<Step<'a>, Violation> {
        let head = match self.head(buf)? {
            Ok(head) => head,
            Err(needed) => return Ok(Step::More { needed }),
        };
        if buf.len() < head.end {
            return Ok(Step::More { needed: head.end });
        }
        let used = head.end;
        let payload = &mut buf[head.start..head.end];
        if let Some(key) = head.key {
            mask(payload, key);
        }
        let item = match head.opcode {
            Opcode::Ping => Item::Ping(payload),
            Opcode::Pong => Item::Pong(payload),
            Opcode::Close => Item::Close(close_code(payload)?),
            Opcode::Text | Opcode::Binary if head.fin => message(head.opcode, payload)?,
            Opcode::Text | Opcode::Binary => {
                self.fragmented = Some(head.opcode);
                self.fragments = payload.to_vec();
                return Ok(Step::Fragment { used });
            }
            Opcode::Continuation => {
                self.fragments.extend_from_slice(payload);
                if !head.fin {
                    return Ok(Step::Fragment { used });
                }
                let opcode = self.fragmented.take().unwrap_or(Opcode::Text);
                // The message moves into the lent buffer's place only by reference: it lives here until the next call.
                message(opcode, &self.fragments)?
            }
        };
        Ok(Step::Item { item, used })
    }

    /// Whether a fragmented message is under way.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        self.fragmented.is_some()
    }

    /// Gives back the memory of the last fragmented message.
    pub fn rest(&mut self) {
        if self.fragmented.is_none() {
            self.fragments = Vec::new();
        }
    }

    /// The inner `Err` is the length of buffer needed to tell.
    fn head(&self, buf: &[u8]) -> Result<Result<Head, usize>, Violation> {
        let &[first, second, ref rest @ ..] = buf else { return Ok(Err(2)) };
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("no extension was agreed, so RSV must be 0"));
        }
        let opcode = Opcode::parse(first & 0x0F).ok_or(Violation::Protocol("unknown opcode"))?;
        let (fin, masked) = (first & 0x80 != 0, second & 0x80 != 0);
        match (self.end, masked) {
            (End::Server, false) => return Err(Violation::Protocol("a client must mask its frames")),
            (End::Client, true) => return Err(Violation::Protocol("a server must not mask its frames")),
            (End::Server, true) | (End::Client, false) => {}
        }
        let (len, shortest, after_len) = match (second & 0x7F, rest) {
            (126, &[a, b, ..]) => (usize::from(u16::from_be_bytes([a, b])), 126, 4),
            (126, _) => return Ok(Err(4)),
            (127, &[a, b, c, d, e, f, g, h, ..]) => {
                let len = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                (usize::try_from(len).map_err(|_| Violation::TooBig)?, 0x1_0000, 10)
            }
            (127, _) => return Ok(Err(10)),
            (len, _) => (usize::from(len), 0, 2),
        };
        if len < shortest {
            return Err(Violation::Protocol("a length takes its shortest form"));
        }
        if opcode.is_control() && (!fin || len > 125) {
            return Err(Violation::Protocol("a control frame is whole and has at most 125 bytes"));
        }
        match (opcode, self.fragmented.is_some()) {
            (Opcode::Continuation, false) => return Err(Violation::Protocol("nothing to continue")),
            (Opcode::Text | Opcode::Binary, true) => {
                return Err(Violation::Protocol("a message is under way"));
            }
            _ => {}
        }
        let before = if opcode == Opcode::Continuation { self.fragments.len() } else { 0 };
        if len > self.max - before.min(self.max) {
            return Err(Violation::TooBig);
        }
        let key = match (masked, buf.get(after_len..after_len + 4)) {
            (false, _) => None,
            (true, Some(&[a, b, c, d])) => Some([a, b, c, d]),
            (true, _) => return Ok(Err(after_len + 4)),
        };
        let start = after_len + if masked { 4 } else { 0 };
        Ok(Ok(Head { fin, opcode, key, start, end: start + len }))
    }
}

fn message(opcode: Opcode, payload: &[u8]) -> Result<Item<'_>, Violation> {
    if opcode == Opcode::Binary {
        return Ok(Item::Binary(payload));
    }
    std::str::from_utf8(payload).map(Item::Text).map_err(|_| Violation::NotUtf8)
}

/// The code of a close frame, checked (RFC 6455 §7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::Protocol("a close code has two bytes")),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(Violation::NotUtf8);
    }
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(Some(code)),
        _ => Err(Violation::Protocol("no such close code")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{write_client, write_server};
    use super::*;

    fn texts(decoder: &mut Decoder, mut buf: Vec<u8>) -> Result<Vec<String>, Violation> {
        let (mut got, mut at) = (Vec::new(), 0);
        loop {
            match decoder.step(&mut buf[at..])? {
                Step::Item { item, used } => {
                    got.push(format!("{item:?}"));
                    at += used;
                }
                Step::Fragment { used } => at += used,
                Step::More { .. } => return Ok(got),
            }
        }
    }

    fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_client(&mut out, opcode, payload, [1, 2, 3, 4]);
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_the_bytes_are_cut(
            messages in proptest::collection::vec("\\PC{0,300}", 1..8), cut in 1_usize..50, key in any::<[u8; 4]>(),
        ) {
            let mut wire = Vec::new();
            for message in &messages {
                write_client(&mut wire, Opcode::Text, message.as_bytes(), key);
            }
            let mut decoder = Decoder::new(End::Server, 64 * 1024);
            let (mut buf, mut got) = (Vec::new(), Vec::new());
            for piece in wire.chunks(cut) {
                buf.extend_from_slice(piece);
                loop {
                    let used = match decoder.step(&mut buf).expect("it is well formed") {
                        Step::Item { item: Item::Text(text), used } => {
                            got.push(text.to_owned());
                            used
                        }
                        Step::More { needed } => {
                            assert!(needed > buf.len());
                            break;
                        }
                        other => panic!("{other:?}"),
                    };
                    buf.drain(..used);
                }
            }
            prop_assert_eq!(got, messages);
        }

        #[test]
        fn no_bytes_make_it_panic_or_use_more_than_there_is(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::new(End::Server, 100);
            let len = bytes.len();
            if let Ok(Step::Item { used, .. } | Step::Fragment { used }) = decoder.step(&mut bytes) {
                prop_assert!(used <= len);
            }
        }
    }

    #[test]
    fn a_control_frame_may_come_between_fragments() {
        let mut wire = masked(Opcode::Text, b"a");
        wire[0] &= 0x7F;
        wire.extend(masked(Opcode::Ping, b"p"));
        wire.extend(masked(Opcode::Continuation, b"b"));
        let mut decoder = Decoder::new(End::Server, 1024);
        assert_eq!(texts(&mut decoder, wire), Ok(vec!["Ping([112])".into(), "Text(\"ab\")".into()]));
        assert!(!decoder.is_mid_message());
    }

    #[test]
    fn what_breaks_the_rules_is_named() {
        let mut unmasked = Vec::new();
        write_server(&mut unmasked, Opcode::Text, b"x");
        let flip = |mut frame: Vec<u8>, byte: usize, bits: u8| {
            frame[byte] ^= bits;
            frame
        };
        let text = || masked(Opcode::Text, b"x");
        let protocol = [
            unmasked,
            flip(text(), 0, 0x40),
            flip(text(), 0, 0x02),
            flip(masked(Opcode::Ping, b""), 0, 0x80),
            masked(Opcode::Ping, &[0; 126]),
            masked(Opcode::Continuation, b"x"),
            [flip(text(), 0, 0x80), text()].concat(),
            masked(Opcode::Close, &[3]),
            masked(Opcode::Close, &1005_u16.to_be_bytes()),
            [&[0x81, 0xFE, 0, 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat(),
            [&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0][..], b"x"].concat(),
        ];
        for (i, wire) in protocol.into_iter().enumerate() {
            let got = texts(&mut Decoder::new(End::Server, 1024), wire);
            assert!(matches!(got, Err(Violation::Protocol(_))), "case {i}: {got:?}");
        }
        let got = |wire| texts(&mut Decoder::new(End::Server, 4), wire);
        assert_eq!(got(masked(Opcode::Text, &[0xFF])), Err(Violation::NotUtf8));
        assert_eq!(got(masked(Opcode::Text, b"12345")), Err(Violation::TooBig));
        let halves =
            [flip(masked(Opcode::Text, b"123"), 0, 0x80), masked(Opcode::Continuation, b"45")].concat();
        assert_eq!(got(halves), Err(Violation::TooBig));
    }

    #[test]
    fn a_huge_length_is_refused_from_the_header_alone() {
        let header = [0x81, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(texts(&mut Decoder::new(End::Server, 64 * 1024), header.into()), Err(Violation::TooBig));
    }
}
