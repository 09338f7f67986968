//! A process that becomes dormant, and rises again.

use std::ffi::CString;
use std::io;

use nix::unistd::Pid;
#[cfg(target_os = "linux")]
use nix::{
    sys::prctl,
    sys::signal::{SigSet, Signal},
    unistd::getppid,
};

#[cfg(target_os = "linux")]
use crate::session::safe_point::PROCESS_NAME;

/// What a process had before it became dormant.
pub struct Original {
    name: Option<CString>,
}

/// Gives the process the name of a safe point. Its rank at a lack of memory stays: then the system ends the largest
/// process first, so copies outlive code that takes too much.
pub fn become_dormant() -> Original {
    #[cfg(target_os = "linux")]
    let name = prctl::get_name().ok();
    #[cfg(not(target_os = "linux"))]
    let name = None;
    let original = Original { name };
    #[cfg(target_os = "linux")]
    let _ = prctl::set_name(PROCESS_NAME);
    original
}

/// Makes the process one that ends with `guardian`, with the name that it had, and no signal of its sleep.
#[cfg(target_os = "linux")]
pub fn rise(original: &Original, guardian: Pid) -> io::Result<()> {
    if let Some(name) = &original.name {
        let _ = prctl::set_name(name);
    }
    drop_pending_signals();
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    if getppid() == guardian { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// Only Linux lets the guardian adopt a copy.
#[cfg(not(target_os = "linux"))]
pub fn rise(_: &Original, _: Pid) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "nix cannot wait for signals without blocking")]
fn drop_pending_signals() {
    let all = SigSet::all();
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: reads a set and a time, and writes nothing.
    while unsafe { libc::sigtimedwait(all.as_ref(), std::ptr::null_mut(), &raw const none) } > 0 {}
}
