//! The loop of the main thread, which does one job after the other.

mod old_objects;
mod succession;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::background;
use super::context::SnippetContext;
use super::engine::{EngineJob, Jobs};
use super::event_loop::EventLoop;
use super::events::EventSender;
use super::interrupt::{self, InterruptTarget, let_go_of};
use super::os_signals::current_thread;
use super::prompt::Asker;
use super::runner::{Runner, SessionFilePaths};
use super::signals::SignalHandlers;
use super::stacks::{StackFile, Stacks};
use super::waker::JobWaiter;
use crate::domain::rewind::may_have_changed;
use crate::domain::{
    InsightRequest, InspectError, InspectRequest, ResetReport, SideEffect, SideEffectKind, SnippetId, UndoableNames,
    VariableQuery, VariableTable,
};
use crate::python::completion::Completer;
use crate::python::completion::thread::is_completion_thread;
use crate::python::display::Displays;
use crate::python::effects::{self, Consent, ConsentWait, SessionFolders};
use crate::python::inspector::ValueInspector;
use crate::python::io::capture::{Capture, UserThread};
use crate::python::io::descriptors::{self, StandardDescriptors};
use crate::python::io::guarded;
use crate::python::io::reported_size::ReportedSize;
use crate::python::io::stdin::Stdin;
use crate::python::io::streams::Streams;
use crate::python::io::writer::ThreadId;
use crate::python::isolation::baseline::Baseline;
use crate::python::isolation::settings::InterpreterSettings;
use crate::python::isolation::{children, environment, exit_words, fork, project, threads};
use crate::python::magics::MagicHelper;
use crate::python::safe_points::SafePoints;
use crate::python::safe_points::kept::Kept;
use crate::python::values::namespace::{Namespace, NamespaceEnd};
use crate::session::EngineEvent;

/// A table of variables that takes longer than this is deferred: the next snippet must not wait for it.
const MAX_IMMEDIATE_TABLE: Duration = Duration::from_millis(1);
/// A deferred table is made once Python has been idle for this long.
const TABLE_DELAY: Duration = Duration::from_millis(20);
/// A deferred table is made before the next snippet if it has waited for this long.
const MAX_TABLE_DELAY: Duration = Duration::from_millis(500);
/// How long a check of what the system holds for the process (descriptors, signals) is good, if nothing else runs in
/// it: a check before each snippet would cost more than a small snippet.
const CHECK_LIFETIME: Duration = Duration::from_secs(1);
/// The shortest wait for the next job while a table is deferred.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// All that the main thread holds of Python.
pub struct Interpreter {
    sys: Py<PyModule>,
    namespace: Namespace,
    baseline: Baseline,
    settings: InterpreterSettings,
    runner: Runner,
    signals: SignalHandlers,
    streams: Streams,
    /// Optional: the session also works without stacks.
    stacks: Option<Stacks>,
    stdin: Stdin,
    /// Optional: the session also works without completion.
    completer: Option<Completer>,
    descriptors: StandardDescriptors,
    capture: Arc<Capture>,
    card: Arc<ReportedSize>,
    events: EventSender,
    /// `_thread._count`
    thread_count: Py<PyAny>,
    /// `sys._current_frames`
    thread_frames: Py<PyAny>,
    inspector: ValueInspector,
    /// The table that was sent last.
    last_table: VariableTable,
    /// How long the last table took.
    table_took: Duration,
    deferred_table: Option<DeferredTable>,
    /// The names that can be put back, as they were sent last.
    undoable: UndoableNames,
    consent: Arc<Consent>,
    /// When descriptors and signals were last checked, and how many descriptors had been lost by then.
    checked: Option<(Instant, u64)>,
    /// `None` if there are to be none.
    safe_points: Option<SafePoints>,
}

/// What the engine has open in Python's table of descriptors.
pub struct EngineDescriptors {
    pub standard: StandardDescriptors,
    pub stacks: Option<StackFile>,
    pub safe_points: Option<SafePoints>,
}

