//! The server as its users meet it: real sockets, a real database, one file for each user story.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod util;

mod calls;
mod devices;
mod endings;
mod glare;
mod history;
mod resume;
mod v1;
mod window;
