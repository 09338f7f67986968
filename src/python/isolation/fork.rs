//! Forks of the session process by user code: such a child must touch nothing of the session.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static FORBIDDEN: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);
static SESSION: AtomicU32 = AtomicU32::new(0);

/// Returns whether this process is a fork of the session process. Signal-safe.
pub fn is_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// Like [`is_child`], for signal handlers: a signal can reach a child before [`FORKED`] has been set.
pub fn is_child_by_pid() -> bool {
    std::process::id() != SESSION.load(Ordering::Relaxed)
}

/// Makes [`is_child`] true in every later fork, whichever code makes it.
#[allow(unsafe_code, reason = "the standard library has no hook for fork")]
pub fn watch() {
    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }
    extern "C" fn before() {
        while FORBIDDEN.load(Ordering::Relaxed) {
            std::thread::park();
        }
    }
    SESSION.store(std::process::id(), Ordering::Relaxed);
    // SAFETY: the handlers only read atomics, and store to one.
    unsafe {
        libc::pthread_atfork(Some(before), None, Some(in_child));
    }
}

/// Stops each thread that forks from now on, for ever. Needed when this process is about to end, because a pool
/// replaces each worker that is killed.
pub fn forbid() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Ends a forked child that has come to the end of the snippet, without any clean-up of the session's.
#[allow(unsafe_code, reason = "std::process::exit would run clean-up that belongs to the parent")]
pub fn exit_child(code: i32) -> ! {
    crate::python::io::descriptors::flush_c_streams();
    // SAFETY: _exit does not return and runs nothing.
    unsafe { libc::_exit(code) }
}