#[derive(Clone, Copy)]
struct DeferredTable {
    since: Instant,
    due: Instant,
}

impl Interpreter {
    /// Prepares Python for the session. Must be called on its main thread.
    pub fn new(
        py: Python<'_>,
        descriptors: EngineDescriptors,
        capture: Arc<Capture>,
        events: EventSender,
        files: SessionFilePaths,
        kept: &Kept<'_>,
        jobs: &mut Jobs,
    ) -> PyResult<Self> {
        let EngineDescriptors { standard: descriptors, stacks, safe_points } = descriptors;
        let (prompts, waiter) = (jobs.prompts.clone(), jobs.waiter.clone());
        let consent = ConsentWait { consent: jobs.consent.clone(), waiter: waiter.clone(), events: events.clone() };
        let asker = Asker { prompts, waiter, events: events.clone(), capture: capture.clone() };
        fork::watch();
        children::remember_guardian();
        environment::install(py)?;
        let context = SnippetContext::new(py)?;
        exit_words::install(py)?;
        threads::install(py, &capture)?;
        let signals = SignalHandlers::install(py, kept)?;
        let streams = Streams::install(py, &capture, &context)?;
        // Before the baseline, which includes the runner's builtins and environment variables; and before the
        // namespace, whose `__file__` the runner sets.
        let own = files.own_folders();
        let folders = SessionFolders { session: kept.session_folder(), temporary: std::env::temp_dir(), own };
        let _ = effects::install(py, &capture, &context, folders, consent);
        let card = Arc::new(ReportedSize::install(py, &jobs.card)?);
        let event_loop = EventLoop::new(py, &context, &events, kept)?;
        let patch = event_loop.patch(py)?.unbind();
        let displays = Displays::install(py, &capture, &card, &context, patch, kept)?;
        let magics = MagicHelper::install(py, files.checkpoints.clone(), &capture, kept)?;
        let runner = Runner::new(py, files, displays, event_loop, magics, context, kept)?;
        let namespace = Namespace::take(py, kept)?;
        let finder = runner.event_loop().task_finder();
        let completer = jobs.completion_channel.take().and_then(|channel| {
            Completer::start(py, namespace.globals(py), &card, finder, &events, jobs.questions.clone(), channel).ok()
        });
        descriptors::unbuffer_c_stdout();
        let mut interpreter = Self {
            sys: py.import("sys")?.unbind(),
            signals,
            streams,
            stacks: stacks.and_then(|file| Stacks::install(py, file).ok()),
            runner,
            stdin: Stdin::install(py, &asker)?,
            inspector: ValueInspector::new(namespace.describer().clone()),
            namespace,
            completer,
            baseline: Baseline::take(py, kept)?,
            settings: InterpreterSettings::take(py, kept)?,
            descriptors,
            capture,
            card,
            events,
            thread_count: py.import("_thread")?.getattr("_count")?.unbind(),
            thread_frames: py.import("sys")?.getattr("_current_frames")?.unbind(),
            last_table: VariableTable::default(),
            table_took: Duration::ZERO,
            deferred_table: None,
            undoable: UndoableNames::new(),
            consent: jobs.consent.clone(),
            checked: None,
            safe_points,
        };
        if kept.is_woken() {
            interpreter.send_variables(py);
        } else {
            // Includes the names that the runner has added.
            interpreter.namespace.remember_module_names(py)?;
        }
        Ok(interpreter)
    }

