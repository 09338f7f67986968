//! Detection of a hangup of the terminal without SIGHUP: the signal may be ignored, or the terminal not the session's
//! own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Calls `on_hangup` once the terminal has hung up. Costs nothing until then.
pub fn watch(terminal: OwnedFd, on_hangup: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let wait = move || {
        while !poll_hangup(&terminal, PollTimeout::NONE)? {}
        on_hangup();
        Ok::<(), Errno>(())
    };
    thread::Builder::new().name("terminal".to_owned()).spawn(wait).map(drop)
}

/// Returns whether the terminal has hung up.
pub fn has_hung_up(terminal: &impl AsFd) -> bool {
    poll_hangup(terminal, PollTimeout::ZERO).unwrap_or(true)
}

fn poll_hangup(terminal: &impl AsFd, limit: PollTimeout) -> Result<bool, Errno> {
    let mut terminal = [PollFd::new(terminal.as_fd(), PollFlags::empty())];
    match poll(&mut terminal, limit) {
        Ok(0) | Err(Errno::EINTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let events = terminal[0].revents().unwrap_or(PollFlags::empty());
    // Some systems cannot poll terminals, so this is no hangup.
    if events.contains(PollFlags::POLLNVAL) { Err(Errno::EBADF) } else { Ok(true) }
}
