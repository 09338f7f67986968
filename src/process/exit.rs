//! The end of the process in any case, even while Python does not return.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long the end of the host may take, and after that Python's own end (its atexit functions, and threads that
/// Python waits for).
pub const END_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the main thread may take to return from its job once the session has ended. After that, no interrupt
/// reaches the job.
const RETURN_TIMEOUT: Duration = Duration::from_millis(750);

/// The main thread has done its last job.
static HAS_RETURNED: AtomicBool = AtomicBool::new(false);

/// To be called when the main thread has done its last job.
pub fn set_main_thread_returned() {
    HAS_RETURNED.store(true, Ordering::Relaxed);
}

/// Ends the process at once, without the end of Python.
#[allow(unsafe_code, reason = "Python's end would run code of the user")]
pub fn leave(code: i32) -> ! {
    // SAFETY: does not return and runs nothing.
    unsafe { libc::_exit(code) }
}

/// Ends the process with `code` within [`END_TIMEOUT`]: the main thread may be inside a long call of C code, and Python
/// waits for its threads for as long as user code holds them.
#[allow(unsafe_code, reason = "nothing may hold up this end, not even the clean-up of std::process::exit")]
pub fn exit_within_timeout(code: i32) {
    let _ = thread::Builder::new().name("end".to_owned()).spawn(move || {
        thread::sleep(RETURN_TIMEOUT);
        if HAS_RETURNED.load(Ordering::Relaxed) {
            thread::sleep(END_TIMEOUT.saturating_sub(RETURN_TIMEOUT));
        }
        // SAFETY: does not return and runs nothing.
        unsafe { libc::_exit(code) }
    });
}
