//! The event loop that top-level `await` runs on: one for the whole session, made when first needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::domain::SnippetId;

/// Whether tasks of an earlier snippet may be running within a later one.
static IN_USE: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
pub struct EventLoop {
    current: Option<Py<PyAny>>,
}

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

impl EventLoop {
    /// Runs a coroutine to its end. An interrupt cancels it and lets it clean up.
    pub fn run<'py>(&mut self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let event_loop = self.get(py)?;
        let task = event_loop.call_method1("create_task", (coroutine,))?;
        let result = event_loop.call_method1("run_until_complete", (&task,));
        if let Err(error) = &result
            && error.is_instance_of::<PyKeyboardInterrupt>(py)
            && !task.call_method0("done")?.is_truthy()?
        {
            task.call_method0("cancel")?;
            // Ends with the cancellation itself, or with what the coroutine's own clean-up raised.
            let _ = event_loop.call_method1("run_until_complete", (&task,));
        }
        result
    }

    /// Makes ours the thread's loop again: `asyncio.run` in user code leaves none behind.
    pub fn restore(&self, py: Python<'_>) {
        let Some(event_loop) = &self.current else { return };
        if event_loop.call_method0(py, "is_closed").and_then(|closed| closed.is_truthy(py)).unwrap_or(true) {
            return;
        }
        let _ = py.import("asyncio").and_then(|asyncio| asyncio.call_method1("set_event_loop", (event_loop,)));
    }

    /// Cancels all tasks and closes the loop.
    pub fn close(&mut self, py: Python<'_>) {
        let Some(event_loop) = self.current.take() else { return };
        let _ = cancel_all(event_loop.bind(py));
        let _ = event_loop.call_method0(py, "close");
    }

    fn get<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(event_loop) = &self.current
            && !event_loop.bind(py).call_method0("is_closed")?.is_truthy()?
        {
            return Ok(event_loop.bind(py).clone());
        }
        let asyncio = py.import("asyncio")?;
        let event_loop = asyncio.call_method0("new_event_loop")?;
        asyncio.call_method1("set_event_loop", (&event_loop,))?;
        self.current = Some(event_loop.clone().unbind());
        IN_USE.store(true, Ordering::Relaxed);
        Ok(event_loop)
    }
}

fn cancel_all(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let asyncio = event_loop.py().import("asyncio")?;
    let tasks = asyncio.call_method1("all_tasks", (event_loop,))?;
    for task in tasks.try_iter()? {
        task?.call_method0("cancel")?;
    }
    // One turn of the loop lets them see it.
    let turn = asyncio.call_method1("sleep", (0,))?;
    event_loop.call_method1("run_until_complete", (turn,))?;
    Ok(())
}
