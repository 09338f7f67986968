//! Interrupts, and the other signals that would end the process.
//!
//! An interrupt comes by a signal of our own and names the snippet it is meant for, so that it never hits another one
//! or the engine itself. The first request does what SIGINT does, which user code may handle or ignore; a forceful one
//! raises whatever user code has set, and is repeated at every step of the interpreter until none of that code is left
//! (the handler trips itself again before it raises).

mod requests;

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Instant;

use pyo3::exceptions::{PyKeyboardInterrupt, PyRecursionError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyTuple};

use self::requests::{insist, send_request, trip};
use super::force;
use crate::domain::SnippetId;
use crate::python::isolation::fork;

/// Stands for a reset where a snippet's number is wanted.
pub const RESET: SnippetId = SnippetId(u32::MAX);
/// The same for looking into a value.
pub const INSPECTION: SnippetId = SnippetId(u32::MAX - 1);

/// Numbers from here on, [`RESET`] and [`INSPECTION`] left out, stand for questions about code that is being written.
const LOOKS: u32 = 1 << 31;

/// Stands for the question of that number where a snippet's number is wanted.
pub fn look(id: u32) -> SnippetId {
    SnippetId(LOOKS | (id % (LOOKS - 2)))
}

/// The snippet whose code runs now; 0 for none. Snippets count from 1.
static CURRENT: AtomicU32 = AtomicU32::new(0);
/// What has begun last, and when.
static BEGAN: Mutex<Option<(SnippetId, Instant)>> = Mutex::new(None);
/// The snippet that must be interrupted.
static TARGET: AtomicU32 = AtomicU32::new(0);
/// The snippet that must be ended whatever it catches.
static FORCED: AtomicU32 = AtomicU32::new(0);
/// Code runs that must not be ended by force.
static SPARED: AtomicBool = AtomicBool::new(false);
/// Python has come to look at the last interrupt.
static SEEN: AtomicBool = AtomicBool::new(false);
/// Address of the handler that writes Python's stack.
static STACK_HANDLER: AtomicUsize = AtomicUsize::new(0);
/// The last signal that somebody outside sent to end the process.
static QUIT: AtomicI32 = AtomicI32::new(0);
static QUIT_WATCHER: OnceLock<Thread> = OnceLock::new();
static MAIN_THREAD: OnceLock<libc::pthread_t> = OnceLock::new();
static READY: AtomicBool = AtomicBool::new(false);
/// Whether user code has handlers for [`ENDING`].
static OF_USER: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// Carries our interrupts. Nobody else is likely to use it.
#[cfg(target_os = "linux")]
fn request_signal() -> i32 {
    libc::SIGRTMIN() + 11
}
#[cfg(not(target_os = "linux"))]
fn request_signal() -> i32 {
    libc::SIGUSR2
}

/// Asks for Python's stack. Only used where there is a flight recorder.
#[cfg(target_os = "linux")]
pub fn stack_signal() -> i32 {
    libc::SIGRTMIN() + 12
}
#[cfg(not(target_os = "linux"))]
pub fn stack_signal() -> i32 {
    libc::SIGUSR1
}

/// Signals whose default is to end the process without a word. They raise in the snippet that runs.
const DEADLY: &[i32] = &[
    libc::SIGALRM,
    libc::SIGUSR1,
    #[cfg(target_os = "linux")]
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
    libc::SIGIO,
    #[cfg(target_os = "linux")]
    libc::SIGPWR,
    libc::SIGTERM,
    libc::SIGHUP,
];
/// Of these, the ones that mean "end" when they come from outside.
const ENDING: [i32; 2] = [libc::SIGTERM, libc::SIGHUP];

/// Python's signal module and our handlers; puts them right before each snippet.
pub struct Signals {
    set: Py<PyAny>,
    get: Py<PyAny>,
    interrupt: Py<PyCFunction>,
    request: Py<PyCFunction>,
    deadly: Py<PyCFunction>,
    /// What handles the other signals at the start.
    others: Vec<(i32, Py<PyAny>)>,
}

