//! The message from another thread of the guardian that nobody needs the session any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

#[derive(Clone, Debug, Default)]
pub struct Dismissal(Arc<AtomicBool>);

impl Dismissal {
    pub fn dismiss(&self) {
        self.0.store(true, Ordering::Release);
        // Wakes the guardian, which always waits for this signal. All threads block the signal.
        let _ = kill(getpid(), Signal::SIGCHLD);
    }

    pub fn is_given(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
