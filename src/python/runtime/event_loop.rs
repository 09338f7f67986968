//! The event loop for top-level `await`: one for the whole session, made when first needed.

use std::sync::atomic::Ordering;

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTraceback};

use super::context::HAS_EVENT_LOOP;
use super::force;
use crate::python::values::report;

#[derive(Default)]
pub struct EventLoop {
    current: Option<Py<PyAny>>,
}

const LOOP_LOST: &str = "The event loop's descriptors were closed by other code: a new loop takes its place, and tasks that \
                    waited on it are lost.\n";
/// How often a cancelled coroutine is run on, so that it can clean up.
const MAX_CLEANUP_RUNS: usize = 10;

impl EventLoop {
    /// Runs a coroutine to its end. Also after an error or an interrupt, nothing of it is left for a later snippet.
    pub fn run<'py>(&mut self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let event_loop = self.get(py).inspect_err(|_| {
            // Otherwise Python warns that the coroutine was never awaited.
            let _ = coroutine.call_method0("close");
        })?;
        // Not by `create_task`: user code may have set a task factory.
        let options = PyDict::new(py);
        options.set_item("loop", &event_loop)?;
        let task = py.import("_asyncio")?.getattr("Task")?.call((coroutine,), Some(&options))?;
        let result = event_loop.call_method1("run_until_complete", (&task,));
        result.inspect_err(|error| {
            let cancelled = cancel(&event_loop, &task).ok().flatten();
            if error.is_instance_of::<PyKeyboardInterrupt>(py) && !report::is_in_snippet(error.traceback(py)) {
                let interrupted_at = cancelled.and_then(|cancelled| traceback_of_cancellation(py, cancelled));
                error.set_traceback(py, interrupted_at.or_else(|| error.traceback(py)));
            }
        })
    }

    /// Makes ours the thread's loop again, because `asyncio.run` in user code leaves none. Code that was ended by force may
    /// have left a loop marked as running.
    pub fn restore(&mut self, py: Python<'_>) {
        let was_forced = force::take_was_forced();
        if was_forced || seems_to_run(py).unwrap_or(true) {
            let _ = forget_running(py);
        }
        self.forget_if_running(py);
        let Some(event_loop) = &self.current else { return };
        if is_true(event_loop.bind(py), "is_closed") {
            return;
        }
        let _ = py.import("asyncio").and_then(|asyncio| asyncio.call_method1("set_event_loop", (event_loop,)));
    }

    /// Cancels all tasks, closes the loop, and removes a policy that user code has set.
    pub fn close(&mut self, py: Python<'_>) {
        let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
        if let Ok(events) = modules.and_then(|modules| modules.get_item("asyncio.events")) {
            // Not by `set_event_loop_policy`, which is deprecated since Python 3.14.
            let _ = events.setattr("_event_loop_policy", py.None());
        }
        self.forget_if_running(py);
        let Some(event_loop) = self.current.take() else { return };
        let _ = cancel_all(event_loop.bind(py));
        let _ = event_loop.call_method0(py, "close");
    }

    /// Drops the loop if it is broken: it seems to run although nothing does.
    fn forget_if_running(&mut self, py: Python<'_>) {
        if let Some(event_loop) = self.current.take_if(|event_loop| is_true(event_loop.bind(py), "is_running"))
            && has_lost_descriptors(event_loop.bind(py)) != Some(false)
        {
            forget(event_loop);
        }
    }

    fn get<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(event_loop) = self.current.take()
            && !event_loop.bind(py).call_method0("is_closed")?.is_truthy()?
        {
            if has_lost_descriptors(event_loop.bind(py)) != Some(true) {
                return Ok(self.current.insert(event_loop).bind(py).clone());
            }
            forget(event_loop);
            let _ = py.import("sys")?.getattr("stderr")?.call_method1("write", (LOOP_LOST,));
        }
        let asyncio = py.import("asyncio.events")?;
        let event_loop = asyncio.call_method0("new_event_loop")?;
        asyncio.call_method1("set_event_loop", (&event_loop,))?;
        self.current = Some(event_loop.clone().unbind());
        HAS_EVENT_LOOP.store(true, Ordering::Relaxed);
        Ok(event_loop)
    }
}

