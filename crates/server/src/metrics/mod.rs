//! What the server counts, and how Prometheus reads it.
//!
//! ```text
//! bus: news, whoever has a summary --> counters and histograms \
//!                                                                text <-- GET /metrics
//! whoever is asked when it is read --> gauges                  /
//! ```
//!
//! Counted is what happens a few times in a call's life, with an atomic addition each; what can be looked up is looked up
//! when somebody reads. No label holds a name, an address or the id of a call.
//!
//! Not here: a metric's meaning for an operator (`docs/OPERATIONS.md`), and who may read them (`http::operator`).

mod histogram;
mod process;
mod table;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tincan_proto::call::EndReason;
use tincan_proto::quality::{Path, Report};
use tincan_turn::server::Used;

use crate::bus::{Bus, News, Reply, Subscription};
use histogram::Histogram;
use table as name;
use text::Text;

pub use table::{ALL, Kind, Metric};

/// What is counted. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    ended: [AtomicU64; EndReason::ALL.len()],
    talk: Histogram,
    ring: Histogram,
    setup: Histogram,
    legs: [Leg; Path::ALL.len()],
    unstored: AtomicU64,
}

/// The legs whose sound went one way.
#[derive(Debug)]
struct Leg {
    mos: Histogram,
    concealed: Histogram,
    round_trip: Histogram,
    jitter: Histogram,
}

/// What is looked up when somebody reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Sessions, whether or not their connection is lost.
    pub sessions: u64,
    /// Connections of sessions.
    pub connections: u64,
    /// Calls that nobody has accepted.
    pub ringing: u64,
    /// Calls that look for a path.
    pub negotiating: u64,
    /// Calls with sound.
    pub connected: u64,
    /// Calls that lost it.
    pub reconnecting: u64,
    /// What the relay did; nothing if there is none.
    pub relay: RelayGauges,
}

/// What the relay did since the start, and has open.
#[derive(Clone, Copy, Debug, Default)]
pub struct RelayGauges {
    /// Relays that are open.
    pub open: u64,
    /// Relays that were opened.
    pub opened: u64,
    /// Requests of people who proved who they are that were refused.
    pub refused: u64,
    /// Questions that were not answered.
    pub ignored: u64,
    /// Sound that passed.
    pub media: Used,
    /// Everything else that passed.
    pub other: Used,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            ended: std::array::from_fn(|_| AtomicU64::default()),
            talk: Histogram::new(&histogram::TALK_MS),
            ring: Histogram::new(&histogram::RING_MS),
            setup: Histogram::new(&histogram::SETUP_MS),
            legs: std::array::from_fn(|_| Leg::default()),
            unstored: AtomicU64::default(),
        }
    }
}

impl Default for Leg {
    fn default() -> Self {
        Self {
            mos: Histogram::new(&histogram::MOS),
            concealed: Histogram::new(&histogram::CONCEALED_PPM),
            round_trip: Histogram::new(&histogram::ROUND_TRIP_MS),
            jitter: Histogram::new(&histogram::JITTER_MS),
        }
    }
}

impl Metrics {
    /// Counts what becomes of calls.
    pub fn follow(&self, bus: &Bus) -> Subscription<(), News> {
        let counts = Arc::clone(&self.0);
        let hear = move |news: &News, _: Option<Reply<()>>| match news {
            News::Accepted { .. } => {}
            News::Ended { reason, talk_ms, ring_ms, setup_ms, .. } => {
                let (of, counted) = (EndReason::ALL.iter().position(|known| known == reason), &counts.ended);
                if let Some(counted) = of.and_then(|of| counted.get(of)) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                counts.ring.add_some(*ring_ms);
                counts.setup.add_some(*setup_ms);
                counts.talk.add_some(setup_ms.is_some().then_some(*talk_ms));
            }
        };
        bus.news.subscribe((), Arc::new(hear))
    }

