//! The memory of the flight recorder: created by the guardian, inherited by the session process, mapped by both.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use crate::domain::flight_recorder::FlightRecorder;

/// A recorder in shared memory, mapped as long as this value lives.
#[derive(Debug)]
pub struct SharedRecorder(NonNull<FlightRecorder>);

impl Deref for SharedRecorder {
    type Target = FlightRecorder;

    #[allow(unsafe_code, reason = "shared memory is reached through a raw pointer")]
    fn deref(&self) -> &FlightRecorder {
        // SAFETY: the mapping is there until the drop, of a file that cannot shrink; the structure is made of atomics,
        // for which all bytes are valid.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedRecorder {
    #[allow(unsafe_code, reason = "a mapping is given back by its address")]
    fn drop(&mut self) {
        // SAFETY: nobody else knows the address.
        unsafe {
            libc::munmap(self.0.as_ptr().cast(), size_of::<FlightRecorder>());
        }
    }
}

/// Creates an empty recorder. Until its descriptor is dropped, every new process inherits it. Only Linux has such
/// memory.
pub fn create() -> io::Result<(OwnedFd, SharedRecorder)> {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{FcntlArg, SealFlag, fcntl};
        use nix::sys::memfd::{MFdFlags, memfd_create};

        let fd = memfd_create(c"fourhands-recorder", MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&fd, size_of::<FlightRecorder>() as libc::off_t)?;
        // Sealed, because reading memory that user code has truncated would be fatal.
        fcntl(&fd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL))?;
        let recorder = share(std::os::fd::AsFd::as_fd(&fd))?;
        Ok((fd, recorder))
    }
    #[cfg(not(target_os = "linux"))]
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Maps the recorder of a descriptor of [`create`], for ever.
pub fn map(fd: BorrowedFd<'_>) -> io::Result<&'static FlightRecorder> {
    Ok(Box::leak(Box::new(share(fd)?)))
}

#[allow(unsafe_code, reason = "nix maps files only as bytes")]
fn share(fd: BorrowedFd<'_>) -> io::Result<SharedRecorder> {
    // SAFETY: a new mapping, wherever the system puts it.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<FlightRecorder>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            fd.as_raw_fd(),
            0,
        )
    };
    match NonNull::new(memory.cast()) {
        Some(recorder) if memory != libc::MAP_FAILED => Ok(SharedRecorder(recorder)),
        _ => Err(io::Error::last_os_error()),
    }
}
