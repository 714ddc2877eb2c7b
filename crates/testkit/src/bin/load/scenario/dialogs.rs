//! Closed loop: as many dialogs as the server can carry.

use anyhow::{Result, bail};

use super::{Aim, SPIN};
use crate::{
    leg::MESSAGES,
    lines::Lines,
    net::Net,
    report::Report,
    scenario::{
        pairs::{Pairs, Then},
        watch::Watch,
    },
};

/// Pairs that are set up or hung up at once where that is not what is measured.
pub(crate) const AT_ONCE: usize = 100;
/// How long the dialogs under way may take to end: past the time at which they are given up.
const DRAIN_S: f64 = 31.0;

/// Runs dialogs on `pairs` pairs for `seconds`, after a warm-up of at most 0.5 s.
pub(crate) fn run(aim: &Aim, pairs: usize, seconds: f64, burst: bool) -> Result<Report> {
    let (mut net, _) = aim.open(2 * pairs)?;
    let lines = Lines::new(aim.dialect, net.len());
    let mut run = Pairs::new(&net, lines, Then::Again, burst);
    run.start(&mut net, pairs);
    spin(&mut net, &mut run, (seconds / 4.0).min(0.5), false)?;
    run.recording = true;
    let watch = Watch::start(net.moment(), aim.server)?;
    spin(&mut net, &mut run, seconds, false)?;
    let watched = watch.stop(net.moment())?;
    run.recording = false;
    run.stop();
    spin(&mut net, &mut run, DRAIN_S, true)?;
    run.sweep(&mut net, true);

    let mut report = Report::new(if burst { "burst" } else { "dialogs" });
    let (dialogs, delivered) = (run.completed as f64, run.delivered as f64);
    report.figure("dialogs_per_s", dialogs / watched.wall_s, "");
    report.figure("dialogs_per_cpu_s", delivered / MESSAGES as f64 / watched.cpu_s, "");
    report.latencies("", &run.latencies);
    watched.report(&mut report, "", delivered);
    report.tally(&run.tally);
    Ok(report)
}

/// Spins for `seconds`, or until all dialogs are done if `until_done`.
fn spin(net: &mut Net, run: &mut Pairs, seconds: f64, until_done: bool) -> Result<()> {
    let until = net.now_ns() + (seconds * 1e9) as u64;
    let mut swept = net.now_ns();
    while net.now_ns() < until && !(until_done && run.is_done()) && net.open() > 0 {
        net.turn(SPIN, run)?;
        if net.now_ns() - swept > 100_000_000 {
            run.sweep(net, false);
            swept = net.now_ns();
        }
    }
    Ok(())
}

/// Brings every pair through its dialog, [`AT_ONCE`] at a time.
///
/// # Errors
/// If not all get there in two minutes.
pub(crate) fn all_once(net: &mut Net, run: &mut Pairs) -> Result<()> {
    run.start(net, AT_ONCE);
    finish(net, run)
}

/// Waits for the dialogs under way to be done.
///
/// # Errors
/// If they are not in two minutes.
pub(crate) fn finish(net: &mut Net, run: &mut Pairs) -> Result<()> {
    spin(net, run, 120.0, true)?;
    if !run.is_done() {
        bail!("the calls were not all set up or hung up in two minutes\n{}", run.tally.describe());
    }
    Ok(())
}
