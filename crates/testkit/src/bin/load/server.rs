//! What the server under load costs, as Linux accounts for it in `/proc`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};

/// Kernel clock ticks a second in `/proc/*/stat`; fixed by the Linux ABI for user space.
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
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    /// Nanoseconds on a core, by thread.
    threads: BTreeMap<u32, u64>,
    /// Seconds of the whole process, in ticks of 10 ms.
    ticks_s: f64,
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
        let mut threads = BTreeMap::new();
        let tasks = format!("/proc/{}/task", self.pid);
        for task in fs::read_dir(&tasks).with_context(|| format!("no server with pid {}", self.pid))? {
            let task = task?;
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            let Some(ns) = on_core_ns(&text) else { continue };
            if let Some(tid) = task.file_name().to_str().and_then(|name| name.parse().ok()) {
                threads.insert(tid, ns);
            }
        }
        Ok(Spent { threads, ticks_s: self.ticks_s()?, core_s: self.core_s() })
    }

    /// CPU seconds spent since `before`, and the seconds that others took of the server's core (0 if not pinned).
    ///
    /// The scheduler's count of each thread is exact to the nanosecond; it is lost with a thread that ends, and then the
    /// process's own count, in ticks, is taken.
    pub(crate) fn since(&self, before: &Spent) -> Result<(f64, f64)> {
        let now = self.spent()?;
        let is_complete = before.threads.keys().all(|tid| now.threads.contains_key(tid));
        let ns: u64 =
            now.threads.iter().map(|(tid, ns)| ns - before.threads.get(tid).unwrap_or(&0).min(ns)).sum();
        let cpu_s = if is_complete && !now.threads.is_empty() {
            ns as f64 / 1e9
        } else {
            now.ticks_s - before.ticks_s
        };
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

    fn ticks_s(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th fields after it.
        let fields = text.rsplit_once(')').map(|(_, fields)| fields).context("a stat line without a name")?;
        let ticks: f64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(ticks / TICKS_PER_S)
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

/// The CPU of processes, cheap to read: the scheduler's counts of all their threads are held open.
pub(crate) struct Meter(Vec<File>);

impl Meter {
    fn new(pids: impl IntoIterator<Item = u32>) -> Result<Self> {
        let mut counts = Vec::new();
        for pid in pids {
            let tasks = fs::read_dir(format!("/proc/{pid}/task"));
            for task in tasks.with_context(|| format!("no process with pid {pid}"))? {
                counts.push(File::open(task?.path().join("schedstat"))?);
            }
        }
        Ok(Self(counts))
    }

    /// Nanoseconds on a core so far. A thread that comes later or ends is missing.
    pub(crate) fn ns(&self) -> u64 {
        let one = |count: &File| {
            let mut text = [0; 64];
            let length = count.read_at(&mut text, 0).ok()?;
            on_core_ns(std::str::from_utf8(&text[..length]).ok()?)
        };
        self.0.iter().filter_map(one).sum()
    }
}

/// What a thread's `schedstat` says: its nanoseconds on a core come first.
fn on_core_ns(schedstat: &str) -> Option<u64> {
    schedstat.split(' ').next()?.parse().ok()
}

/// CPU nanoseconds of this thread, the load. It spins, so what is missing from a run's time others took from it.
pub(crate) fn own_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    time.unwrap_or_default().as_nanos() as u64
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
    fn a_meter_has_all_processes_that_it_was_given_and_this_threads_clock_runs() {
        let own = std::process::id();
        assert!(Server::new(own, None).core_meter().unwrap().is_none(), "nobody has the rest of the core");
        let meter = Server::new(own, None).beside(Some(own)).core_meter().unwrap().unwrap();
        let (before, own_before) = (meter.ns(), own_ns());
        while own_ns() - own_before < 30_000_000 {}
        // This process, twice. A running thread's count is as old as its last tick, of at most 10 ms.
        let both = meter.ns() - before;
        assert!(both > 35_000_000, "{both}");
        assert!(Server::new(own, None).beside(Some(u32::MAX)).core_meter().is_err());
    }
}
