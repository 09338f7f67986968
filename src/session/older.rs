//! What memory keeps only the ends of is read from the journal when somebody asks for it.

use std::collections::HashMap;

use super::handle::{Closed, Command, ReplayRefused, SessionHandle};
use super::in_background;
use crate::domain::replay_selection::{self, ReplaySelection};
use crate::domain::{Author, Output, Snippet, SnippetId};

impl SessionHandle {
    /// The snippet as it is now, output so far included; `None` if there is none of that number.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn look(&self, snippet: SnippetId) -> Result<Option<Snippet>, Closed> {
        let found: Option<Snippet> = self.ask(|answer| Command::Look { snippet, answer }).await?;
        let Some(found) = found else { return Ok(None) };
        let is_old = found.output.omitted() > 0 && found.output.memory() < Output::HEAD;
        if !found.status.is_final() || !(is_old || found.code_omitted > 0 || found.outcome_is_cut) {
            return Ok(Some(found));
        }
        let spool = self.spool.clone();
        let recorded = in_background(move || spool.recorded(snippet)).await.flatten();
        Ok(Some(match recorded.filter(|recorded| recorded.outcome.is_some()) {
            Some(Snippet { code, output, outcome, .. }) => {
                Snippet { code, code_omitted: 0, output, outcome, outcome_is_cut: false, ..found }
            }
            None => found,
        }))
    }

    /// Runs snippets of before again, one by one as `by`, up to the first that now fails. It takes its place in the queue
    /// and keeps it to the end; an interrupt of what it runs ends all of it, as one of whatever runs
    /// does before it has begun. Resolves at once to how many there are.
    ///
    /// # Errors
    /// If there are none, another replay has not ended, or the session has.
    pub async fn replay(&self, by: Author, which: ReplaySelection) -> Result<usize, ReplayRefused> {
        let wanted = which.clone();
        let long = self.read(move |transcript| {
            let is_cut = |id: &SnippetId| transcript.snippet(*id).is_some_and(|snippet| snippet.code_omitted > 0);
            replay_selection::snippets(transcript, &wanted).into_iter().filter(is_cut).collect::<Vec<_>>()
        });
        let (long, spool) = (long.await?, self.spool.clone());
        let codes = if long.is_empty() {
            HashMap::new()
        } else {
            let code = move |id| spool.recorded(id).map(|recorded| (id, recorded.code));
            in_background(move || long.into_iter().filter_map(code).collect()).await.unwrap_or_default()
        };
        self.ask(|answer| Command::Replay { by, which, codes, answer }).await?
    }
}
