//! Safe points in the life of a session: when one is woken, and with what.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::unistd::Pid;

use super::state::Guardian;
use crate::domain::{Restart, Rewind, SnippetId};
use crate::launch::boot::ToSession;
use crate::launch::handover::Handover;
use crate::launch::link::Link;
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

    /// Returns the last snippet of the safe point that is to be woken, if one is: after a death or for a rewind.
    pub(super) fn point_for(&mut self, handover: Option<&Handover>) -> Option<SnippetId> {
        if let Some(rewind) = handover.and_then(|handover| handover.rewind) {
            let points = self.safe_points.as_mut()?;
            points.go_back_to(rewind.point);
            return points.newest().map(|newest| newest.min(rewind.point));
        }
        if handover.is_some_and(|handover| handover.restart.is_death()) {
            return self.safe_points.as_mut()?.newest();
        }
        self.forget_safe_points();
        None
    }

    /// Tells a session process which safe points there are, if that has changed or the process `is_new`. The others
    /// end when the process no longer chooses among them.
    pub(super) fn tell_safe_points(&mut self, link: &mut Link, is_new: bool) {
        let Some(store) = &mut self.safe_points else { return };
        let points = store.list();
        if is_new {
            self.told_points.clear();
        }
        if points != self.told_points {
            let _ = link.send(&ToSession::SafePoints(points.clone()));
            self.told_points = points;
        }
        if link.known_points().is_some_and(|known| known == self.told_points) {
            store.end_retired();
        }
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

/// Says how far Python goes back: to `point`, which is not the one of `rewind` if that copy has ended meanwhile.
pub(super) fn set_rewound(restart: &mut Restart, rewind: Rewind, point: Option<SnippetId>) {
    match point {
        Some(point) if point == rewind.point => {
            restart.before = Some(rewind.before);
            restart.safe_point = Some(SnippetId(rewind.before.0.saturating_sub(1)));
        }
        Some(point) => {
            restart.before = Some(SnippetId(point.0 + 1));
            restart.how =
                format!("The safe point before snippet {} was gone, so Python went further back.", rewind.before);
        }
        None => {
            restart.how =
                format!("The safe point before snippet {} was gone, so all variables are lost.", rewind.before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewind_says_how_far_it_went() {
        let rewind = Rewind { before: SnippetId(9), point: SnippetId(6) };
        let of = |point: Option<u32>| {
            let mut restart = Restart { safe_point: point.map(SnippetId), ..Restart::default() };
            set_rewound(&mut restart, rewind, point.map(SnippetId));
            (restart.before.map(|id| id.0), restart.safe_point.map(|id| id.0), restart.how)
        };
        assert_eq!(of(Some(6)), (Some(9), Some(8), String::new()), "what came between has only looked");
        let further = of(Some(4));
        assert_eq!((further.0, further.1), (Some(5), Some(4)));
        assert!(further.2.contains("before snippet 9 was gone"), "{further:?}");
        let lost = of(None);
        assert_eq!((lost.0, lost.1), (None, None));
        assert!(lost.2.ends_with("all variables are lost."), "{lost:?}");
    }
}
