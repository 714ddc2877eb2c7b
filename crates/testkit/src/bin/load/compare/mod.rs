//! All servers side by side: each on core 0, the load on core 1, repetitions interleaved, medians and ratios.
//!
//! Absolute figures are those of the machine and of the hour; the ratios inside one run are what counts.

mod awake;
mod contender;
mod figures;
mod relay;
mod running;
mod signaling;
mod table;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use self::{
    contender::{Contender, Places},
    figures::Figures,
    running::{LOAD_CORE, Running, SERVER_CORE},
};

/// What can be compared: each is a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Part {
    Signaling,
    Relay,
}

/// How to compare.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// About a minute: one short repetition, fewer clients.
    #[arg(long)]
    quick: bool,
    /// The repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// These servers. Tincan is left out as long as it is not built, PeerJS and coturn as long as they are not installed.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "tincan,hub-tuned,hub,peerjs,coturn")]
    only: Vec<Contender>,
    /// These tables.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "signaling,relay")]
    part: Vec<Part>,
    /// Where the binaries were built.
    #[arg(long, default_value = "target/release")]
    bin: PathBuf,
}

/// How much of everything.
struct Plan {
    repetitions: usize,
    /// Seconds of each closed-loop and open-loop run.
    seconds: f64,
    grow_seconds: u32,
    grow_repetitions: usize,
    /// Clients of the idle and return runs, and the largest number of the growth run.
    many: usize,
    /// Seconds of silence: for Tincan, which pings, and for the others.
    silence: [u32; 2],
    /// Seconds of each half of the calls-idle run, if there is to be one: for Tincan, which pings, and for the others.
    calls_seconds: Option<[u32; 2]>,
}

const QUICK: Plan = Plan {
    repetitions: 1,
    seconds: 1.5,
    grow_seconds: 1,
    grow_repetitions: 1,
    many: 5000,
    silence: [3, 1],
    calls_seconds: None,
};
const FULL: Plan = Plan {
    repetitions: 9,
    seconds: 2.0,
    grow_seconds: 3,
    grow_repetitions: 3,
    many: 15_000,
    silence: [60, 3],
    calls_seconds: Some([50, 5]),
};
/// Descriptors a process needs besides its connections.
const SPARE: usize = 500;

/// Runs the comparison and prints the tables; fails if Tincan misses a target or anything goes wrong with any server.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let places = Places { root: options.root.clone(), bin: options.root.join(&options.bin) };
    let mut plan = if options.quick { QUICK } else { FULL };
    let limit = open_files()?;
    if limit < plan.many + SPARE {
        plan.many = limit.saturating_sub(SPARE) & !1;
        say(&format!("only {limit} open files are allowed: {} clients instead of {}", plan.many, FULL.many))?;
    }
    let mut contenders = Vec::new();
    for &contender in &options.only {
        let needed = contender.needs(&places);
        if needed.exists() {
            contenders.push(contender);
        } else {
            say(&format!("without {}: {} is not there", contender.name(), needed.display()))?;
        }
    }
    let those = |part, take: fn(Contender) -> bool| -> Vec<Contender> {
        contenders.iter().copied().filter(|c| options.part.contains(&part) && take(*c)).collect()
    };
    let signaling = those(Part::Signaling, |contender| contender.dialect().is_some());
    let relays = those(Part::Relay, Contender::relays);
    if signaling.is_empty() && relays.is_empty() {
        bail!("nothing to compare");
    }
    let mut is_good = true;
    if !signaling.is_empty() {
        is_good &= compare_signaling(&plan, &signaling, &places)?;
    }
    if !relays.is_empty() {
        is_good &= compare_relays(&plan, &relays, &places)?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare_signaling(plan: &Plan, contenders: &[Contender], places: &Places) -> Result<bool> {
    let mut figures = Figures::default();
    let repetitions = plan.repetitions.max(plan.grow_repetitions);
    in_turn(repetitions, contenders, |repetition, contender| {
        signaling::repeat(plan, repetition, contender, places, &mut figures)
    })?;
    for &contender in contenders {
        signaling::once(plan, contender, places, &mut figures)?;
    }
    Ok(signaling::print(contenders, &figures, plan.many)?)
}

fn compare_relays(plan: &Plan, contenders: &[Contender], places: &Places) -> Result<bool> {
    let mut figures = Figures::default();
    in_turn(plan.repetitions, contenders, |_, contender| {
        relay::repeat(plan, contender, places, &mut figures)
    })?;
    Ok(relay::print(contenders, &figures)?)
}

/// Every repetition with each of them, in the opposite order every other time.
fn in_turn(
    repetitions: usize,
    contenders: &[Contender],
    mut run: impl FnMut(usize, Contender) -> Result<()>,
) -> Result<()> {
    for repetition in 0..repetitions {
        let mut order = contenders.to_vec();
        if repetition % 2 == 1 {
            order.reverse();
        }
        order.into_iter().try_for_each(|contender| run(repetition, contender))?;
    }
    Ok(())
}

/// Runs `command`, which is the load, and keeps its report as that of `scenario`.
fn measure(
    command: &mut Command,
    server: &Running,
    figures: &mut Figures,
    scenario: &'static str,
    options: &[&str],
) -> Result<()> {
    say(&format!("{}: {scenario} {}", server.contender().name(), options.join(" ")))?;
    let output = command.args(options).stderr(Stdio::inherit()).output()?;
    figures.add(server.contender(), scenario, report(&output.stdout));
    Ok(())
}

/// A run's report. A run with faults fails, but reports; one that broke off has said why on stderr, and is a fault.
fn report(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_else(|_| json!({"total_faults": 1}))
}

/// This program, on its own core, with an eye on `server`.
fn load(server: &Running, subcommand: &str) -> Result<Command> {
    let mut command = Command::new("taskset");
    command
        .args(["-c", LOAD_CORE])
        .arg(std::env::current_exe()?)
        .args([subcommand, "--json", "--server-core", SERVER_CORE])
        .args(["--pid", &server.pid().to_string()]);
    Ok(command)
}

/// Progress goes to stderr, the table to stdout.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{text}")
}

/// How many files this process, and so its children, may hold open.
fn open_files() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .context("no limit on open files")?;
    Ok(line.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(usize::MAX))
}