    /// Counts a leg that reports no more: `report` is all that it reported.
    pub fn leg_is_over(&self, report: &Report) {
        let of = Path::ALL.iter().position(|path| *path == report.path);
        let Some(leg) = of.and_then(|of| self.0.legs.get(of)) else { return };
        leg.mos.add(report.mos.into());
        leg.concealed.add_some(report.concealed_ppm.map(u64::from));
        leg.round_trip.add_some(report.rtt_ms.map(u64::from));
        leg.jitter.add_some(report.jitter_ms.map(u64::from));
    }

    /// Counts legs whose quality could not be stored.
    pub fn unstored(&self, legs: usize) {
        self.0.unstored.fetch_add(legs as u64, Ordering::Relaxed);
    }

    /// Everything, in Prometheus' text format.
    #[must_use]
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text::default();
        self.write_people(&mut text, gauges);
        self.write_calls(&mut text, gauges);
        self.write_quality(&mut text);
        write_relay(&mut text, &gauges.relay);
        process::write(&mut text);
        text.done()
    }

    fn write_people(&self, text: &mut Text, gauges: &Gauges) {
        text.metric(name::BUILD).number(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.metric(name::CONNECTIONS).number(&[], gauges.connections);
        text.metric(name::SESSIONS).number(&[], gauges.sessions);
    }

    fn write_calls(&self, text: &mut Text, gauges: &Gauges) {
        let states = [
            ("ringing", gauges.ringing),
            ("negotiating", gauges.negotiating),
            ("connected", gauges.connected),
            ("reconnecting", gauges.reconnecting),
        ];
        text.metric(name::CALLS);
        for (state, calls) in states {
            text.number(&[("state", state)], calls);
        }
        text.metric(name::CALLS_ENDED);
        for (reason, ended) in
            EndReason::ALL.iter().zip(&self.0.ended).filter(|(reason, _)| of_calls(**reason))
        {
            text.number(&[("reason", reason.as_str())], ended.load(Ordering::Relaxed));
        }
        text.metric(name::RING).histogram(&[], &self.0.ring);
        text.metric(name::SETUP).histogram(&[], &self.0.setup);
        text.metric(name::TALK).histogram(&[], &self.0.talk);
    }

    fn write_quality(&self, text: &mut Text) {
        self.write_legs(text, name::MOS, |leg| &leg.mos);
        self.write_legs(text, name::CONCEALED, |leg| &leg.concealed);
        self.write_legs(text, name::ROUND_TRIP, |leg| &leg.round_trip);
        self.write_legs(text, name::JITTER, |leg| &leg.jitter);
        text.metric(name::UNSTORED).number(&[], self.0.unstored.load(Ordering::Relaxed));
    }

    fn write_legs(&self, text: &mut Text, metric: Metric, of: fn(&Leg) -> &Histogram) {
        text.metric(metric);
        for (path, leg) in Path::ALL.iter().zip(&self.0.legs) {
            text.histogram(&[("path", path.as_str())], of(leg));
        }
    }
}

fn write_relay(text: &mut Text, relay: &RelayGauges) {
    text.metric(name::ALLOCATIONS).number(&[], relay.open);
    text.metric(name::ALLOCATIONS_OPENED).number(&[], relay.opened);
    text.metric(name::ALLOCATIONS_REFUSED).number(&[], relay.refused);
    text.metric(name::IGNORED).number(&[], relay.ignored);
    for (metric, both) in [
        (name::RELAY_PACKETS, (|used| [used.to_peers, used.to_client]) as fn(&Used) -> [u64; 2]),
        (name::RELAY_BYTES, |used| [used.bytes_to_peers, used.bytes_to_client]),
    ] {
        text.metric(metric);
        for (carrying, used) in [("media", &relay.media), ("other", &relay.other)] {
            for (direction, number) in ["to_peer", "to_client"].into_iter().zip(both(used)) {
                text.number(&[("direction", direction), ("carrying", carrying)], number);
            }
        }
    }
}

/// Whether a whole call can end so, and not only a leg.
const fn of_calls(reason: EndReason) -> bool {
    !matches!(reason, EndReason::AnsweredElsewhere | EndReason::DeclinedElsewhere)
}
