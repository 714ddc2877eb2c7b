//! The runs, one file each, and what they share.

pub(crate) mod dialogs;
pub(crate) mod idle;
pub(crate) mod pairs;
pub(crate) mod quiet;
pub(crate) mod rate;
pub(crate) mod relay;
pub(crate) mod restart;
pub(crate) mod watch;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    dialect::Dialect,
    net::{Net, Sink},
    server::Server,
    stream::Target,
};

/// Upgrades under way at once: enough to keep a server busy, fewer than the 128 that some listen queues hold. Past that
/// the kernel drops the connection's first packet, which comes again after a second.
const OPENING: usize = 100;
/// How long connecting may take before a run gives up.
const OPEN_WITHIN: Duration = Duration::from_secs(120);
/// Spin: never let the kernel put the load to sleep.
const SPIN: Duration = Duration::ZERO;

/// Whom a run is aimed at.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub(crate) target: Target,
    pub(crate) dialect: Dialect,
    pub(crate) server: Server,
}

impl Aim {
    /// Opens `clients` clients, as fast as the server takes them. Also returns how many seconds that took.
    ///
    /// # Errors
    /// If the server turns one away, or after [`OPEN_WITHIN`].
    pub(crate) fn open(&self, clients: usize) -> Result<(Net, f64)> {
        let mut net = Net::new(self.target.clone(), self.dialect, clients)?;
        let mut quiet = Quiet::default();
        let mut next = 0;
        while net.open() < clients {
            while next < clients && net.opening() < OPENING {
                net.connect(next)?;
                next += 1;
            }
            net.turn(SPIN, &mut quiet)?;
            if let Some(why) = quiet.why {
                bail!("{} of {clients} clients are open, and one was turned away: {why}", net.open());
            }
            if net.now_ns() > OPEN_WITHIN.as_nanos() as u64 {
                bail!("only {} of {clients} clients are open after {} s", net.open(), OPEN_WITHIN.as_secs());
            }
        }
        let seconds = net.now_ns() as f64 / 1e9;
        // A server that does not welcome may finish its side of an upgrade after it has answered.
        rest(&mut net, &mut quiet, Duration::from_millis(50))?;
        Ok((net, seconds))
    }
}

/// Clients that are not in any dialog yet; none may be closed.
#[derive(Debug, Default)]
struct Quiet {
    why: Option<String>,
}

impl Sink for Quiet {
    fn text(&mut self, _net: &mut Net, client: usize, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        self.why.get_or_insert_with(|| format!("client {client} got {text} before it had said anything"));
    }

    fn closed(&mut self, _net: &mut Net, client: usize, why: &str) {
        self.why.get_or_insert_with(|| format!("client {client}: {why}"));
    }
}

/// Waits until the server's memory has stopped moving, and returns it in KB; at least 1 s, at most 8.
pub(crate) fn settled_rss_kb(net: &mut Net, sink: &mut impl Sink, server: &Server) -> Result<f64> {
    let start = net.now_ns();
    let (mut rss, mut since) = (server.rss_kb()?, start);
    loop {
        rest(net, sink, Duration::from_millis(100))?;
        let (now, now_ns) = (server.rss_kb()?, net.now_ns());
        if (now - rss).abs() > 64.0 {
            (rss, since) = (now, now_ns);
        }
        let (still, all) = (now_ns - since, now_ns - start);
        if (still > 500_000_000 && all > 1_000_000_000) || all > 8_000_000_000 {
            return Ok(now);
        }
    }
}

/// Lets `time` pass, asleep while nothing happens.
fn rest(net: &mut Net, sink: &mut impl Sink, time: Duration) -> Result<()> {
    let until = net.now_ns() + time.as_nanos() as u64;
    while let Some(left) = until.checked_sub(net.now_ns()).filter(|left| *left > 0) {
        // Rounded up, as epoll counts milliseconds and would spin through the last one.
        net.turn(Duration::from_nanos(left) + Duration::from_millis(1), sink)?;
    }
    Ok(())
}

/// Spins for `seconds` while the clients are silent; returns the server's CPU in milliseconds a second.
pub(crate) fn idle_cpu_ms_per_s(
    net: &mut Net,
    sink: &mut impl Sink,
    server: &Server,
    seconds: f64,
) -> Result<f64> {
    let (before, start) = (server.spent()?, net.now_ns());
    while ((net.now_ns() - start) as f64) < seconds * 1e9 {
        net.turn(SPIN, sink)?;
    }
    let (cpu_s, _) = server.since(&before)?;
    Ok(cpu_s * 1e3 / ((net.now_ns() - start) as f64 / 1e9))
}
