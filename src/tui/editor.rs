//! The input: a text area with Python's manners, and a history of what was submitted before.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use tui_textarea::{CursorMove, TextArea, WrapMode};

use super::{text, theme};
use crate::domain::lexer::{Completeness, completeness, indent_after};
use crate::domain::{Entry, Transcript};

pub const INDENT: usize = 4;

#[derive(Debug)]
pub struct Editor {
    pub area: TextArea<'static>,
    /// Place in the transcript of the input that was called back, while it is looked at.
    recalled: Option<usize>,
    /// What was being written before history was entered.
    draft: String,
}

impl Default for Editor {
    fn default() -> Self {
        Self { area: text_area(""), recalled: None, draft: String::new() }
    }
}

fn text_area(code: &str) -> TextArea<'static> {
    let mut area: TextArea<'static> = code.split('\n').collect();
    area.set_cursor_line_style(theme::PLAIN);
    area.set_cursor_style(theme::PLAIN);
    area.set_selection_style(theme::SELECTED);
    area.set_wrap_mode(WrapMode::Glyph);
    area.set_max_histories(500);
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

impl Editor {
    pub fn code(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Row and column, in characters.
    pub fn cursor(&self) -> (usize, usize) {
        let cursor = self.area.cursor();
        (cursor.0, cursor.1)
    }

    /// Brings back a draft of another process.
    pub fn restore(&mut self, draft: &str, cursor: (usize, usize)) {
        self.set(draft);
        let index = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(index(cursor.0), index(cursor.1)));
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Replaces everything; the yank buffer stays.
    fn set(&mut self, code: &str) {
        let yank = self.area.yank_text();
        self.area = text_area(code);
        self.area.set_yank_text(yank);
    }

    pub fn clear(&mut self) {
        self.set("");
        self.recalled = None;
        self.draft.clear();
    }

    /// Selects the word that the cursor is in or at the end of.
    pub fn select_word(&mut self) {
        let (row, column) = self.cursor();
        let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
        let line: Vec<char> = self.area.lines()[row].chars().collect();
        let before = line[..column].iter().rev().take_while(|c| is_word(c)).count();
        let after = line[column..].iter().take_while(|c| is_word(c)).count();
        let index = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
        if before + after > 0 {
            self.area.move_cursor(CursorMove::Jump(index(row), index(column - before)));
            self.area.start_selection();
            self.area.move_cursor(CursorMove::Jump(index(row), index(column + after)));
        }
    }

    /// A key that means nothing to the rest of the dashboard.
    pub fn key(&mut self, key: KeyEvent) {
        use crossterm::event::{KeyCode, KeyModifiers};
        match (key.code, key.modifiers) {
            (KeyCode::Backspace, KeyModifiers::NONE) if self.dedent() => {}
            (KeyCode::BackTab, _) => {
                self.unindent_line();
            }
            (KeyCode::Char(':'), KeyModifiers::NONE | KeyModifiers::SHIFT) => {
                self.dedent_clause();
                self.area.insert_char(':');
            }
            // As in a shell; the text area itself has it for undo.
            (KeyCode::Char('u'), KeyModifiers::CONTROL) => {
                self.area.delete_line_by_head();
            }
            // Ctrl-_ and Ctrl-/ come as Ctrl-7 from most terminals.
            (KeyCode::Char('7' | '_' | '/'), m) if m.contains(KeyModifiers::CONTROL) => {
                self.area.undo();
            }
            (KeyCode::Char('_'), m) if m.contains(KeyModifiers::ALT) => {
                self.area.redo();
            }
            (KeyCode::Char('r'), KeyModifiers::CONTROL) => {}
            // Words, by the keys of other terminals and systems.
            (KeyCode::Left, KeyModifiers::ALT) => self.area.move_cursor(CursorMove::WordBack),
            (KeyCode::Right, KeyModifiers::ALT) => self.area.move_cursor(CursorMove::WordForward),
            (KeyCode::Backspace, KeyModifiers::CONTROL) => {
                self.area.delete_word();
            }
            (KeyCode::Delete, KeyModifiers::CONTROL) => {
                self.area.delete_next_word();
            }
            _ => {
                self.area.input(key);
            }
        }
    }

    /// Pasted text: one edit, and never run. Control characters have no place in code.
    pub fn paste(&mut self, pasted: &str) {
        let text: String = pasted
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c == '\r' { '\n' } else { c })
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        self.area.insert_str(text);
    }

    /// The code to run, if it is complete and the cursor is on the last line; else a new line is begun.
    pub fn enter(&mut self) -> Option<Arc<str>> {
        if self.is_blank() {
            self.clear();
            return None;
        }
        let code = self.code();
        let at_end = self.area.cursor().0 + 1 == self.area.lines().len();
        if !at_end || completeness(&code) == Completeness::Incomplete {
            self.new_line();
            return None;
        }
        self.clear();
        Some(dedented(&code).into())
    }

    pub fn new_line(&mut self) {
        let before = self.before_cursor();
        self.area.insert_newline();
        let indent = indent_after(&before);
        let rest = &self.area.lines()[self.area.cursor().0];
        let own = rest.chars().take_while(|c| *c == ' ').count();
        self.area.insert_str(" ".repeat(indent.saturating_sub(own)));
    }

    /// Four spaces, or fewer up to the next stop.
    pub fn tab(&mut self) {
        let column = self.area.cursor().1;
        self.area.insert_str(" ".repeat(INDENT - column % INDENT));
    }