impl Signals {
    /// Must be called on Python's main thread.
    pub fn install(py: Python<'_>) -> PyResult<Self> {
        let module = py.import("_signal")?;
        let get = module.getattr("getsignal")?.unbind();
        let get_sigint = get.clone_ref(py);
        let mut signals = Self {
            set: module.getattr("signal")?.unbind(),
            get,
            interrupt: PyCFunction::new_closure(py, Some(c"interrupt"), None, |_, _| on_interrupt())?.unbind(),
            request: PyCFunction::new_closure(py, Some(c"interrupt_request"), None, move |args, _| {
                on_request(args, get_sigint.bind(args.py()))
            })?
            .unbind(),
            deadly: PyCFunction::new_closure(py, Some(c"raise_signal"), None, |args, _| {
                on_deadly(args.py(), args.get_item(0)?.extract()?)
            })?
            .unbind(),
            others: Vec::new(),
        };
        let _ = MAIN_THREAD.set(current_thread());
        force::prepare(py)?;
        keep_unblocked(&module)?;
        signals.restore(py)?;
        for signal in module.call_method0("valid_signals")?.try_iter()? {
            let signal: i32 = signal?.extract()?;
            let handler = signals.get.bind(py).call1((signal,))?;
            // The flight recorder's own is set by C code, which Python shows as `None`.
            if !handler.is_none() && !signals.is_ours(py, signal) {
                signals.others.push((signal, handler.unbind()));
            }
        }
        READY.store(true, Ordering::SeqCst);
        Ok(signals)
    }

    fn is_ours(&self, py: Python<'_>, signal: i32) -> bool {
        let handler = self.get.bind(py).call1((signal,));
        handler
            .is_ok_and(|handler| handler.is(&self.interrupt) || handler.is(&self.request) || handler.is(&self.deadly))
    }

    /// Sets our handlers again where user code took them away. Handlers of its own stay, as in any Python.
    pub fn restore(&self, py: Python<'_>) -> PyResult<()> {
        unblock(&[request_signal(), stack_signal()]);
        if !self.get.bind(py).call1((request_signal(),))?.is(&self.request) {
            self.set.bind(py).call1((request_signal(), &self.request))?;
        }
        self.ensure(py, libc::SIGINT, &self.interrupt)?;
        for signal in DEADLY {
            self.ensure(py, *signal, &self.deadly)?;
        }
        self.watch_for_end(py);
        Ok(())
    }

    /// An end that somebody outside asks for must not depend on handlers of user code.
    pub fn watch_for_end(&self, py: Python<'_>) {
        for (place, signal) in ENDING.into_iter().enumerate() {
            if !is_watched(signal) {
                OF_USER[place].store(!self.is_ours(py, signal), Ordering::SeqCst);
                watch_for_end(signal);
            }
        }
    }

    /// All handlers, timers and the mask as at the start.
    pub fn restore_all(&self, py: Python<'_>) -> PyResult<()> {
        let set = self.set.bind(py);
        let module = py.import("_signal")?;
        for timer in ["ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF"] {
            module.call_method1("setitimer", (module.getattr(timer)?, 0))?;
        }
        module.call_method1("set_wakeup_fd", (-1,))?;
        for (signal, handler) in &self.others {
            if !self.get.bind(py).call1((signal,))?.is(handler) {
                let _ = set.call1((signal, handler));
            }
        }
        set.call1((request_signal(), &self.request))?;
        set.call1((libc::SIGINT, &self.interrupt))?;
        for signal in DEADLY {
            set.call1((signal, &self.deadly))?;
        }
        unblock(&[DEADLY, &[libc::SIGINT, libc::SIGCHLD]].concat());
        self.watch_for_end(py);
        Ok(())
    }

    fn ensure(&self, py: Python<'_>, signal: i32, handler: &Py<PyCFunction>) -> PyResult<()> {
        let now = self.get.bind(py).call1((signal,))?;
        if !now.is(handler) && (!now.is_callable() || is_debuggers(&now)?) {
            self.set.bind(py).call1((signal, handler))?;
        }
        Ok(())
    }
}

/// Lets user code block all signals but those that we reach it by.
fn keep_unblocked(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let set_mask = module.getattr("pthread_sigmask")?.unbind();
    let ours = PyCFunction::new_closure(py, Some(c"pthread_sigmask"), None, move |args, options| {
        let before = set_mask.bind(args.py()).call(args, options)?;
        unblock(&[request_signal(), stack_signal()]);
        before.unbind().into_pyobject(args.py()).map(Bound::unbind).map_err(PyErr::from)
    })?;
    // `signal.pthread_sigmask` looks it up there.
    module.setattr("pthread_sigmask", ours)
}

