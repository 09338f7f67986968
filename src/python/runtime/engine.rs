//! The host's handle of Python: what the actor asks for becomes a job of the main thread, and what Python's threads tell
//! becomes an event.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::prompt::Prompts;
use super::signals;
use super::waker::{JobBell, JobWaiter, job_bell};
use crate::domain::flight_recorder;
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::{Author, InputAnswer, InsightRequest, InspectRequest, SnippetId, VariableQuery};
use crate::python::completion::{QuestionTracker, Task};
use crate::python::io::capture::Capture;
use crate::python::isolation::children;
use crate::session::{Engine, Shown};

/// What the main thread is asked to do.
pub(in crate::python) enum Job {
    Run { snippet: SnippetId, code: Arc<str> },
    Reset,
    Variables(VariableQuery),
    Look { id: u32, question: InsightRequest },
    Inspect { asked: InspectRequest, limit: Duration },
    Quit,
}

/// Bytes of recorded stacks beyond which no more are asked for.
const STACKS_FULL: usize = 32 << 10;

/// The actor's handle of the interpreter.
pub struct PythonEngine {
    jobs: Sender<Job>,
    bell: JobBell,
    prompts: Arc<Prompts>,
    capture: Arc<Capture>,
    recorder: Option<&'static FlightRecorder>,
    looks: Arc<QuestionTracker>,
    beside: Sender<Task>,
    /// What had been recorded of stacks when Python's was asked for.
    asked_at: Option<usize>,
    /// What an interrupt without a snippet's number is meant for.
    unnumbered: SnippetId,
    /// Interrupts of the snippet that runs.
    interrupts: u32,
}

/// The main thread's end.
pub struct Jobs {
    pub(in crate::python) inbox: Receiver<Job>,
    /// Shared with what waits for input within a job.
    pub(in crate::python) waiter: Arc<Mutex<JobWaiter>>,
    pub(in crate::python) prompts: Arc<Prompts>,
    pub(in crate::python) looks: Arc<QuestionTracker>,
    /// Both ends of what the thread for completion is told.
    pub(in crate::python) beside: Option<(Sender<Task>, Receiver<Task>)>,
}

/// The two ends.
pub fn engine(capture: Arc<Capture>, recorder: Option<&'static FlightRecorder>) -> io::Result<(PythonEngine, Jobs)> {
    let (sender, receiver) = mpsc::channel();
    let (bell, waiter) = job_bell()?;
    let prompts = Arc::<Prompts>::default();
    let looks = Arc::<QuestionTracker>::default();
    let (beside, tasks) = mpsc::channel();
    let jobs = Jobs {
        inbox: receiver,
        waiter: Arc::new(Mutex::new(waiter)),
        prompts: prompts.clone(),
        looks: looks.clone(),
        beside: Some((beside.clone(), tasks)),
    };
    let engine = PythonEngine {
        jobs: sender,
        bell,
        prompts,
        capture,
        recorder,
        looks,
        beside,
        asked_at: None,
        unnumbered: signals::RESET,
        interrupts: 0,
    };
    Ok((engine, jobs))
}

impl PythonEngine {
    fn send(&self, job: Job) {
        // A main thread that is gone is on its way out of the process.
        let _ = self.jobs.send(job);
        self.bell.ring();
    }

    pub fn descriptor(&self) -> &OwnedFd {
        self.bell.descriptor()
    }
}

impl Jobs {
    /// See [`crate::python::io::guarded::Guarded::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner).backed_by(host);
    }
}

impl Engine for PythonEngine {
    fn run(&mut self, snippet: SnippetId, author: &Author, code: Arc<str>) {
        self.asked_at = None;
        self.interrupts = 0;
        self.looks.stop();
        if let Some(recorder) = self.recorder {
            recorder.set_running(snippet, &author.as_cause());
        }
        self.send(Job::Run { snippet, code });
    }

    fn began(&self, snippet: SnippetId) -> Option<Instant> {
        signals::began(snippet)
    }

    fn interrupt(&mut self, snippet: Option<SnippetId>, force: bool) {
        let started = snippet.map(children::started).unwrap_or_default();
        signals::interrupt(snippet.unwrap_or(self.unnumbered), force);
        started.interrupt(self.interrupts);
        self.interrupts += u32::from(snippet.is_some());
        if self.prompts.is_waiting() {
            self.bell.ring();
        }
    }

    fn standstill(&mut self) -> Option<Vec<String>> {
        if signals::interrupt_was_seen() {
            self.asked_at = None;
            return None;
        }
        let recorded = self.recorder.map(FlightRecorder::stacks).unwrap_or_default();
        let Some(asked_at) = self.asked_at else {
            self.asked_at = Some(recorded.len());
            // A fatal fault needs room as well.
            if recorded.len() < STACKS_FULL {
                signals::ask_for_stack();
            }
            return None;
        };
        Some(flight_recorder::user_frames(recorded.get(asked_at..).unwrap_or_default()))
    }

    fn reset(&mut self) {
        self.looks.stop();
        self.unnumbered = signals::RESET;
        signals::announce_unnumbered();
        self.send(Job::Reset);
    }

    fn inspect(&mut self, asked: InspectRequest, limit: Duration) {
        self.looks.stop();
        self.asked_at = None;
        self.unnumbered = signals::INSPECTION;
        signals::announce_unnumbered();
        self.send(Job::Inspect { asked, limit });
    }

    fn find_variables(&mut self, wanted: VariableQuery) {
        self.send(Job::Variables(wanted));
    }

    fn ask(&mut self, id: u32, question: InsightRequest, busy: bool) {
        if busy || !question.needs_run() || self.looks.is_loading() {
            let _ = self.beside.send(Task::Answer { id, question });
            return;
        }
        self.looks.ask(id);
        self.send(Job::Look { id, question });
    }

    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool {
        let waits = self.prompts.answer(number, answer);
        if waits {
            self.bell.ring();
        }
        waits
    }

    fn take_output(&mut self) -> Vec<(Option<SnippetId>, Shown)> {
        self.capture.take()
    }

    fn quit(&mut self) {
        if let Some(recorder) = self.recorder {
            recorder.set_ending();
        }
        self.send(Job::Quit);
    }
}
