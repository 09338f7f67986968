//! How long background tasks have kept Python to themselves: the step that the event loop is in while no other work
//! runs.
//!
//! The loop tells of each step by [`WatchedSelect`]. The host reads that without the GIL, and has the completion thread
//! find out whose step a long one is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::domain::{SnippetId, Timestamp};
use crate::session::clock::now;

/// Nothing but background tasks runs.
static IS_ALONE: AtomicBool = AtomicBool::new(false);
/// When the step began; 0 while the loop waits.
static STEP: AtomicU64 = AtomicU64::new(0);
/// The last step whose snippet was searched, and what was found.
static SEARCHED: Mutex<Option<(Timestamp, Option<SnippetId>)>> = Mutex::new(None);
/// The host looks at the steps from time to time.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Milliseconds from which a step is worth telling.
const NOTICED_AFTER: u64 = 100;

/// The method `select` of the session's loop while that is idle: the time outside of it is a step.
#[pyclass(frozen, module = "fourhands")]
pub struct WatchedSelect(Py<PyAny>);

#[pymethods]
impl WatchedSelect {
    #[new]
    fn new(select: Py<PyAny>) -> Self {
        Self(select)
    }

    #[pyo3(signature = (*arguments))]
    fn __call__(&self, py: Python<'_>, arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        STEP.store(0, Ordering::Relaxed);
        let events = self.0.call1(py, arguments)?;
        begin_step();
        Ok(events)
    }
}

/// Marks the beginning of a time in which only background tasks run.
pub fn begin() {
    IS_ALONE.store(true, Ordering::SeqCst);
}

/// Marks the beginning of code that nobody waits for.
pub fn begin_step() {
    STEP.store(now(), Ordering::Relaxed);
}

pub fn end() {
    IS_ALONE.store(false, Ordering::SeqCst);
    STEP.store(0, Ordering::Relaxed);
}

/// Returns whether the host does not look yet, although tasks wait from now on.
pub fn begin_watch() -> bool {
    !IS_WATCHED.swap(true, Ordering::SeqCst)
}

/// Returns whether the host must go on looking.
pub fn goes_on() -> bool {
    if IS_ALONE.load(Ordering::SeqCst) {
        return true;
    }
    IS_WATCHED.store(false, Ordering::SeqCst);
    // Tasks may have begun in between.
    IS_ALONE.load(Ordering::SeqCst)
}

/// Returns since when the present step has lasted, if for long enough, and whose it is, if that is known. Calls
/// `search` the first time, which leads to [`found`].
pub fn step(search: impl FnOnce(Timestamp)) -> Option<(Timestamp, Option<SnippetId>)> {
    let since = STEP.load(Ordering::Relaxed);
    if since == 0 || !IS_ALONE.load(Ordering::Relaxed) {
        return None;
    }
    if now().saturating_sub(since) < NOTICED_AFTER {
        return None;
    }
    let mut searched = SEARCHED.lock();
    let snippet = match *searched {
        Some((step, snippet)) if step == since => snippet,
        _ => {
            *searched = Some((since, None));
            search(since);
            None
        }
    };
    Some((since, snippet))
}

/// Returns whose step this is, if that is known, of a step that was worth telling.
pub fn noticed_step() -> Option<Option<SnippetId>> {
    let since = STEP.load(Ordering::Relaxed);
    let noticed = (*SEARCHED.lock()).filter(|(step, _)| since != 0 && *step == since);
    noticed.map(|(_, snippet)| snippet)
}

/// Notes whose step it is that began at `step`.
pub fn found(step: Timestamp, snippet: Option<SnippetId>) {
    let mut searched = SEARCHED.lock();
    if searched.is_some_and(|(searched, _)| searched == step) && STEP.load(Ordering::Relaxed) == step {
        *searched = Some((step, snippet));
    }
}
