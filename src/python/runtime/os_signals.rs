//! Signals as C knows them: the numbers that the engine uses for itself, handlers, masks, and the thread that runs
//! Python.

use std::sync::OnceLock;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};

static MAIN_THREAD: OnceLock<libc::pthread_t> = OnceLock::new();

/// Carries interrupt requests. Nobody else is likely to use this signal.
#[cfg(target_os = "linux")]
pub fn request_signal() -> i32 {
    libc::SIGRTMIN() + 11
}
#[cfg(not(target_os = "linux"))]
pub fn request_signal() -> i32 {
    libc::SIGUSR2
}

/// Makes faulthandler write Python's stack. Only used where there is a flight recorder.
#[cfg(target_os = "linux")]
pub fn stack_signal() -> i32 {
    libc::SIGRTMIN() + 12
}
#[cfg(not(target_os = "linux"))]
pub fn stack_signal() -> i32 {
    libc::SIGUSR1
}

/// Makes the calling thread the one that receives [`send_to_main`]. Called once, on Python's main thread.
pub fn set_main_thread() {
    let _ = MAIN_THREAD.set(current_thread());
}

/// Returns whether the calling thread runs snippets.
#[allow(unsafe_code, reason = "pthread_t can only be compared by a C function")]
pub fn on_main_thread() -> bool {
    // SAFETY: no preconditions.
    MAIN_THREAD.get().is_some_and(|main| unsafe { libc::pthread_equal(*main, current_thread()) != 0 })
}

/// Sends a signal to Python's main thread, from any thread: Python checks for signals soon only when its main thread
/// has received one.
#[allow(unsafe_code, reason = "a signal must go to the one thread that runs Python code")]
pub fn send_to_main(signal: i32) {
    if let Some(main) = MAIN_THREAD.get() {
        // SAFETY: the main thread lives as long as the process.
        unsafe { libc::pthread_kill(*main, signal) };
    }
}

/// Returns what Python calls the thread's `ident`.
#[allow(unsafe_code, reason = "the standard library does not give the current thread's pthread_t")]
pub fn current_thread() -> libc::pthread_t {
    // SAFETY: no preconditions.
    unsafe { libc::pthread_self() }
}

/// Makes Python call its handler of `signal` at the next step of the interpreter.
#[allow(unsafe_code, reason = "Python trips a signal only by a function of C")]
pub fn trip(signal: i32) {
    // SAFETY: async-signal-safe; may be called from anywhere, with or without the GIL.
    unsafe { pyo3::ffi::PyErr_SetInterruptEx(signal) };
}

/// Returns the address of the C handler of `signal`.
#[allow(unsafe_code, reason = "nix cannot read a disposition without setting one")]
pub fn handler_of(signal: i32) -> usize {
    // SAFETY: a zeroed sigaction is valid, and nothing is set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 { action.sa_sigaction } else { 0 }
    }
}

#[allow(unsafe_code, reason = "nix knows no real-time signals")]
pub fn unblock(signals: &[i32]) {
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

/// Does what the signal would have done without a handler. Signal-safe.
#[allow(unsafe_code, reason = "dispositions can only be set by C functions")]
pub fn die_of(signal: i32) {
    // SAFETY: async-signal-safe functions, on this process only.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Calls `spawn`, which starts a thread, such that signals go to Python's main thread and not to the new one: threads
/// inherit the mask of the thread that spawns them. Only the signals in `for_thread` go to the new thread, and no
/// longer to the calling one.
pub fn spawn_masked<T>(for_thread: &[Signal], spawn: impl FnOnce() -> T) -> T {
    const FAULTS: [Signal; 5] = [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT];
    let mut blocked = SigSet::all();
    for signal in FAULTS.iter().chain(for_thread) {
        blocked.remove(*signal);
    }
    let mut before = SigSet::empty();
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before));
    let spawned = spawn();
    for signal in for_thread {
        before.add(*signal);
    }
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    spawned
}
