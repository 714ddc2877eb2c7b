//! Bytes as a WebSocket stream: however it is cut, the same is read, nothing is larger than allowed, and no more memory is
//! asked for than a message takes.
//!
//! The first byte says which end reads and how large a message may be, the second how many bytes of cuts follow; each of
//! those is the length of a piece. The rest is the stream.

use tincan_proto::websocket::{Decoder, End, Item, Opcode, Step, Violation, write_client, write_server};

/// The longest header: two bytes, eight of length, four of mask.
const HEADER_MAX: usize = 14;

/// Takes one stream and panics if a rule is broken.
pub(crate) fn run(bytes: &[u8]) {
    let &[how, cuts, ref rest @ ..] = bytes else { return };
    let end = if how & 1 == 0 { End::Server } else { End::Client };
    let max = [125, 130, 1024, 64 * 1024][usize::from(how >> 1 & 3)];
    let (cuts, stream) = rest.split_at(usize::from(cuts).min(rest.len()));
    let whole = read(end, max, [stream]);
    let cuts = cuts.iter().map(|cut| usize::from(*cut)).chain([usize::MAX]);
    let mut left = stream;
    let pieces: Vec<&[u8]> = cuts
        .map(|cut| {
            let (piece, rest) = left.split_at(cut.min(left.len()));
            left = rest;
            piece
        })
        .collect();
    assert_eq!(read(end, max, pieces), whole, "cut into pieces it reads differently");
    assert_eq!(read(end, max, stream.chunks(1)), whole, "byte by byte it reads differently");
    again(end, max, &whole.0);
}

/// What is read, and the violation that ended it. Keeps the buffer's rules on the way.
fn read<'a>(
    end: End,
    max: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Got>, Option<Violation>) {
    let mut decoder = Decoder::new(end, max);
    let (mut buf, mut got, mut fragments) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            let before = buf.clone();
            let used = match decoder.step(&mut buf) {
                Err(violation) => return (got, Some(violation)),
                Ok(Step::More { needed }) => {
                    assert!(before.len() < needed && needed <= HEADER_MAX + max, "{needed} bytes are needed");
                    assert_eq!(buf, before, "the buffer was changed before the frame was whole");
                    break;
                }
                Ok(Step::Fragment { used }) => {
                    fragments += used.saturating_sub(HEADER_MAX);
                    assert!(fragments <= max, "more is kept than a message has");
                    used
                }
                Ok(Step::Item { item, used }) => {
                    got.push(Got::new(&item, max));
                    used
                }
            };
            assert!(0 < used && used <= before.len(), "a frame took {used} bytes");
            if !decoder.is_mid_message() {
                fragments = 0;
                decoder.rest();
            }
            buf.drain(..used);
        }
    }
    (got, None)
}

/// An item that owns what it has.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Got {
    Frame(u8, Vec<u8>),
    Close(Option<u16>),
}

impl Got {
    fn new(item: &Item<'_>, max: usize) -> Self {
        let (opcode, payload, most) = match *item {
            Item::Text(text) => (1, text.as_bytes(), max),
            Item::Binary(bytes) => (2, bytes, max),
            Item::Ping(payload) => (9, payload, 125),
            Item::Pong(payload) => (10, payload, 125),
            Item::Close(code) => return Self::Close(code),
        };
        assert!(payload.len() <= most, "a message of {} bytes", payload.len());
        Self::Frame(opcode, payload.to_vec())
    }
}

/// What was read can be written, and is then read as it was.
fn again(end: End, max: usize, items: &[Got]) {
    let mut wire = Vec::new();
    for item in items {
        let (opcode, payload) = match item {
            Got::Frame(1, payload) => (Opcode::Text, &**payload),
            Got::Frame(2, payload) => (Opcode::Binary, &**payload),
            Got::Frame(9, payload) => (Opcode::Ping, &**payload),
            Got::Frame(_, payload) => (Opcode::Pong, &**payload),
            Got::Close(None) => (Opcode::Close, &[][..]),
            Got::Close(Some(code)) => (Opcode::Close, &code.to_be_bytes()[..]),
        };
        match end {
            End::Server => write_client(&mut wire, opcode, payload, [0x37, 0xFA, 0x21, 0x3D]),
            End::Client => write_server(&mut wire, opcode, payload),
        }
    }
    assert_eq!(read(end, max, [&*wire]), (items.to_vec(), None));
}
