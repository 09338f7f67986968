//! Safe points in the life of a session: when one is woken, and with what.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::unistd::Pid;

use super::state::Guardian;
use crate::domain::SnippetId;
use crate::launch::handover::Handover;
use crate::launch::safe_points::SafePointStore;

impl Guardian {
    /// Lets session processes make safe points, where the system can wake them.
    pub fn offer_safe_points(&mut self) {
        // A copy that is not detached could not become the foreground job.
        if cfg!(target_os = "linux") && self.detached {
            self.safe_points = SafePointStore::new().ok();
        }
    }

    /// Lets all safe points end.
    pub fn forget_safe_points(&mut self) {
        if let Some(points) = &mut self.safe_points {
            points.clear();
        }
    }

    /// Returns the last snippet of the safe point that is to be woken, if one is: after a death, never after a request.
    pub(super) fn point_for(&mut self, handover: Option<&Handover>) -> Option<SnippetId> {
        if handover.is_some_and(|handover| handover.restart.is_death()) {
            return self.safe_points.as_mut()?.newest();
        }
        self.forget_safe_points();
        None
    }

    /// Wakes the newest safe point. `numbers` are the descriptors that it gets beside the engine.
    pub(super) fn wake(&mut self, boot: &[u8], engine: &OwnedFd, numbers: &[RawFd]) -> io::Result<Pid> {
        let points = self.safe_points.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let given = numbers.iter().map(|number| borrow(*number));
        let descriptors: Vec<BorrowedFd<'_>> = std::iter::once(engine.as_fd()).chain(given).collect();
        points.wake(boot, &descriptors)
    }
}

#[allow(unsafe_code, reason = "what a process inherits is known by number")]
fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: the owners of the descriptors live until the process has started.
    unsafe { BorrowedFd::borrow_raw(number) }
}
