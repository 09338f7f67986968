//! `CandidateList`: the candidates at the cursor, narrowed by what is typed.

use super::editor::{Editor, wrap};
use crate::domain::Candidate;

/// The candidates at the cursor.
#[derive(Debug)]
pub struct CandidateList {
    /// The code before the text that a candidate replaces.
    pub before: String,
    /// The code before the cursor at the last narrowing.
    pub written: String,
    pub candidates: Vec<Candidate>,
    pub left_out: usize,
    /// Indices of the candidates that fit the typed text.
    pub matches: Vec<usize>,
    /// Index in `matches`. A list that opened by itself has no selection, so that Enter runs the code.
    pub selected: Option<usize>,
    /// Documentation of the selected candidate.
    pub doc: Option<String>,
    /// From the variable table only, because Python gave no answer.
    pub incomplete: bool,
}

impl CandidateList {
    pub fn selected(&self) -> Option<&Candidate> {
        self.candidates.get(*self.matches.get(self.selected?)?)
    }

    /// Returns the column where the candidates begin, in cells of the line.
    pub fn column(&self) -> usize {
        wrap::cells(self.before.rsplit('\n').next().unwrap_or_default())
    }

    /// Returns the typed part of the text that a candidate replaces.
    pub fn typed(&self, editor: &Editor) -> String {
        editor.before_cursor().chars().skip(self.before.chars().count()).collect()
    }

    /// Keeps the candidates that fit the typed text. Returns whether the list stays open.
    pub fn narrow(&mut self, editor: &Editor) -> bool {
        let written = editor.before_cursor();
        let Some(typed) = written.strip_prefix(&self.before).map(str::to_lowercase) else { return false };
        self.written.clone_from(&written);
        let chosen = self.selected().map(|candidate| candidate.name.clone());
        let fits = |candidate: &Candidate| {
            candidate.text.to_lowercase().starts_with(&typed) || candidate.name.to_lowercase().starts_with(&typed)
        };
        self.matches = (0..self.candidates.len()).filter(|index| fits(&self.candidates[*index])).collect();
        if self.selected.is_some() {
            self.select(chosen.as_deref());
        }
        match self.matches.as_slice() {
            [] => false,
            [one] => self.candidates[*one].text.to_lowercase() != typed || self.selected.is_some(),
            _ => true,
        }
    }

    /// Selects the candidate of that name, or else the first.
    pub fn select(&mut self, name: Option<&str>) {
        let index = self.matches.iter().position(|index| Some(&*self.candidates[*index].name) == name);
        self.selected = Some(index.unwrap_or(0));
    }

    /// Returns the text that all matches begin with, if it continues the typed text.
    pub fn common(&self, typed: &str) -> Option<String> {
        let mut texts = self.matches.iter().map(|index| self.candidates[*index].text.as_str());
        let mut common = texts.next()?;
        for text in texts {
            let shared: usize =
                common.chars().zip(text.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
            common = &common[..shared];
        }
        (common.starts_with(typed) && common.len() > typed.len()).then(|| common.to_owned())
    }

    pub fn move_by(&mut self, by: isize) {
        let count = self.matches.len() as isize;
        let next = match self.selected {
            Some(selected) => (selected as isize + by).rem_euclid(count.max(1)),
            None if by > 0 => 0,
            None => count - 1,
        };
        self.selected = Some(next.max(0) as usize);
        self.doc = None;
    }
}
