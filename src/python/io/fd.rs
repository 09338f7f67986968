//! Descriptors on high numbers, out of the reach of user code.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit};

/// Makes a close-on-exec copy on a high number, which `os.closerange(3, 256)` and its like do not reach.
pub fn move_high(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft);
    let floor = if limit > 1023 { 900 } else { limit / 4 * 3 };
    let raw = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(floor as i32))?;
    Ok(owned(raw))
}

/// Takes over a descriptor that was inherited by number.
pub fn inherit(number: i32) -> io::Result<OwnedFd> {
    if number < 3 {
        return Err(io::Error::other(format!("descriptor {number} is not one that the guardian hands over")));
    }
    let given = owned(number);
    move_high(given.as_fd())
}

#[allow(unsafe_code, reason = "the numbers come from fcntl and from the guardian, and nobody else owns them")]
fn owned(raw: i32) -> OwnedFd {
    // SAFETY: see the callers: a fresh duplicate, or a descriptor that the guardian opened for this process alone.
    unsafe { OwnedFd::from_raw_fd(raw) }
}
