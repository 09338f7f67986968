//! Interrupts of user code.
//!
//! An interrupt request names its target, so that it never hits another snippet or the engine itself. It reaches
//! Python's main thread by a signal of its own. The first request does what SIGINT does, which user code may handle or
//! ignore; a forced one raises whatever user code has set, and is repeated at every step of the interpreter until none
//! of that code is left (the handler trips itself again before it raises).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRecursionError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::os_signals::{handler_of, request_signal, send_to_main, trip};
use super::spark;
use super::{background, force};
use crate::domain::SnippetId;
use crate::python::isolation::fork;

/// Work of the main thread that runs user code and can be interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptTarget {
    Snippet(SnippetId),
    Reset,
    Inspection,
    /// A question about code that is being written, by its number.
    Question(u32),
    /// Tasks of the event loop, while no other work does. Every request hits them, since what the request names waits
    /// for them.
    Background,
}

/// The work whose user code runs now.
static CURRENT: AtomicTarget = AtomicTarget::none();
/// The work that began last, and when.
static LAST_BEGUN: Mutex<Option<(InterruptTarget, Instant)>> = Mutex::new(None);
/// The work that must be interrupted.
static REQUESTED: AtomicTarget = AtomicTarget::none();
/// The work that must be ended whatever exceptions it catches.
static FORCED: AtomicTarget = AtomicTarget::none();
/// Code runs that must not be ended by force.
static FORCE_SUSPENDED: AtomicBool = AtomicBool::new(false);
/// Python has called the handler of the last request.
static SEEN: AtomicBool = AtomicBool::new(false);
/// Handlers are installed.
static READY: AtomicBool = AtomicBool::new(false);

/// An optional [`InterruptTarget`] that all threads share: its kind in the upper half, its number in the lower one.
struct AtomicTarget(AtomicU64);

impl AtomicTarget {
    const NONE: u64 = 0;
    const SNIPPET: u64 = 1;
    const RESET: u64 = 2;
    const INSPECTION: u64 = 3;
    const QUESTION: u64 = 4;
    const BACKGROUND: u64 = 5;

    const fn none() -> Self {
        Self(AtomicU64::new(Self::NONE))
    }

    fn load(&self) -> Option<InterruptTarget> {
        let value = self.0.load(Ordering::SeqCst);
        let number = value as u32;
        match value >> 32 {
            Self::SNIPPET => Some(InterruptTarget::Snippet(SnippetId(number))),
            Self::RESET => Some(InterruptTarget::Reset),
            Self::INSPECTION => Some(InterruptTarget::Inspection),
            Self::QUESTION => Some(InterruptTarget::Question(number)),
            Self::BACKGROUND => Some(InterruptTarget::Background),
            _ => None,
        }
    }

    fn store(&self, target: Option<InterruptTarget>) {
        self.0.store(Self::value(target), Ordering::SeqCst);
    }

    /// Stores `None` if there is `target`.
    fn remove(&self, target: InterruptTarget) {
        let _ = self.0.compare_exchange(Self::value(Some(target)), Self::NONE, Ordering::SeqCst, Ordering::SeqCst);
    }

    fn value(target: Option<InterruptTarget>) -> u64 {
        let (kind, number) = match target {
            None => (Self::NONE, 0),
            Some(InterruptTarget::Snippet(id)) => (Self::SNIPPET, id.0),
            Some(InterruptTarget::Reset) => (Self::RESET, 0),
            Some(InterruptTarget::Inspection) => (Self::INSPECTION, 0),
            Some(InterruptTarget::Question(number)) => (Self::QUESTION, number),
            Some(InterruptTarget::Background) => (Self::BACKGROUND, 0),
        };
        kind << 32 | u64::from(number)
    }
}

/// Returns the snippet whose code runs now.
pub fn current_snippet() -> Option<SnippetId> {
    match CURRENT.load() {
        Some(InterruptTarget::Snippet(id)) => Some(id),
        _ => None,
    }
}

/// Returns whether any user code runs as work of the main thread that somebody waits for.
pub fn is_user_code_running() -> bool {
    CURRENT.load().is_some_and(|target| target != InterruptTarget::Background)
}

/// Returns whether only background tasks may be running.
pub fn is_in_background() -> bool {
    CURRENT.load() == Some(InterruptTarget::Background)
}

/// Marks background tasks as running, until [`end`].
pub fn begin_background() {
    background::begin();
    CURRENT.store(Some(InterruptTarget::Background));
}

/// Returns whether a request for `target` hits what runs now.
fn hits(target: InterruptTarget) -> bool {
    CURRENT.load().is_some_and(|current| current == target || current == InterruptTarget::Background)
}

/// Marks `target` as running. Returns `false` if it was interrupted before it began.
pub fn begin(target: InterruptTarget) -> bool {
    CURRENT.store(Some(target));
    *LAST_BEGUN.lock() = Some((target, Instant::now()));
    REQUESTED.load() != Some(target)
}

/// Returns an error if `target` has been interrupted. To be called after preparations of the engine's own, in which
/// `KeyboardInterrupt` may have been raised and lost: even `repr` of a string calls handlers of signals.
pub fn check(target: InterruptTarget) -> PyResult<()> {
    if REQUESTED.load() == Some(target) { Err(PyKeyboardInterrupt::new_err(())) } else { Ok(()) }
}

