//! Snippets that the transcript holds only in part: the rest is read from the journal on request.

use std::collections::HashMap;

use super::SessionHandle;
use super::command::Command;
use super::error::{Closed, ReplayRefused};
use crate::domain::replay_selection::{self, ReplaySelection};
use crate::domain::{Author, Output, Snippet, SnippetId};
use crate::session::background::in_background;

impl SessionHandle {
    /// Returns the snippet as it is now, with its output so far; `None` if there is no snippet of that number.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn snippet(&self, snippet: SnippetId) -> Result<Option<Snippet>, Closed> {
        let found: Option<Snippet> = self.request(|reply| Command::Snippet { snippet, reply }).await?;
        let Some(found) = found else { return Ok(None) };
        let is_old = found.output.omitted() > 0 && found.output.memory() < Output::HEAD;
        if !found.status.is_final()
            || !(is_old || found.code_omitted > 0 || found.outcome_is_cut || found.effects_dropped)
        {
            return Ok(Some(found));
        }
        let spool = self.spool.clone();
        let recorded = in_background(move || spool.recorded(snippet)).await.flatten();
        Ok(Some(match recorded.filter(|recorded| recorded.outcome.is_some()) {
            Some(Snippet { code, output, outcome, effects, .. }) => Snippet {
                code,
                code_omitted: 0,
                output,
                outcome,
                outcome_is_cut: false,
                overtaken: false,
                effects,
                effects_dropped: false,
                ..found
            },
            None => found,
        }))
    }

    /// Runs earlier snippets once more as `by`, one by one, up to the first that now fails.
    ///
    /// A replay keeps its place in the queue to its end. An interrupt of the snippet that it runs ends the replay;
    /// before the replay has begun, an interrupt of whatever runs does. Resolves at once to the number of snippets.
    ///
    /// # Errors
    /// If there are none, another replay has not ended, or the session has.
    pub async fn replay(&self, by: Author, which: ReplaySelection) -> Result<usize, ReplayRefused> {
        let selection = which.clone();
        let long = self.read(move |transcript| {
            let is_cut = |id: &SnippetId| transcript.snippet(*id).is_some_and(|snippet| snippet.code_omitted > 0);
            replay_selection::snippets(transcript, &selection).into_iter().filter(is_cut).collect::<Vec<_>>()
        });
        let (long, spool) = (long.await?, self.spool.clone());
        let codes = if long.is_empty() {
            HashMap::new()
        } else {
            let code = move |id| spool.recorded(id).map(|recorded| (id, recorded.code));
            in_background(move || long.into_iter().filter_map(code).collect()).await.unwrap_or_default()
        };
        self.request(|reply| Command::Replay { by, which, codes, reply }).await?
    }
}
