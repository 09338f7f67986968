//! Signals by which somebody outside asks the session to end. That must not depend on handlers of user code, so a C
//! handler stands before Python's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::Thread;

use super::os_signals::{die_of, handler_of, trip};
use crate::python::isolation::fork;

const SIGNALS: [i32; 2] = [libc::SIGTERM, libc::SIGHUP];
/// Whether user code has a handler, for each of [`SIGNALS`].
static HAS_USER_HANDLER: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];
/// The last signal that came from outside; 0 for none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
static WATCHER: OnceLock<Thread> = OnceLock::new();

type SignalHandler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// Puts our C handler before Python's, where user code has replaced it. `is_of_user` tells whose Python handler a
/// signal has.
pub fn install_handlers(is_of_user: impl Fn(i32) -> bool) {
    for (signal, has_user_handler) in SIGNALS.into_iter().zip(&HAS_USER_HANDLER) {
        if handler_of(signal) != on_signal as SignalHandler as usize {
            has_user_handler.store(is_of_user(signal), Ordering::SeqCst);
            install(signal);
        }
    }
}

#[allow(unsafe_code, reason = "nix cannot set a handler beside Python's")]
fn install(signal: i32) {
    // SAFETY: a zeroed sigaction is valid, and the handler does only what signal handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as SignalHandler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Ends the session for a signal from outside. A signal that user code sent to its own process or process group goes to
/// Python's handler, which is ours or user code's.
#[allow(unsafe_code, reason = "only C handlers learn the sender of a signal")]
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let is_child = fork::is_child_by_pid();
    let has_user_handler = SIGNALS
        .iter()
        .zip(&HAS_USER_HANDLER)
        .any(|(known, of_user)| *known == signal && of_user.load(Ordering::SeqCst));
    if is_child && !has_user_handler {
        die_of(signal);
        return;
    }
    // SAFETY: the kernel hands over a valid siginfo; getpid is async-signal-safe.
    let is_from_self = unsafe { (*info).si_code <= 0 && (*info).si_pid() == libc::getpid() };
    if is_child || is_from_self {
        trip(signal);
        return;
    }
    RECEIVED.store(signal, Ordering::SeqCst);
    if let Some(watcher) = WATCHER.get() {
        watcher.unpark();
    }
}

/// Starts a thread that calls `quit` for each signal from outside.
pub fn watch(quit: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let watcher = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        loop {
            while RECEIVED.swap(0, Ordering::SeqCst) == 0 {
                std::thread::park();
            }
            quit();
        }
    })?;
    let _ = WATCHER.set(watcher.thread().clone());
    // A signal may have come before the watcher was known.
    watcher.thread().unpark();
    Ok(())
}
