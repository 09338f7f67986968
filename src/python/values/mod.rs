//! The namespace and what can be said of its values: variables, changes, texts of values and of errors.
//! Knows nothing of jobs.

pub(in crate::python) mod changes;
pub(in crate::python) mod libraries;
pub(in crate::python) mod namespace;
pub(in crate::python) mod report;
pub(in crate::python) mod repr;
pub(in crate::python) mod text;
pub(in crate::python) mod variables;
