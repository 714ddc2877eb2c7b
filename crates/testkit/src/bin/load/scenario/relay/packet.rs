//! What is relayed: as long as 20 ms of speech, and each byte of it known beforehand.

use tincan_turn::channel::{self, Channel};

/// Bytes of a packet: SRTP with 20 ms of Opus at some 56 kbit/s.
pub(super) const PAYLOAD: usize = 172;
/// The channel that every client binds.
pub(super) const CHANNEL: u16 = 0x4000;
/// Bytes of ChannelData before the packet.
pub(super) const HEADER: usize = channel::HEADER;

/// A packet with room for the header of ChannelData in front of it.
pub(super) type Wrapped = [u8; HEADER + PAYLOAD];

/// Bytes of a [`Stamp`].
const STAMP: usize = 16;

/// Which packet it is, and when it was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    pub(super) flow: u32,
    /// Within its flow, from 0.
    pub(super) number: u32,
    pub(super) sent_ns: u64,
}

/// The packet of this stamp, in its channel.
pub(super) fn write(stamp: Stamp) -> Wrapped {
    let mut wrapped = [0; HEADER + PAYLOAD];
    let header = Channel::new(CHANNEL).and_then(|channel| channel::header(channel, PAYLOAD));
    wrapped[..HEADER].copy_from_slice(&header.unwrap_or_default());
    let packet = &mut wrapped[HEADER..];
    packet[..4].copy_from_slice(&stamp.flow.to_be_bytes());
    packet[4..8].copy_from_slice(&stamp.number.to_be_bytes());
    packet[8..STAMP].copy_from_slice(&stamp.sent_ns.to_be_bytes());
    let filling = filling(stamp);
    for chunk in packet[STAMP..].chunks_mut(filling.len()) {
        chunk.copy_from_slice(&filling[..chunk.len()]);
    }
    wrapped
}

/// The stamp of a packet; `None` if it is not byte for byte what was written.
pub(super) fn read(packet: &[u8]) -> Option<Stamp> {
    let (head, rest) = packet.split_first_chunk::<STAMP>()?;
    let all = u128::from_be_bytes(*head);
    let stamp = Stamp { flow: (all >> 96) as u32, number: (all >> 64) as u32, sent_ns: all as u64 };
    let filling = filling(stamp);
    let is_whole = rest.chunks(filling.len()).all(|chunk| *chunk == filling[..chunk.len()]);
    (packet.len() == PAYLOAD && is_whole).then_some(stamp)
}

/// What fills the rest of a packet: different in each, so that no two can be mixed up.
fn filling(stamp: Stamp) -> [u8; 8] {
    let seed = u64::from(stamp.flow) << 32 | u64::from(stamp.number);
    (seed ^ stamp.sent_ns).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_as_it_was_written_and_a_changed_byte_is_noticed() {
        let stamp = Stamp { flow: 7, number: 1 << 20, sent_ns: 1 << 40 };
        let wrapped = write(stamp);
        let (channel, packet) = channel::read(&wrapped).unwrap();
        assert_eq!((channel.number(), packet.len()), (CHANNEL, PAYLOAD));
        assert_eq!(read(packet), Some(stamp));
        for at in 0..PAYLOAD {
            let mut other: [u8; PAYLOAD] = packet.try_into().unwrap();
            other[at] ^= 1;
            assert_eq!(read(&other), None, "byte {at}");
        }
        assert_eq!(read(&packet[..PAYLOAD - 1]), None);
        assert_eq!(read(&[packet, &[0]].concat()), None);
    }
}
