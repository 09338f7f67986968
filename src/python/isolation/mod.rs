//! Isolation of the session from user code, its child processes and its threads; and the state that is restored after a
//! snippet or by a reset. Nothing here runs a snippet.

pub(in crate::python) mod baseline;
pub(in crate::python) mod children;
pub(in crate::python) mod environment;
pub(in crate::python) mod exit_words;
pub(in crate::python) mod fork;
pub(in crate::python) mod process_limits;
pub(in crate::python) mod project;
pub(in crate::python) mod settings;
pub(in crate::python) mod threads;
