//! Everything that is decided about a call, and nothing that is done about it.
//!
//! [`Call`] is one call, from request to end. [`Desk`] holds all live calls and decides what concerns more than one of
//! them: busy, glare, a call that replaces another. Both take the time as an argument and return [`Effect`]s; the call
//! service stores what changed and then carries the effects out, in that order.
//!
//! Not here: who may ring whom (the user service), SDP and candidates (opaque, relayed by the signaling service),
//! delivery to a device (sessions).

mod desk;
mod effect;
mod input;
mod limits;
mod machine;
mod state;

pub use desk::{Changes, Desk, Request, Snapshot};
pub use effect::{Effect, Effects, Notice};
pub use input::{Act, Input, Media, Scope};
pub use limits::Limits;
pub use machine::{Call, Refusal, Role};
pub use state::{End, EndReason, RejectReason, State};
