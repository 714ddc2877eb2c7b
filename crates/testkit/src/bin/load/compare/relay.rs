//! Relays: what is measured of them, and the table.

use std::io;

use anyhow::Result;

use super::{
    Plan,
    awake::Awake,
    contender::{Contender, Places},
    figures::Figures,
    load, measure,
    running::Running,
    table::{self, Frame, Row, Target},
};

/// Whom Tincan is measured beside.
const BESIDE: [Contender; 1] = [Contender::Coturn];

/// The runs, each with its name and what it does: 50 packets a second each way for each relay, and more than can pass.
const RUNS: [(&str, &[&str]); 5] = [
    (CALLS, &["--relays", "1000", "--per-second", "100000"]),
    (FEW, &["--relays", "100", "--per-second", "10000"]),
    (FULL, &["--relays", "1000", "--per-second", "600000"]),
    (BETWEEN, &["--relays", "1000", "--per-second", "50000", "--between"]),
    (TAILS, &["--relays", "1000", "--per-second", "100000"]),
];
const CALLS: &str = "100k/s";
const FEW: &str = "10k/s";
const FULL: &str = "saturation";
const BETWEEN: &str = "relay to relay";
/// The first again, for its latencies.
const TAILS: &str = "tails";

/// What is measured in every repetition, each time of a server that has just been started: of relays that were given back
/// something may stay.
pub(super) fn repeat(
    plan: &Plan,
    contender: Contender,
    places: &Places,
    figures: &mut Figures,
) -> Result<()> {
    for (scenario, options) in RUNS {
        let server = Running::start(contender, places)?;
        let (target, seconds) = (server.address().to_string(), plan.seconds.to_string());
        let mut command = load(&server, "relay")?;
        command.args(["--target", &target, "--may-lose", "--seconds", &seconds]);
        command.arg("--secret-file").arg(server.secret_file());
        let awake = if scenario == TAILS { Some(Awake::start()?) } else { None };
        if let Some(awake) = &awake {
            awake.beside(&mut command);
        }
        measure(&mut command, &server, figures, scenario, options)?;
    }
    Ok(())
}

/// Prints the table; returns whether everything is as it should be.
pub(super) fn print(contenders: &[Contender], figures: &Figures) -> io::Result<bool> {
    let frame = Frame { contenders, beside: &BESIDE, figures, telling: FULL };
    table::print(&frame, &rows(figures))
}

fn rows(figures: &Figures) -> Vec<Row> {
    let repeated = |name: &str, target, scenario, key| Row::repeated(name, target, figures, (scenario, key));
    let (cpu, p99) = ("cpu_us_per_message", "p99_us");
    let least = Target::AtLeastTimes(&[(Contender::Coturn, 1.3)]);
    vec![
        repeated("saturation: packets per server CPU s", least, FULL, "packets_per_cpu_s"),
        repeated("saturation: packets/s", Target::None, FULL, "passed_per_s"),
        repeated("saturation: CPU µs/packet", Target::None, FULL, cpu),
        repeated("100k/s over 1,000: CPU µs/packet", Target::None, CALLS, cpu),
        repeated("100k/s over 1,000: p50 µs", Target::None, CALLS, "p50_us"),
        repeated("100k/s over 1,000: p99 µs", Target::None, CALLS, p99),
        repeated("100k/s over 1,000, quiet: p50 µs", Target::None, TAILS, "quiet_p50_us"),
        repeated("100k/s over 1,000, quiet: p99 µs", Target::AtMost(250.0), TAILS, "quiet_p99_us"),
        Row::new("100k/s over 1,000: packets lost", Target::AtMost(0.0), |contender| {
            figures.quietest(contender, CALLS, "lost")
        }),
        repeated("10k/s over 100: CPU µs/packet", Target::None, FEW, cpu),
        repeated("10k/s over 100: p99 µs", Target::None, FEW, p99),
        repeated("relay to relay, 50k/s: CPU µs/packet", Target::AtMost(12.0), BETWEEN, cpu),
        repeated("relay to relay, 50k/s: p99 µs", Target::None, BETWEEN, p99),
        repeated("KB/relay, 1,000", Target::AtMost(6.0), CALLS, "kb_per_relay"),
        repeated(
            "KB/relay, 1,000 after 50 packets/s",
            Target::AtMost(6.0),
            CALLS,
            "kb_per_relay_after_packets",
        ),
        repeated("CPU µs to allocate, permit and bind", Target::AtMost(50.0), CALLS, "cpu_us_per_relay"),
    ]
}