/// Returns whether user code has closed the loop's descriptors, as `os.closerange` does; `None` if this kind of loop does
/// not tell.
fn has_lost_descriptors(event_loop: &Bound<'_, PyAny>) -> Option<bool> {
    let selector = event_loop.getattr("_selector").ok()?;
    // This takes no event away: what is ready stays ready.
    let ready = selector.call_method1("select", (0,));
    Some(ready.is_err_and(|error| error.is_instance_of::<PyOSError>(event_loop.py())))
}

/// Leaks a broken loop. Its destructor would close descriptors by numbers that may belong to other files by now.
fn forget(event_loop: Py<PyAny>) {
    std::mem::forget(event_loop);
}

fn is_true(event_loop: &Bound<'_, PyAny>, question: &str) -> bool {
    event_loop.call_method0(question).and_then(|answer| answer.is_truthy()).unwrap_or(true)
}

/// Cancels a task that was left before its end, by an interrupt, by `SystemExit` of another task or by `loop.stop()`.
/// Returns the error that it ended with.
fn cancel(event_loop: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<Option<PyErr>> {
    let mut ended_with = None;
    for _ in 0..MAX_CLEANUP_RUNS {
        if task.call_method0("done")?.is_truthy()? {
            break;
        }
        task.call_method0("cancel")?;
        // The error is the cancellation itself, or one of the coroutine's own clean-up.
        ended_with = event_loop.call_method1("run_until_complete", (task,)).err();
    }
    if task.call_method0("done")?.is_truthy()? && !task.call_method0("cancelled")?.is_truthy()? {
        // Otherwise asyncio warns that the exception was never retrieved.
        task.call_method0("exception")?;
    }
    Ok(ended_with)
}

/// Returns the traceback of a cancelled task: where its code stood. The interrupt's own traceback only shows the loop waiting.
fn traceback_of_cancellation(py: Python<'_>, cancelled: PyErr) -> Option<Bound<'_, PyTraceback>> {
    // In Python 3.10 this is a new exception, whose context is the one that was raised there.
    let mut error = cancelled.into_value(py).into_bound(py).into_any();
    loop {
        let traceback = error.getattr("__traceback__").ok()?.cast_into::<PyTraceback>().ok();
        if report::is_in_snippet(traceback.clone()) {
            return traceback;
        }
        error = error.getattr("__context__").ok().filter(|context| !context.is_none())?;
    }
}

/// Returns whether asyncio has a running loop on this thread although no snippet runs: an interrupt came at the very end of
/// the loop.
fn seems_to_run(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import(pyo3::intern!(py, "sys"))?.getattr(pyo3::intern!(py, "modules"))?;
    if !modules.contains(pyo3::intern!(py, "asyncio"))? {
        return Ok(false);
    }
    let asyncio = py.import(pyo3::intern!(py, "_asyncio"))?;
    Ok(!asyncio.call_method0(pyo3::intern!(py, "_get_running_loop"))?.is_none())
}

/// Unsets the running loop, as a loop does at its own end.
fn forget_running(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    if modules.contains("asyncio")? {
        py.import("_asyncio")?.call_method1("_set_running_loop", (py.None(),))?;
        py.import("sys")?.call_method1("set_asyncgen_hooks", (py.None(), py.None()))?;
    }
    Ok(())
}

fn cancel_all(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let asyncio = event_loop.py().import("asyncio")?;
    let tasks = asyncio.call_method1("all_tasks", (event_loop,))?;
    for task in tasks.try_iter()? {
        task?.call_method0("cancel")?;
    }
    // The tasks see the cancellation in the next iteration of the loop.
    let iteration = asyncio.call_method1("sleep", (0,))?;
    event_loop.call_method1("run_until_complete", (iteration,))?;
    Ok(())
}
