//! What the server under load costs, as Linux accounts for it.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use nix::{
    time::{ClockId, clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

/// Kernel clock ticks a second in `/proc/stat`; fixed by the Linux ABI for user space.
const TICKS_PER_S: f64 = 100.0;

/// A process, looked at from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pid: u32,
    /// The core it is pinned to, if it is.
    core: Option<u32>,
    /// A process that has what is left of that core, if there is one.
    awake: Option<u32>,
}

/// CPU spent up to some instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// Nanoseconds on a core.
    cpu_ns: u64,
    /// Seconds in which the server's core was not idle, whoever ran; what keeps it awake is idle.
    core_s: f64,
}

impl Server {
    pub(crate) fn new(pid: u32, core: Option<u32>) -> Self {
        Self { pid, core, awake: None }
    }

    /// The same beside a process that keeps its core awake.
    pub(crate) fn beside(self, awake: Option<u32>) -> Self {
        Self { awake, ..self }
    }

    /// What looks at the server's core, if there is a process that keeps it awake.
    pub(crate) fn core_meter(&self) -> Result<Option<Meter>> {
        self.awake.map(|awake| Meter::new([self.pid, awake])).transpose()
    }

    /// What the process has spent so far.
    pub(crate) fn spent(&self) -> Result<Spent> {
        Ok(Spent { cpu_ns: cpu_ns(clock_of(self.pid)?), core_s: self.core_s() })
    }

    /// CPU seconds spent since `before`, and the seconds that others took of the server's core (0 if not pinned).
    pub(crate) fn since(&self, before: &Spent) -> Result<(f64, f64)> {
        let now = self.spent()?;
        let cpu_s = now.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9;
        Ok((cpu_s, (now.core_s - before.core_s - cpu_s).max(0.0)))
    }

    /// Resident memory in KB of 1,024 bytes.
    pub(crate) fn rss_kb(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid))
            .with_context(|| format!("no server with pid {}", self.pid))?;
        text.lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
            .context("no VmRSS in the server's status")
    }

    fn core_s(&self) -> f64 {
        if let Some(idle) = self.awake.and_then(|awake| Meter::new([awake]).ok()) {
            let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
            return now.as_secs_f64() - idle.ns() as f64 / 1e9;
        }
        let Some(core) = self.core else { return 0.0 };
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let Some(fields) = text.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} "))) else {
            return 0.0;
        };
        let ticks: Vec<f64> = fields.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        // user nice system IDLE IOWAIT irq softirq steal
        let busy: f64 =
            ticks.iter().take(8).enumerate().filter(|(at, _)| *at != 3 && *at != 4).map(|(_, t)| t).sum();
        busy / TICKS_PER_S
    }
}

/// The CPU of processes.
pub(crate) struct Meter(Vec<ClockId>);

impl Meter {
    fn new(pids: impl IntoIterator<Item = u32>) -> Result<Self> {
        pids.into_iter().map(clock_of).collect::<Result<_>>().map(Self)
    }

    /// Nanoseconds on a core so far.
    pub(crate) fn ns(&self) -> u64 {
        self.0.iter().copied().map(cpu_ns).sum()
    }
}

/// The clock of a process's CPU: exact, over all its threads, those that have ended too.
fn clock_of(pid: u32) -> Result<ClockId> {
    let clock = i32::try_from(pid).ok().and_then(|pid| clock_getcpuclockid(Pid::from_raw(pid)).ok());
    clock.with_context(|| format!("no process with pid {pid}"))
}

fn cpu_ns(clock: ClockId) -> u64 {
    clock_gettime(clock).map(Duration::from).unwrap_or_default().as_nanos() as u64
}

/// CPU nanoseconds of this thread, the load. It spins, so what is missing from a run's time others took from it.
pub(crate) fn own_ns() -> u64 {
    cpu_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_cpu_of_the_process_that_does_it() {
        let server = Server::new(std::process::id(), None);
        let before = server.spent().unwrap();
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 30 {}
        let (cpu_s, others_s) = server.since(&before).unwrap();
        assert!(cpu_s > 0.005, "{cpu_s}");
        assert!(others_s.abs() < f64::EPSILON);
        assert!(server.rss_kb().unwrap() > 500.0);
        assert!(Server::new(u32::MAX, None).spent().is_err());
    }

    #[test]
    fn the_work_of_a_thread_that_has_ended_still_counts() {
        let server = Server::new(std::process::id(), None);
        let before = server.spent().unwrap();
        let work = || {
            let before = own_ns();
            while own_ns() - before < 30_000_000 {}
        };
        std::thread::spawn(work).join().unwrap();
        let (cpu_s, _) = server.since(&before).unwrap();
        assert!(cpu_s >= 0.03, "{cpu_s}");
    }

    #[test]
    fn a_meter_has_all_processes_that_it_was_given_and_this_threads_clock_runs() {
        let own = std::process::id();
        assert!(Server::new(own, None).core_meter().unwrap().is_none(), "nobody has the rest of the core");
        let meter = Server::new(own, None).beside(Some(own)).core_meter().unwrap().unwrap();
        let (before, own_before) = (meter.ns(), own_ns());
        while own_ns() - own_before < 30_000_000 {}
        // This process, twice.
        let both = meter.ns() - before;
        assert!(both >= 60_000_000, "{both}");
        assert!(Server::new(own, None).beside(Some(u32::MAX)).core_meter().is_err());
    }
}
