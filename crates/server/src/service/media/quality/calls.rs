//! The calls of which reports are taken, as data: no task, no store, no clock.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tincan_proto::call::Role;
use tincan_proto::id::{Address, CallId};
use tincan_proto::quality::{Report, Summary};
use tincan_proto::time::Millis;

use crate::bus::Reported;
use crate::store::LegQuality;

/// How many of a leg's latest scores are kept for its curve: half an hour at a report every 30 s.
const RECENT: usize = 60;

/// A report that came so shortly before the end is a leg's last: who hangs up reports at once, and that overtakes the end.
const LAST: Duration = Duration::from_secs(2);

/// A leg's part in its call, by its place in [`Call::legs`].
const ROLES: [Role; 2] = [Role::Caller, Role::Callee];

/// Calls with two legs, until nobody may report of them any more.
#[derive(Debug)]
pub(super) struct Calls {
    late: Duration,
    /// Boxed: a table has room for twice as many.
    calls: HashMap<CallId, Box<Call>>,
    /// Those that are over and when they ended; oldest first.
    over: VecDeque<(Millis, CallId)>,
    /// Those that are over and of which both legs have said their last.
    complete: Vec<CallId>,
    /// Sums of live calls that an earlier run of the server stored, until it is heard that they go on.
    kept: HashMap<CallId, Vec<LegQuality>>,
}

#[derive(Debug)]
struct Call {
    accepted_at: Millis,
    is_over: bool,
    /// The caller's first.
    legs: [Leg; 2],
}

#[derive(Debug)]
struct Leg {
    address: Address,
    /// Nothing before the first report: most of the memory of a call that nobody reports of.
    measured: Option<Box<Measured>>,
}

#[derive(Debug)]
struct Measured {
    sum: Summary,
    latest: Report,
    reported_at: Millis,
    recent: VecDeque<(Millis, u32)>,
    /// Reported when the call ended, or since.
    said_last: bool,
    /// Its sum is not what was last handed out to be stored.
    is_new: bool,
    is_counted: bool,
}

/// What is to be stored, and what is to be counted.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Sums that have changed since they were last here.
    pub(super) sums: Vec<LegQuality>,
    /// Legs that are over, each once.
    pub(super) over: Vec<Report>,
}

/// The calls that are live, as far as they are told.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// How many there are.
    pub total: usize,
    /// Some of them.
    pub calls: Vec<LiveCall>,
}

/// A live call.
#[derive(Clone, Debug)]
pub struct LiveCall {
    /// Its id.
    pub call: CallId,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// The caller's first.
    pub legs: [LiveLeg; 2],
}

/// One leg of a live call.
#[derive(Clone, Debug)]
pub struct LiveLeg {
    /// `user/device`.
    pub leg: String,
    /// Its latest report, and when it came.
    pub latest: Option<(Report, Millis)>,
    /// The scores of its latest reports, times 100, and when each came; oldest first.
    pub recent: Vec<(Millis, u32)>,
}

impl Calls {
    pub(super) fn new(late: Duration, legs: Vec<LegQuality>) -> Self {
        let mut kept = HashMap::<_, Vec<_>>::new();
        for leg in legs {
            kept.entry(leg.call).or_default().push(leg);
        }
        Self { late, kept, calls: HashMap::new(), over: VecDeque::new(), complete: Vec::new() }
    }

    /// A call has its two legs, the caller's first.
    pub(super) fn accepted(&mut self, id: CallId, accepted_at: Millis, legs: [Address; 2]) {
        let mut legs = legs.map(|address| Leg { address, measured: None });
        for kept in self.kept.remove(&id).unwrap_or_default() {
            legs[usize::from(kept.role == Role::Callee)].measured = Some(Box::new(Measured::kept(&kept)));
        }
        self.calls.insert(id, Box::new(Call { accepted_at, is_over: false, legs }));
    }

