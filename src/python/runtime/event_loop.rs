//! The event loop of the session: made when first needed, and running for as long as the session awaits or is idle.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyModule, PyTraceback};

use super::background::{self, WatchedSelect};
use super::context::{HAS_EVENT_LOOP, SnippetContext};
use super::events::EventSender;
use super::os_signals::{current_thread, on_main_thread};
use super::{force, interrupt};
use crate::domain::{SnippetId, Timestamp};
use crate::python::file_names;
use crate::python::io::writer::ThreadId;
use crate::python::isolation::fork;
use crate::python::safe_points::kept::Kept;
use crate::python::values::report::{self, Reporter};
use crate::session::EngineEvent;

/// Clones are the same loop.
#[derive(Clone)]
pub struct EventLoop {
    /// Never locked while Python runs.
    current: Arc<Mutex<Option<Py<PyAny>>>>,
    helper: Arc<Py<PyModule>>,
    errors: Arc<BackgroundErrors>,
}

/// Finds out whose step of the loop the main thread is in. For another thread.
pub struct TaskFinder {
    helper: Arc<Py<PyModule>>,
    main_thread: ThreadId,
}

impl TaskFinder {
    pub fn find(&self, py: Python<'_>, step: Timestamp) {
        let found = self.helper.bind(py).getattr("busy_snippet").and_then(|find| find.call1((self.main_thread,)));
        let snippet = found.ok().and_then(|number| number.extract::<Option<u32>>().ok()).flatten();
        background::found(step, snippet.map(SnippetId));
    }
}

/// Shows errors that end background tasks, as output of the snippet that made the task.
struct BackgroundErrors {
    reporter: Reporter,
    context: SnippetContext,
}

impl BackgroundErrors {
    fn show(&self, py: Python<'_>, error: &PyErr, snippet: Option<SnippetId>) {
        let Some(report) = self.reporter.snippet_end(py, error).error else { return };
        let text = format!("A background task ended with an error:\n{}\n", report.traceback);
        self.context.set(py, snippet);
        let stderr = py.import("sys").and_then(|sys| sys.getattr("stderr"));
        let _ = stderr.and_then(|stderr| stderr.call_method1("write", (text,)));
        self.context.set(py, None);
    }
}

const LOOP_LOST: &str = "The event loop's descriptors were closed by other code: a new loop takes its place, and tasks that \
                    waited on it are lost.\n";
/// How often a cancelled coroutine is run on, so that it can clean up.
const MAX_CLEANUP_RUNS: usize = 10;

