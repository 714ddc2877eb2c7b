//! Bytes as the stream of a TURN client over TCP: however it is cut, the same frames come out, and each is whole.

use tincan_turn::channel::{self, Frame};

/// Reads the stream as one, and cut where its first byte says, and panics if that makes a difference.
pub(crate) fn run(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let whole = frames(stream.chunks(stream.len().max(1)));
    assert_eq!(whole, frames(stream.chunks(usize::from(*cut).max(1))));
}

/// The frames of a stream that comes in pieces, and whether it can be read no further.
fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let (mut buffer, mut frames) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match channel::frame(&buffer) {
                Frame::Partial => break,
                Frame::Neither => return (frames, true),
                Frame::Whole { length, whole } => {
                    assert!(0 < length && length <= whole && whole <= buffer.len() && whole - length < 4);
                    frames.push(buffer[..length].to_vec());
                    buffer.drain(..whole);
                }
            }
        }
    }
    (frames, false)
}
