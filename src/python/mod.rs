//! The engine: all code that touches Python. The host sends jobs to the main thread; nothing here knows the dashboard
//! or MCP.

mod class_sources;
mod completion;
mod display;
mod effects;
mod file_names;
mod inspector;
pub mod io;
mod isolation;
mod magics;
mod runtime;
mod safe_points;
mod session_file;
mod sources;
mod values;

pub use completion::thread::leave_python;
pub use io::capture::{Capture, drain};
pub use isolation::children::is_guardian_dead;
pub use isolation::fork::forbid as forbid_forks;
pub use runtime::engine::{Jobs, PythonEngine, engine};
pub use runtime::events::EventSender;
pub use runtime::interpreter::{EngineDescriptors, Interpreter};
pub use runtime::os_signals::spawn_masked;
pub use runtime::runner::SessionFilePaths;
pub use runtime::stacks::StackFile;
pub use runtime::termination::watch as watch_termination;
pub use runtime::waker::{EventWaker, HostEventWaker, WakeFlag, event_waker};
pub use safe_points::kept::Kept;
pub use safe_points::{SafePoints, is_abandoned};
