//! A table of descriptors of the host's own, so that user code can close, replace or fork whatever it likes without
//! touching the terminal, the sockets or the pipes of the session.

use std::os::fd::RawFd;

/// Gives the calling thread, and those it spawns later, a copy of the descriptor table. `false` where the system does
/// not do that (off Linux, or in a sandbox that forbids it); then high numbers must be protection enough.
#[allow(
    unsafe_code,
    reason = "nix would need its scheduler feature for the one call, and has no wrapper for the other"
)]
pub fn make_private() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: only the calling thread's view of its descriptors changes; what it held open stays open.
    unsafe {
        // Containers forbid `unshare` for its namespaces, but not to close a range of descriptors, even an empty one.
        libc::unshare(libc::CLONE_FILES) == 0
            || libc::syscall(libc::SYS_close_range, libc::c_uint::MAX, libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE)
                == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Closes descriptors by number in the calling thread's table, whose owner lives in another table.
#[allow(unsafe_code, reason = "the owners of these numbers close them in their own table only")]
pub fn close(descriptors: &[RawFd]) {
    for descriptor in descriptors {
        // SAFETY: the numbers were handed over by the host, which has a table of its own.
        unsafe { libc::close(*descriptor) };
    }
}
