#![no_main]

#[path = "../drivers/turn.rs"]
mod turn;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| turn::run(bytes));
