//! Python's side of the session: the loop of the main thread, and the handle by which the actor gives it work.

use pyo3::prelude::*;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use super::baseline::Baseline;
use super::bell::{EventBell, JobBell, JobWaiter, job_bell};
use super::capture::Capture;
use super::descriptors::{self, StandardStreams};
use super::fork;
use super::namespace::Namespace;
use super::prompt::{Asker, Prompts};
use super::runner::Runner;
use super::signals::{self, Signals};
use super::stdin::Stdin;
use super::streams::Streams;
use crate::domain::{InputAnswer, OutputChunk, ResetReport, SnippetId, VariableTable};
use crate::session::{Engine, EngineEvent};

enum Job {
    Run { snippet: SnippetId, code: Arc<str> },
    Reset,
    Variables,
    Quit,
}

/// The actor's handle of the interpreter.
pub struct PythonEngine {
    jobs: Sender<Job>,
    bell: JobBell,
    prompts: Arc<Prompts>,
    capture: Arc<Capture>,
}

/// The main thread's end.
pub struct Jobs {
    inbox: Receiver<Job>,
    /// Shared with what waits for input within a job.
    waiter: Arc<Mutex<JobWaiter>>,
    prompts: Arc<Prompts>,
}

/// What Python's threads tell the host.
#[derive(Clone)]
pub struct Events {
    pub sender: Sender<EngineEvent>,
    pub bell: EventBell,
}

impl Events {
    pub fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
        self.bell.ring();
    }
}

/// The two ends.
pub fn engine(capture: Arc<Capture>) -> io::Result<(PythonEngine, Jobs)> {
    let (sender, receiver) = mpsc::channel();
    let (bell, waiter) = job_bell()?;
    let prompts = Arc::<Prompts>::default();
    let jobs = Jobs { inbox: receiver, waiter: Arc::new(Mutex::new(waiter)), prompts: prompts.clone() };
    Ok((PythonEngine { jobs: sender, bell, prompts, capture }, jobs))
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
    /// See [`super::guarded::Guarded::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner).backed_by(host);
    }
}

impl Engine for PythonEngine {
    fn run(&mut self, snippet: SnippetId, code: Arc<str>) {
        self.send(Job::Run { snippet, code });
    }

    fn interrupt(&mut self, snippet: Option<SnippetId>, force: bool) {
        signals::interrupt(snippet.unwrap_or(signals::RESET), force);
        if self.prompts.is_waiting() {
            self.bell.ring();
        }
    }

    fn reset(&mut self) {
        signals::announce_reset();
        self.send(Job::Reset);
    }

    fn refresh_variables(&mut self) {
        self.send(Job::Variables);
    }

    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool {
        let waits = self.prompts.answer(number, answer);
        if waits {
            self.bell.ring();
        }
        waits
    }

    fn take_output(&mut self) -> Vec<(Option<SnippetId>, OutputChunk)> {
        self.capture.take()
    }

    fn quit(&mut self) {
        self.send(Job::Quit);
    }
}

/// Everything that the main thread holds of Python.
pub struct Interpreter {
    sys: Py<PyModule>,
    namespace: Namespace,
    baseline: Baseline,
    runner: Runner,
    signals: Signals,
    streams: Streams,
    stdin: Stdin,
    descriptors: StandardStreams,
    capture: Arc<Capture>,
    events: Events,
    /// The table that was sent last.
    shown: VariableTable,
}

impl Interpreter {
    /// Prepares Python for the session. Must be called on its main thread.
    pub fn new(
        py: Python<'_>,
        descriptors: StandardStreams,
        capture: Arc<Capture>,
        events: Events,
        jobs: &Jobs,
    ) -> PyResult<Self> {
        let asker = Asker { prompts: jobs.prompts.clone(), waiter: jobs.waiter.clone(), events: events.clone() };
        fork::watch();
        descriptors::line_buffer_c_stdout();
        Ok(Self {
            sys: py.import("sys")?.unbind(),
            signals: Signals::install(py)?,
            streams: Streams::install(py, &capture)?,
            stdin: Stdin::install(py, &asker)?,
            namespace: Namespace::take(py)?,
            runner: Runner::new(py)?,
            baseline: Baseline::take(py)?,
            descriptors,
            capture,
            events,
            shown: VariableTable::default(),
        })
    }

