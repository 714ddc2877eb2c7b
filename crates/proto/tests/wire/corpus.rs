//! What the fuzzer once found worth keeping (`fuzz/seeds`) goes through the fuzzer's own drivers again, without it.

use std::path::Path;

#[path = "../../../../fuzz/drivers/call.rs"]
mod call;
#[path = "../../../../fuzz/drivers/frame.rs"]
mod frame;
#[path = "../../../../fuzz/drivers/websocket.rs"]
mod websocket;

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
fn no_seed_makes_a_frame_break_a_rule() {
    replay("frame", frame::run);
}

#[test]
fn no_seed_makes_the_websocket_decoder_break_a_rule() {
    replay("websocket", websocket::run);
}

#[test]
fn no_seed_makes_the_desk_break_a_rule() {
    replay("call", call::run);
}
