//! Latencies of the moments in which nobody else ran.
//!
//! A tail is that of the whole machine. An agent that looks through all open files once a second has the server's core for
//! 20 ms when there are 30,000 of them, and that is in 2 % of all latencies. So time is cut into slices, and of each it is
//! known how much of the two cores went to neither the server nor the load: the load spins on its own, and a process of the
//! idle class has what the server leaves of the other. What is missing, others took, or the host of a virtual machine.
//!
//! Whether a message counts depends on when it was due and not on how long it took: a server that stalls by itself stalls
//! in a quiet slice.

use crate::{
    histogram::Histogram,
    report::Report,
    server::{Meter, Server, own_ns},
};

/// Looking takes the load some 20 µs.
const SLICE_NS: u64 = 10_000_000;
/// What others may have of either core in a quiet slice: a latency target's worth. Interrupts and the kernel's own threads
/// take some.
const MOST_OTHERS_NS: u64 = 200_000;
/// Of fewer messages there is no p99.
const FEWEST: usize = 5000;

/// The slices of a run, and all its latencies.
pub(crate) struct Slices {
    /// Without one nobody has the rest of the server's core, and nothing is known of it.
    core: Option<Meter>,
    looks: Vec<Look>,
    next_ns: u64,
    /// When each message was due, and how long it took.
    latencies: Vec<(u64, u64)>,
}

/// Where the clocks stand at the beginning of a slice.
#[derive(Clone, Copy, Debug)]
struct Look {
    now_ns: u64,
    /// The server, and what has the rest of its core.
    core_ns: u64,
    load_ns: u64,
}

impl Look {
    /// Whether nobody else had much of either core until `next`.
    fn is_quiet_until(&self, next: &Self) -> bool {
        let wall = next.now_ns - self.now_ns;
        let others = |then: u64, now: u64| wall.abs_diff(now.saturating_sub(then));
        others(self.core_ns, next.core_ns).max(others(self.load_ns, next.load_ns)) <= MOST_OTHERS_NS
    }
}

impl Slices {
    pub(crate) fn start(server: &Server) -> anyhow::Result<Self> {
        Ok(Self { core: server.core_meter()?, looks: Vec::new(), next_ns: 0, latencies: Vec::new() })
    }

    /// Ends a slice when it is time.
    pub(crate) fn look(&mut self, now_ns: u64) {
        if let Some(core) = self.core.as_ref().filter(|_| now_ns >= self.next_ns) {
            self.looks.push(Look { now_ns, core_ns: core.ns(), load_ns: own_ns() });
            self.next_ns = now_ns + SLICE_NS;
        }
    }

    pub(crate) fn record(&mut self, due_ns: u64, latency_ns: u64) {
        self.latencies.push((due_ns, latency_ns));
    }

    /// Adds the quantiles of all messages, and of those that were due in quiet slices.
    pub(crate) fn report(&self, report: &mut Report, suffix: &str) {
        let (mut all, mut quiet, mut counted) = (Histogram::default(), Histogram::default(), 0);
        let moments = Moments::new(&self.looks);
        for &(due_ns, latency_ns) in &self.latencies {
            all.record(latency_ns);
            if moments.are_quiet_around(due_ns) {
                quiet.record(latency_ns);
                counted += 1;
            }
        }
        report.latencies(suffix, &all);
        if self.core.is_some() {
            let share = counted as f64 / self.latencies.len().max(1) as f64;
            report.figure(&format!("quiet_share{suffix}"), share, "of the messages");
        }
        if counted >= FEWEST {
            report.quiet_latencies(suffix, &quiet);
        }
    }
}

/// Which slices are quiet.
struct Moments<'a> {
    looks: &'a [Look],
    quiet: Vec<bool>,
}

impl<'a> Moments<'a> {
    fn new(looks: &'a [Look]) -> Self {
        let quiet = looks.windows(2).map(|pair| pair[0].is_quiet_until(&pair[1])).collect();
        Self { looks, quiet }
    }

    /// Whether the slice of this moment is quiet, the one before it, of which something may be left to do, and the one after
    /// it, in which it may be done.
    fn are_quiet_around(&self, ns: u64) -> bool {
        let after = self.looks.partition_point(|look| look.now_ns <= ns);
        after >= 2 && self.quiet.get(after - 2..=after).is_some_and(|three| three.iter().all(|quiet| *quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices in each of which others had so many nanoseconds of the server's core and of the load's.
    fn looks(others: &[(u64, u64)]) -> Vec<Look> {
        let mut looks = vec![Look { now_ns: 0, core_ns: 70, load_ns: 7 }];
        for (of_core, of_load) in others {
            let Look { now_ns, core_ns, load_ns } = *looks.last().unwrap();
            looks.push(Look {
                now_ns: now_ns + SLICE_NS,
                core_ns: core_ns + SLICE_NS - of_core,
                load_ns: load_ns + SLICE_NS - of_load,
            });
        }
        looks
    }

    #[test]
    fn a_message_counts_if_nobody_else_ran_in_its_slice_and_beside_it() {
        let mut others = [(1000, 100); 12];
        (others[4].0, others[8].1) = (MOST_OTHERS_NS + 1, MOST_OTHERS_NS + 1);
        let looks = looks(&others);
        let moments = Moments::new(&looks);
        let counts: Vec<_> =
            (0..12).filter(|slice| moments.are_quiet_around(slice * SLICE_NS + SLICE_NS / 2)).collect();
        assert_eq!(counts, [1, 2, 6, 10], "the first and the last have a neighbour that is not known");
    }

    #[test]
    fn what_the_server_does_by_itself_counts_and_what_others_do_does_not() {
        let mut others = [(0, 0); 200];
        others[100].0 = SLICE_NS;
        let (core, next_ns) = (Server::new(std::process::id(), None).beside(Some(std::process::id())), 0);
        let mut slices = Slices {
            core: core.core_meter().unwrap(),
            looks: looks(&others),
            next_ns,
            latencies: Vec::new(),
        };
        for at in 0..20_000_u64 {
            let due_ns = at * SLICE_NS / 100;
            let took = match due_ns / SLICE_NS {
                50..53 => 30_000_000,
                100 => 90_000_000,
                _ => 50_000,
            };
            slices.record(due_ns, took);
        }
        let mut report = Report::new("rate");
        slices.report(&mut report, "");
        let of = |key: &str| report.value(key).unwrap();
        assert!((of("quiet_p50_us") - 50.0).abs() < 1.0 && (of("quiet_p99_us") - 30_000.0).abs() < 1.0);
        assert!((of("max_us") - 90_000.0).abs() < 1.0 && (of("quiet_max_us") - 30_000.0).abs() < 1.0);
        assert!((of("quiet_share") - 0.975).abs() < 0.001, "{}", of("quiet_share"));
        slices.core = None;
        let mut report = Report::new("rate");
        Slices { looks: Vec::new(), ..slices }.report(&mut report, "");
        assert_eq!((report.value("quiet_share"), report.value("quiet_p99_us")), (None, None));
        assert!(report.value("p99_us").is_some());
    }
}
