//! The end of a session whose guardian has died: within a second, whatever Python does, and with what was started from it.
//! There is nobody left who would give the session another Python.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Once;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{getpgrp, getpid};

use crate::python::{forbid_forks, guardian_has_died};
use crate::session::processes::Leader;

/// What runs has so long to be interrupted; then its clients are told without its end.
pub const ANSWERING: Duration = Duration::from_millis(250);
/// What an end in good order may take, the answers included.
const GOOD_ORDER: Duration = Duration::from_millis(600);
/// What was started has so long between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(150);

/// Ends this process soon after the other end of `link` was closed. `keeps`: what was started is left running.
pub fn watch(link: &OwnedFd, keeps: bool) -> io::Result<()> {
    let link = link.try_clone()?;
    thread::Builder::new().name("guardian".to_owned()).spawn(move || {
        wait_for_hangup(&link);
        thread::sleep(GOOD_ORDER);
        end_processes(keeps);
        leave(keeps);
    })?;
    Ok(())
}

/// To be called before the process ends by itself: what was started from it ends with it, if the guardian cannot see to it.
pub fn before_the_end(keeps: bool) {
    if guardian_has_died() {
        end_processes(keeps);
    }
}

fn wait_for_hangup(link: &OwnedFd) {
    let closed = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    loop {
        let mut link = [PollFd::new(link.as_fd(), PollFlags::empty())];
        match poll(&mut link, PollTimeout::NONE) {
            Ok(_) if link[0].revents().is_some_and(|seen| seen.intersects(closed)) => return,
            Ok(_) | Err(Errno::EINTR) => {}
            // Without any means to wait, the end of the link is still read elsewhere.
            Err(_) => loop {
                thread::park();
            },
        }
    }
}

/// Once; whoever comes second waits until it is done.
fn end_processes(keeps: bool) {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if let Some(leader) = Leader::find(getpid()).filter(|_| !keeps) {
            forbid_forks();
            leader.end(GRACE, || leader.own());
        }
    });
}

#[allow(unsafe_code, reason = "nothing may hold up this end, not even the clean-up of std::process::exit")]
fn leave(keeps: bool) -> ! {
    // Where only the process group is known, this process ends with it.
    if cfg!(not(target_os = "linux")) && !keeps && getpgrp() == getpid() {
        let _ = killpg(getpgrp(), Signal::SIGKILL);
    }
    // SAFETY: does not return and runs nothing.
    unsafe { libc::_exit(1) }
}
