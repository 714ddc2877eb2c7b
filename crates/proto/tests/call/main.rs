//! Tests of the call machine that would catch it lying.
//!
//! - `table`: every rule as a sentence, and the whole state × input × actor grid.
//! - `invariants`: what holds after any inputs in any order.
//! - `model`: a slow second formulation of the rules, compared step by step with the desk.
//! - `sim`: users, devices, sessions, a network and a server that crashes, from a seed.
//!
//! Not here: frames (`wire`), sockets, the database.

mod invariants;
mod kit;
mod model;
mod rng;
mod script;
mod sim;
mod table;
