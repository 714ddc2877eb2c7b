//! The services. None names another: they meet on the bus.

pub mod call;
pub mod echo;
pub mod media;
pub mod signaling;
