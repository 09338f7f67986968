//! Help with code that is being written: asking the Python helper, on the main thread or on a thread of ours while that
//! is busy. Nothing runs here unless somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use super::io::capture::ThreadId;
use super::isolation::fork;
use super::magics;
use super::runtime::signals;
use crate::domain::lexer::{self, CursorContext, PathStep};
use crate::domain::{Candidate, Completions, Insight, InsightKind, InsightRequest, Signature};
use crate::python::runtime::events::Events;
use crate::session::EngineEvent;

/// One module, written in parts.
const SOURCE: &str = concat!(
    include_str!("completion/names.py"),
    include_str!("completion/modules.py"),
    include_str!("completion/signatures.py")
);
/// How long jedi may take to load, once.
const LOAD_LIMIT: Duration = Duration::from_secs(15);
/// What did not heed an interrupt is interrupted again after this.
const INSIST: Duration = Duration::from_millis(20);
/// Loads of jedi that were interrupted before it is given up.
const MOST_LOADS: u32 = 5;

/// What Python calls the thread beside; 0 before it has begun.
static THREAD: AtomicUsize = AtomicUsize::new(0);

/// Whether `ident`, as Python counts threads, is no thread of user code but the one that answers questions.
pub fn is_own_thread(ident: ThreadId) -> bool {
    THREAD.load(Ordering::Relaxed) == ident as usize
}

/// What the host and the main thread know of the questions that the latter answers.
#[derive(Debug, Default)]
pub struct QuestionTracker {
    asked: AtomicU32,
    answered: AtomicU32,
    finished: AtomicU32,
}

impl QuestionTracker {
    /// A new question for the main thread. Nobody waits for the one before.
    pub fn ask(&self, id: u32) {
        let before = self.asked.swap(id, Ordering::SeqCst);
        if self.answered.load(Ordering::SeqCst) != before {
            signals::interrupt(signals::look(before), true);
        }
    }

    /// The main thread has answered, and loads what helps with later questions.
    pub fn is_loading(&self) -> bool {
        let asked = self.asked.load(Ordering::SeqCst);
        self.answered.load(Ordering::SeqCst) == asked && self.finished.load(Ordering::SeqCst) != asked
    }

    /// The main thread is wanted for something else.
    pub fn stop(&self) {
        let asked = self.asked.load(Ordering::Relaxed);
        if self.finished.load(Ordering::Relaxed) != asked {
            signals::interrupt(signals::look(asked), true);
        }
    }
}

/// What the thread beside is told.
#[derive(Debug)]
pub enum Task {
    /// To be answered without running code of the user's.
    Answer { id: u32, question: InsightRequest },
    /// The main thread answers this one; it is interrupted after that time.
    Watch { id: u32, limit: Duration },
    /// The main thread has done so.
    Rest,
}

/// The main thread's part.
pub struct Completer {
    helper: Arc<Helper>,
    tasks: Sender<Task>,
    events: Events,
    looks: Arc<QuestionTracker>,
    interrupted_loads: u32,
    jedi_is_absent: bool,
}

impl Completer {
    /// Starts the thread beside, which waits for `inbox`. It has the descriptors of the thread that calls this.
    pub fn start(
        py: Python<'_>,
        globals: &Bound<'_, PyDict>,
        events: &Events,
        looks: Arc<QuestionTracker>,
        (tasks, inbox): (Sender<Task>, Receiver<Task>),
    ) -> PyResult<Self> {
        let helper = Arc::new(Helper::new(py, globals)?);
        let (beside, told) = (helper.clone(), events.clone());
        with_signals_blocked(|| {
            thread::Builder::new().name("completion".to_owned()).spawn(move || stand_by(&beside, &told, &inbox))
        })?;
        Ok(Self { helper, tasks, events: events.clone(), looks, interrupted_loads: 0, jedi_is_absent: false })
    }

    /// Answers on the main thread, where code of the user's may run.
    pub fn look(&mut self, py: Python<'_>, id: u32, question: &InsightRequest) {
        let answer = self.watched(id, question.limit(), || self.helper.answer(py, question, true));
        let insight = match answer {
            Some(Ok(insight)) => Some(insight),
            _ => self.helper.answer(py, question, false).ok(),
        };
        let load = !self.jedi_is_absent && self.interrupted_loads < MOST_LOADS && !self.helper.has_jedi(py);
        self.looks.answered.store(id, Ordering::SeqCst);
        if !load {
            self.looks.finished.store(id, Ordering::SeqCst);
        }
        self.events.send(EngineEvent::Insight { id, insight });
        if load {
            // It is there for a later question; until then the thread beside answers.
            let loaded = self.watched(id, LOAD_LIMIT, || self.helper.load_jedi(py));
            self.interrupted_loads += u32::from(matches!(loaded, Some(Err(_))));
            self.jedi_is_absent = matches!(loaded, Some(Ok(()))) && !self.helper.has_jedi(py);
            self.looks.finished.store(id, Ordering::SeqCst);
        }
    }

