//! Descriptors out of the reach of user code.

use nix::fcntl::FcntlArg;
use nix::fcntl::fcntl;
use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;

/// A close-on-exec copy on a high number, which `os.closerange(3, 256)` and its like do not reach.
pub fn move_high(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft);
    let floor = if limit > 1023 { 900 } else { limit / 4 * 3 };
    let raw = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(floor as i32))?;
    Ok(owned(raw))
}

#[allow(unsafe_code, reason = "the numbers come from fcntl and from the guardian, and nobody else owns them")]
pub fn owned(raw: i32) -> OwnedFd {
    // SAFETY: see the callers: a fresh duplicate, or a descriptor the guardian opened for this process alone.
    unsafe { OwnedFd::from_raw_fd(raw) }
}
