//! Commands with a condition. The actor checks the condition and carries the command out in one step.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::SessionHandle;
use super::command::Command;
use super::error::CommandError;
use crate::domain::{Author, ResetReport, Transcript};

impl SessionHandle {
    /// As [`SessionHandle::reset`], unless `objection` returns something.
    ///
    /// # Errors
    /// If the session has ended, or with the objection; then nothing is reset.
    pub async fn reset_unless<T: Send + 'static>(
        &self,
        by: Author,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
    ) -> Result<Arc<ResetReport>, CommandError<T>> {
        self.unless(objection, |reply| Command::Reset { by, reply }).await
    }

    /// As [`SessionHandle::restart`], unless `objection` returns something.
    ///
    /// # Errors
    /// If the session has ended, or with the objection; then nothing is restarted.
    pub async fn restart_unless<T: Send + 'static>(
        &self,
        by: Author,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
    ) -> Result<(), CommandError<T>> {
        self.unless(objection, |reply| Command::Restart { by, reply }).await
    }

    async fn unless<T: Send + 'static, A>(
        &self,
        objection: impl FnOnce(&Transcript) -> Option<T> + Send + 'static,
        command: impl FnOnce(oneshot::Sender<A>) -> Command,
    ) -> Result<A, CommandError<T>> {
        let (objected, mut objections) = oneshot::channel();
        let objection = move |transcript: &Transcript| {
            let objection = objection(transcript);
            let objects = objection.is_some();
            let _ = objection.map(|objection| objected.send(objection));
            objects
        };
        let done = self
            .request(|reply| Command::Unless { objection: Box::new(objection), command: Box::new(command(reply)) })
            .await;
        done.map_err(|closed| match objections.try_recv() {
            Ok(objection) => CommandError::Refused(objection),
            Err(_) => CommandError::Closed(closed),
        })
    }
}
