#![no_main]

#[path = "../drivers/stream.rs"]
mod stream;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stream::run(bytes));
