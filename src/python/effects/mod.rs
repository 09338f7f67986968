//! What snippets do beyond Python's variables, as CPython's audit events tell (PEP 578).

mod audit;
mod collector;
mod commands;
mod event;
mod places;

pub use audit::{install, take_reads, unrecorded};
pub use collector::EffectCollector;
pub use places::Places;
