//! What the fuzzer once found worth keeping (`fuzz/seeds`) goes through the fuzzer's own drivers again, without it.

#[path = "../../../../fuzz/drivers/call.rs"]
mod call;
#[path = "../../../../fuzz/drivers/frame.rs"]
mod frame;
#[path = "../../../../fuzz/drivers/replay.rs"]
mod replay;
#[path = "../../../../fuzz/drivers/websocket.rs"]
mod websocket;

use replay::replay;

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
