//! A simulator: from one seed, users with several devices each, honest clients, a network that delays, cuts and repeats,
//! pages that crash or sleep, and a server that may die between any two steps and has only what it stored.
//!
//! `SIM_CALLS=n` says for how many calls it runs, `SIM_SEED=s` with which seed it starts; `SIM_SEED` alone runs that one
//! seed and shows its trace. A seed that fails is written to `seeds.txt`, whose seeds are run first, always.
//!
//! Not here: the text of frames, more than one node, Web Push.

mod client;
mod frames;
mod net;
mod oracle;
mod reconcile;
mod seen;
mod server;
mod user;
mod world;

use std::fmt::Write as _;

use tincan_proto::call::EndReason;

use seen::Seen;
use world::World;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/call/sim/seeds.txt");
const CALLS: u64 = 100_000;
const FIRST_SEED: u64 = 1;

#[test]
fn whatever_breaks_one_call_has_one_outcome() {
    let wish = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (calls, first) = (wish("SIM_CALLS"), wish("SIM_SEED"));
    if let (None, Some(seed)) = (calls, first) {
        let world = tell(seed, true);
        eprintln!("{}", story(seed, &world));
        assert!(world.faults.is_empty());
        return;
    }
    for seed in known_seeds() {
        check(seed);
    }
    let calls = calls.unwrap_or(CALLS);
    let seen = run(first.unwrap_or(FIRST_SEED), calls);
    eprintln!("{seen:?}");
    if calls >= CALLS {
        everything_happened(&seen);
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    for seed in 0..20 {
        let (a, b) = (tell(seed, true), tell(seed, true));
        assert_eq!(a.trace, b.trace);
    }
}

fn tell(seed: u64, traced: bool) -> World {
    let mut world = World::new(seed, traced);
    world.run();
    world
}

/// Runs seeds from `first` on until so many calls were made, on two cores.
fn run(first: u64, calls: u64) -> Seen {
    const CORES: u64 = 2;
    let worker = |core: u64| {
        let (mut seen, mut seed) = (Seen::default(), first + core);
        while seen.calls < calls.div_ceil(CORES) {
            let world = tell(seed, false);
            if !world.faults.is_empty() {
                return Err(seed);
            }
            seen.add(world.seen);
            seed += CORES;
        }
        Ok(seen)
    };
    let done: Vec<Result<Seen, u64>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CORES).map(|core| scope.spawn(move || worker(core))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a world does not panic")).collect()
    });
    let mut all = Seen::default();
    for result in done {
        match result {
            Ok(seen) => all.add(seen),
            Err(seed) => {
                remember(seed);
                check(seed);
            }
        }
    }
    all
}

/// Runs one seed and shows its story if it is a bad one.
fn check(seed: u64) {
    if !tell(seed, false).faults.is_empty() {
        let world = tell(seed, true);
        panic!("{}", story(seed, &world));
    }
}

fn story(seed: u64, world: &World) -> String {
    let mut text = String::new();
    for line in world.trace.iter().flatten() {
        let _ = writeln!(text, "{line}");
    }
    for fault in &world.faults {
        let _ = writeln!(text, "FAULT at {} ms: {fault}", world.now);
    }
    let _ = writeln!(text, "replay with SIM_SEED={seed}");
    text
}

fn known_seeds() -> Vec<u64> {
    let text = std::fs::read_to_string(SEEDS).unwrap_or_default();
    text.lines().filter_map(|line| line.split('#').next()?.trim().parse().ok()).collect()
}

fn remember(seed: u64) {
    if !known_seeds().contains(&seed) {
        let text = std::fs::read_to_string(SEEDS).unwrap_or_default();
        let _ = std::fs::write(SEEDS, format!("{text}{seed}\n"));
    }
}

/// A long run in which some kind of thing never happened proves nothing about it.
fn everything_happened(seen: &Seen) {
    for (what, n) in [
        ("cut", seen.cuts),
        ("crash", seen.crashes),
        ("resume", seen.resumed),
        ("lost session", seen.not_resumed),
        ("frame sent twice", seen.doubles),
        ("connected call over a crash", seen.survived),
        ("change taken back", seen.undone),
        ("end that was missed", seen.unknown_ends),
    ] {
        assert!(n > 1_000, "only {n} × {what}");
    }
    for reason in EndReason::ALL {
        let of_a_leg = matches!(reason, EndReason::AnsweredElsewhere | EndReason::DeclinedElsewhere);
        let n = seen.reasons.get(&reason).copied().unwrap_or_default();
        assert!(of_a_leg || n > 100, "only {n} calls ended as {reason:?}");
    }
}
