//! The metrics: their names, as Prometheus asks (base units, `_total` for what only grows), and what they say.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until the server starts anew.
    Counter,
    /// Counts by size.
    Histogram,
}

impl Kind {
    /// The word in the text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
    /// What its values are multiplied with inside: it is shown divided by it.
    pub(super) scale: u32,
}

const fn metric(kind: Kind, name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind, help, scale: 1 }
}

const fn histogram(name: &'static str, scale: u32, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help, scale }
}

use Kind::{Counter, Gauge};

pub(super) const BUILD: Metric = metric(Gauge, "tincan_build_info", "Always 1; the label has the version.");
pub(super) const CONNECTIONS: Metric =
    metric(Gauge, "tincan_connections", "Clients that are connected now, each a device of a user.");
pub(super) const SESSIONS: Metric =
    metric(Gauge, "tincan_sessions", "Sessions now: those with a connection, and those that can be resumed.");
pub(super) const CALLS: Metric = metric(Gauge, "tincan_calls", "Live calls by state.");
pub(super) const CALLS_ENDED: Metric =
    metric(Counter, "tincan_calls_ended_total", "Calls that ended, by reason.");
pub(super) const RING: Metric =
    histogram("tincan_call_ring_seconds", 1000, "From request to accept, of accepted calls that ended.");
pub(super) const SETUP: Metric = histogram(
    "tincan_call_setup_seconds",
    1000,
    "From accept to sound on both sides, of connected calls that ended.",
);
pub(super) const TALK: Metric = histogram(
    "tincan_call_duration_seconds",
    1000,
    "How long connected calls had been connected at their end.",
);
pub(super) const MOS: Metric =
    histogram("tincan_leg_mos", 100, "Mean opinion score (1 to 4.5) of legs that ended, by path.");
pub(super) const CONCEALED: Metric = histogram(
    "tincan_leg_concealed_ratio",
    1_000_000,
    "Share of played sound that was made up, of legs that ended, by path.",
);
pub(super) const ROUND_TRIP: Metric =
    histogram("tincan_leg_round_trip_seconds", 1000, "Mean round trip of legs that ended, by path.");
pub(super) const JITTER: Metric =
    histogram("tincan_leg_jitter_seconds", 1000, "Mean jitter of legs that ended, by path.");
pub(super) const UNSTORED: Metric =
    metric(Counter, "tincan_quality_unstored_total", "Legs whose quality could not be stored.");
pub(super) const ALLOCATIONS: Metric = metric(Gauge, "tincan_relay_allocations", "Relays that are open now.");
pub(super) const ALLOCATIONS_OPENED: Metric =
    metric(Counter, "tincan_relay_allocations_opened_total", "Relays that were opened.");
pub(super) const ALLOCATIONS_REFUSED: Metric = metric(
    Counter,
    "tincan_relay_refused_total",
    "Requests to the relay that were refused although who asked had proved who they are.",
);
pub(super) const IGNORED: Metric = metric(
    Counter,
    "tincan_relay_ignored_total",
    "Questions to the relay that got no answer: their network had its share.",
);
pub(super) const RELAY_PACKETS: Metric = metric(
    Counter,
    "tincan_relay_packets_total",
    "Packets that passed relays, by direction and by what they carry.",
);
pub(super) const RELAY_BYTES: Metric = metric(
    Counter,
    "tincan_relay_bytes_total",
    "Bytes that passed relays, by direction and by what they carry.",
);
pub(super) const MEMORY: Metric =
    metric(Gauge, "process_resident_memory_bytes", "Resident memory of the process.");
pub(super) const DESCRIPTORS: Metric = metric(Gauge, "process_open_fds", "File descriptors that are open.");
pub(super) const DESCRIPTORS_MAX: Metric =
    metric(Gauge, "process_max_fds", "File descriptors that may be open.");

/// All of them, in the order in which they are written.
pub const ALL: [Metric; 22] = [
    BUILD,
    CONNECTIONS,
    SESSIONS,
    CALLS,
    CALLS_ENDED,
    RING,
    SETUP,
    TALK,
    MOS,
    CONCEALED,
    ROUND_TRIP,
    JITTER,
    UNSTORED,
    ALLOCATIONS,
    ALLOCATIONS_OPENED,
    ALLOCATIONS_REFUSED,
    IGNORED,
    RELAY_PACKETS,
    RELAY_BYTES,
    MEMORY,
    DESCRIPTORS,
    DESCRIPTORS_MAX,
];
