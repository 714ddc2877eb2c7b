//! Everybody comes back: the server dies and starts again, and all clients reconnect at once.

use std::{
    io::Write as _,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{Aim, OPENING, SPIN};
use crate::{
    net::{Net, Sink},
    report::Report,
};

/// How long the server may stay away, and how long all may take to come back.
const PATIENCE_NS: u64 = 120_000_000_000;
/// A client that was cut off or turned away comes again within this time, at a random instant: 50 ms in nanoseconds.
const JITTER_NS: u64 = 50_000_000;

/// Says on stdout that all clients are connected, so that whoever started the run may end the server.
pub(crate) const CONNECTED: &str = r#"{"event":"connected"}"#;

/// Opens `clients` clients, waits until all are cut off (by `command`, or by whoever reads [`CONNECTED`]), and measures
/// from the first connection that the server takes again to the last client that is open.
pub(crate) fn run(aim: &Aim, clients: usize, command: Option<&str>) -> Result<Report> {
    let (mut net, first_s) = aim.open(clients)?;
    writeln!(std::io::stdout().lock(), "{CONNECTED}")?;
    let mut child = command.map(|command| Command::new("sh").args(["-c", command]).spawn()).transpose()?;
    let mut back = Back { due_ns: vec![u64::MAX; clients], first_ns: None, seed: 1, turned_away: 0 };
    wait_for_the_end(&mut net, &mut back)?;
    let gone = Instant::now();
    if let Some(child) = &mut child {
        // The command may end before the server it started is ready; it must not fail.
        let status = child.wait().context("waiting for the restart command")?;
        if !status.success() {
            bail!("the restart command failed: {status}");
        }
    }
    reconnect(&mut net, &mut back)?;
    let first_ns = back.first_ns.unwrap_or_default();

    let mut report = Report::new("return");
    report.figure("clients", clients as f64, "");
    report.figure("first_open_s", first_s, "s");
    report.figure("back_s", (net.now_ns() - first_ns) as f64 / 1e9, "s");
    report.figure("since_gone_s", gone.elapsed().as_secs_f64(), "s");
    report.figure("attempts_turned_away", back.turned_away as f64, "");
    Ok(report)
}

fn wait_for_the_end(net: &mut Net, back: &mut Back) -> Result<()> {
    let start = net.now_ns();
    while net.open() > 0 {
        net.turn(Duration::from_millis(100), back)?;
        if net.now_ns() - start > PATIENCE_NS {
            bail!("{} clients are still connected after two minutes: nobody ended the server", net.open());
        }
    }
    Ok(())
}

fn reconnect(net: &mut Net, back: &mut Back) -> Result<()> {
    let start = net.now_ns();
    // Until someone answers, one client at a time knocks: a crowd at a closed door only costs time.
    while back.first_ns.is_none() {
        if net.is_absent(0) && net.now_ns() >= back.due_ns[0] {
            back.due_ns[0] = u64::MAX;
            net.connect(0)?;
        }
        net.turn(Duration::from_millis(1), back)?;
        if net.now_ns() - start > PATIENCE_NS {
            bail!("the server did not come back in two minutes");
        }
    }
    let opened = net.now_ns();
    for client in 1..net.len() {
        back.due_ns[client] = opened + back.jitter();
    }
    let mut next = 0;
    while net.open() < net.len() {
        for _ in 0..net.len() {
            if net.opening() >= OPENING {
                break;
            }
            if net.is_absent(next) && back.due_ns[next] <= net.now_ns() {
                back.due_ns[next] = u64::MAX;
                net.connect(next)?;
            }
            next = (next + 1) % net.len();
        }
        net.turn(SPIN, back)?;
        if net.now_ns() - start > PATIENCE_NS {
            bail!("only {} of {} clients are back after two minutes", net.open(), net.len());
        }
    }
    Ok(())
}

/// Clients that want back in.
struct Back {
    /// When each may connect again.
    due_ns: Vec<u64>,
    /// When the first connection succeeded again.
    first_ns: Option<u64>,
    seed: u64,
    turned_away: u64,
}

impl Back {
    /// A time below [`JITTER_NS`]; evenly spread, the same in every run.
    fn jitter(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % JITTER_NS
    }
}

impl Sink for Back {
    fn opened(&mut self, net: &mut Net, _client: usize) {
        self.first_ns.get_or_insert_with(|| net.now_ns());
    }

    // A server that says goodbye in words before it goes does well.
    fn text(&mut self, _net: &mut Net, _client: usize, _text: &[u8]) {}

    fn closed(&mut self, net: &mut Net, client: usize, _why: &str) {
        self.turned_away += u64::from(self.first_ns.is_some());
        let wait = if client == 0 && self.first_ns.is_none() { 1_000_000 } else { self.jitter() };
        self.due_ns[client] = net.now_ns() + wait;
    }
}