    /// A snippet may have installed it.
    pub fn look_for_jedi_again(&mut self) {
        self.jedi_is_absent = false;
    }

    /// `None` if it was interrupted before it began.
    fn watched<T>(&self, id: u32, limit: Duration, answer: impl FnOnce() -> PyResult<T>) -> Option<PyResult<T>> {
        let _ = self.tasks.send(Task::Watch { id, limit });
        let answer = signals::begin(signals::look(id)).then(answer);
        signals::end();
        if fork::is_child() {
            fork::leave(1);
        }
        let _ = self.tasks.send(Task::Rest);
        answer
    }
}

/// The thread beside: it answers while the main thread is busy, and holds that to its time.
fn stand_by(helper: &Helper, events: &Events, inbox: &Receiver<Task>) {
    let mut watched: Option<(u32, Instant)> = None;
    THREAD.store(signals::current_thread() as usize, Ordering::Relaxed);
    loop {
        let task = match watched {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((_, until)) => inbox.recv_timeout(until.saturating_duration_since(Instant::now())),
        };
        let mut questions: Vec<(u32, InsightRequest)> = Vec::new();
        let mut next = match task {
            Ok(task) => Some(task),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if let Some((id, until)) = &mut watched {
                    signals::interrupt(signals::look(*id), true);
                    *until = Instant::now() + INSIST;
                }
                None
            }
        };
        while let Some(task) = next {
            match task {
                Task::Answer { id, question } => questions.push((id, question)),
                Task::Watch { id, limit } => watched = Some((id, Instant::now() + limit)),
                Task::Rest => watched = None,
            }
            next = inbox.try_recv().ok();
        }
        for (index, (id, question)) in questions.iter().enumerate() {
            // Those that came while Python could not be had have been followed by newer ones.
            let kind = std::mem::discriminant(&question.about);
            let stale = questions[index + 1..].iter().any(|(_, later)| std::mem::discriminant(&later.about) == kind);
            let answer = if stale { None } else { Python::try_attach(|py| helper.answer(py, question, false).ok()) };
            if fork::is_child() {
                return;
            }
            events.send(EngineEvent::Insight { id: *id, insight: answer.flatten() });
        }
    }
}

/// The Python side: `completion.py`, with builtins that user code cannot reach.
struct Helper {
    loaded: PyOnceLock<Py<PyDict>>,
    given: Py<PyDict>,
    globals: Py<PyDict>,
}

impl Helper {
    fn new(py: Python<'_>, globals: &Bound<'_, PyDict>) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict();
        let own = builtins.copy()?;
        let sys = py.import("sys")?;
        let posix = py.import("posix")?;
        let given = PyDict::new(py);
        given.set_item("__builtins__", &own)?;
        given.set_item("own_builtins", own)?;
        given.set_item("builtins", builtins)?;
        given.set_item("modules", sys.getattr("modules")?)?;
        given.set_item("sys", sys)?;
        given.set_item("scandir", posix.getattr("scandir")?)?;
        given.set_item("getcwd", posix.getattr("getcwd")?)?;
        given.set_item("home", std::env::var("HOME").unwrap_or_default())?;
        given.set_item("magics", magics::SOURCE)?;
        Ok(Self { loaded: PyOnceLock::new(), given: given.unbind(), globals: globals.clone().unbind() })
    }

    fn function<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let loaded = self.loaded.get_or_try_init(py, || {
            let given = self.given.bind(py);
            let source = std::ffi::CString::new(SOURCE)?;
            py.run(&source, Some(given), None)?;
            PyResult::Ok(given.clone().unbind())
        })?;
        loaded.bind(py).as_any().get_item(name)
    }

    fn has_jedi(&self, py: Python<'_>) -> bool {
        self.function(py, "has_jedi").and_then(|f| f.call0()?.extract()).unwrap_or(false)
    }

    fn load_jedi(&self, py: Python<'_>) -> PyResult<()> {
        self.function(py, "load_jedi")?.call0().map(drop)
    }

    fn answer(&self, py: Python<'_>, question: &InsightRequest, run: bool) -> PyResult<Insight> {
        let run = run && question.may_run;
        let code = &*question.code;
        let before = question.before();
        let end = before.len();
        let row = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let at = (code, row, column);
        let place = lexer::cursor_context(before);
        match &question.about {
            InsightKind::Signature => {
                let call = lexer::open_call(before);
                let Some(call) = call else { return Ok(Insight::Signature(None)) };
                let callee = &code[call.callee];
                let steps = steps(py, lexer::path_steps(callee).as_deref())?;
                let found = self.function(py, "call_signature")?.call1((steps, &self.globals, run, at))?;
                let found: Option<(Vec<String>, String)> = found.extract()?;
                let name = callee.rsplit('.').next().unwrap_or_default().to_owned();
                Ok(Insight::Signature(found.map(|(parameters, doc)| Signature { name, parameters, doc })))
            }
            InsightKind::Completion => {
                let Some(asked) = Asked::new(py, &place, code, before)? else {
                    return Ok(Insight::Completions(Completions::default()));
                };
                let arguments = (asked.what, &asked.prefix, asked.steps, asked.more, &self.globals, run, at);
                let found = self.function(py, "complete")?.call1(arguments)?;
                let (found, left_out): (Vec<(String, String)>, usize) = found.extract()?;
                let from = question.cursor - asked.replaced.min(question.cursor);
                let candidates = found.into_iter().map(|(name, kind)| candidate(&place, name, kind, &code[end..]));
                Ok(Insight::Completions(Completions { from, candidates: candidates.collect(), left_out }))
            }
            InsightKind::Candidate(name) => {
                let Some(asked) = Asked::new(py, &place, code, before)? else {
                    return Ok(Insight::Candidate(String::new()));
                };
                let arguments = (asked.what, asked.steps, asked.more, name, &self.globals);
                Ok(Insight::Candidate(self.function(py, "candidate")?.call1(arguments)?.extract()?))
            }
        }
    }
}

