//! The check of the session's files while a session process runs. Lost files are restored.

use std::time::Duration;

use super::session_files::SessionFiles;
use super::watch::Watch;
use crate::launch::boot::ToSession;
use crate::launch::signals;

/// How long after a change the files are checked.
const SETTLE_DELAY: Duration = Duration::from_millis(200);

impl Watch<'_> {
    /// Checks the files a little later, so that the removal of a whole folder is over by then.
    pub(super) fn check_files_soon(&mut self) {
        if let Some(points) = &mut self.guardian.safe_points {
            points.on_message(self.child);
        }
        self.guardian.tell_safe_points(&mut self.link, false);
        let files = self.guardian.files.as_mut();
        if files.is_some_and(SessionFiles::has_changed) && self.end_requested.is_none() && self.killed.is_none() {
            signals::wake_after(SETTLE_DELAY);
        }
    }

    /// Restores the files of the session if the system has reported a change, or somebody has `requested` it.
    pub(super) fn check_files(&mut self, requested: bool) {
        let Some(files) = &mut self.guardian.files else { return };
        if !files.has_lost_files() && !requested {
            return;
        }
        let message = match files.renew() {
            Ok(socket) => ToSession::Listen(socket),
            Err(error) => ToSession::Unreachable(error.to_string()),
        };
        let _ = self.link.send(&message);
    }
}