    /// Takes the place of `typed`, which stands before the cursor.
    pub fn replace_before_cursor(&mut self, typed: &str, text: &str) {
        if let Some(rest) = text.strip_prefix(typed) {
            self.area.insert_str(rest);
            return;
        }
        for _ in typed.chars() {
            self.area.move_cursor(CursorMove::Back);
        }
        self.area.delete_str(typed.chars().count());
        self.area.insert_str(text);
    }

    /// Whether nothing but indentation stands before the cursor on its line.
    pub fn is_in_indentation(&self) -> bool {
        let cursor = self.area.cursor();
        self.area.lines()[cursor.0].chars().take(cursor.1).all(char::is_whitespace)
    }

    /// Place of the cursor in the code, in characters.
    pub fn place(&self) -> usize {
        let cursor = self.area.cursor();
        self.area.lines()[..cursor.0].iter().map(|line| line.chars().count() + 1).sum::<usize>() + cursor.1
    }

    pub fn before_cursor(&self) -> String {
        let cursor = self.area.cursor();
        let mut before = self.area.lines()[..cursor.0].join("\n");
        if cursor.0 > 0 {
            before.push('\n');
        }
        before.extend(self.area.lines()[cursor.0].chars().take(cursor.1));
        before
    }

    /// Backspace within the indentation goes back to the stop before.
    fn dedent(&mut self) -> bool {
        let cursor = self.area.cursor();
        let line = &self.area.lines()[cursor.0];
        if cursor.1 == 0 || self.area.is_selecting() || !line.chars().take(cursor.1).all(|c| c == ' ') {
            return false;
        }
        let back = (cursor.1 - 1) % INDENT + 1;
        for _ in 0..back {
            self.area.delete_char();
        }
        true
    }

    fn unindent_line(&mut self) {
        let cursor = self.area.cursor();
        let spaces = self.area.lines()[cursor.0].chars().take_while(|c| *c == ' ').count().min(INDENT);
        self.area.move_cursor(CursorMove::Head);
        self.area.delete_str(spaces);
        self.area.move_cursor(CursorMove::Jump(cursor.0 as u16, cursor.1.saturating_sub(spaces) as u16));
    }

    /// `else`, `elif`, `except`, `finally` stand one stop further out than the block they end.
    fn dedent_clause(&mut self) {
        let cursor = self.area.cursor();
        let lines = self.area.lines();
        let line = &lines[cursor.0];
        let word: String = line.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        let own = line.len() - line.trim_start().len();
        let above = lines[..cursor.0].iter().rev().find(|line| !line.trim().is_empty());
        let Some(above) = above else { return };
        let same_block = above.len() - above.trim_start().len() == own && !above.trim_end().ends_with(':');
        if matches!(&*word, "else" | "elif" | "except" | "finally")
            && same_block
            && own >= INDENT
            && cursor.1 == line.chars().count()
        {
            self.unindent_line();
        }
    }

    /// The input before this one, if the cursor is on the first line.
    pub fn history_back(&mut self, transcript: &Transcript) -> bool {
        if self.area.screen_cursor().row > 0 {
            return false;
        }
        let before = self.recalled.unwrap_or(transcript.entries().len());
        let shown = self.code();
        let found = (0..before).rev().find_map(|n| Some((n, own_code(transcript, n).filter(|c| *c != shown)?)));
        if let Some((place, code)) = found {
            let code = code.to_owned();
            self.keep(shown, transcript);
            self.recalled = Some(place);
            self.set(&code);
        }
        true
    }

    /// What was written, or changed after it was called back, is found again behind the last input.
    fn keep(&mut self, shown: String, transcript: &Transcript) {
        if self.recalled.and_then(|place| own_code(transcript, place)) != Some(&shown) {
            self.draft = shown;
        }
    }

    /// The input after this one, or the draft, if the cursor is on the last line.
    pub fn history_forward(&mut self, transcript: &Transcript) -> bool {
        let last = self.area.screen_to_data(usize::MAX, 0);
        let cursor = self.area.cursor();
        if cursor.0 != last.0 || cursor.1 < last.1 {
            return false;
        }
        let Some(place) = self.recalled else { return false };
        let shown = self.code();
        let mut later = place + 1..transcript.entries().len();
        let found = later.find_map(|n| Some((n, own_code(transcript, n).filter(|c| *c != shown)?)));
        let found = found.map(|(place, code)| (place, code.to_owned()));
        self.keep(shown, transcript);
        if let Some((place, code)) = found {
            self.recalled = Some(place);
            self.set(&code);
        } else {
            self.recalled = None;
            let draft = std::mem::take(&mut self.draft);
            self.set(&draft);
        }
        true
    }

    /// Rows that the input takes at `width` cells.
    pub fn rows(&self, width: u16) -> usize {
        let width = usize::from(width.max(1));
        self.area.lines().iter().map(|line| if line.len() < width { 1 } else { wrapped_rows(line, width) }).sum()
    }
}

/// Without empty lines around it, and without an indentation that all lines share: code is pasted from anywhere.
fn dedented(code: &str) -> String {
    let lines: Vec<&str> = code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect();
    let first = lines.first().copied().unwrap_or_default();
    let indent = &first[..first.len() - first.trim_start().len()];
    let shared = lines.iter().all(|line| line.trim().is_empty() || line.starts_with(indent));
    let indent = if shared { indent } else { "" };
    let lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix(indent).unwrap_or_default()).collect();
    lines.join("\n")
}

fn wrapped_rows(line: &str, width: usize) -> usize {
    text::wrap([(line, theme::PLAIN)], width, INDENT).len()
}

/// The code of an entry, if it is ours.
fn own_code(transcript: &Transcript, place: usize) -> Option<&str> {
    match transcript.entries().get(place)? {
        Entry::Snippet(snippet) if snippet.author.is_you() => Some(&snippet.code),
        _ => None,
    }
}
