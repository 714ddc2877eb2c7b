//! What clients cost that do nothing: memory for each connection, CPU for keeping it, and for keeping a call.

use anyhow::Result;

use super::{Aim, dialogs, idle_cpu_ms_per_s, settled_rss_kb};
use crate::{
    lines::Lines,
    report::Report,
    scenario::pairs::{Pairs, Then},
};

/// Opens `clients` clients and measures memory; with `call_each`, again after every pair made one whole call; then the
/// server's CPU for `seconds` of silence (pings are answered).
pub(crate) fn run(aim: &Aim, clients: usize, call_each: bool, seconds: f64) -> Result<Report> {
    let base_kb = aim.server.rss_kb()?;
    let before = aim.server.spent()?;
    let (mut net, open_s) = aim.open(clients)?;
    let (cpu_s, _) = aim.server.since(&before)?;
    let lines = Lines::new(aim.dialect, clients);
    let mut pairs = Pairs::new(&net, lines, Then::HangUp, false);
    let per_connection = |rss_kb: f64| (rss_kb - base_kb) / clients as f64;
    let rss_kb = settled_rss_kb(&mut net, &mut pairs, &aim.server)?;

    let mut report = Report::new("idle");
    report.figure("clients", clients as f64, "");
    report.figure("upgrades_per_s", clients as f64 / open_s, "");
    report.figure("cpu_us_per_upgrade", cpu_s * 1e6 / clients as f64, "µs");
    report.figure("base_mb", base_kb / 1024.0, "MB");
    report.figure("kb_per_connection", per_connection(rss_kb), "KB");
    if call_each {
        dialogs::all_once(&mut net, &mut pairs)?;
        let rss_kb = settled_rss_kb(&mut net, &mut pairs, &aim.server)?;
        report.figure("kb_per_connection_after_call", per_connection(rss_kb), "KB");
    }
    if seconds > 0.0 {
        let pings = net.pings();
        let cpu = idle_cpu_ms_per_s(&mut net, &mut pairs, &aim.server, seconds)?;
        report.figure("idle_cpu_ms_per_s", cpu, "ms/s");
        report.figure("pings_per_s", (net.pings() - pings) as f64 / seconds, "");
    }
    report.tally(&pairs.tally);
    Ok(report)
}

/// The CPU of `calls` connected calls for `seconds`, beside that of as many idle sockets, the same ones, before.
pub(crate) fn calls(aim: &Aim, calls: usize, seconds: f64) -> Result<Report> {
    let (mut net, _) = aim.open(2 * calls)?;
    let lines = Lines::new(aim.dialect, net.len());
    let mut pairs = Pairs::new(&net, lines, Then::Stay, false);
    settled_rss_kb(&mut net, &mut pairs, &aim.server)?;
    let idle = idle_cpu_ms_per_s(&mut net, &mut pairs, &aim.server, seconds)?;
    dialogs::all_once(&mut net, &mut pairs)?;
    settled_rss_kb(&mut net, &mut pairs, &aim.server)?;
    let in_calls = idle_cpu_ms_per_s(&mut net, &mut pairs, &aim.server, seconds)?;
    pairs.hang_up(&mut net);
    dialogs::finish(&mut net, &mut pairs)?;

    let mut report = Report::new("calls-idle");
    report.figure("calls", calls as f64, "");
    report.figure("idle_cpu_ms_per_s", idle, "ms/s");
    report.figure("calls_cpu_ms_per_s", in_calls, "ms/s");
    report.tally(&pairs.tally);
    Ok(report)
}