#[allow(unsafe_code, reason = "nix knows no real-time signals")]
fn unblock(signals: &[i32]) {
    // SAFETY: a zeroed set is initialised by sigemptyset; the rest only reads it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// The snippet whose code runs now.
pub fn current() -> Option<SnippetId> {
    Some(SnippetId(CURRENT.load(Ordering::SeqCst))).filter(|current| current.0 != 0 && current.0 < LOOKS)
}

/// Whether this is the thread that runs snippets.
#[allow(unsafe_code, reason = "pthread_t can only be compared by a C function")]
pub fn on_main_thread() -> bool {
    // SAFETY: no preconditions.
    MAIN_THREAD.get().is_some_and(|main| unsafe { libc::pthread_equal(*main, current_thread()) != 0 })
}

/// Says that the code of `snippet` runs from now on. `false` if an interrupt for it came before it began.
pub fn begin(snippet: SnippetId) -> bool {
    CURRENT.store(snippet.0, Ordering::SeqCst);
    *BEGAN.lock().unwrap_or_else(PoisonError::into_inner) = Some((snippet, Instant::now()));
    TARGET.load(Ordering::SeqCst) != snippet.0
}

/// When the code of `snippet` began to run; `None` before, or once something else has begun.
pub fn began(snippet: SnippetId) -> Option<Instant> {
    let began = *BEGAN.lock().unwrap_or_else(PoisonError::into_inner);
    began.filter(|(begun, _)| *begun == snippet).map(|(_, at)| at)
}

/// Goes on with user code of `snippet` that comes after its own, such as `__str__` of what it raised: what was asked so far
/// has had its effect, but whatever comes now interrupts that code.
pub fn go_on() {
    announce_unnumbered();
}

/// Does what runs only finalizers of user code, each by itself. Raising at every step crashes Python 3.10 there.
pub fn finalize<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    SPARED.store(py.version_info() < (3, 11), Ordering::SeqCst);
    let done = work();
    SPARED.store(false, Ordering::SeqCst);
    go_on();
    done
}

/// Forgets what was meant for an earlier reset or inspection. To be called by whoever asks for interrupts.
pub fn announce_unnumbered() {
    TARGET.store(0, Ordering::SeqCst);
    FORCED.store(0, Ordering::SeqCst);
}

/// Says that no user code runs any more; late interrupts have no effect.
pub fn end() {
    CURRENT.store(0, Ordering::SeqCst);
    force::forget();
}

/// Interrupts `snippet`, if it runs now or next. Called from any thread.
pub fn interrupt(snippet: SnippetId, force: bool) {
    if !READY.load(Ordering::SeqCst) {
        return;
    }
    let Some(main) = MAIN_THREAD.get() else { return };
    SEEN.store(false, Ordering::SeqCst);
    TARGET.store(snippet.0, Ordering::SeqCst);
    if force {
        FORCED.store(snippet.0, Ordering::SeqCst);
    }
    if handler_of(request_signal()) == libc::SIG_DFL {
        // Taken away by user code: the signal would end the process. The next snippet has our handler again.
        SEEN.store(true, Ordering::SeqCst);
        return;
    }
    send_request(*main);
    insist(*main);
}

/// Whether Python has come to look at the last interrupt, whatever it made of it.
pub fn interrupt_was_seen() -> bool {
    SEEN.load(Ordering::SeqCst)
}

/// Remembers who handles [`stack_signal`] now.
pub fn remember_stack_handler() {
    STACK_HANDLER.store(handler_of(stack_signal()), Ordering::SeqCst);
}

#[allow(unsafe_code, reason = "nix cannot ask for a disposition without setting one")]
fn handler_of(signal: i32) -> usize {
    // SAFETY: a zeroed sigaction is valid, and nothing is set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 { action.sa_sigaction } else { 0 }
    }
}

/// Has Python's stack written, without Python's help. Called from any thread.
#[allow(unsafe_code, reason = "a signal must go to the one thread that runs Python code")]
pub fn ask_for_stack() {
    let Some(main) = MAIN_THREAD.get() else { return };
    let handler = STACK_HANDLER.load(Ordering::SeqCst);
    // User code may have given the signal another meaning, and its default is to end the process.
    if handler != libc::SIG_DFL && handler == handler_of(stack_signal()) {
        // SAFETY: the main thread lives as long as the process.
        unsafe { libc::pthread_kill(*main, stack_signal()) };
    }
}

