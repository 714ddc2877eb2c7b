//! What was heard waits here for a second, and gets the numbers under which it is said.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Long enough to hear oneself out, short enough not to wait.
pub(super) const DELAY: Duration = Duration::from_secs(1);

/// Packets that wait at most: twice as many as a browser can send in that time (RFC 7587 §4.2: frames of 2.5 ms).
const MOST: usize = 800;

/// A packet with a number that far from the last one begins another stream.
const FAR: u64 = 1000;

/// Where our sequence numbers start: not at 0, so that a packet that comes late, from before the first, has one too.
const FIRST: u64 = FAR;

/// From one stream to the next, in samples: one frame.
const STEP: u32 = 960;

/// A line with a delay, first in, first out, and bounded.
#[derive(Debug)]
pub(super) struct Delay<T>(VecDeque<(Instant, T)>);

impl<T> Delay<T> {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Puts something in. Whatever is too much is lost.
    pub(super) fn put(&mut self, now: Instant, item: T) {
        if self.0.len() < MOST {
            self.0.push_back((now + DELAY, item));
        }
    }

    /// Takes out what has waited long enough, one at a time.
    pub(super) fn take(&mut self, now: Instant) -> Option<T> {
        self.0.pop_front_if(|(due, _)| *due <= now).map(|(_, item)| item)
    }

    /// When there will be something to take out.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.front().map(|(due, _)| *due)
    }
}

/// Sequence number, without wrapping, and timestamp of a packet.
pub(super) type Number = (u64, u32);

/// Numbers what is said as what was heard, shifted by a constant: what was lost stays lost, and a pause a pause. Where the
/// other side begins another stream, ours goes on.
#[derive(Debug)]
pub(super) struct Numbers {
    stream: Option<u32>,
    shift: Number,
    last: Number,
}

impl Numbers {
    pub(super) const fn new() -> Self {
        Self { stream: None, shift: (0, 0), last: (FIRST, 0) }
    }

    /// The number of the next packet, which has number (`seq`, `time`) in its stream.
    pub(super) fn next(&mut self, stream: u32, (seq, time): Number) -> Number {
        let shifted = |shift: Number| (seq.wrapping_add(shift.0), time.wrapping_add(shift.1));
        let (last_seq, last_time) = self.last;
        if self.stream != Some(stream) || shifted(self.shift).0.abs_diff(last_seq) > FAR {
            self.stream = Some(stream);
            self.shift = ((last_seq + 1).wrapping_sub(seq), last_time.wrapping_add(STEP).wrapping_sub(time));
        }
        let number = shifted(self.shift);
        if number.0 > self.last.0 {
            self.last = number;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_after_a_second_and_in_order() {
        let (start, mut delay) = (Instant::now(), Delay::new());
        let at = |ms| start + Duration::from_millis(ms);
        delay.put(at(0), 'a');
        delay.put(at(20), 'b');
        assert_eq!(delay.due(), Some(at(1000)));
        assert_eq!(delay.take(at(999)), None);
        assert_eq!((delay.take(at(1000)), delay.take(at(1000))), (Some('a'), None));
        assert_eq!((delay.take(at(5000)), delay.due()), (Some('b'), None));
    }

    #[test]
    fn what_waits_is_bounded_and_what_was_there_first_stays() {
        let (now, mut delay) = (Instant::now(), Delay::new());
        for n in 0..10 * MOST {
            delay.put(now, n);
        }
        let out: Vec<usize> = std::iter::from_fn(|| delay.take(now + DELAY)).collect();
        assert_eq!(out, (0..MOST).collect::<Vec<_>>());
    }

    #[test]
    fn losses_pauses_and_late_packets_keep_their_distances() {
        let mut numbers = Numbers::new();
        let (seq, time) = numbers.next(7, (40_000, u32::MAX - 100));
        for (later, pause) in [(1_u64, 960), (3, 2_880), (2, 1_920), (50, 480_000), (0, 0)] {
            let heard = (40_000 + later, (u32::MAX - 100).wrapping_add(pause));
            assert_eq!(numbers.next(7, heard), (seq + later, time.wrapping_add(pause)));
        }
        assert_eq!(numbers.next(7, (39_999, 0)).0, seq - 1, "from before the first");
    }

    #[test]
    fn where_another_stream_begins_ours_goes_on() {
        let mut numbers = Numbers::new();
        numbers.next(7, (10, 1_000));
        let (seq, time) = numbers.next(7, (12, 2_920));
        numbers.next(7, (11, 1_960));
        assert_eq!(numbers.next(8, (60_000, 5)), (seq + 1, time + STEP));
        assert_eq!(numbers.next(8, (60_001, 965)), (seq + 2, time + 2 * STEP));
        assert_eq!(seq, FIRST + 3);
    }

    #[test]
    fn no_number_that_somebody_makes_up_leads_out_of_ours() {
        let mut numbers = Numbers::new();
        for seq in [5, 0, u64::MAX, 4_000, 1 << 40, 0, 65_535, 7] {
            let (number, _) = numbers.next(7, (seq, 0));
            assert!((1..FIRST + 100).contains(&number), "{seq} became {number}");
        }
    }
}
