//! Earlier inputs, called back one after the other: those that begin with what is typed. What was being written is found
//! again behind the last of them, whatever was done in between.

use super::Editor;
use crate::domain::{Entry, Transcript};
use crate::session::Past;

/// Drafts that are kept aside at once.
const MOST: usize = 20;

/// What the person has submitted, in this session and before it.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub transcript: &'a Transcript,
    /// Of other sessions, the newest first.
    pub older: &'a [Past],
}

/// Place of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Of the transcript.
    Entry(usize),
    Older(usize),
}

#[derive(Debug, Default)]
pub struct Recall {
    /// What is looked at, and how it was when it was called back; `None` for a draft.
    at: Option<(Place, String)>,
    /// Inputs must begin with it.
    prefix: String,
    /// What was written before; the last is found first.
    drafts: Vec<String>,
}

impl<'a> Inputs<'a> {
    fn at(&self, place: Place) -> Option<&'a str> {
        match place {
            Place::Entry(index) => match self.transcript.entries().get(index)? {
                // What is longer than memory has of it is edited again from its card.
                Entry::Snippet(snippet) if snippet.author.is_you() && snippet.code_omitted == 0 => Some(&snippet.code),
                _ => None,
            },
            Place::Older(index) => self.older.get(index).filter(|past| past.mine).map(|past| &*past.code),
        }
    }

    /// The newest first, from behind a place on.
    fn before(self, place: Option<Place>) -> impl Iterator<Item = (Place, &'a str)> {
        let (entries, older) = match place {
            None => (self.transcript.entries().len(), 0),
            Some(Place::Entry(index)) => (index.min(self.transcript.entries().len()), 0),
            Some(Place::Older(index)) => (0, index + 1),
        };
        let places = (0..entries).rev().map(Place::Entry).chain((older..self.older.len()).map(Place::Older));
        places.filter_map(move |place| Some((place, self.at(place)?)))
    }

    /// The oldest first, from behind a place on.
    fn after(self, place: Place) -> impl Iterator<Item = (Place, &'a str)> {
        let (older, entries) = match place {
            Place::Older(index) => (index.min(self.older.len()), 0),
            Place::Entry(index) => (0, index + 1),
        };
        let entries = entries..self.transcript.entries().len();
        let places = (0..older).rev().map(Place::Older).chain(entries.map(Place::Entry));
        places.filter_map(move |place| Some((place, self.at(place)?)))
    }

    /// The newest that begins with `text` and goes on.
    pub fn beginning_with(self, text: &str) -> Option<&'a str> {
        self.before(None).map(|(_, code)| code).find(|code| code.len() > text.len() && code.starts_with(text))
    }
}

/// What [`Editor::history_back`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// The cursor is not where that is meant.
    NotHere,
    Shown,
    /// There is none, or none any more.
    None,
}

impl Editor {
    /// The input before this one, if the cursor is on the first row. One that begins with what was typed before the
    /// cursor.
    pub fn history_back(&mut self, inputs: Inputs<'_>) -> Back {
        if !self.is_on_first_row() {
            return Back::NotHere;
        }
        let text = self.code();
        let typed = self.before_cursor();
        let find = |place: Option<Place>, prefix: &str| {
            inputs.before(place).find(|(_, code)| code.starts_with(prefix) && *code != text)
        };
        let found = match &self.recall.at {
            Some((place, shown)) if *shown == text => find(Some(*place), &self.recall.prefix),
            // It was changed: that is what is looked for now, if there is anything like it.
            Some((place, _)) => {
                let place = *place;
                let found = if typed.trim().is_empty() { None } else { find(None, &typed) };
                match found {
                    Some(found) => {
                        self.recall.prefix = typed;
                        Some(found)
                    }
                    None => find(Some(place), &self.recall.prefix),
                }
            }
            None => {
                self.recall.prefix = if typed.trim().is_empty() { String::new() } else { typed };
                find(None, &self.recall.prefix)
            }
        };
        let Some((place, code)) = found.map(|(place, code)| (place, code.to_owned())) else { return Back::None };
        self.put_aside(text);
        self.buffer.set(&code);
        self.recall.at = Some((place, code));
        Back::Shown
    }

    /// What was written, or changed after it was called back.
    fn put_aside(&mut self, text: String) {
        if self.recall.at.as_ref().is_some_and(|(_, shown)| *shown == text) {
            return;
        }
        self.recall.drafts.retain(|draft| *draft != text);
        self.recall.drafts.push(text);
        let over = self.recall.drafts.len().saturating_sub(MOST);
        self.recall.drafts.drain(..over);
    }

    /// The input after this one, or the draft, if the cursor is on the last row.
    pub fn history_forward(&mut self, inputs: Inputs<'_>) -> bool {
        if !self.is_on_last_row() {
            return false;
        }
        let text = self.code();
        let found = self.recall.at.as_ref().and_then(|(place, _)| {
            let prefix = &self.recall.prefix;
            inputs.after(*place).find(|(_, code)| code.starts_with(prefix.as_str()) && *code != text)
        });
        if let Some((place, code)) = found.map(|(place, code)| (place, code.to_owned())) {
            self.put_aside(text);
            self.buffer.set(&code);
            self.recall.at = Some((place, code));
            return true;
        }
        let is_unchanged = self.recall.at.as_ref().is_some_and(|(_, shown)| *shown == text);
        let Some(draft) = self.recall.drafts.pop() else { return false };
        if !is_unchanged && !text.is_empty() && text != draft {
            self.recall.drafts.insert(0, text);
        }
        self.buffer.set(&draft);
        self.recall.at = None;
        true
    }
}
