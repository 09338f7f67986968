//! The effects of snippets beyond Python's variables, found by CPython's audit events (PEP 578); and the consent of the
//! person to risky ones. The person is known here only by the gate, the rules and the answers.

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
