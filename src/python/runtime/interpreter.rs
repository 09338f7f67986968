//! Python's side of the session: the loop of the main thread, which does one job after the other.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::mpsc;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::engine::Job;
use super::engine::Jobs;
use super::prompt::Asker;
use super::runner::{Files, Runner};
use super::signals;
use super::signals::Signals;
use super::stacks::{StackFile, Stacks};
use crate::domain::{
    InsightRequest, InspectError, InspectRequest, ResetReport, SnippetId, VariableQuery, VariableTable,
};
use crate::python::completion;
use crate::python::completion::Completer;
use crate::python::display::Displays;
use crate::python::inspector::Inspector;
use crate::python::io::capture::{Capture, ThreadId};
use crate::python::io::descriptors;
use crate::python::io::descriptors::StandardStreams;
use crate::python::io::stdin::Stdin;
use crate::python::io::streams::Streams;
use crate::python::isolation::baseline::Baseline;
use crate::python::isolation::children;
use crate::python::isolation::fork;
use crate::python::isolation::project;
use crate::python::isolation::settings::Settings;
use crate::python::isolation::threads;
use crate::python::runtime::context::SnippetContext;
use crate::python::runtime::events::Events;
use crate::python::values::namespace::Namespace;
use crate::session::EngineEvent;

/// A table of variables that took longer than this waits until Python has had nothing else to do for a moment, or at the
/// latest until it is so old: the next snippet must not wait for it.
const CHEAP_TABLE: Duration = Duration::from_millis(1);
const MOMENT: Duration = Duration::from_millis(20);
const MILLISECOND: Duration = Duration::from_millis(1);
const OLDEST_TABLE: Duration = Duration::from_millis(500);

/// Everything that the main thread holds of Python.
pub struct Interpreter {
    sys: Py<PyModule>,
    namespace: Namespace,
    baseline: Baseline,
    settings: Settings,
    runner: Runner,
    signals: Signals,
    streams: Streams,
    stacks: Option<Stacks>,
    stdin: Stdin,
    /// A help; nothing depends on it.
    completer: Option<Completer>,
    descriptors: StandardStreams,
    capture: Arc<Capture>,
    events: Events,
    /// `_thread._count`
    thread_count: Py<PyAny>,
    /// `sys._current_frames`
    thread_frames: Py<PyAny>,
    /// The table that was sent last.
    shown: VariableTable,
    inspector: Inspector,
    /// How long the last table took.
    table_took: Duration,
    /// Since when the table has been waiting, and when it is made.
    table_waits: Option<(Instant, Instant)>,
}

impl Interpreter {
    /// Prepares Python for the session. Must be called on its main thread.
    pub fn new(
        py: Python<'_>,
        descriptors: StandardStreams,
        stacks: Option<StackFile>,
        capture: Arc<Capture>,
        events: Events,
        files: Files,
        jobs: &mut Jobs,
    ) -> PyResult<Self> {
        let (prompts, waiter) = (jobs.prompts.clone(), jobs.waiter.clone());
        let asker = Asker { prompts, waiter, events: events.clone(), capture: capture.clone() };
        fork::watch();
        children::watch();
        let context = SnippetContext::new(py)?;
        let signals = Signals::install(py)?;
        let streams = Streams::install(py, &capture, &context)?;
        // Before the baseline, of which what it adds to the builtins and the environment is a part; and before the
        // namespace, whose `__file__` it sets.
        let runner = Runner::new(py, files, Displays::install(py, &capture, &context)?, context)?;
        let namespace = Namespace::take(py)?;
        let completer = jobs
            .beside
            .take()
            .and_then(|beside| Completer::start(py, namespace.globals(py), &events, jobs.looks.clone(), beside).ok());
        descriptors::unbuffer_c_stdout();
        let mut interpreter = Self {
            sys: py.import("sys")?.unbind(),
            signals,
            streams,
            // They are a help; nothing depends on them.
            stacks: stacks.and_then(|file| Stacks::install(py, file).ok()),
            runner,
            stdin: Stdin::install(py, &asker)?,
            inspector: Inspector::new(namespace.describer().clone()),
            namespace,
            completer,
            baseline: Baseline::take(py)?,
            settings: Settings::take(py)?,
            descriptors,
            capture,
            events,
            thread_count: py.import("_thread")?.getattr("_count")?.unbind(),
            thread_frames: py.import("sys")?.getattr("_current_frames")?.unbind(),
            shown: VariableTable::default(),
            table_took: Duration::ZERO,
            table_waits: None,
        };
        // With what the runner has added to it.
        interpreter.namespace.remember(py)?;
        Ok(interpreter)
    }

