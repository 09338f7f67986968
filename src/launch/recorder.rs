//! The memory of the flight recorder: made by the guardian, inherited by the session process, mapped by both.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use crate::domain::recorder::Recorder;

/// An empty recorder, and the descriptor that every process started from now on inherits until it is dropped. Only
/// Linux has such memory.
pub fn create() -> io::Result<(OwnedFd, &'static Recorder)> {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{FcntlArg, SealFlag, fcntl};
        use nix::sys::memfd::{MFdFlags, memfd_create};

        let fd = memfd_create(c"fourhands-recorder", MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&fd, size_of::<Recorder>() as libc::off_t)?;
        // Memory that user code could cut off would be a trap for whoever reads it.
        fcntl(&fd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL))?;
        let recorder = map(std::os::fd::AsFd::as_fd(&fd))?;
        Ok((fd, recorder))
    }
    #[cfg(not(target_os = "linux"))]
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// The recorder behind a descriptor of [`create`], for good.
#[allow(unsafe_code, reason = "shared memory is reached through a raw pointer")]
pub fn map(fd: BorrowedFd<'_>) -> io::Result<&'static Recorder> {
    // SAFETY: a new mapping that is never taken away, of a file that cannot shrink; the structure is made of atomics, for
    // which all bytes are valid.
    unsafe {
        let memory = libc::mmap(
            std::ptr::null_mut(),
            size_of::<Recorder>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            fd.as_raw_fd(),
            0,
        );
        if memory == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(&*memory.cast::<Recorder>()) }
    }
}
