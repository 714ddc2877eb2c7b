#![no_main]

#[path = "../drivers/stun.rs"]
mod stun;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stun::run(bytes));
