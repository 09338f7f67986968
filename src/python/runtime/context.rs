//! Which snippet a thread or a task works for.

use pyo3::prelude::*;

use crate::domain::SnippetId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A context variable that holds the number of the snippet: tasks, and threads that asyncio starts, inherit the one they
/// were made in.
#[derive(Clone)]
pub struct SnippetContext(Arc<Py<PyAny>>);

impl SnippetContext {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let variable = py.import("_contextvars")?.getattr("ContextVar")?.call1(("fourhands_snippet",))?;
        Ok(Self(Arc::new(variable.unbind())))
    }

    /// 0 for what is no snippet's.
    pub fn set(&self, py: Python<'_>, snippet: SnippetId) {
        let _ = self.0.call_method1(py, pyo3::intern!(py, "set"), (snippet.0,));
    }

    /// The snippet that the running code was started by; `None` where that is not known or was never in doubt.
    pub fn get(&self, py: Python<'_>) -> Option<SnippetId> {
        if !IN_USE.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.0.call_method1(py, pyo3::intern!(py, "get"), (py.None(),)).ok()?;
        number.extract(py).ok().filter(|number| *number != 0).map(SnippetId)
    }
}

/// Whether tasks of an earlier snippet may be running within a later one.
pub static IN_USE: AtomicBool = AtomicBool::new(false);
