//! The engine: everything that touches Python. Jobs come to the main thread by a mailbox; nothing here knows the
//! dashboard or MCP.

mod class_sources;
mod completion;
mod display;
mod inspector;
pub mod io;
mod isolation;
mod magics;
mod runtime;
mod session_file;
mod sources;
mod values;

pub use crate::python::runtime::events::Events;
pub use io::capture::{Capture, drain};
pub use isolation::children::are_orphaned as guardian_has_died;
pub use isolation::fork::forbid as forbid_forks;
pub use runtime::engine::Jobs;
pub use runtime::engine::PythonEngine;
pub use runtime::engine::engine;
pub use runtime::interpreter::Interpreter;
pub use runtime::runner::Files;
pub use runtime::signals::watch_quit;
pub use runtime::stacks::StackFile;
pub use runtime::waker::{EventBell, HostEventBell, WakeFlag, event_bell};