    /// Does the jobs until it is told to quit. Python is free for other threads while it waits.
    pub fn work(&mut self, py: Python<'_>, jobs: &mut Jobs) -> PyResult<()> {
        loop {
            match jobs.inbox.try_recv() {
                Ok(Job::Run { snippet, code }) => self.run(py, snippet, &code),
                Ok(Job::Reset) => self.reset(py),
                Ok(Job::Variables) => self.send_variables(py, true),
                Ok(Job::Quit) | Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(mpsc::TryRecvError::Empty) => {
                    py.detach(|| jobs.waiter.lock().unwrap_or_else(PoisonError::into_inner).wait())?;
                    // Handlers of signals that user code has set run also while nothing else does.
                    let _ = py.check_signals();
                }
            }
        }
    }

    fn run(&mut self, py: Python<'_>, snippet: SnippetId, code: &str) {
        // What cannot be put right shows in the snippet; it is no reason not to run it.
        let _ = self.repair(py);
        self.capture.switch_to(Some(snippet));
        let mut outcome = self.runner.run(self.namespace.globals(py), snippet, code, &self.baseline);
        descriptors::flush_c_streams();
        let _ = self.descriptors.repair();
        self.capture.switch_to(None);
        outcome.changes = self.namespace.changes(py, Some(snippet)).unwrap_or_default();
        self.events.send(EngineEvent::Finished { snippet, outcome });
        self.send_variables(py, false);
    }

    /// Puts right what the last snippet may have broken and the next one, or the engine, needs.
    fn repair(&mut self, py: Python<'_>) -> PyResult<()> {
        let _ = self.descriptors.repair();
        self.baseline.restore_builtins(py)?;
        self.signals.restore(py)?;
        self.streams.restore(self.sys.bind(py))?;
        self.stdin.restore(self.sys.bind(py))?;
        // Handlers of signals that came in between run now, not within the snippet.
        let _ = py.check_signals();
        Ok(())
    }

    fn reset(&mut self, py: Python<'_>) {
        let _ = self.repair(py);
        let mut report = ResetReport::default();
        // User code runs also here: `__del__`, cancelled tasks.
        signals::begin(signals::RESET);
        self.runner.reset(py);
        close_figures(py);
        report.cleared = self.namespace.clear(py).unwrap_or(0);
        report.remains = self.baseline.restore_all(py).unwrap_or_else(|error| vec![error.to_string()]);
        let _ = py.import("gc").and_then(|gc| gc.call_method0("collect"));
        signals::end();
        report.remains.extend(threads(py).unwrap_or_default());
        self.events.send(EngineEvent::ResetDone(report));
        self.send_variables(py, false);
    }

    /// Sends the table if somebody asked for it or it is another than before.
    fn send_variables(&mut self, py: Python<'_>, requested: bool) {
        match self.namespace.table(py) {
            Ok(table) if requested || table != self.shown => {
                self.shown = table.clone();
                self.events.send(EngineEvent::Variables { table, requested });
            }
            // Whoever asked must get an answer.
            Err(_) if requested => {
                self.events.send(EngineEvent::Variables { table: self.shown.clone(), requested });
            }
            _ => {}
        }
    }
}

/// Closes matplotlib's open figures, if user code has loaded it.
fn close_figures(py: Python<'_>) {
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
    let pyplot = modules.and_then(|modules| modules.get_item("matplotlib.pyplot"));
    let _ = pyplot.and_then(|pyplot| pyplot.call_method1("close", ("all",)));
}

/// Threads of user code that are still alive, in words.
fn threads(py: Python<'_>) -> PyResult<Vec<String>> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else { return Ok(Vec::new()) };
    let main = threading.call_method0("main_thread")?;
    let mut alive = Vec::new();
    for thread in threading.call_method0("enumerate")?.try_iter()? {
        let thread = thread?;
        if !thread.is(&main) {
            alive.push(format!("the thread {}", thread.getattr("name")?.str()?));
        }
    }
    Ok(alive)
}
