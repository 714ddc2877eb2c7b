//! All servers side by side: each on core 0, the load on core 1, repetitions interleaved, medians and ratios.
//!
//! Absolute figures are those of the machine and of the hour; the ratios inside one run are what counts.

mod contender;
mod figures;
mod table;

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

pub(crate) use self::contender::Contender;
use self::{
    contender::{LOAD_CORE, Places, Running, SERVER_CORE},
    figures::Figures,
};
use crate::{args::Compare, scenario::restart};

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
    repetitions: 3,
    seconds: 6.0,
    grow_seconds: 3,
    grow_repetitions: 3,
    many: 15_000,
    silence: [60, 3],
    calls_seconds: Some([50, 5]),
};
/// Descriptors a process needs besides its connections.
const SPARE: usize = 500;

/// Runs the comparison and prints the table; fails if Tincan misses a target or any server loses anything.
pub(crate) fn run(options: &Compare) -> Result<ExitCode> {
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
    if contenders.is_empty() {
        bail!("nothing to compare");
    }
    let mut figures = Figures::default();
    for repetition in 0..plan.repetitions.max(plan.grow_repetitions) {
        let mut order = contenders.clone();
        if repetition % 2 == 1 {
            order.reverse();
        }
        for &contender in &order {
            repeat(&plan, repetition, contender, &places, &mut figures)?;
        }
    }
    for &contender in &contenders {
        once(&plan, contender, &places, &mut figures)?;
    }
    let is_good = table::print(&contenders, &figures, plan.many)?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is measured in every repetition.
fn repeat(
    plan: &Plan,
    repetition: usize,
    contender: Contender,
    places: &Places,
    figures: &mut Figures,
) -> Result<()> {
    let seconds = plan.seconds.to_string();
    if repetition < plan.repetitions {
        let server = Running::start(contender, places)?;
        for scenario in ["dialogs", "burst", "rate"] {
            measure(&server, figures, scenario, &["--seconds", &seconds])?;
        }
    }
    if repetition < plan.grow_repetitions {
        let server = Running::start(contender, places)?;
        let (seconds, clients) = (plan.grow_seconds.to_string(), format!("1000,5000,{}", plan.many));
        let clients = if plan.many > 5000 { clients } else { format!("1000,{}", plan.many) };
        measure(&server, figures, "grow", &["--seconds", &seconds, "--clients", &clients])?;
    }
    Ok(())
}

/// What is measured once: memory, silence, coming back.
fn once(plan: &Plan, contender: Contender, places: &Places, figures: &mut Figures) -> Result<()> {
    let silence = plan.silence[usize::from(!contender.is_tincan())].to_string();
    let many = plan.many.to_string();
    let server = Running::start(contender, places)?;
    measure(&server, figures, "idle", &["--clients", &many, "--call-each", "--seconds", &silence])?;
    drop(server);
    let mut server = Running::start(contender, places)?;
    if let Some(seconds) = plan.calls_seconds {
        let seconds = seconds[usize::from(!contender.is_tincan())].to_string();
        measure(&server, figures, "calls-idle", &["--seconds", &seconds])?;
    }
    come_back(&mut server, figures, &many)
}

fn measure(server: &Running, figures: &mut Figures, scenario: &'static str, options: &[&str]) -> Result<()> {
    say(&format!("{}: {scenario} {}", server.contender().name(), options.join(" ")))?;
    let output = load(server, scenario, options)?.stderr(Stdio::inherit()).output()?;
    figures.add(server.contender(), scenario, report(&output.stdout));
    Ok(())
}

/// Restarts the server in the middle of a `return` run.
fn come_back(server: &mut Running, figures: &mut Figures, clients: &str) -> Result<()> {
    say(&format!("{}: return --clients {clients}", server.contender().name()))?;
    let mut child = load(server, "return", &["--clients", clients])?.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("the load's output")?).lines();
    let mut last = String::new();
    while let Some(line) = lines.next().transpose()? {
        if line == restart::CONNECTED {
            server.restart()?;
        }
        last = line;
    }
    child.wait()?;
    figures.add(server.contender(), "return", report(last.as_bytes()));
    Ok(())
}

/// A run's report. A run with faults fails, but reports; one that broke off has said why on stderr, and is a fault.
fn report(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_else(|_| json!({"total_faults": 1}))
}

/// This program, on its own core, aimed at `server`.
fn load(server: &Running, scenario: &str, options: &[&str]) -> Result<Command> {
    let mut command = Command::new("taskset");
    command
        .args(["-c", LOAD_CORE])
        .arg(std::env::current_exe()?)
        .args([scenario, "--json", "--server-core", SERVER_CORE])
        .args(["--target", &server.target(), "--pid", &server.pid().to_string()])
        .args(["--dialect", server.contender().dialect()])
        .args(options);
    if let Some(ca) = server.ca() {
        command.arg("--ca").arg(ca);
    }
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
