//! The engine: everything that touches Python. Jobs come to the main thread by a mailbox; nothing here knows the
//! dashboard or MCP.

mod baseline;
mod bell;
mod capture;
mod changes;
mod children;
mod class_sources;
mod completion;
pub mod descriptors;
mod display;
mod engine;
mod event_loop;
mod force;
mod fork;
mod guarded;
mod inspector;
mod interpreter;
mod libraries;
mod limits;
mod magics;
mod namespace;
mod project;
mod prompt;
mod report;
mod repr;
mod runner;
mod session_file;
mod settings;
mod signals;
mod sources;
mod stacks;
mod standard_stream;
mod stdin;
mod streams;
mod threads;
mod variables;

pub use bell::{EventBell, HostEventBell, Rung, event_bell};
pub use capture::{Capture, drain};
pub use children::are_orphaned as guardian_has_died;
pub use engine::{Events, Jobs, PythonEngine, engine};
pub use interpreter::Interpreter;
pub use runner::Files;
pub use signals::watch_quit;
pub use stacks::StackFile;
