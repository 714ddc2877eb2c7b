//! Development only: what the tests and benchmarks of Tincan are made of.

pub mod device;
pub mod socket;
pub mod turn;
pub mod v1;
