//! The snippet that a thread or a task belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

use crate::domain::SnippetId;

/// Tasks of an earlier snippet may be running within a later one.
pub static HAS_EVENT_LOOP: AtomicBool = AtomicBool::new(false);

/// A context variable that holds the number of a snippet. Tasks, and threads that asyncio starts, inherit the variable
/// of the code that made them.
#[derive(Clone)]
pub struct SnippetContext(Arc<ContextVariable>);

struct ContextVariable {
    variable: Py<PyAny>,
    /// Its method `get`, which is called for each write.
    get: Py<PyAny>,
}

/// The number for code of no snippet. Snippets count from 1.
const NO_SNIPPET: u32 = 0;

impl SnippetContext {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let default = [("default", NO_SNIPPET)].into_py_dict(py)?;
        let class = py.import("_contextvars")?.getattr("ContextVar")?;
        let variable = class.call(("fourhands_snippet",), Some(&default))?;
        let get = variable.getattr("get")?.unbind();
        Ok(Self(Arc::new(ContextVariable { variable: variable.unbind(), get })))
    }

    pub fn variable<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.variable.bind(py)
    }

    pub fn set(&self, py: Python<'_>, snippet: Option<SnippetId>) {
        let number = snippet.map_or(NO_SNIPPET, |snippet| snippet.0);
        let _ = self.0.variable.call_method1(py, pyo3::intern!(py, "set"), (number,));
    }

    /// Returns the snippet that started the running code; `None` if that is not known, or no event loop can have made
    /// it another than the running one.
    pub fn get(&self, py: Python<'_>) -> Option<SnippetId> {
        if !HAS_EVENT_LOOP.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.0.get.call0(py).ok()?;
        number.extract(py).ok().filter(|number| *number != NO_SNIPPET).map(SnippetId)
    }
}
