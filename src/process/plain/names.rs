//! Commands of the plain dashboard about the queue and about names: the front of the queue, locks, putting back.

use std::sync::Arc;

use super::console::Console;
use crate::domain::{GateChange, SnippetId};
use crate::session::{CommandError, as_python_reads};

impl Console {
    /// Locks or unlocks a variable.
    pub(super) fn lock(&mut self, name: &str, change: fn(Arc<str>) -> GateChange) {
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if name.is_empty() || !is_name {
            let locked: Vec<_> = self.transcript.gate().locked.iter().map(ToString::to_string).collect();
            let locked = if locked.is_empty() { "nothing is".to_owned() } else { locked.join(", ") };
            return self.printer.line(&format!(":lock NAME locks a variable; locked: {locked}"));
        }
        let name = as_python_reads(name);
        let change = change(name.as_str().into());
        let is_known = self.transcript.variables().rows.iter().any(|row| row.name == name);
        if !is_known && matches!(change, GateChange::Lock(_)) {
            self.printer.line(&format!("the list has no variable {name} so far; the lock holds for the name"));
        }
        self.session.change_gate(change);
    }

    /// Marks a variable or a snippet private, or no longer.
    pub(super) fn private(&mut self, what: &str) {
        let gate = self.transcript.gate();
        let what = as_python_reads(what);
        let change = match what.parse().map(SnippetId) {
            Ok(snippet) if gate.private.snippets.contains(&snippet) => GateChange::ShowSnippet(snippet),
            Ok(snippet) => GateChange::HideSnippet(snippet),
            Err(_) if what.is_empty() => return self.printer.line(":private NAME or :private N"),
            Err(_) if gate.private.names.contains(what.as_str()) => GateChange::ShowName(what.into()),
            Err(_) => GateChange::HideName(what.into()),
        };
        self.session.change_gate(change);
    }

    /// Lets a queued snippet run next.
    pub(super) async fn front(&mut self, snippet: Option<u32>) {
        let Some(snippet) = snippet.map(SnippetId).or(self.transcript.queue().last().copied()) else {
            return self.printer.line("nothing is queued");
        };
        if let Err(CommandError::Refused(refused)) = self.session.move_to_front(snippet).await {
            self.printer.line(&refused.to_string());
        }
    }

    /// Puts back what a snippet of a client has rebound or deleted.
    pub(super) fn undo(&mut self, snippet: Option<u32>) {
        let undoable = self.transcript.undoable().clone();
        let snippet = snippet.map(SnippetId).or(undoable.keys().next_back().copied());
        match snippet.and_then(|snippet| Some((snippet, undoable.get(&snippet)?.clone()))) {
            Some((snippet, names)) => self.session.put_back(snippet, names),
            None => self.printer.line("no objects from before that are kept any more"),
        }
    }
}
