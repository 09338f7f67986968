//! How a request to interrupt reaches Python's main thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{CURRENT, FORCED, SEEN, TARGET, handler_of, request_signal};

/// Python looks for signals soon only when one has come to its main thread.
#[allow(unsafe_code, reason = "a signal must go to the one thread that runs Python code")]
pub(super) fn send_request(main: libc::pthread_t) {
    // SAFETY: the main thread lives as long as the process.
    unsafe {
        libc::pthread_kill(main, request_signal());
    }
}

/// At the limit of recursion Python cannot call the handler either: it raises `RecursionError` in its place, and the request
/// is lost. So it is repeated, for a while, until the handler has been called; one by force, until the code has ended.
pub(super) fn insist(main: libc::pthread_t) {
    const PACE: Duration = Duration::from_millis(5);
    const PACE_OF_FORCE: Duration = Duration::from_micros(500);
    const LONGEST: Duration = Duration::from_secs(1);
    static INSISTS: AtomicBool = AtomicBool::new(false);
    if INSISTS.swap(true, Ordering::SeqCst) {
        return;
    }
    let repeat = move || {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST {
            let target = TARGET.load(Ordering::SeqCst);
            let is_forced = FORCED.load(Ordering::SeqCst) == target;
            std::thread::sleep(if is_forced { PACE_OF_FORCE } else { PACE });
            if CURRENT.load(Ordering::SeqCst) != target || (SEEN.load(Ordering::SeqCst) && !is_forced) {
                break;
            }
            if handler_of(request_signal()) != libc::SIG_DFL {
                send_request(main);
            }
        }
        INSISTS.store(false, Ordering::SeqCst);
    };
    if std::thread::Builder::new().name("interrupt".to_owned()).spawn(repeat).is_err() {
        INSISTS.store(false, Ordering::SeqCst);
    }
}

/// Has the handler of requests called at the next step of the interpreter.
#[allow(unsafe_code, reason = "Python trips a signal only by a function of C")]
pub(super) fn trip() {
    // SAFETY: may be called from anywhere, the GIL held or not.
    unsafe { pyo3::ffi::PyErr_SetInterruptEx(request_signal()) };
}