/// Marks the running work as ended; later requests for it have no effect.
pub fn end() {
    CURRENT.store(None);
    background::end();
    force::forget();
}

/// Returns when the code of `snippet` began; `None` before that, or once other work has begun.
pub fn began(snippet: SnippetId) -> Option<Instant> {
    let last = *LAST_BEGUN.lock();
    last.filter(|(target, _)| *target == InterruptTarget::Snippet(snippet)).map(|(_, at)| at)
}

/// Forgets past requests for `target`. Needed before further user code of the same work, such as `__str__` of the
/// exception that ended a snippet: what was requested so far has had its effect, and only later requests interrupt that
/// code. Also needed before a reset or an inspection is requested, because these have no numbers. A request for other
/// work stays: that work may be the next.
pub fn forget_requests(target: InterruptTarget) {
    REQUESTED.remove(target);
    FORCED.remove(target);
}

/// Drops objects, whose finalizers may run and be interrupted.
pub fn let_go_of<T>(py: Python<'_>, objects: Vec<T>) {
    if objects.is_empty() {
        return;
    }
    begin_background();
    background::begin_step();
    finalize(py, || drop(objects));
    end();
}

/// Runs `work`, which runs only finalizers of user code, each by itself. Python 3.10 crashes where an exception is
/// raised at every step of these.
pub fn finalize<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    FORCE_SUSPENDED.store(py.version_info() < (3, 11), Ordering::SeqCst);
    let done = work();
    FORCE_SUSPENDED.store(false, Ordering::SeqCst);
    if let Some(current) = CURRENT.load() {
        forget_requests(current);
    }
    done
}

/// Allows requests. To be called once the handlers are installed.
pub fn enable() {
    READY.store(true, Ordering::SeqCst);
}

/// Interrupts `target`, if it runs now or next. May be called from any thread.
pub fn request(target: InterruptTarget, force: bool) {
    if !READY.load(Ordering::SeqCst) {
        return;
    }
    SEEN.store(false, Ordering::SeqCst);
    REQUESTED.store(Some(target));
    if force {
        FORCED.store(Some(target));
    }
    if handler_of(request_signal()) == libc::SIG_DFL {
        // User code took our handler away: the signal would end the process. The next snippet has our handler again.
        SEEN.store(true, Ordering::SeqCst);
        return;
    }
    send_to_main(request_signal());
    repeat_request();
}

/// Returns whether Python has called the handler of the last request, whatever came of it.
pub fn was_request_seen() -> bool {
    SEEN.load(Ordering::SeqCst)
}

/// Repeats the request for a while, until the handler has been called: at the limit of recursion Python cannot call it,
/// raises `RecursionError` in its place, and the request is lost. A forced request is repeated until the code has
/// ended.
fn repeat_request() {
    const INTERVAL: Duration = Duration::from_millis(5);
    const FORCED_INTERVAL: Duration = Duration::from_micros(500);
    const MAX_DURATION: Duration = Duration::from_secs(1);
    static IS_REPEATING: AtomicBool = AtomicBool::new(false);
    if IS_REPEATING.swap(true, Ordering::SeqCst) {
        return;
    }
    let repeat = move || {
        let begun = Instant::now();
        while begun.elapsed() < MAX_DURATION {
            let target = REQUESTED.load();
            let is_forced = FORCED.load() == target;
            std::thread::sleep(if is_forced { FORCED_INTERVAL } else { INTERVAL });
            if !target.is_some_and(hits) || (SEEN.load(Ordering::SeqCst) && !is_forced) {
                break;
            }
            if handler_of(request_signal()) != libc::SIG_DFL {
                send_to_main(request_signal());
            }
        }
        IS_REPEATING.store(false, Ordering::SeqCst);
    };
    if std::thread::Builder::new().name("interrupt".to_owned()).spawn(repeat).is_err() {
        IS_REPEATING.store(false, Ordering::SeqCst);
    }
}

/// Handles SIGINT, which the engine itself never sends: it comes from user code, a debugger or somebody outside.
pub fn on_sigint() -> PyResult<()> {
    if CURRENT.load().is_none() && !fork::is_child() {
        return Ok(());
    }
    Err(PyKeyboardInterrupt::new_err(()))
}

/// Handles [`request_signal`]. `args` are those of a Python handler: the signal and the frame.
pub fn on_request(args: &Bound<'_, PyTuple>, get_handler: &Bound<'_, PyAny>) -> PyResult<()> {
    SEEN.store(true, Ordering::SeqCst);
    let requested = REQUESTED.load();
    if !requested.is_some_and(hits) {
        return Ok(());
    }
    if FORCED.load() == requested && !FORCE_SUSPENDED.load(Ordering::SeqCst) {
        trip(request_signal());
        return force::step(&args.get_item(1)?);
    }
    // Not by tripping SIGINT: an interrupted system call would be resumed before its handler ran.
    let handler = get_handler.call1((libc::SIGINT,))?;
    spark::interrupt(&handler)?;
    if handler.is_callable() {
        handler.call1((libc::SIGINT, args.get_item(1)?)).inspect_err(|error| {
            // The handler was not called, because there was no stack left for the call.
            if error.is_instance_of::<PyRecursionError>(args.py()) {
                SEEN.store(false, Ordering::SeqCst);
            }
        })?;
    }
    Ok(())
}
