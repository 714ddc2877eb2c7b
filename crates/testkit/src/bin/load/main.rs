//! The load generator: real WebSocket clients on one thread, and what they find out about a server.
//!
//! ```text
//! main ── args ── scenario/{dialogs, rate, idle, restart}   what is done
//!                   └─ pairs, leg                            a dialog, and what must come of it
//!                        └─ lines ── dialect, envelope       words
//!                             └─ net ── ws, template         bytes
//!              scenario/relay                               calls that are relayed: TURN on UDP sockets of its own
//!         compare/                                           several servers side by side
//! ```
//!
//! Development only, and only against this machine itself. It spins while it measures, and every run ends by itself.
//! Not here: browsers and media (`web/e2e`), correctness of calls (the server's stories), bad networks.

mod args;
mod compare;
mod dialect;
mod envelope;
#[cfg(test)]
mod fake;
mod histogram;
mod leg;
mod lines;
mod net;
mod report;
mod scenario;
mod server;
mod stream;
mod tally;
mod template;
#[cfg(test)]
mod tests;
mod ws;

use std::{io, process::ExitCode, thread};

use anyhow::Result;
use clap::Parser as _;

use crate::{
    args::{Args, Command, Common, Process},
    report::Report,
    scenario::{dialogs, idle, rate, relay, restart},
};

fn main() -> Result<ExitCode> {
    let (Common { process, .. }, report) = match Args::parse().command {
        Command::Dialogs { common, pairs, seconds } => {
            let report = dialogs::run(&common.aim()?, pairs, seconds, false)?;
            (common, report)
        }
        Command::Burst { common, pairs, seconds } => {
            let report = dialogs::run(&common.aim()?, pairs, seconds, true)?;
            (common, report)
        }
        Command::Rate { common, clients, per_second, seconds } => {
            let report = rate::run(&common.aim()?, &[clients & !1], per_second, seconds)?;
            (common, report)
        }
        Command::Grow { common, clients, per_second, seconds } => {
            let clients: Vec<_> = clients.iter().map(|count| count & !1).collect();
            let report = rate::run(&common.aim()?, &clients, per_second, seconds)?;
            (common, report)
        }
        Command::Idle { common, clients, call_each, seconds } => {
            let report = idle::run(&common.aim()?, clients, call_each, seconds)?;
            (common, report)
        }
        Command::CallsIdle { common, calls, seconds } => {
            let report = idle::calls(&common.aim()?, calls, seconds)?;
            (common, report)
        }
        Command::Return { common, clients, restart_cmd } => {
            let report = restart::run(&common.aim()?, clients, restart_cmd.as_deref())?;
            (common, report)
        }
        Command::Relay { process, plan } => return finish(&process, &relay::run(process.server()?, &plan)?),
        Command::Compare(options) => return compare::run(&options),
        Command::Awake => return stay_awake(),
    };
    finish(&process, &report)
}

/// Spins, for whoever holds the other end of its input.
fn stay_awake() -> Result<ExitCode> {
    thread::spawn(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(ExitCode::SUCCESS)
}

/// A run in which anything was lost, doubled, damaged or misattributed has failed.
fn finish(process: &Process, report: &Report) -> Result<ExitCode> {
    report.print(process.json)?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
