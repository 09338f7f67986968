//! A descriptor table for the host alone. User code can close, replace or inherit any descriptor that it sees without
//! touching the terminal, the sockets or the pipes of the session.

use std::os::fd::RawFd;

/// Gives the calling thread, and the threads that it spawns later, a copy of the descriptor table. Returns `false` if
/// the system refuses (not Linux, or a sandbox); then high descriptor numbers are the only protection.
#[allow(
    unsafe_code,
    reason = "nix would need its scheduler feature for the one call, and has no wrapper for the other"
)]
pub fn make_private() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: only the calling thread's view of its descriptors changes; what it held open stays open.
    unsafe {
        // Containers forbid `unshare` because of namespaces, but not `close_range`, even of an empty range.
        libc::unshare(libc::CLONE_FILES) == 0
            || libc::syscall(libc::SYS_close_range, libc::c_uint::MAX, libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE)
                == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Closes descriptors in the table of the calling thread. Their owners have them in another table.
#[allow(unsafe_code, reason = "the owners of these numbers close them in their own table only")]
pub fn close(descriptors: &[RawFd]) {
    for descriptor in descriptors {
        // SAFETY: the numbers were handed over by the host, which has a table of its own.
        unsafe { libc::close(*descriptor) };
    }
}
