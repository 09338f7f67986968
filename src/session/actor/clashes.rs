//! Clashes: names of one author that a snippet of another has rebound, changed or deleted; and putting names back.

use std::sync::Arc;

use super::state::Actor;
use crate::domain::{Author, Clash, Event, Note, SnippetId, VariableChanges};

/// Clashes of one snippet that are told.
const MAX_CLASHES: usize = 100;

impl Actor {
    /// Finds whose objects the changed names had.
    pub(super) fn find_clashes(&self, snippet: SnippetId, changes: &mut VariableChanges) {
        let bound_before = std::mem::take(&mut changes.bound_before);
        let author_of = |id: SnippetId| self.transcript.snippet(id).map(|found| found.author.clone());
        let Some(author) = author_of(snippet) else { return };
        let clashes = bound_before.into_iter().filter_map(|(name, bound_by)| {
            let owner = author_of(bound_by).filter(|owner| !owner.is_same(&author))?;
            Some(Clash { name, owner })
        });
        changes.clashes = clashes.take(MAX_CLASHES).collect();
    }

    /// Tells everybody that names have their objects from before a snippet again.
    pub(super) fn on_put_back(&mut self, snippet: SnippetId, names: Vec<Arc<str>>) {
        if names.is_empty() {
            return;
        }
        let text = format!("{} put back as before snippet {snippet}", names.join(", ")).into();
        self.note(Note { by: Author::You, text, about: Some(snippet), to: None, answers: None });
        self.emit(Event::PutBack { names });
    }
}
