//! Every rule as a sentence.
//!
//! `grid` has the whole state × input × actor table; the other modules say what is told to whom, and when.

mod accept;
mod desk;
mod endings;
mod glare;
mod grid;
mod media;
mod restart;
mod ring;
mod time;
