//! The completion thread: answers questions while the main thread is busy, and interrupts the main thread's answers
//! when their time is over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::helper::CompletionHelper;
use crate::domain::{InsightRequest, Timestamp};
use crate::python::io::reported_size::ReportedSize;
use crate::python::io::writer::ThreadId;
use crate::python::isolation::fork;
use crate::python::runtime::event_loop::TaskFinder;
use crate::python::runtime::events::EventSender;
use crate::python::runtime::interrupt::{self, InterruptTarget};
use crate::python::runtime::os_signals::current_thread;
use crate::session::EngineEvent;

/// Interval of interrupts for an answer that goes on after an interrupt.
const REPEAT_INTERVAL: Duration = Duration::from_millis(20);

/// Whether the thread must leave Python alone, because Python ends. The thread holds the lock while it is attached.
/// CPython unwinds a thread that attaches too late, which aborts the process where Rust is on the stack.
static IS_OVER: Mutex<bool> = Mutex::new(false);

/// Keeps the thread from Python from now on. Waits at most `limit` for the end of what it does there.
pub fn leave_python(py: Python<'_>, limit: Duration) {
    py.detach(|| {
        if let Some(mut is_over) = IS_OVER.try_lock_for(limit) {
            *is_over = true;
        }
    });
}

fn attach<T>(act: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let is_over = IS_OVER.lock();
    if *is_over { None } else { Python::try_attach(act) }
}

/// The thread's `ident` in Python; 0 before it has begun.
static THREAD: AtomicUsize = AtomicUsize::new(0);

/// Returns whether `ident`, a thread's `ident` in Python, belongs to the completion thread and not to user code.
pub fn is_completion_thread(ident: ThreadId) -> bool {
    THREAD.load(Ordering::Relaxed) == ident as usize
}

/// A message to the completion thread.
#[derive(Debug)]
pub enum CompletionTask {
    /// Answer without running user code.
    Answer { id: u32, question: InsightRequest },
    /// The main thread answers this question; interrupt it after `limit`.
    Watch { id: u32, limit: Duration },
    /// The main thread has answered.
    Unwatch,
    /// Find the snippet whose task the main thread runs, in the step of the loop that began then.
    FindSnippet { step: Timestamp },
    /// Update the terminal size that user code reads, which may be running.
    UpdateCardSize,
}

/// Runs the thread until its `inbox` is closed, or the process is a forked child.
pub fn run(
    helper: &CompletionHelper,
    card: &ReportedSize,
    finder: &TaskFinder,
    events: &EventSender,
    inbox: &Receiver<CompletionTask>,
) {
    let mut watched: Option<(u32, Instant)> = None;
    THREAD.store(current_thread() as usize, Ordering::Relaxed);
    loop {
        let task = match watched {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((_, until)) => inbox.recv_timeout(until.saturating_duration_since(Instant::now())),
        };
        let mut questions: Vec<(u32, InsightRequest)> = Vec::new();
        let (mut updates_card_size, mut step) = (false, None);
        let mut next = match task {
            Ok(task) => Some(task),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if let Some((id, until)) = &mut watched {
                    interrupt::request(InterruptTarget::Question(*id), true);
                    *until = Instant::now() + REPEAT_INTERVAL;
                }
                None
            }
        };
        while let Some(task) = next {
            match task {
                CompletionTask::Answer { id, question } => questions.push((id, question)),
                CompletionTask::Watch { id, limit } => watched = Some((id, Instant::now() + limit)),
                CompletionTask::Unwatch => watched = None,
                CompletionTask::UpdateCardSize => updates_card_size = true,
                CompletionTask::FindSnippet { step: begun } => step = Some(begun),
            }
            next = inbox.try_recv().ok();
        }
        if updates_card_size {
            attach(|py| card.update(py));
        }
        if let Some(step) = step {
            attach(|py| finder.find(py, step));
        }
        for (index, (id, question)) in questions.iter().enumerate() {
            // A question that waited for the GIL is stale if a newer one of its kind has followed.
            let kind = std::mem::discriminant(&question.about);
            let is_stale = questions[index + 1..].iter().any(|(_, later)| std::mem::discriminant(&later.about) == kind);
            let answer = if is_stale { None } else { attach(|py| helper.answer(py, question, false).ok()) };
            if fork::is_child() {
                return;
            }
            events.send(EngineEvent::Insight { id: *id, insight: answer.flatten() });
        }
    }
}