/// A place in the helper's words.
struct Asked<'py> {
    what: &'static str,
    prefix: String,
    /// Characters before the cursor that a candidate takes the place of.
    replaced: usize,
    steps: Bound<'py, PyAny>,
    more: Bound<'py, PyAny>,
}

impl<'py> Asked<'py> {
    fn new(py: Python<'py>, place: &CursorContext, code: &str, before: &str) -> PyResult<Option<Self>> {
        let none = || py.None().into_bound(py);
        let after = |prefix: &str, separator: char| prefix.rsplit(separator).next().unwrap_or_default().chars().count();
        let (what, prefix, steps, more) = match place {
            CursorContext::Nowhere => return Ok(None),
            CursorContext::Name { prefix } => {
                let call = lexer::open_call(before).and_then(|call| lexer::path_steps(&code[call.callee]));
                let words = lexer::names(code, before.len());
                let more = (words, steps(py, call.as_deref())?).into_pyobject(py)?.into_any();
                ("name", prefix, none(), more)
            }
            CursorContext::Attribute { of, prefix } => ("attribute", prefix, steps(py, of.as_deref())?, none()),
            CursorContext::Key { of, prefix, quote } => {
                let quoted = quote.is_some().into_pyobject(py)?.to_owned().into_any();
                ("key", prefix, steps(py, of.as_deref())?, quoted)
            }
            CursorContext::Module { prefix } => ("module", prefix, none(), none()),
            CursorContext::Member { module, prefix } => {
                ("member", prefix, none(), module.into_pyobject(py)?.into_any())
            }
            CursorContext::Path { prefix } => ("path", prefix, none(), none()),
            CursorContext::Magic { prefix, cell } => {
                ("magic", prefix, none(), cell.into_pyobject(py)?.to_owned().into_any())
            }
        };
        let replaced = match place {
            CursorContext::Module { .. } => after(prefix, '.'),
            CursorContext::Path { .. } => after(prefix, '/'),
            _ => prefix.chars().count(),
        };
        Ok(Some(Self { what, prefix: prefix.clone(), replaced, steps, more }))
    }
}

fn steps<'py>(py: Python<'py>, steps: Option<&[PathStep]>) -> PyResult<Bound<'py, PyAny>> {
    let Some(steps) = steps else { return Ok(py.None().into_bound(py)) };
    let pairs = steps.iter().map(|step| match step {
        PathStep::Name(name) => ("name", name).into_pyobject(py),
        PathStep::Attribute(name) => ("attribute", name).into_pyobject(py),
        PathStep::Key(key) => ("item", key).into_pyobject(py),
        PathStep::Index(index) => ("item", *index).into_pyobject(py),
        PathStep::Literal(literal) => ("literal", *literal).into_pyobject(py),
    });
    let pairs = pairs.collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, pairs)?.into_any())
}

/// Keys are quoted as far as that has not been typed; `after` is what stands behind the cursor.
fn candidate(place: &CursorContext, name: String, kind: String, after: &str) -> Candidate {
    let CursorContext::Key { quote, .. } = place else {
        return Candidate { text: name.clone(), name, kind };
    };
    let text = match quote {
        _ if kind == "number" => format!("{name}{}", if after.starts_with(']') { "" } else { "]" }),
        None if kind != "key" => name.clone(),
        quote => {
            let mark = quote.unwrap_or('"');
            let mut text: String = quote.is_none().then_some(mark).into_iter().collect();
            for c in name.chars() {
                match c {
                    '\n' => text.push_str("\\n"),
                    '\t' => text.push_str("\\t"),
                    c if c == mark || c == '\\' => text.extend(['\\', c]),
                    c => text.push(c),
                }
            }
            if quote.is_none() || !after.starts_with(mark) {
                text.push(mark);
                if !after.starts_with(']') {
                    text.push(']');
                }
            }
            text
        }
    };
    Candidate { text, name, kind }
}

/// Signals are for the main thread.
fn with_signals_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    let mut blocked = SigSet::all();
    for fault in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT] {
        blocked.remove(fault);
    }
    let mut before = SigSet::empty();
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before));
    let spawned = spawn();
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    spawned
}
