//! What makes a session survive its connection: numbers, acknowledgements, and the frames that may be needed again.
//!
//! Each direction numbers its frames from 1. The sender keeps a frame until the other side acknowledged it; on resume it
//! sends the rest again. The receiver takes the next number, ignores what it had, and treats a hole as a fault of the
//! connection. So each frame arrives exactly once and in order, however often the connection is lost.
//!
//! Not here: sockets, the resume window in time, who may resume (the signaling service).

use std::collections::VecDeque;

/// Most unacknowledged frames of a session.
pub const WINDOW_FRAMES: usize = 256;

/// Most bytes of unacknowledged frames of a session.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// The window is full: the other side neither reads nor acknowledges.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many frames are unacknowledged")]
pub struct Full;

/// An acknowledgement or a number that cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It acknowledges what was never sent.
    #[error("acknowledged more than was sent")]
    AckAhead,
    /// It leaves out a number.
    #[error("a number was skipped")]
    Gap,
}

/// The sending half: frames that were sent and not acknowledged.
#[derive(Debug, Default)]
pub struct Outgoing {
    acked: u64,
    frames: VecDeque<Box<[u8]>>,
    bytes: usize,
}

impl Outgoing {
    /// The number that the next frame gets.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.acked + self.frames.len() as u64 + 1
    }

    /// Keeps a frame as the next one.
    ///
    /// # Errors
    /// [`Full`]; the frame was not kept, and the session cannot go on.
    pub fn push(&mut self, frame: Box<[u8]>) -> Result<(), Full> {
        if self.frames.len() >= WINDOW_FRAMES || self.bytes + frame.len() > WINDOW_BYTES {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// The other side has everything up to and with `seq`.
    ///
    /// # Errors
    /// [`Fault::AckAhead`]. An acknowledgement of what was acknowledged before is fine.
    pub fn ack(&mut self, seq: u64) -> Result<(), Fault> {
        if seq >= self.next_seq() {
            return Err(Fault::AckAhead);
        }
        while self.acked < seq {
            self.acked += 1;
            self.bytes -= self.frames.pop_front().map_or(0, |frame| frame.len());
        }
        // An idle session should cost nothing for the call it once had.
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        Ok(())
    }

    /// The frames that were not acknowledged, oldest first.
    pub fn unacked(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|frame| &**frame)
    }
}

/// The receiving half.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming {
    last: u64,
}

impl Incoming {
    /// The number up to which everything arrived.
    #[must_use]
    pub const fn ack(&self) -> u64 {
        self.last
    }

    /// A frame with number `seq` arrived. Returns whether it is new; an old one is to be ignored.
    ///
    /// # Errors
    /// [`Fault::Gap`].
    pub const fn take(&mut self, seq: u64) -> Result<bool, Fault> {
        if seq <= self.last {
            return Ok(false);
        }
        if seq != self.last + 1 {
            return Err(Fault::Gap);
        }
        self.last = seq;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// One direction over connections that die at random, losing a random tail of what was under way.
        #[test]
        fn nothing_is_lost_doubled_or_reordered_however_often_the_connection_dies(
            steps in proptest::collection::vec((0_usize..6, 0_usize..8, any::<bool>()), 1..120),
        ) {
            let (mut out, mut inc) = (Outgoing::default(), Incoming::default());
            let (mut sent, mut got) = (0_u64, Vec::new());
            let mut wire: VecDeque<u64> = VecDeque::new();
            for (push, deliver, dies) in steps {
                for _ in 0..push {
                    let seq = out.next_seq();
                    if out.push(seq.to_be_bytes().into()).is_ok() {
                        sent = seq;
                        wire.push_back(seq);
                    }
                }
                for _ in 0..deliver {
                    let Some(seq) = wire.pop_front() else { break };
                    if inc.take(seq).expect("a connection keeps order") {
                        got.push(seq);
                    }
                }
                if dies {
                    out.ack(inc.ack()).expect("it acknowledges what it has");
                    wire = out.unacked().map(|f| u64::from_be_bytes(f.try_into().expect("8 bytes"))).collect();
                }
            }
            for seq in wire {
                if inc.take(seq).expect("a connection keeps order") {
                    got.push(seq);
                }
            }
            prop_assert_eq!(got, (1..=sent).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_window_is_bounded_in_frames_and_bytes() {
        let mut out = Outgoing::default();
        for _ in 0..WINDOW_FRAMES {
            out.push(Box::new([0])).unwrap();
        }
        assert_eq!(out.push(Box::new([0])), Err(Full));
        out.ack(1).unwrap();
        out.push(Box::new([0])).unwrap();
        let mut out = Outgoing::default();
        out.push(vec![0; WINDOW_BYTES].into()).unwrap();
        assert_eq!(out.push(Box::new([0])), Err(Full));
    }

    #[test]
    fn numbers_that_cannot_be_are_faults() {
        let (mut out, mut inc) = (Outgoing::default(), Incoming::default());
        assert_eq!(out.ack(1), Err(Fault::AckAhead));
        assert_eq!(inc.take(2), Err(Fault::Gap));
        assert_eq!((inc.take(1), inc.take(1)), (Ok(true), Ok(false)));
        assert_eq!(inc.take(0), Ok(false));
    }
}