    /// Does jobs until [`EngineJob::Quit`]. Other threads can use Python while the main thread waits.
    pub fn work(&mut self, py: Python<'_>, jobs: &mut Jobs) -> PyResult<()> {
        if self.safe_points.as_ref().is_some_and(|points| points.due().is_some()) {
            // This is a copy that was woken. The next snippet may end it again.
            self.take_safe_point(py, &jobs.waiter);
        }
        loop {
            match jobs.inbox.try_recv() {
                Ok(EngineJob::Run { snippet, code, by_client }) => self.run(py, snippet, &code, by_client),
                Ok(EngineJob::PutBack { snippet, names }) => self.put_back(py, snippet, &names),
                Ok(EngineJob::Reset) => self.reset(py),
                Ok(EngineJob::SendVariables(query)) => self.send_requested_variables(py, query),
                Ok(EngineJob::Answer { id, question }) => self.answer_question(py, id, &question),
                Ok(EngineJob::Inspect { is_taken, .. }) if is_taken.swap(true, Ordering::SeqCst) => {}
                Ok(EngineJob::Inspect { request, limit, .. }) => self.inspect(py, &request, limit),
                Ok(EngineJob::Quit) | Err(mpsc::TryRecvError::Disconnected) => {
                    // After a rewind, the guardian must not hear of a copy of what is taken back.
                    if let Some(points) = &mut self.safe_points {
                        points.settle(true);
                    }
                    return Ok(());
                }
                Err(mpsc::TryRecvError::Empty) => self.wait(py, &jobs.waiter)?,
            }
        }
    }

    /// Waits for a job, or makes the deferred table when that is due.
    fn wait(&mut self, py: Python<'_>, waiter: &Mutex<JobWaiter>) -> PyResult<()> {
        let until = |due: Instant| due.saturating_duration_since(Instant::now());
        let left = self.deferred_table.map(|table| until(table.due));
        if left == Some(Duration::ZERO) {
            self.send_variables(py);
            return Ok(());
        }
        if let Some(points) = &mut self.safe_points {
            points.settle(false);
        }
        let point = self.safe_points.as_ref().and_then(SafePoints::due).map(until);
        if point == Some(Duration::ZERO) {
            self.take_safe_point(py, waiter);
            return Ok(());
        }
        let left = left.into_iter().chain(self.let_old_go(py).map(until)).chain(point).min();
        if self.runner.event_loop().exists() && self.run_background(py, waiter, left).is_ok() {
            return Ok(());
        }
        py.detach(|| {
            let mut waiter = waiter.lock();
            match left {
                None => waiter.wait(),
                Some(left) => waiter.wait_for(left.max(MIN_WAIT)),
            }
        })?;
        // User code's signal handlers also run while no job does.
        let _ = py.check_signals();
        Ok(())
    }

    /// Waits like [`Self::wait`], and runs tasks meanwhile.
    fn run_background(&self, py: Python<'_>, waiter: &Mutex<JobWaiter>, left: Option<Duration>) -> PyResult<()> {
        let wakes = waiter.lock().descriptor()?;
        interrupt::begin_background();
        let ended = self.runner.event_loop().idle(py, wakes, left);
        let step = background::noticed_step();
        interrupt::end();
        interrupt::forget_requests(InterruptTarget::Background);
        if fork::is_child() {
            fork::exit_child(0);
        }
        self.runner.event_loop().end_idle(py, ended, step)?;
        // Takes the wake-up away.
        waiter.lock().wait_for(Duration::ZERO)?;
        let _ = py.check_signals();
        Ok(())
    }