    /// A call is over. Nothing, if nobody had accepted it.
    pub(super) fn ended(&mut self, now: Millis, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.is_over = true;
            for measured in call.legs.iter_mut().filter_map(|leg| leg.measured.as_mut()) {
                measured.said_last = now.since(measured.reported_at) <= LAST;
            }
            if call.legs.iter().all(Leg::said_last) {
                self.complete.push(id);
            }
            self.over.push_back((now, id));
        }
    }

    /// Adds a report. Returns whether it was of a leg of a call that may still be reported of.
    pub(super) fn reported(&mut self, now: Millis, reported: &Reported) -> bool {
        let Some(call) = self.calls.get_mut(&reported.call) else { return false };
        let Some(leg) = call.legs.iter_mut().find(|leg| leg.address == reported.from) else { return false };
        let measured = leg.measured.get_or_insert_with(|| Box::new(Measured::new(reported.report)));
        measured.add(now, reported.report);
        if call.is_over {
            measured.said_last = true;
            if call.legs.iter().all(Leg::said_last) {
                self.complete.push(reported.call);
            }
        }
        true
    }

    /// What is to be stored now: of calls of which both legs have said their last, and of those that nobody may report of
    /// any more, which are forgotten.
    pub(super) fn due(&mut self, now: Millis) -> Due {
        let mut due = Due::default();
        for id in std::mem::take(&mut self.complete) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.hand_out(id, &mut due);
            }
        }
        while let Some((ended_at, id)) = self.over.front().copied()
            && now.since(ended_at) >= self.late
        {
            self.over.pop_front();
            if let Some(mut call) = self.calls.remove(&id) {
                call.hand_out(id, &mut due);
            }
        }
        due
    }

    /// Everything that is not stored, of live calls too: the server stops.
    pub(super) fn rest(&mut self) -> Due {
        let mut due = Due::default();
        for (id, mut call) in self.calls.drain() {
            call.hand_out(id, &mut due);
        }
        due
    }

    /// The live calls, the worst first, at most `most` of them.
    pub(super) fn live(&self, most: usize) -> Live {
        let mut live: Vec<_> = self.calls.iter().filter(|(_, call)| !call.is_over).collect();
        let total = live.len();
        live.sort_by_key(|(id, call)| (call.worst().unwrap_or(u32::MAX), **id));
        let calls = live.into_iter().take(most).map(|(id, call)| call.told(*id)).collect();
        Live { total, calls }
    }
}

impl Call {
    /// Adds what has changed since the last time, and, once it is over, each leg that was not counted.
    fn hand_out(&mut self, id: CallId, due: &mut Due) {
        for (leg, role) in self.legs.iter_mut().zip(ROLES) {
            let Some(measured) = &mut leg.measured else { continue };
            let Some(report) = measured.sum.as_report() else { continue };
            if self.is_over && !std::mem::replace(&mut measured.is_counted, true) {
                due.over.push(report);
            }
            if std::mem::take(&mut measured.is_new) {
                let (leg, reported_at) = (leg.address.to_string(), measured.reported_at);
                due.sums.push(LegQuality { call: id, role, leg, report, reported_at });
            }
        }
    }

    /// The lowest of its legs' latest scores.
    fn worst(&self) -> Option<u32> {
        self.legs.iter().filter_map(|leg| Some(leg.measured.as_ref()?.latest.mos)).min()
    }

    fn told(&self, call: CallId) -> LiveCall {
        let legs = self.legs.each_ref().map(|leg| {
            let measured = leg.measured.as_ref();
            LiveLeg {
                leg: leg.address.to_string(),
                latest: measured.map(|measured| (measured.latest, measured.reported_at)),
                recent: measured
                    .map(|measured| measured.recent.iter().copied().collect())
                    .unwrap_or_default(),
            }
        });
        LiveCall { call, accepted_at: self.accepted_at, legs }
    }
}

impl Leg {
    fn said_last(&self) -> bool {
        self.measured.as_ref().is_some_and(|measured| measured.said_last)
    }
}

impl Measured {
    fn new(latest: Report) -> Self {
        Self {
            sum: Summary::default(),
            latest,
            reported_at: Millis::default(),
            recent: VecDeque::new(),
            said_last: false,
            is_new: false,
            is_counted: false,
        }
    }

    /// What an earlier run of the server left.
    fn kept(kept: &LegQuality) -> Self {
        let mut measured = Self::new(kept.report);
        measured.add(kept.reported_at, kept.report);
        measured.is_new = false;
        measured
    }

    fn add(&mut self, now: Millis, report: Report) {
        self.sum.add(&report);
        self.latest = report;
        self.reported_at = now;
        self.is_new = true;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((now, report.mos));
    }
}
