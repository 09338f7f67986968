//! Keeping user code, its children and its threads from harming the session, and putting right what a snippet changed.

pub(in crate::python) mod baseline;
pub(in crate::python) mod children;
pub(in crate::python) mod fork;
pub(in crate::python) mod limits;
pub(in crate::python) mod project;
pub(in crate::python) mod settings;
pub(in crate::python) mod threads;
