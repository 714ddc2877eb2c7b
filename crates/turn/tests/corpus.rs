//! What the fuzzer once found worth keeping (`fuzz/seeds`) goes through the fuzzer's own drivers again, without it.
#![expect(clippy::unwrap_used, reason = "what the tests call may fail as they may")]

use std::path::Path;

#[path = "../../../fuzz/drivers/stream.rs"]
mod stream;
#[path = "../../../fuzz/drivers/stun.rs"]
mod stun;
#[path = "../../../fuzz/drivers/turn.rs"]
mod turn;

/// Runs every seed of a target, and names the one that breaks a rule.
fn replay(target: &str, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for seed in std::fs::read_dir(&seeds).unwrap() {
        let path = seed.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| run(&bytes));
        assert!(result.is_ok(), "{}: {}", path.display(), bytes.escape_ascii());
        count += 1;
    }
    assert!(count > 0, "{} is empty", seeds.display());
}

#[test]
fn no_seed_makes_a_stun_message_break_a_rule() {
    replay("stun", stun::run);
}

#[test]
fn no_seed_makes_a_stream_break_a_rule() {
    replay("stream", stream::run);
}

#[test]
fn no_seed_makes_the_relay_break_a_rule() {
    replay("turn", turn::run);
}