impl EventLoop {
    /// Lets asyncio find the loop, also if user code has not imported asyncio yet: see [`Self::patch`].
    pub fn new(py: Python<'_>, context: &SnippetContext, events: &EventSender, kept: &Kept<'_>) -> PyResult<Self> {
        let helper = kept.get_or("event_loop", || load_helper(py))?;
        let errors = Arc::new(BackgroundErrors { reporter: Reporter::new(py)?, context: context.clone() });
        let event_loop = Self { current: Arc::default(), helper: Arc::new(helper.clone().unbind()), errors };
        let offering = event_loop.clone();
        let session_loop =
            PyCFunction::new_closure(py, Some(c"session_loop"), None, move |args, _| offering.offer(args.py()))?;
        helper.setattr("session_loop", session_loop)?;
        let errors = event_loop.errors.clone();
        let report = PyCFunction::new_closure(py, Some(c"report"), None, move |args, _| {
            let (error, snippet): (Bound<'_, PyAny>, Option<u32>) = args.extract()?;
            errors.show(args.py(), &PyErr::from_value(error), snippet.map(SnippetId));
            PyResult::Ok(())
        })?;
        helper.setattr("report", report)?;
        helper.setattr("variable", context.variable(py))?;
        helper.setattr("WatchedSelect", py.get_type::<WatchedSelect>())?;
        let events = events.clone();
        let tasks_wait = PyCFunction::new_closure(py, Some(c"tasks_wait"), None, move |_, _| {
            if background::begin_watch() {
                events.send(EngineEvent::TasksWait);
            }
        })?;
        helper.setattr("tasks_wait", tasks_wait)?;
        if !kept.is_woken()
            && let Ok(events) = py.import("sys")?.getattr("modules")?.get_item("asyncio.events")
        {
            helper.getattr("patch")?.call1((events,))?;
        }
        Ok(event_loop)
    }

    /// Returns the helper in Python, which a successor takes over.
    pub fn helper<'py>(&self, py: Python<'py>) -> &Bound<'py, PyModule> {
        self.helper.bind(py)
    }

    /// Must be called on the main thread.
    pub fn task_finder(&self) -> TaskFinder {
        TaskFinder { helper: self.helper.clone(), main_thread: current_thread() }
    }

    /// Returns the function that patches the module `asyncio.events` when that is imported.
    pub fn patch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.helper.bind(py).getattr("patch")
    }

    /// Returns the loop for code of the main thread that runs without one; `None` for other code.
    fn offer(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if !on_main_thread() || fork::is_child() || !interrupt::is_user_code_running() {
            return Ok(None);
        }
        let event_loop = self.get(py)?;
        // `asyncio.run` leaves no loop.
        set(py, &event_loop)?;
        Ok(Some(event_loop.unbind()))
    }

    /// Returns whether tasks may be waiting.
    pub fn exists(&self) -> bool {
        self.current.lock().is_some()
    }

    /// Returns the descriptors of the loop; `None` if anything waits on it, or it is of a kind that is not known.
    pub fn own_descriptors(&self, py: Python<'_>) -> Option<Vec<RawFd>> {
        let Some(event_loop) = self.peek(py).filter(|event_loop| !is_true(event_loop, "is_closed")) else {
            return Some(Vec::new());
        };
        self.helper.bind(py).getattr("own_descriptors").ok()?.call1((event_loop,)).ok()?.extract().ok()?
    }

    /// Closes the loop, which shares its descriptors with the process that this one is a copy of.
    pub fn leave(&self, py: Python<'_>) -> PyResult<()> {
        let Some(event_loop) = self.peek(py) else { return Ok(()) };
        event_loop.call_method0("close")?;
        py.import("asyncio")?.call_method1("set_event_loop", (py.None(),)).map(drop)
    }

    /// Runs tasks until `wakes` is readable or `limit` has passed.
    pub fn idle(&self, py: Python<'_>, wakes: RawFd, limit: Option<Duration>) -> PyResult<()> {
        let Some(event_loop) = self.peek(py) else { return Ok(()) };
        let seconds = limit.map(|limit| limit.as_secs_f64());
        self.helper.bind(py).getattr("idle")?.call1((&event_loop, wakes, seconds)).map(drop)
    }

    /// Tells of an interrupt or `SystemExit` that has ended [`Self::idle`], in a step of this snippet if that is known.
    /// Returns other errors: those of the loop itself.
    pub fn end_idle(&self, py: Python<'_>, ended: PyResult<()>, step: Option<Option<SnippetId>>) -> PyResult<()> {
        if force::take_was_forced() {
            let _ = forget_running(py);
            self.forget_if_running(py);
        }
        let Err(error) = ended else { return Ok(()) };
        if !error.is_instance_of::<PyKeyboardInterrupt>(py) && !error.is_instance_of::<PySystemExit>(py) {
            return Err(error);
        }
        let reported: bool = self.helper.bind(py).getattr("report_stopped")?.call0()?.extract()?;
        if !reported && (step.is_some() || report::is_in_snippet(error.traceback(py))) {
            let last = || report::last_snippet(error.traceback(py)).ok().flatten();
            self.errors.show(py, &error, step.flatten().or_else(last));
        }
        Ok(())
    }

    fn peek<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.current.lock().as_ref().map(|event_loop| event_loop.bind(py).clone())
    }

    fn take(&self) -> Option<Py<PyAny>> {
        self.current.lock().take()
    }

    /// Runs a coroutine to its end. Also after an error or an interrupt, nothing of it is left for a later snippet.
    pub fn run<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let event_loop = self.get(py).inspect_err(|_| {
            // Otherwise Python warns that the coroutine was never awaited.
            let _ = coroutine.call_method0("close");
        })?;
        let task = self.helper.bind(py).getattr("snippet_task")?.call1((coroutine, &event_loop))?;
        let result = event_loop.call_method1("run_until_complete", (&task,));
        result.inspect_err(|error| {
            let cancelled = cancel(&event_loop, &task).ok().flatten();
            if error.is_instance_of::<PyKeyboardInterrupt>(py) && !report::is_in_snippet(error.traceback(py)) {
                let interrupted_at = cancelled.and_then(|cancelled| traceback_of_cancellation(py, cancelled));
                error.set_traceback(py, interrupted_at.or_else(|| error.traceback(py)));
            }
        })
    }

    /// Makes ours the thread's loop again, because `asyncio.run` in user code leaves none. Code that was ended by force
    /// may have left a loop marked as running.
    pub fn restore(&self, py: Python<'_>) {
        let was_forced = force::take_was_forced();
        if was_forced || seems_to_run(py).unwrap_or(true) {
            let _ = forget_running(py);
        }
        self.forget_if_running(py);
        let Some(event_loop) = self.peek(py) else { return };
        if !is_true(&event_loop, "is_closed") {
            let _ = set(py, &event_loop);
        }
    }

    /// Cancels all tasks, closes the loop, and removes a policy that user code has set.
    pub fn close(&self, py: Python<'_>) {
        let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
        if let Ok(events) = modules.and_then(|modules| modules.get_item("asyncio.events")) {
            // Not by `set_event_loop_policy`, which is deprecated since Python 3.14.
            let _ = events.setattr("_event_loop_policy", py.None());
        }
        self.forget_if_running(py);
        let Some(event_loop) = self.take() else { return };
        let _ = cancel_all(event_loop.bind(py));
        let _ = event_loop.call_method0(py, "close");
    }

    /// Drops the loop if it is broken: it seems to run although nothing does.
    fn forget_if_running(&self, py: Python<'_>) {
        let Some(event_loop) = self.peek(py).filter(|event_loop| is_true(event_loop, "is_running")) else { return };
        self.take();
        if has_lost_descriptors(&event_loop) != Some(false) {
            forget(event_loop.unbind());
        }
    }

    fn get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(event_loop) = self.peek(py)
            && !event_loop.call_method0("is_closed")?.is_truthy()?
        {
            if has_lost_descriptors(&event_loop) != Some(true) {
                return Ok(event_loop);
            }
            self.take();
            forget(event_loop.unbind());
            let _ = py.import("sys")?.getattr("stderr")?.call_method1("write", (LOOP_LOST,));
        }
        let event_loop = py.import("asyncio")?.getattr("events")?.call_method0("new_event_loop")?;
        set(py, &event_loop)?;
        *self.current.lock() = Some(event_loop.clone().unbind());
        HAS_EVENT_LOOP.store(true, Ordering::Relaxed);
        Ok(event_loop)
    }
}

fn load_helper(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let source = std::ffi::CString::new(include_str!("event_loop.py"))?;
    let file = std::ffi::CString::new(file_names::ENGINE)?;
    let helper = PyModule::from_code(py, &source, &file, c"fourhands_event_loop")?;
    // `from_code` makes the module importable.
    py.import("sys")?.getattr("modules")?.del_item("fourhands_event_loop")?;
    Ok(helper)
}

/// Makes a loop the one of this thread.
fn set(py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    py.import("asyncio")?.call_method1("set_event_loop", (event_loop,)).map(drop)
}

/// Returns whether user code has closed the loop's descriptors, as `os.closerange` does; `None` if this kind of loop
/// does not tell.
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

/// Returns the traceback of a cancelled task: where its code stood. The interrupt's own traceback only shows the loop
/// waiting.
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

/// Returns whether asyncio has a running loop on this thread although no snippet runs: an interrupt came at the very
/// end of the loop.
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