/// Whether a handler of SIGINT is what pdb leaves behind when it is told to continue: it would stop later snippets in a
/// debugger that nobody started there.
fn is_debuggers(handler: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = handler.get_type();
    let is_method = class.name()? == "method" && class.module()? == "builtins";
    Ok(is_method && handler.getattr("__name__")?.eq("sigint_handler")?)
}

/// SIGINT: never sent by us, but by user code, a debugger or somebody outside.
fn on_interrupt() -> PyResult<()> {
    if CURRENT.load(Ordering::SeqCst) == 0 && !fork::is_child() {
        return Ok(());
    }
    Err(PyKeyboardInterrupt::new_err(()))
}

fn on_request(args: &Bound<'_, PyTuple>, get_handler: &Bound<'_, PyAny>) -> PyResult<()> {
    SEEN.store(true, Ordering::SeqCst);
    let current = CURRENT.load(Ordering::SeqCst);
    if current == 0 || TARGET.load(Ordering::SeqCst) != current {
        return Ok(());
    }
    if FORCED.load(Ordering::SeqCst) == current && !SPARED.load(Ordering::SeqCst) {
        trip();
        return force::step(&args.get_item(1)?);
    }
    // Not by tripping SIGINT: an interrupted system call would be resumed before its handler ran.
    let handler = get_handler.call1((libc::SIGINT,))?;
    if handler.is_callable() {
        handler.call1((libc::SIGINT, args.get_item(1)?)).inspect_err(|error| {
            // There was no room for the call, so the handler knows nothing yet.
            if error.is_instance_of::<PyRecursionError>(args.py()) {
                SEEN.store(false, Ordering::SeqCst);
            }
        })?;
    }
    Ok(())
}

fn on_deadly(py: Python<'_>, signal: i32) -> PyResult<()> {
    if fork::is_child_by_pid() {
        die_of(signal);
    }
    if CURRENT.load(Ordering::SeqCst) == 0 {
        return Ok(());
    }
    let name = py
        .import("signal")
        .and_then(|module| module.getattr("Signals")?.call1((signal,))?.getattr("name")?.extract::<String>())
        .unwrap_or_else(|_| format!("signal {signal}"));
    Err(PyRuntimeError::new_err(format!("{name} arrived and the code has set no handler for it")))
}

/// What the signal would have done without us.
#[allow(unsafe_code, reason = "dispositions can only be set by C functions")]
fn die_of(signal: i32) {
    // SAFETY: async-signal-safe functions, on this process only.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Tells signals from outside (the session must end) from those that user code sent to itself or its process group
/// (Python's handler is for them, ours or user code's).
#[allow(unsafe_code, reason = "the sender of a signal is told to C handlers only")]
extern "C" fn end_handler(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let child = fork::is_child_by_pid();
    let of_user =
        ENDING.iter().zip(&OF_USER).any(|(ending, of_user)| *ending == signal && of_user.load(Ordering::SeqCst));
    if child && !of_user {
        die_of(signal);
        return;
    }
    // SAFETY: the kernel hands over a valid siginfo; getpid is async-signal-safe, PyErr_SetInterruptEx as well.
    unsafe {
        if child || (*info).si_code <= 0 && (*info).si_pid() == libc::getpid() {
            pyo3::ffi::PyErr_SetInterruptEx(signal);
            return;
        }
    }
    QUIT.store(signal, Ordering::SeqCst);
    if let Some(watcher) = QUIT_WATCHER.get() {
        watcher.unpark();
    }
}

type EndHandler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn is_watched(signal: i32) -> bool {
    handler_of(signal) == end_handler as EndHandler as usize
}

/// Puts [`end_handler`] before Python's own.
#[allow(unsafe_code, reason = "nix cannot set a handler beside Python's")]
fn watch_for_end(signal: i32) {
    // SAFETY: a zeroed sigaction is valid, and the handler does only what signal handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = end_handler as EndHandler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Calls `quit` when a signal from outside asks the process to end. Runs on a thread of its own.
pub fn watch_quit(quit: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let watcher = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        loop {
            while QUIT.swap(0, Ordering::SeqCst) == 0 {
                std::thread::park();
            }
            quit();
        }
    })?;
    let _ = QUIT_WATCHER.set(watcher.thread().clone());
    // One may have come in between.
    watcher.thread().unpark();
    Ok(())
}

/// What Python calls the thread's `ident`.
#[allow(unsafe_code, reason = "the standard library does not give the current thread's pthread_t")]
pub fn current_thread() -> libc::pthread_t {
    // SAFETY: no preconditions.
    unsafe { libc::pthread_self() }
}
