//! Recall of earlier inputs, one after the other: those that begin with the text before the cursor. The draft comes
//! back after the last of them, whatever was done in between.

use super::text_buffer::TextBuffer;
use crate::domain::{Entry, Transcript};
use crate::session::Past;
use crate::tui::composer::editor::position::Pos;

/// Drafts that are kept at once.
const MAX_DRAFTS: usize = 20;

/// Inputs of the person, in this session and before it.
#[derive(Clone, Copy)]
pub struct PastInputs<'a> {
    pub transcript: &'a Transcript,
    /// Of other sessions, the newest first.
    pub older: &'a [Past],
}

/// Whether the dashboard itself ran the code, to keep the variables over a restart or an end.
fn keeps_variables(code: &str) -> bool {
    code.starts_with("%checkpoint --whole ") || matches!(code, "%restore restart" | "%restore last")
}

/// Place of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputPlace {
    /// Index in the transcript.
    Entry(usize),
    /// Index among the inputs of other sessions.
    Older(usize),
}

impl<'a> PastInputs<'a> {
    fn at(&self, place: InputPlace) -> Option<&'a str> {
        match place {
            InputPlace::Entry(index) => match self.transcript.entries().get(index)? {
                // Memory has only the ends of a longer input; its card offers to edit all of it.
                Entry::Snippet(snippet) if snippet.author.is_you() && snippet.code_omitted == 0 => Some(&*snippet.code),
                _ => None,
            },
            InputPlace::Older(index) => self.older.get(index).filter(|past| past.mine).map(|past| &*past.code),
        }
        .filter(|code| !keeps_variables(code))
    }

    /// The inputs before a place, or all of them, the newest first.
    fn before(self, place: Option<InputPlace>) -> impl Iterator<Item = (InputPlace, &'a str)> {
        let (entries, older) = match place {
            None => (self.transcript.entries().len(), 0),
            Some(InputPlace::Entry(index)) => (index.min(self.transcript.entries().len()), 0),
            Some(InputPlace::Older(index)) => (0, index + 1),
        };
        let places = (0..entries).rev().map(InputPlace::Entry).chain((older..self.older.len()).map(InputPlace::Older));
        places.filter_map(move |place| Some((place, self.at(place)?)))
    }

    /// The inputs after a place, the oldest first.
    fn after(self, place: InputPlace) -> impl Iterator<Item = (InputPlace, &'a str)> {
        let (older, entries) = match place {
            InputPlace::Older(index) => (index.min(self.older.len()), 0),
            InputPlace::Entry(index) => (0, index + 1),
        };
        let entries = entries..self.transcript.entries().len();
        let places = (0..older).rev().map(InputPlace::Older).chain(entries.map(InputPlace::Entry));
        places.filter_map(move |place| Some((place, self.at(place)?)))
    }

    /// Returns the newest input that begins with `text` and is longer.
    pub fn beginning_with(self, text: &str) -> Option<&'a str> {
        let entries = self.transcript.entries();
        // Each key asks, so old entries stay packed.
        let recent = (entries.packed_len()..entries.len()).rev().map(InputPlace::Entry);
        let places = recent.chain((0..self.older.len()).map(InputPlace::Older));
        places.filter_map(|place| self.at(place)).find(|code| code.len() > text.len() && code.starts_with(text))
    }
}

/// What [`Recall::back`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecallOutcome {
    /// The cursor is not on the first row, so the key moves the cursor.
    NotHere,
    Shown,
    /// There is no earlier input, or no further one.
    None,
}

#[derive(Debug, Default)]
pub struct Recall {
    /// The place of the input that is shown, and its text when it was recalled; `None` for a draft.
    shown: Option<(InputPlace, String)>,
    /// Recalled inputs begin with it.
    prefix: String,
    /// Texts that were written before; the last comes back first.
    drafts: Vec<String>,
}

impl Recall {
    /// Shows the newest input before the shown one that begins with the text before the cursor.
    pub fn back(&mut self, buffer: &mut TextBuffer, inputs: PastInputs<'_>) -> RecallOutcome {
        let text = buffer.text();
        let typed = buffer.slice(&(Pos::default()..buffer.cursor()));
        let find = |place: Option<InputPlace>, prefix: &str| {
            inputs.before(place).find(|(_, code)| code.starts_with(prefix) && *code != text)
        };
        let found = match &self.shown {
            Some((place, shown)) if *shown == text => find(Some(*place), &self.prefix),
            // The recalled input was changed: its text is searched for, if any input begins like it.
            Some((place, _)) => {
                let found = if typed.trim().is_empty() { None } else { find(None, &typed) };
                match found {
                    Some(found) => {
                        self.prefix = typed;
                        Some(found)
                    }
                    None => find(Some(*place), &self.prefix),
                }
            }
            None => {
                self.prefix = if typed.trim().is_empty() { String::new() } else { typed };
                find(None, &self.prefix)
            }
        };
        let Some((place, code)) = found.map(|(place, code)| (place, code.to_owned())) else {
            return RecallOutcome::None;
        };
        self.save_draft(text);
        buffer.set(&code);
        self.shown = Some((place, code));
        RecallOutcome::Shown
    }

    /// Shows the input after the shown one, or else the last draft. Returns whether there was one.
    pub fn forward(&mut self, buffer: &mut TextBuffer, inputs: PastInputs<'_>) -> bool {
        let text = buffer.text();
        let found = self.shown.as_ref().and_then(|(place, _)| {
            inputs.after(*place).find(|(_, code)| code.starts_with(self.prefix.as_str()) && *code != text)
        });
        if let Some((place, code)) = found.map(|(place, code)| (place, code.to_owned())) {
            self.save_draft(text);
            buffer.set(&code);
            self.shown = Some((place, code));
            return true;
        }
        let is_unchanged = self.shown.as_ref().is_some_and(|(_, shown)| *shown == text);
        let Some(draft) = self.drafts.pop() else { return false };
        if !is_unchanged && !text.is_empty() && text != draft {
            self.drafts.insert(0, text);
        }
        buffer.set(&draft);
        self.shown = None;
        true
    }

    /// Keeps a text that was written, or changed after it was recalled.
    fn save_draft(&mut self, text: String) {
        if self.shown.as_ref().is_some_and(|(_, shown)| *shown == text) {
            return;
        }
        self.drafts.retain(|draft| *draft != text);
        self.drafts.push(text);
        let over = self.drafts.len().saturating_sub(MAX_DRAFTS);
        self.drafts.drain(..over);
    }
}
