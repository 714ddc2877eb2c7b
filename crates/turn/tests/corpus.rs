//! What the fuzzer once found worth keeping (`fuzz/seeds`) goes through the fuzzer's own drivers again, without it.
#![expect(clippy::unwrap_used, reason = "what the tests call may fail as they may")]

#[path = "../../../fuzz/drivers/replay.rs"]
mod replay;
#[path = "../../../fuzz/drivers/stream.rs"]
mod stream;
#[path = "../../../fuzz/drivers/stun.rs"]
mod stun;
#[path = "../../../fuzz/drivers/turn.rs"]
mod turn;

use replay::replay;

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
