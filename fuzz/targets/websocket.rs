#![no_main]

#[path = "../drivers/websocket.rs"]
mod websocket;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket::run(bytes));
