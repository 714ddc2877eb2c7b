#![no_main]

#[path = "../drivers/call.rs"]
mod call;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| call::run(bytes));
