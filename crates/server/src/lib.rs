//! The Tincan server: everything that touches a socket, a disk or a clock.
//!
//! `main → node → service::* → {store, bus, metrics, config, telemetry}`; no service names another. ARCHITECTURE.md has the map.

pub mod bus;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod http;
pub mod limiter;
pub mod listen;
pub mod metrics;
pub mod node;
pub mod places;
pub mod service;
pub mod store;
pub mod telemetry;
