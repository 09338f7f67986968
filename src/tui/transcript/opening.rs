//! Opening a card: its figures, its value, or its whole output.

use crate::domain::lexer::last_statement;
use crate::domain::repr_text::ReprText;
use crate::domain::terminal_text::plain;
use crate::domain::{Aspect, Entry, Snippet, SnippetId};
use crate::tui::gallery::has_pictures;
use crate::tui::input::effect::Effect;
use crate::tui::view::View;

impl View {
    /// Opens the selected card.
    pub fn open_selected(&mut self) -> Option<Effect> {
        let card = self.viewport.selected.filter(|card| self.opens(*card));
        if card.is_none() {
            self.notice = Some("no output to show".to_owned());
        }
        self.open_card(card?)
    }

    /// Opens the figures, the value or else the whole output of a card.
    pub fn open_card(&mut self, card: usize) -> Option<Effect> {
        if !has_pictures(&self.transcript, card)
            && let Some((snippet, path, aspect)) = self.value_of(card)
        {
            return Some(self.open_result(card, path, snippet, aspect));
        }
        self.open_output(card);
        None
    }

    /// The value of a card that wrote nothing else, if the value has parts: its snippet, its path, and the first view.
    fn value_of(&self, card: usize) -> Option<(SnippetId, String, Aspect)> {
        let Some(Entry::Snippet(snippet)) = self.transcript.entries().get(card) else { return None };
        let outcome = snippet.outcome.as_ref()?;
        if let [shown] = &*outcome.frames
            && outcome.result.is_none()
            && self.transcript.running().is_none()
            && snippet.output.text(None).trim() == shown.text.trim()
        {
            let last = last_statement(&snippet.code).map(|at| snippet.code[at..].trim());
            let name = last.and_then(|last| last.strip_prefix("display(")?.trim_end_matches(';').strip_suffix(')'))?;
            return self.is_still(name, snippet.id).then(|| (snippet.id, name.to_owned(), Aspect::Rows));
        }
        let text = outcome.result.as_deref()?;
        let is_free = self.transcript.running().is_none() && snippet.output.is_empty();
        // A number or a string is all in its text.
        let is_simple = || ReprText::parse(&plain(text)).is_some_and(|repr| !repr.has_parts() && !repr.is_opaque());
        let aspect = if outcome.frame.is_some() || looks_like_table(text) { Aspect::Rows } else { Aspect::Overview };
        (is_free && (outcome.frame.is_some() || !is_simple())).then(|| (snippet.id, self.path_of(snippet), aspect))
    }

    /// The name of a value whose snippet ends with the name; otherwise `_`.
    fn path_of(&self, snippet: &Snippet) -> String {
        let last = last_statement(&snippet.code).map_or("", |at| snippet.code[at..].trim());
        if self.is_still(last, snippet.id) { last.to_owned() } else { "_".to_owned() }
    }

    /// Whether a name means the value that it had after a snippet.
    fn is_still(&self, name: &str, after: SnippetId) -> bool {
        let variable = self.transcript.variables().rows.iter().find(|variable| variable.name == name);
        variable.is_some_and(|variable| variable.set_by.is_none_or(|setter| setter <= after))
    }
}

/// Returns whether a text looks like that of an array, a series or a table, whose rows are shown first.
fn looks_like_table(text: &str) -> bool {
    let beginnings = ["array(", "ndarray of shape", "tensor(", "shape: (", "pyarrow.Table"];
    let last = text.lines().last().unwrap_or_default();
    beginnings.iter().any(|beginning| text.starts_with(beginning)) || last.contains("dtype: ")
}
