//! Commands that are not carried out if the transcript, as it is when they arrive, has something against it: nothing can
//! come between the look and the deed.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Closed, Command, SessionHandle};
use crate::domain::{Author, ResetReport, Transcript};

/// Whether there is an objection.
pub(in crate::session) type Objects = Box<dyn FnOnce(&Transcript) -> bool + Send>;

impl SessionHandle {
    /// As [`SessionHandle::reset`]; but if `objection` finds something, that, and nothing is reset.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn reset_unless<T: Send + 'static>(
        &self,
        by: Author,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
    ) -> Result<Result<Arc<ResetReport>, T>, Closed> {
        self.unless(objection, |answer| Command::Reset { by, answer }).await
    }

    /// As [`SessionHandle::restart`]; but if `objection` finds something, that, and nothing is restarted.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn restart_unless<T: Send + 'static>(
        &self,
        by: Author,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
    ) -> Result<Result<(), T>, Closed> {
        self.unless(objection, |answer| Command::Restart { by, answer }).await
    }

    async fn unless<T: Send + 'static, A>(
        &self,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
        command: impl FnOnce(oneshot::Sender<A>) -> Command,
    ) -> Result<Result<A, T>, Closed> {
        let (objected, mut found) = oneshot::channel();
        let objects = move |transcript: &Transcript| {
            let objection = objection(transcript);
            let is_one = objection.is_some();
            let _ = objection.map(|objection| objected.send(objection));
            is_one
        };
        let told =
            self.ask(|answer| Command::Unless { objects: Box::new(objects), command: Box::new(command(answer)) }).await;
        match (told, found.try_recv()) {
            (Ok(answer), _) => Ok(Ok(answer)),
            (Err(_), Ok(objection)) => Ok(Err(objection)),
            (Err(closed), Err(_)) => Err(closed),
        }
    }
}
