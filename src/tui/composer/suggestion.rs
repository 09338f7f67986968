//! The suggestion behind the cursor: the rest of an earlier input that begins like the input does.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::editor::{ViMode, is_word};
use super::history::Suggestion;
use crate::tui::view::View;

/// Characters that must be typed before a suggestion appears.
const MIN_TYPED: usize = 2;
/// Longer inputs get no suggestion.
const MAX_LINES: usize = 500;

impl View {
    /// Returns the suggestion, where it may be shown.
    pub fn suggestion(&self) -> Option<&str> {
        let suggestion = self.composer.history.suggestion.as_ref()?;
        let editor = &self.composer.editor;
        let is_free = self.composer.completion.popup.is_none()
            && self.layers.history_search().is_none()
            && editor.mode() == ViMode::Insert
            && editor.is_at_end()
            && suggestion.key.0 == editor.buffer.revision();
        suggestion.rest.as_deref().filter(|_| is_free)
    }

    /// Searches for a suggestion, unless nothing changed since the last search.
    pub fn find_suggestion(&mut self) {
        let key = (self.composer.editor.buffer.revision(), self.transcript.entries().len());
        if self.composer.history.suggestion.as_ref().is_some_and(|suggestion| suggestion.key == key) {
            return;
        }
        let is_short = self.composer.editor.buffer.lines().len() <= MAX_LINES;
        let code =
            is_short.then(|| self.composer.editor.code()).filter(|code| code.trim().chars().count() >= MIN_TYPED);
        let rest = code.and_then(|code| {
            let found = self.inputs().beginning_with(&code)?;
            Some(found[code.len()..].trim_end().to_owned()).filter(|rest| !rest.is_empty())
        });
        self.composer.history.suggestion = Some(Suggestion { key, rest });
    }

    /// Inserts the suggestion or its first word, as the key says. Returns whether the key was for that.
    pub fn accept_suggestion(&mut self, key: KeyEvent) -> bool {
        self.find_suggestion();
        let Some(suggestion) = self.suggestion() else { return false };
        let (control, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        let length = match (key.code, key.modifiers) {
            (KeyCode::Right | KeyCode::End, KeyModifiers::NONE) | (KeyCode::Char('e' | 'f'), KeyModifiers::CONTROL) => {
                suggestion.len()
            }
            (KeyCode::Char('f'), m) if m == alt => first_word_end(suggestion),
            (KeyCode::Right, m) if m == alt || m == control => first_word_end(suggestion),
            _ => return false,
        };
        let accepted = suggestion[..length].to_owned();
        self.composer.editor.insert_as_step(&accepted);
        true
    }
}

fn first_word_end(text: &str) -> usize {
    let begin = text.find(is_word).unwrap_or(text.len());
    text[begin..].find(|c| !is_word(c)).map_or(text.len(), |end| begin + end)
}