    fn run(&mut self, py: Python<'_>, snippet: SnippetId, code: &str, by_client: bool) {
        if self.deferred_table.is_some_and(|table| table.since.elapsed() > MAX_TABLE_DELAY) {
            self.send_variables(py);
        }
        if let Some(points) = &mut self.safe_points {
            points.settle(true);
        }
        let threads = self.user_threads(py);
        if self.may_have_changed(threads.as_ref().is_ok_and(Vec::is_empty)) {
            self.check_process(py);
        }
        // A failed repair does not stop the snippet, which will show what is broken.
        let _ = self.repair(py);
        if let Ok(threads) = threads {
            self.capture.begin_serving(&threads);
        }
        self.inspector.forget_order(py);
        self.capture.begin(snippet);
        let _ = effects::take_reads();
        children::begin(snippet);
        let gate = self.consent.gate();
        self.namespace.begin(py, &gate.locked, by_client.then_some(code), &self.last_table);
        let mut outcome = self.runner.run(self.namespace.globals(py), snippet, code, &self.baseline);
        let reads = effects::take_reads();
        if reads > 0 {
            self.capture.change_effects(|effects| effects.add_reads(snippet, reads));
        }
        let has_children = children::has_any();
        if has_children {
            for process in children::left_running() {
                let effect = SideEffect::new(SideEffectKind::LeaveRunning, process);
                self.capture.change_effects(|effects| effects.add(snippet, effect));
            }
        }
        children::end();
        if let Some(stacks) = &self.stacks {
            stacks.recorder().set_idle();
        }
        descriptors::flush_c_streams();
        let _ = self.descriptors.repair();
        self.capture.end();
        if let Ok(threads) = self.user_threads(py) {
            self.capture.adopt(&threads, snippet);
        }
        let NamespaceEnd { changes, let_go } = self.namespace.end(py, snippet, &gate.locked, by_client);
        outcome.changes = changes;
        let has_changed = may_have_changed(code, Some(&outcome));
        self.send_undoable(py);
        self.events.send(EngineEvent::Finished { snippet, outcome: Box::new(outcome) });
        let_go_of(py, let_go);
        let_go_of(py, self.runner.keep_result(py, self.namespace.describer()));
        if let Some(points) = &mut self.safe_points {
            points.on_snippet(snippet, code, has_changed);
        }
        self.signals.install_termination(py);
        children::remember_existing(has_children);
        if let Some(completer) = &mut self.completer {
            // The snippet may have installed jedi.
            completer.search_jedi_again();
        }
        if self.table_took < MAX_IMMEDIATE_TABLE {
            self.send_variables(py);
        } else {
            let now = Instant::now();
            let since = self.deferred_table.map_or(now, |table| table.since);
            self.deferred_table = Some(DeferredTable { since, due: now + TABLE_DELAY });
        }
    }

    /// Runs user code like a snippet, but leaves no trace: no card and no `_`, and the output belongs to no snippet.
    fn inspect(&mut self, py: Python<'_>, request: &InspectRequest, limit: Duration) {
        self.check_process(py);
        let _ = self.repair(py);
        self.runner.leave_snippet(py);
        let answer = if interrupt::begin(InterruptTarget::Inspection) {
            self.names_for(py, request).and_then(|names| self.inspector.inspect(&names, request, limit))
        } else {
            Err(InspectError::Stopped { seconds: limit.as_secs(), has_ended: true })
        };
        interrupt::end();
        if fork::is_child() {
            fork::exit_child(0);
        }
        if let Some(stacks) = &self.stacks {
            stacks.recorder().set_idle();
        }
        self.events.send(EngineEvent::Inspected(answer.map(Box::new)));
    }

