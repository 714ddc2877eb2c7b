//! The wire format: against its text, against bad input, and against whatever the fuzzer once found worth keeping.
//!
//! Not here: what the frames do in a call (`tests/call`).
#![expect(clippy::unwrap_used, reason = "what the tests call may fail as they may")]

mod bad_input;
mod corpus;
mod protocol_doc;
mod round_trip;
mod websocket;
