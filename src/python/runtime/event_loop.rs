//! The event loop that top-level `await` runs on: one for the whole session, made when first needed.

use crate::python::runtime::context::IN_USE;
use std::sync::atomic::Ordering;

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTraceback};

use super::force;
use crate::python::values::report;

#[derive(Default)]
pub struct EventLoop {
    current: Option<Py<PyAny>>,
}

const LOST: &str = "The event loop's descriptors were closed by other code: a new loop takes its place, and tasks that \
                    waited on it are lost.\n";
/// Times that a coroutine which was left is made to go on, so that it can clean up.
const LAST_TURNS: usize = 10;

impl EventLoop {
    /// Runs a coroutine to its end, whatever ends it: nothing of it is left for a later snippet.
    pub fn run<'py>(&mut self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let event_loop = self.get(py).inspect_err(|_| {
            // Otherwise Python complains that nobody has awaited it.
            let _ = coroutine.call_method0("close");
        })?;
        // Not by `create_task`: user code may have set a factory.
        let options = PyDict::new(py);
        options.set_item("loop", &event_loop)?;
        let task = py.import("_asyncio")?.getattr("Task")?.call((coroutine,), Some(&options))?;
        let result = event_loop.call_method1("run_until_complete", (&task,));
        result.inspect_err(|error| {
            let cancelled = end(&event_loop, &task).ok().flatten();
            if error.is_instance_of::<PyKeyboardInterrupt>(py) && !report::is_in_snippet(error.traceback(py)) {
                let stood_at = cancelled.and_then(|cancelled| stood_at(py, cancelled));
                error.set_traceback(py, stood_at.or_else(|| error.traceback(py)));
            }
        })
    }

    /// Makes ours the thread's loop again: `asyncio.run` in user code leaves none behind. Code that was ended by force may
    /// have left a loop as if it still ran.
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

    /// Cancels all tasks and closes the loop; a policy of user code is forgotten.
    pub fn close(&mut self, py: Python<'_>) {
        let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
        if let Ok(events) = modules.and_then(|modules| modules.get_item("asyncio.events")) {
            // Not by `set_event_loop_policy`, which Python 3.14 warns of.
            let _ = events.setattr("_event_loop_policy", py.None());
        }
        self.forget_if_running(py);
        let Some(event_loop) = self.current.take() else { return };
        let _ = cancel_all(event_loop.bind(py));
        let _ = event_loop.call_method0(py, "close");
    }

    /// A loop that seems to run although nothing does is broken.
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
            let _ = py.import("sys")?.getattr("stderr")?.call_method1("write", (LOST,));
        }
        let asyncio = py.import("asyncio.events")?;
        let event_loop = asyncio.call_method0("new_event_loop")?;
        asyncio.call_method1("set_event_loop", (&event_loop,))?;
        self.current = Some(event_loop.clone().unbind());
        IN_USE.store(true, Ordering::Relaxed);
        Ok(event_loop)
    }
}

/// Whether user code has closed what the loop waits on, as `os.closerange` does;
/// `None` if that kind of loop does not tell.
fn has_lost_descriptors(event_loop: &Bound<'_, PyAny>) -> Option<bool> {
    let selector = event_loop.getattr("_selector").ok()?;
    // Asks what is ready, which stays so.
    let asked = selector.call_method1("select", (0,));
    Some(asked.is_err_and(|error| error.is_instance_of::<PyOSError>(event_loop.py())))
}

/// Whatever a broken loop would close at its end may be a file of somebody else by now.
fn forget(event_loop: Py<PyAny>) {
    std::mem::forget(event_loop);
}

fn is_true(event_loop: &Bound<'_, PyAny>, question: &str) -> bool {
    event_loop.call_method0(question).and_then(|answer| answer.is_truthy()).unwrap_or(true)
}

/// Cancels a task that was left before its end, by an interrupt, by `SystemExit` of another task or by `loop.stop()`.
///
/// Answers what it ended with.
fn end(event_loop: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<Option<PyErr>> {
    let mut ended_with = None;
    for _ in 0..LAST_TURNS {
        if task.call_method0("done")?.is_truthy()? {
            break;
        }
        task.call_method0("cancel")?;
        // Ends with the cancellation itself, or with what the coroutine's own clean-up raised.
        ended_with = event_loop.call_method1("run_until_complete", (task,)).err();
    }
    if task.call_method0("done")?.is_truthy()? && !task.call_method0("cancelled")?.is_truthy()? {
        // Otherwise asyncio complains that nobody has looked at it.
        task.call_method0("exception")?;
    }
    Ok(ended_with)
}

/// Where a task stood that was cancelled. An interrupt finds the loop waiting, which tells nothing of that.
fn stood_at(py: Python<'_>, cancelled: PyErr) -> Option<Bound<'_, PyTraceback>> {
    // Until Python 3.10 it is a new exception, made because of the one that was raised there.
    let mut error = cancelled.into_value(py).into_bound(py).into_any();
    loop {
        let traceback = error.getattr("__traceback__").ok()?.cast_into::<PyTraceback>().ok();
        if report::is_in_snippet(traceback.clone()) {
            return traceback;
        }
        error = error.getattr("__context__").ok().filter(|context| !context.is_none())?;
    }
}

/// Whether asyncio believes that a loop runs on this thread, though no snippet does: an interrupt came at its very end.
fn seems_to_run(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import(pyo3::intern!(py, "sys"))?.getattr(pyo3::intern!(py, "modules"))?;
    if !modules.contains(pyo3::intern!(py, "asyncio"))? {
        return Ok(false);
    }
    let asyncio = py.import(pyo3::intern!(py, "_asyncio"))?;
    Ok(!asyncio.call_method0(pyo3::intern!(py, "_get_running_loop"))?.is_none())
}

/// What a loop does at its own end.
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
    // One turn of the loop lets them see it.
    let turn = asyncio.call_method1("sleep", (0,))?;
    event_loop.call_method1("run_until_complete", (turn,))?;
    Ok(())
}
