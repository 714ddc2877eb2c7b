//! Signaling: what is measured of it, and the table.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{
    Plan,
    awake::Awake,
    contender::{Contender, Places},
    figures::Figures,
    load, measure, report,
    running::Running,
    say,
    table::{self, Frame, Row, Target},
};
use crate::scenario::restart;

/// Whom Tincan is measured beside.
const BESIDE: [Contender; 2] = [Contender::Peerjs, Contender::HubTuned];

/// The growth run again, for its latencies.
const TAILS: &str = "tails";

/// What is measured in every repetition.
pub(super) fn repeat(
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
            run(&server, figures, scenario, &["--seconds", &seconds])?;
        }
    }
    if repetition < plan.grow_repetitions {
        let server = Running::start(contender, places)?;
        let (seconds, clients) = (plan.grow_seconds.to_string(), format!("1000,{}", plan.many));
        let options = ["--seconds", &seconds, "--clients", &clients];
        run(&server, figures, "grow", &options)?;
        let (awake, mut load) = (Awake::start()?, aimed(&server, "grow")?);
        measure(awake.beside(&mut load), &server, figures, TAILS, &options)?;
    }
    Ok(())
}

/// What is measured once: memory, silence, coming back.
pub(super) fn once(plan: &Plan, contender: Contender, places: &Places, figures: &mut Figures) -> Result<()> {
    let silence = plan.silence[usize::from(!contender.is_tincan())].to_string();
    let many = plan.many.to_string();
    let server = Running::start(contender, places)?;
    run(&server, figures, "idle", &["--clients", &many, "--call-each", "--seconds", &silence])?;
    drop(server);
    let mut server = Running::start(contender, places)?;
    if let Some(seconds) = plan.calls_seconds {
        let seconds = seconds[usize::from(!contender.is_tincan())].to_string();
        run(&server, figures, "calls-idle", &["--seconds", &seconds])?;
    }
    come_back(&mut server, figures, &many)
}

fn run(server: &Running, figures: &mut Figures, scenario: &'static str, options: &[&str]) -> Result<()> {
    measure(&mut aimed(server, scenario)?, server, figures, scenario, options)
}

/// The load, aimed at `server` as a client of its signaling.
fn aimed(server: &Running, scenario: &str) -> Result<Command> {
    let mut command = load(server, scenario)?;
    let dialect = server.contender().dialect().context("a server without signaling")?;
    command.args(["--target", &server.target(), "--dialect", dialect]);
    if let Some(ca) = server.ca() {
        command.arg("--ca").arg(ca);
    }
    Ok(command)
}

/// Restarts the server in the middle of a `return` run.
fn come_back(server: &mut Running, figures: &mut Figures, clients: &str) -> Result<()> {
    say(&format!("{}: return --clients {clients}", server.contender().name()))?;
    let mut child = aimed(server, "return")?.args(["--clients", clients]).stdout(Stdio::piped()).spawn()?;
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

/// Prints the table; returns whether everything is as it should be.
pub(super) fn print(contenders: &[Contender], figures: &Figures, many: usize) -> io::Result<bool> {
    let frame = Frame { contenders, beside: &BESIDE, figures, telling: "dialogs" };
    table::print(&frame, &rows(figures, many))
}

fn rows(figures: &Figures, many: usize) -> Vec<Row> {
    let repeated = |name: &str, target, scenario, key| Row::repeated(name, target, figures, (scenario, key));
    let median = |scenario, key: &'static str| move |c| figures.median(c, scenario, key);
    let quietest = |scenario, key: &'static str| move |c| figures.quietest(c, scenario, key);
    let (cpu, per_cpu) = ("cpu_us_per_message", "dialogs_per_cpu_s");
    let growth = |scenario, key: &'static str| {
        move |c| {
            let of = |clients: usize| figures.median(c, scenario, &format!("{key}_{clients}"));
            Some(of(many)? / of(1000)?)
        }
    };
    let beside = Target::AtLeastTimes(&[(Contender::Peerjs, 2.0), (Contender::HubTuned, 1.0)]);
    vec![
        repeated("dialogs per server CPU s", beside, "dialogs", per_cpu),
        repeated("dialogs/s", Target::None, "dialogs", "dialogs_per_s"),
        repeated("CPU µs/message", Target::None, "dialogs", cpu),
        Row::new("p50 µs", Target::None, quietest("dialogs", "p50_us")),
        Row::new("p99 µs", Target::None, quietest("dialogs", "p99_us")),
        repeated("burst: dialogs per server CPU s", Target::None, "burst", per_cpu),
        repeated("burst: dialogs/s", Target::None, "burst", "dialogs_per_s"),
        repeated("10k/s over 1,000: CPU µs/message", Target::None, "rate", cpu),
        repeated("10k/s over 1,000: p50 µs", Target::None, "rate", "p50_us"),
        repeated("10k/s over 1,000: p99 µs", Target::None, "rate", "p99_us"),
        repeated("10k/s over 1,000, quiet: p50 µs", Target::None, TAILS, "quiet_p50_us_1000"),
        repeated("10k/s over 1,000, quiet: p99 µs", Target::AtMost(250.0), TAILS, "quiet_p99_us_1000"),
        repeated("10k/s over 1,000, quiet: p99.9 µs", Target::None, TAILS, "quiet_p999_us_1000"),
        Row::new(
            format!("10k/s over {many} ÷ over 1,000: CPU µs/message"),
            Target::AtMost(1.15),
            growth("grow", cpu),
        ),
        Row::new(format!("10k/s over {many} ÷ over 1,000: p99"), Target::None, growth("grow", "p99_us")),
        Row::new(
            format!("10k/s over {many} ÷ over 1,000, quiet: p99"),
            Target::AtMost(1.5),
            growth(TAILS, "quiet_p99_us"),
        ),
        Row::new(
            format!("KB/connection, {many} idle"),
            Target::AtMost(4.0),
            median("idle", "kb_per_connection"),
        ),
        Row::new(
            format!("KB/connection, {many} after a call each"),
            Target::AtMost(4.0),
            median("idle", "kb_per_connection_after_call"),
        ),
        Row::new("CPU µs/upgrade", Target::None, median("idle", "cpu_us_per_upgrade")),
        Row::new(format!("CPU ms/s, {many} idle"), Target::AtMost(10.0), median("idle", "idle_cpu_ms_per_s")),
        Row::new("CPU ms/s, 2,000 idle", Target::None, median("calls-idle", "idle_cpu_ms_per_s")),
        Row::new(
            "CPU ms/s, the same in 1,000 calls",
            Target::None,
            median("calls-idle", "calls_cpu_ms_per_s"),
        ),
        Row::new(format!("s until {many} are back"), Target::AtMost(1.5), median("return", "back_s")),
    ]
}
