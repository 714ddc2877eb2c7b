//! The server as its users meet it: real sockets, a real database, one file for each user story.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod peer;
mod process;
mod util;

mod authorization;
mod bad_input;
mod calls;
mod coturn;
mod crashes;
mod devices;
mod doors;
mod echo;
mod endings;
mod flood;
mod glare;
mod history;
mod limits;
mod media;
mod mixed;
mod operator;
mod quality;
mod restart;
mod resume;
mod shape;
mod stalled;
mod start;
mod tls;
mod tokens;
mod torn;
mod v1;
mod ways;
mod websocket;
mod window;
