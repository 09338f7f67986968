//! Completion and signatures for code that is being written. A Python helper answers on the main thread, or on the
//! completion thread while the main one is busy. Nothing runs here unless a client or the dashboard asks.

pub(in crate::python) mod helper;
pub(in crate::python) mod thread;
pub(in crate::python) mod tracker;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use self::helper::CompletionHelper;
use self::thread::CompletionTask;
use self::tracker::QuestionTracker;
use super::io::reported_size::ReportedSize;
use super::isolation::fork;
use super::runtime::event_loop::TaskFinder;
use super::runtime::events::EventSender;
use super::runtime::interrupt::{self, InterruptTarget};
use super::runtime::os_signals::spawn_masked;
use crate::domain::InsightRequest;
use crate::session::EngineEvent;

/// How long jedi may take to load, once.
const LOAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Interrupted loads of jedi after which it is not loaded again.
const MAX_INTERRUPTED_LOADS: u32 = 5;

/// The main thread's part of completion.
pub struct Completer {
    helper: Arc<CompletionHelper>,
    tasks: Sender<CompletionTask>,
    events: EventSender,
    questions: Arc<QuestionTracker>,
    interrupted_loads: u32,
    jedi_is_absent: bool,
}

impl Completer {
    /// Starts the completion thread, which inherits the table of descriptors of the calling thread.
    pub fn start(
        py: Python<'_>,
        globals: &Bound<'_, PyDict>,
        card: &Arc<ReportedSize>,
        finder: TaskFinder,
        events: &EventSender,
        questions: Arc<QuestionTracker>,
        (tasks, inbox): (Sender<CompletionTask>, Receiver<CompletionTask>),
    ) -> PyResult<Self> {
        let helper = Arc::new(CompletionHelper::new(py, globals)?);
        let (thread_helper, thread_card, thread_events) = (helper.clone(), card.clone(), events.clone());
        let run = move || thread::run(&thread_helper, &thread_card, &finder, &thread_events, &inbox);
        spawn_masked(&[], || std::thread::Builder::new().name("completion".to_owned()).spawn(run))?;
        Ok(Self { helper, tasks, events: events.clone(), questions, interrupted_loads: 0, jedi_is_absent: false })
    }

    /// Answers on the main thread, where user code may run.
    pub fn answer(&mut self, py: Python<'_>, id: u32, question: &InsightRequest) {
        let answer = self.with_timeout(id, question.limit(), || self.helper.answer(py, question, true));
        let insight = match answer {
            Some(Ok(insight)) => Some(insight),
            _ => self.helper.answer(py, question, false).ok(),
        };
        let loads_jedi =
            !self.jedi_is_absent && self.interrupted_loads < MAX_INTERRUPTED_LOADS && !self.helper.has_jedi(py);
        self.questions.set_answered(id);
        if !loads_jedi {
            self.questions.set_finished(id);
        }
        self.events.send(EngineEvent::Insight { id, insight });
        if loads_jedi {
            // For later questions; meanwhile the completion thread answers.
            let loaded = self.with_timeout(id, LOAD_TIMEOUT, || self.helper.load_jedi(py));
            self.interrupted_loads += u32::from(matches!(loaded, Some(Err(_))));
            self.jedi_is_absent = matches!(loaded, Some(Ok(()))) && !self.helper.has_jedi(py);
            self.questions.set_finished(id);
        }
    }

    /// Searches for jedi again at the next question.
    pub fn search_jedi_again(&mut self) {
        self.jedi_is_absent = false;
    }

    /// Runs `work`, which is interrupted after `limit`. `None` if it was interrupted before it began.
    fn with_timeout<T>(&self, id: u32, limit: Duration, work: impl FnOnce() -> PyResult<T>) -> Option<PyResult<T>> {
        let _ = self.tasks.send(CompletionTask::Watch { id, limit });
        let result = interrupt::begin(InterruptTarget::Question(id)).then(work);
        interrupt::end();
        if fork::is_child() {
            fork::exit_child(1);
        }
        let _ = self.tasks.send(CompletionTask::Unwatch);
        result
    }
}