    /// Does the jobs until it is told to quit. Python is free for other threads while it waits.
    pub fn work(&mut self, py: Python<'_>, jobs: &mut Jobs) -> PyResult<()> {
        loop {
            match jobs.inbox.try_recv() {
                Ok(Job::Run { snippet, code }) => self.run(py, snippet, &code),
                Ok(Job::Reset) => self.reset(py),
                Ok(Job::Variables(wanted)) => self.find_variables(py, wanted),
                Ok(Job::Look { id, question }) => self.look(py, id, &question),
                Ok(Job::Quit) | Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                Ok(Job::Inspect { asked, limit }) => self.inspect(py, &asked, limit),
                Err(mpsc::TryRecvError::Empty) => {
                    let left = self.table_waits.map(|(_, due)| due.saturating_duration_since(Instant::now()));
                    if left == Some(Duration::ZERO) {
                        self.send_variables(py);
                        continue;
                    }
                    py.detach(|| {
                        let mut waiter = jobs.waiter.lock().unwrap_or_else(PoisonError::into_inner);
                        match left {
                            None => waiter.wait(),
                            Some(left) => waiter.wait_for(left.max(MILLISECOND)),
                        }
                    })?;
                    // Handlers of signals that user code has set run also while nothing else does.
                    let _ = py.check_signals();
                }
            }
        }
    }

    fn run(&mut self, py: Python<'_>, snippet: SnippetId, code: &str) {
        if self.table_waits.is_some_and(|(since, _)| since.elapsed() > OLDEST_TABLE) {
            self.send_variables(py);
        }
        // What cannot be put right shows in the snippet; it is no reason not to run it.
        let _ = self.repair(py);
        if let Ok(busy) = self.threads(py) {
            self.capture.release_all_but(&busy);
        }
        self.capture.switch_to(Some(snippet));
        children::begin(snippet);
        let mut outcome = self.runner.run(self.namespace.globals(py), snippet, code, &self.baseline);
        children::end();
        if let Some(stacks) = &self.stacks {
            stacks.recorder().set_idle();
        }
        self.signals.watch_for_end(py);
        descriptors::flush_c_streams();
        let _ = self.descriptors.repair();
        self.capture.switch_to(None);
        if let Ok(threads) = self.threads(py) {
            self.capture.adopt(&threads, snippet);
        }
        outcome.changes = self.namespace.changes(py, Some(snippet));
        self.events.send(EngineEvent::Finished { snippet, outcome });
        children::remember();
        if let Some(completer) = &mut self.completer {
            completer.look_for_jedi_again();
        }
        if self.table_took < CHEAP_TABLE {
            self.send_variables(py);
        } else {
            let now = Instant::now();
            let since = self.table_waits.map_or(now, |(since, _)| since);
            self.table_waits = Some((since, now + MOMENT));
        }
    }

    /// A job like a snippet, but it leaves nothing behind: no card, no `_`; what it prints is nobody's.
    fn inspect(&mut self, py: Python<'_>, asked: &InspectRequest, limit: Duration) {
        let _ = self.repair(py);
        self.runner.run_for_nobody(py);
        let answer = if signals::begin(signals::INSPECTION) {
            self.inspector.inspect(self.namespace.globals(py), asked, limit)
        } else {
            Err(InspectError::Stopped { seconds: limit.as_secs(), has_ended: true })
        };
        signals::end();
        if fork::is_child() {
            fork::leave(0);
        }
        if let Some(stacks) = &self.stacks {
            stacks.recorder().set_idle();
        }
        self.events.send(EngineEvent::Inspected(answer.map(Box::new)));
    }

