//! What went wrong, counted. A run is good only if all of it is zero.

use std::fmt::Write as _;

/// One thing a server did that it may not do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Sent and never delivered.
    Lost,
    /// Delivered after it had been given up as lost.
    Late,
    /// Delivered again.
    Doubled,
    /// Not the message that was sent under this number.
    Damaged,
    /// Delivered without saying whom it is from.
    NoFrom,
    /// Delivered under another user's name.
    WrongFrom,
    /// A candidate that overtook another one.
    Reordered,
    /// A message that nobody sent.
    Unexpected,
    /// A message turned down: an `error`, or a `hangup` that gives an error code.
    Refused,
    /// A connection closed by the server.
    Closed,
}

impl Fault {
    pub(crate) const ALL: [(Self, &'static str); 10] = [
        (Self::Lost, "lost"),
        (Self::Late, "late"),
        (Self::Doubled, "doubled"),
        (Self::Damaged, "damaged"),
        (Self::NoFrom, "no_from"),
        (Self::WrongFrom, "wrong_from"),
        (Self::Reordered, "reordered"),
        (Self::Unexpected, "unexpected"),
        (Self::Refused, "refused"),
        (Self::Closed, "closed"),
    ];
}

/// How often each fault was seen, and the first message of each, to tell why.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [u64; Fault::ALL.len()],
    examples: [Option<String>; Fault::ALL.len()],
    /// Messages that arrived as they should.
    pub(crate) delivered: u64,
    /// Those among them that were compared whole.
    pub(crate) compared: u64,
}

impl Tally {
    /// Counts a fault, seen in `text`.
    pub(crate) fn fault(&mut self, fault: Fault, text: &[u8]) {
        self.faults(fault, 1, || String::from_utf8_lossy(&text[..text.len().min(300)]).into_owned());
    }

    /// Counts `times` a fault; `example` is asked for only if it is the first.
    pub(crate) fn faults(&mut self, fault: Fault, times: u64, example: impl FnOnce() -> String) {
        self.counts[fault as usize] += times;
        if times > 0 {
            self.examples[fault as usize].get_or_insert_with(example);
        }
    }

    pub(crate) fn count(&self, fault: Fault) -> u64 {
        self.counts[fault as usize]
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// One line for each kind of fault that was seen.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for (fault, name) in Fault::ALL {
            if let Some(example) = &self.examples[fault as usize] {
                let _ = writeln!(text, "  {name}: {}, first: {example}", self.count(fault));
            }
        }
        text
    }
}