    /// Returns the names that the path of an inspection may begin with.
    fn names_for<'py>(&self, py: Python<'py>, request: &InspectRequest) -> Result<Bound<'py, PyDict>, InspectError> {
        let Some(snippet) = request.result_of else { return Ok(self.namespace.globals(py).clone()) };
        let names = PyDict::new(py);
        let value = self.runner.result_of(py, snippet);
        match value.filter(|value| names.set_item(pyo3::intern!(py, "_"), value).is_ok()) {
            Some(_) => Ok(names),
            None => {
                Err(InspectError::Refused(format!("the value of snippet {snippet} is gone: only its text is kept")))
            }
        }
    }

    fn answer_question(&mut self, py: Python<'_>, id: u32, question: &InsightRequest) {
        // An interrupt must find our handler.
        self.signals.check(py);
        let _ = self.signals.restore(py);
        if let Some(completer) = &mut self.completer {
            completer.answer(py, id, question);
        }
    }

    /// Returns user code's threads, without the main one.
    fn user_threads(&self, py: Python<'_>) -> PyResult<Vec<UserThread>> {
        if self.thread_count.call0(py)?.extract::<usize>(py)? == 0 {
            return Ok(Vec::new());
        }
        let main = current_thread();
        let mut found = Vec::new();
        for (ident, frame) in self.thread_frames.call0(py)?.cast_bound::<PyDict>(py)?.iter() {
            let ident: ThreadId = ident.extract()?;
            if ident != main && !is_completion_thread(ident) {
                found.push(UserThread { ident, waits: threads::waits_for_work(frame)? });
            }
        }
        Ok(found)
    }

    /// Returns whether descriptors and signals may differ from what the end of the last snippet left.
    fn may_have_changed(&self, is_only_thread: bool) -> bool {
        let is_alone = is_only_thread && !self.runner.event_loop().exists() && !children::had_any();
        let is_checked = |(at, losses): (Instant, u64)| at.elapsed() < CHECK_LIFETIME && losses == guarded::losses();
        !is_alone || !self.checked.is_some_and(is_checked)
    }

    /// Restores the descriptors, signals and files of the process.
    fn check_process(&mut self, py: Python<'_>) {
        let _ = self.descriptors.repair();
        if let Some(stacks) = &mut self.stacks {
            let _ = stacks.check();
        }
        self.signals.check(py);
        self.runner.check_files();
        self.checked = Some((Instant::now(), guarded::losses()));
    }

    /// Restores what the last snippet may have broken in Python and the next one, or the engine, needs.
    fn repair(&mut self, py: Python<'_>) -> PyResult<()> {
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
        let _ = self.card.update(py);
        // Handlers of pending signals run now, not within the snippet.
        let _ = py.check_signals();
        Ok(())
    }

    fn reset(&mut self, py: Python<'_>) {
        if let Some(points) = &mut self.safe_points {
            points.forget();
        }
        let unrestored = self.settings.restore(py);
        self.check_process(py);
        let _ = self.repair(py);
        let mut report = ResetReport::default();
        // A reset also runs user code: `__del__`, cancelled tasks.
        interrupt::begin(InterruptTarget::Reset);
        self.runner.reset(py);
        close_figures(py);
        // An interrupt so far has ended the work above; only later ones end the finalizers.
        interrupt::forget_requests(InterruptTarget::Reset);
        report.cleared = interrupt::finalize(py, || self.namespace.clear(py).unwrap_or(0));
        let folder_before = std::env::current_dir().ok();
        report.remains = self.baseline.restore_all(py).unwrap_or_else(|error| vec![error.to_string()]);
        let _ = self.card.restore(py);
        let folder = self.baseline.cwd(py);
        for folder in folder_before.iter().filter(|before| folder.as_ref() != Some(before)).chain(&folder) {
            let _ = project::forget_modules(py, folder);
        }
        let _ = self.signals.restore_all(py);
        let _ = interrupt::finalize(py, || py.import("gc")?.call_method0("collect"));
        interrupt::end();
        report.remains.extend(unrestored);
        report.remains.extend(threads::names(py).unwrap_or_default().into_iter().chain(children::still_running()));
        self.send_undoable(py);
        self.events.send(EngineEvent::ResetDone(report));
        self.send_variables(py);
    }

    /// Sends the table of variables if it has changed.
    fn send_variables(&mut self, py: Python<'_>) {
        let began = Instant::now();
        self.deferred_table = None;
        let table = self.namespace.table(py, &VariableQuery::default());
        self.table_took = began.elapsed();
        if let Ok(table) = table
            && table != self.last_table
        {
            self.last_table = table.clone();
            self.events.send(EngineEvent::Variables { table, requested: None });
        }
    }

    /// Sends the table of variables in any case: the client that requested it waits.
    fn send_requested_variables(&mut self, py: Python<'_>, query: VariableQuery) {
        let table = self.namespace.table(py, &query).unwrap_or_else(|_| self.last_table.clone());
        if query.is_everything() {
            self.deferred_table = None;
            self.last_table = table.clone();
        }
        self.events.send(EngineEvent::Variables { table, requested: Some(query) });
    }
}

/// Closes matplotlib's open figures, if user code has loaded it.
fn close_figures(py: Python<'_>) {
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
    let pyplot = modules.and_then(|modules| modules.get_item("matplotlib.pyplot"));
    let _ = pyplot.and_then(|pyplot| pyplot.call_method1("close", ("all",)));
}
