//! What happened in a run, so that a run in which nothing happens is not taken for a good one.

use std::collections::BTreeMap;

use tincan_proto::call::EndReason;

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) worlds: u64,
    pub(crate) calls: u64,
    pub(crate) events: u64,
    pub(crate) cuts: u64,
    pub(crate) crashes: u64,
    pub(crate) resumed: u64,
    pub(crate) not_resumed: u64,
    pub(crate) doubles: u64,
    pub(crate) survived: u64,
    pub(crate) undone: u64,
    pub(crate) unknown_ends: u64,
    pub(crate) reasons: BTreeMap<EndReason, u64>,
}

impl Seen {
    pub(crate) fn add(&mut self, more: Self) {
        self.worlds += more.worlds;
        self.calls += more.calls;
        self.events += more.events;
        self.cuts += more.cuts;
        self.crashes += more.crashes;
        self.resumed += more.resumed;
        self.not_resumed += more.not_resumed;
        self.doubles += more.doubles;
        self.survived += more.survived;
        self.undone += more.undone;
        self.unknown_ends += more.unknown_ends;
        for (reason, n) in more.reasons {
            *self.reasons.entry(reason).or_default() += n;
        }
    }
}
