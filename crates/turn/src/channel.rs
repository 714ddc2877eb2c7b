//! ChannelData (RFC 8656 §12.4), and where the next thing on a stream ends (§12.5).

use crate::stun;

/// Bytes of a header: channel number and length.
pub const HEADER: usize = 4;

/// A channel's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Channel(u16);

impl Channel {
    /// The channel of this number: 0x4000 to 0x4FFF (RFC 8656 §12).
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if 0x4000 <= number && number <= 0x4FFF { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Reads ChannelData: the channel and what it carries. Behind it, padding may follow.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(Channel, &[u8])> {
    let (&[a, b, c, d], rest) = bytes.split_first_chunk::<HEADER>()?;
    let channel = Channel::new(u16::from_be_bytes([a, b]))?;
    Some((channel, rest.get(..usize::from(u16::from_be_bytes([c, d])))?))
}

/// The header in front of `length` bytes; `None` if a datagram cannot hold them.
#[must_use]
pub fn header(channel: Channel, length: usize) -> Option<[u8; HEADER]> {
    let ([a, b], [c, d]) = (channel.0.to_be_bytes(), u16::try_from(length).ok()?.to_be_bytes());
    Some([a, b, c, d])
}

/// What a stream begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Frame {
    /// Too little to tell, or not yet whole.
    Partial,
    /// A STUN message or ChannelData of `length` bytes, and the next thing after `whole`: on a stream ChannelData is
    /// padded to a multiple of four.
    Whole {
        /// Without padding.
        length: usize,
        /// With it.
        whole: usize,
    },
    /// Neither: the stream cannot be read any further.
    Neither,
}

/// Finds the end of what a stream begins with.
#[must_use]
pub fn frame(bytes: &[u8]) -> Frame {
    let Some(&[a, b, c, d]) = bytes.first_chunk::<HEADER>() else {
        let may_be = bytes.first().is_none_or(|first| *first < 4 || (0x40..0x50).contains(first));
        return if may_be { Frame::Partial } else { Frame::Neither };
    };
    let carried = usize::from(u16::from_be_bytes([c, d]));
    let (length, whole) = match a {
        0..4 if carried.is_multiple_of(4) => (stun::HEADER + carried, stun::HEADER + carried),
        _ if Channel::new(u16::from_be_bytes([a, b])).is_some() => {
            (HEADER + carried, HEADER + carried.next_multiple_of(4))
        }
        _ => return Frame::Neither,
    };
    if bytes.len() < whole { Frame::Partial } else { Frame::Whole { length, whole } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};

    #[test]
    fn channels_have_numbers_of_their_own() {
        for number in [0, 0x3FFF, 0x5000, 0x7FFF, 0xFFFF] {
            assert_eq!(Channel::new(number), None);
        }
        for number in [0x4000, 0x4FFF] {
            assert_eq!(Channel::new(number).map(Channel::number), Some(number));
        }
    }

    #[test]
    fn what_is_shorter_than_it_says_is_nothing() {
        assert_eq!(read(b"\x40\x00\x00\x03ab"), None);
        assert_eq!(read(b"\x40\x00\x00"), None);
        assert_eq!(read(b"\x50\x00\x00\x01a"), None);
        assert_eq!(read(b"\x40\x00\x00\x02abc"), Some((Channel(0x4000), &b"ab"[..])));
    }

    #[test]
    fn a_stream_that_is_neither_is_noticed_at_its_first_byte() {
        for first in [b'P', 0x16, 0x80, 0xFF, 4] {
            assert_eq!(frame(&[first]), Frame::Neither, "{first:#x}");
        }
        assert_eq!(frame(&[0, 1, 0, 3]), Frame::Neither, "no message has such a length");
    }

    proptest! {
        #[test]
        fn a_stream_split_at_every_byte_has_the_same_frames(
            // STUN messages and, by channel, ChannelData.
            frames in proptest::collection::vec((proptest::option::of(0x4000_u16..0x5000), 0_usize..50), 1..6),
        ) {
            let (mut stream, mut ends) = (Vec::new(), Vec::new());
            for (number, size) in frames {
                let (start, data) = (stream.len(), vec![7; size]);
                match number.and_then(Channel::new) {
                    Some(channel) => {
                        stream.extend_from_slice(&header(channel, size).unwrap());
                        stream.extend_from_slice(&data);
                        ends.push((stream.len() - start, stream.len().next_multiple_of(4)));
                        stream.resize(stream.len().next_multiple_of(4), 0);
                    }
                    None => {
                        Writer::new(&mut stream, Class::Request, Method::SEND, TransactionId([3; 12]))
                            .put(AttributeType::DATA, &data);
                        ends.push((stream.len() - start, stream.len()));
                    }
                }
            }
            let mut start = 0;
            for (length, end) in ends {
                for have in start..end {
                    prop_assert_eq!(frame(&stream[start..have]), Frame::Partial);
                }
                prop_assert_eq!(frame(&stream[start..]), Frame::Whole { length, whole: end - start });
                let bytes = &stream[start..start + length];
                let carried = read(bytes).map(|(_, data)| data.len() + HEADER);
                let parsed = Message::parse(bytes).ok().map(|message| message.length());
                prop_assert_eq!(carried.or(parsed), Some(length));
                start = end;
            }
        }
    }
}
