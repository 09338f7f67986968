//! Clashes: names of one author that a snippet of another has rebound, changed or deleted; names rebound though locked;
//! and putting names back.

use std::sync::Arc;

use super::state::Actor;
use crate::domain::lexer::rebound_of;
use crate::domain::{Author, Clash, Event, Note, SnippetId, VariableChanges};
use crate::session::as_python_reads;

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

    /// Leaves out the locked names whose rebinding the person has seen in the code and allowed.
    pub(super) fn leave_out_allowed(&self, snippet: SnippetId, changes: &mut VariableChanges) {
        let Some(found) = self.transcript.snippet(snippet).filter(|_| !changes.locked.is_empty()) else { return };
        let decision = found.review.as_ref().and_then(|review| review.decision.as_ref());
        let was_allowed = decision.is_some_and(|decision| decision.runs && !decision.was_unattended);
        if was_allowed || self.transcript.gate().always_runs(&found.code) {
            let locked = changes.locked.iter().map(|name| name.as_str().into()).collect();
            let allowed = rebound_of(&found.code, &locked, as_python_reads);
            changes.locked.retain(|name| !allowed.contains(name));
        }
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
