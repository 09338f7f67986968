//! The main thread: its jobs, the snippets that it runs, and their interrupts. Nothing else runs snippets.

mod background;
mod compiler;
pub(in crate::python) mod context;
pub(in crate::python) mod engine;
pub(in crate::python) mod event_loop;
pub(in crate::python) mod events;
pub(in crate::python) mod force;
pub(in crate::python) mod interpreter;
pub(in crate::python) mod interrupt;
pub(in crate::python) mod os_signals;
pub(in crate::python) mod prompt;
pub(in crate::python) mod runner;
pub(in crate::python) mod signals;
mod spark;
pub(in crate::python) mod stacks;
pub(in crate::python) mod termination;
pub(in crate::python) mod waker;
