//! What snippets do beyond Python's variables, as CPython's audit events tell (PEP 578).

mod arguments;
mod audit;
mod collector;
mod commands;
mod consent;
mod event;
mod risks;
mod shown_path;

pub use audit::{install, take_reads, unrecorded};
pub use collector::EffectCollector;
pub use consent::{Consent, ConsentWait};
pub use shown_path::SessionFolders;
