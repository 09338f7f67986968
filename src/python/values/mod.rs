//! The namespace and descriptions of its values: variables, changes, texts of values and of errors. Nothing here knows
//! the session, or how code is run.

mod attributes;
pub(in crate::python) mod bindings;
pub(in crate::python) mod changes;
mod digest;
pub(in crate::python) mod history;
pub(in crate::python) mod libraries;
mod library_types;
pub(in crate::python) mod namespace;
pub(in crate::python) mod report;
pub(in crate::python) mod repr;
pub(in crate::python) mod results;
pub(in crate::python) mod text;
pub(in crate::python) mod variables;
