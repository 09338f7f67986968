//! Putting back what snippets of clients have rebound or deleted.

use std::sync::Arc;

use crate::domain::{Entry, SnippetId};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::view::View;

impl View {
    /// The names that can be put back of those that a snippet has rebound or deleted.
    pub fn undoable_of(&self, snippet: SnippetId) -> Vec<Arc<str>> {
        self.transcript.undoable().get(&snippet).cloned().unwrap_or_default()
    }

    /// The last snippet that has rebound a name, if that can be put back.
    pub fn undoable_setter(&self, name: &str) -> Option<SnippetId> {
        let mut undoable = self.transcript.undoable().iter().rev();
        undoable.find(|(_, names)| names.iter().any(|known| **known == *name)).map(|(snippet, _)| *snippet)
    }

    /// Puts back what the selected card has rebound or deleted. Without one, selects the last card that has.
    pub(in crate::tui) fn put_back_of_card(&mut self) -> Option<Effect> {
        let Some(card) = self.viewport.selected else {
            return match self.transcript.undoable().keys().next_back().copied() {
                Some(last) => self.offer(Action::PutBack, "puts back what {} rebound or deleted", last),
                None => self.refuse_put_back("nothing that a client has rebound or deleted is kept"),
            };
        };
        match self.transcript.entries().get(card) {
            Some(Entry::Snippet(snippet)) => {
                let (id, changes) = (snippet.id, snippet.outcome.as_ref().map(|outcome| &outcome.changes));
                let is_client = !snippet.author.is_you();
                let did = changes.is_some_and(|changes| !changes.rebound.is_empty() || !changes.removed.is_empty());
                let names = self.undoable_of(id);
                match names.is_empty() {
                    true if is_client && did => {
                        self.refuse_put_back("the objects from before it are not kept any more")
                    }
                    true => self.refuse_put_back("it is no client's code that has rebound or deleted anything"),
                    false => self.put_back(id, names),
                }
            }
            _ => self.refuse_put_back("this card has rebound nothing"),
        }
    }

    /// Puts a variable back to before the last snippet that has rebound it.
    pub(in crate::tui) fn put_back_variable(&mut self, name: &str) -> Option<Effect> {
        match self.undoable_setter(name) {
            Some(snippet) => self.put_back(snippet, vec![name.into()]),
            None => self.refuse_put_back(&format!("no object that {name} had before a client's code is kept")),
        }
    }

    fn put_back(&mut self, snippet: SnippetId, names: Vec<Arc<str>>) -> Option<Effect> {
        if self.composer.pace.is_burst() {
            return self.refuse_put_back("too soon to put anything back; nothing was done");
        }
        Some(Effect::PutBack { snippet, names })
    }

    fn refuse_put_back(&mut self, why: &str) -> Option<Effect> {
        self.notice = Some(why.to_owned());
        None
    }
}