    fn look(&mut self, py: Python<'_>, id: u32, question: &InsightRequest) {
        // An interrupt must find our handler.
        let _ = self.signals.restore(py);
        if let Some(completer) = &mut self.completer {
            completer.look(py, id, question);
        }
    }

    /// Python's threads but the main one, and but workers of pools that wait for whoever gives them something to do.
    fn threads(&self, py: Python<'_>) -> PyResult<Vec<ThreadId>> {
        if self.thread_count.call0(py)?.extract::<usize>(py)? == 0 {
            return Ok(Vec::new());
        }
        let main = signals::current_thread();
        let mut busy = Vec::new();
        for (ident, frame) in self.thread_frames.call0(py)?.cast_bound::<PyDict>(py)?.iter() {
            let ident: ThreadId = ident.extract()?;
            if ident != main && !completion::is_own_thread(ident) && !threads::is_idle_worker(frame)? {
                busy.push(ident);
            }
        }
        Ok(busy)
    }

    /// Puts right what the last snippet may have broken and the next one, or the engine, needs.
    fn repair(&mut self, py: Python<'_>) -> PyResult<()> {
        let _ = self.descriptors.repair();
        if let Some(stacks) = &mut self.stacks {
            let _ = stacks.prepare(py);
        }
        self.baseline.restore_builtins(py)?;
        self.baseline.restore_import(py)?;
        self.namespace.repair(py)?;
        self.signals.restore(py)?;
        self.streams.restore(self.sys.bind(py))?;
        self.stdin.restore(self.sys.bind(py))?;
        self.runner.displays().restore(self.sys.bind(py))?;
        // Handlers of signals that came in between run now, not within the snippet.
        let _ = py.check_signals();
        Ok(())
    }

    fn reset(&mut self, py: Python<'_>) {
        let lasting = self.settings.restore(py);
        let _ = self.repair(py);
        let mut report = ResetReport::default();
        // User code runs also here: `__del__`, cancelled tasks.
        signals::begin(signals::RESET);
        self.runner.reset(py);
        close_figures(py);
        // What was interrupted so far has ended.
        signals::go_on();
        report.cleared = signals::finalize(py, || self.namespace.clear(py).unwrap_or(0));
        let left = std::env::current_dir().ok();
        report.remains = self.baseline.restore_all(py).unwrap_or_else(|error| vec![error.to_string()]);
        let folder = self.baseline.cwd(py);
        for folder in left.iter().filter(|left| folder.as_ref() != Some(left)).chain(&folder) {
            let _ = project::forget_modules(py, folder);
        }
        let _ = self.signals.restore_all(py);
        let _ = signals::finalize(py, || py.import("gc")?.call_method0("collect"));
        signals::end();
        report.remains.extend(lasting);
        report.remains.extend(threads::names(py).unwrap_or_default().into_iter().chain(children::still_running()));
        self.events.send(EngineEvent::ResetDone(report));
        self.send_variables(py);
    }

    /// Sends the table if it is another than before.
    fn send_variables(&mut self, py: Python<'_>) {
        let began = Instant::now();
        self.table_waits = None;
        let table = self.namespace.table(py, &VariableQuery::default());
        self.table_took = began.elapsed();
        if let Ok(table) = table
            && table != self.shown
        {
            self.shown = table.clone();
            self.events.send(EngineEvent::Variables { table, requested: None });
        }
    }

    /// Whoever asked must get an answer.
    fn find_variables(&mut self, py: Python<'_>, wanted: VariableQuery) {
        let table = self.namespace.table(py, &wanted).unwrap_or_else(|_| self.shown.clone());
        if wanted.is_everything() {
            self.table_waits = None;
            self.shown = table.clone();
        }
        self.events.send(EngineEvent::Variables { table, requested: Some(wanted) });
    }
}

/// Closes matplotlib's open figures, if user code has loaded it.
fn close_figures(py: Python<'_>) {
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
    let pyplot = modules.and_then(|modules| modules.get_item("matplotlib.pyplot"));
    let _ = pyplot.and_then(|pyplot| pyplot.call_method1("close", ("all",)));
}
