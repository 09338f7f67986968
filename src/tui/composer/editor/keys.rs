//! Keys that edit, as in emacs and the shells.

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::position::Pos;
use super::vi::word_before;
use super::{Editor, Vi, ViMode};

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

impl Editor {
    /// Handles a key that has no meaning in the rest of the dashboard.
    pub fn key(&mut self, key: KeyEvent) {
        // vi selects in a mode of its own.
        let select = key.modifiers.contains(KeyModifiers::SHIFT) && self.mode() == ViMode::Insert;
        let modifiers = key.modifiers & (CTRL | ALT);
        let is_vertical = matches!(key.code, KeyCode::Up | KeyCode::Down)
            || (modifiers == CTRL && matches!(key.code, KeyCode::Char('p' | 'n')));
        if !is_vertical {
            self.forget_goal();
        }
        if let Some(to) = self.destination(key.code, modifiers) {
            self.buffer.begin_undo_step();
            // The arrows alone go to the ends of a selection, as in graphical editors.
            let to = match (self.buffer.selection().filter(|_| !select && modifiers == NONE), key.code) {
                (Some(selected), KeyCode::Left) => selected.start,
                (Some(selected), KeyCode::Right) => selected.end,
                _ => to,
            };
            self.buffer.go(to, select);
            return;
        }
        let at = self.buffer.cursor();
        let code = match key.code {
            KeyCode::Char(c) if modifiers != NONE => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        match (code, modifiers) {
            (KeyCode::Char(c), NONE) => self.type_char(c),
            (KeyCode::Up, NONE) | (KeyCode::Char('p'), CTRL) => {
                self.buffer.begin_undo_step();
                if !self.move_by_row(false, select) {
                    self.buffer.go(Pos::default(), select);
                }
            }
            (KeyCode::Down, NONE) | (KeyCode::Char('n'), CTRL) => {
                self.buffer.begin_undo_step();
                if !self.move_by_row(true, select) {
                    self.buffer.go(self.buffer.end(), select);
                }
            }
            (KeyCode::Backspace, NONE) | (KeyCode::Char('h'), CTRL) if self.dedent() => {}
            (KeyCode::Backspace, NONE) | (KeyCode::Char('h'), CTRL) => self.buffer.erase(self.buffer.left(at)..at),
            (KeyCode::Delete, NONE) | (KeyCode::Char('d'), CTRL) => self.buffer.erase(at..self.buffer.right(at)),
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), ALT) => self.kill(self.buffer.word_left(at)..at),
            (KeyCode::Delete, _) | (KeyCode::Char('d'), ALT) => self.kill(at..self.buffer.word_right(at)),
            (KeyCode::Char('w'), CTRL) => {
                self.kill(word_before(&self.buffer, at, false)..at);
            }
            (KeyCode::Char('k'), CTRL) => {
                let end = Pos::new(at.row, self.buffer.line().len());
                self.kill(at..if at == end { self.buffer.right(at) } else { end });
            }
            // In a shell this kills to the beginning of the line.
            (KeyCode::Char('u'), CTRL) => {
                let begin = Pos::new(at.row, 0);
                self.kill(if at == begin { self.buffer.left(at) } else { begin }..at);
            }
            (KeyCode::Char('y'), CTRL) => {
                let killed = self.buffer.killed();
                self.insert_as_step(&killed);
            }
            (KeyCode::Char('t'), CTRL) => self.transpose(),
            (KeyCode::BackTab, _) => self.unindent(),
            // For people who chose other keys for these actions, and terminals that send other codes.
            (KeyCode::Char('7' | '_' | '/'), m) if m.contains(CTRL) => self.undo(),
            (KeyCode::Char('_'), ALT) => self.redo(),
            _ => {}
        }
    }

    /// Returns where a key moves the cursor; `None` if it is no key of movement.
    fn destination(&self, code: KeyCode, modifiers: KeyModifiers) -> Option<Pos> {
        let (at, buffer) = (self.buffer.cursor(), &self.buffer);
        let code = match code {
            KeyCode::Char(c) if modifiers != NONE => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Some(match (code, modifiers) {
            (KeyCode::Left, NONE) | (KeyCode::Char('b'), CTRL) => buffer.left(at),
            (KeyCode::Right, NONE) | (KeyCode::Char('f'), CTRL) => buffer.right(at),
            (KeyCode::Left, CTRL | ALT) | (KeyCode::Char('b'), ALT) => buffer.word_left(at),
            (KeyCode::Right, CTRL | ALT) | (KeyCode::Char('f'), ALT) => buffer.word_right(at),
            (KeyCode::Home, _) | (KeyCode::Char('a'), CTRL) => Pos::new(at.row, 0),
            (KeyCode::End, _) | (KeyCode::Char('e'), CTRL) => Pos::new(at.row, buffer.line().len()),
            (KeyCode::Char('<'), ALT) => Pos::default(),
            (KeyCode::Char('>'), ALT) => buffer.end(),
            _ => return None,
        })
    }

    /// Inserts a typed character, after Python's manners moved the line.
    fn type_char(&mut self, c: char) {
        match c {
            ':' => self.dedent_clause(),
            ')' | ']' | '}' => self.dedent_bracket(),
            _ => {}
        }
        self.buffer.type_char(c);
    }

    /// Kills the selection, or else `range`.
    fn kill(&mut self, range: Range<Pos>) {
        let range = self.buffer.selection().unwrap_or(range);
        self.buffer.kill(range);
    }

    /// Exchanges the characters around the cursor, or the last two of the line.
    fn transpose(&mut self) {
        let mut at = self.buffer.cursor();
        if at.byte == self.buffer.line().len() && at.byte > 0 {
            at = self.buffer.left(at);
        }
        let (before, after) = (self.buffer.left(at), self.buffer.right(at));
        if before.row == at.row && after.row == at.row && before < at && at < after {
            let swapped = self.buffer.slice(&(at..after)) + &self.buffer.slice(&(before..at));
            self.buffer.begin_undo_step();
            self.buffer.replace(before..after, &swapped);
            self.buffer.begin_undo_step();
        }
    }

    pub fn undo(&mut self) {
        self.buffer.undo(1);
        self.settle();
    }

    pub fn redo(&mut self) {
        self.buffer.redo(1);
        self.settle();
    }

    /// Keeps the cursor where vi's normal mode allows it.
    fn settle(&mut self) {
        if self.mode() != ViMode::Insert {
            Vi::settle(&mut self.buffer);
        }
    }

    /// Selects the word that the cursor is in or at the end of.
    pub fn select_word(&mut self) {
        if let Some(word) = self.buffer.word_at_cursor() {
            self.buffer.select(word);
        }
    }

    pub fn select_all(&mut self) {
        self.buffer.select(Pos::default()..self.buffer.end());
    }

    /// Returns the selected text and lets go of the selection; the text can be yanked.
    pub fn copy(&mut self) -> Option<String> {
        let text = self.buffer.slice(&self.buffer.selection()?);
        self.buffer.set_killed(text.clone());
        self.buffer.go(self.buffer.cursor(), false);
        Some(text)
    }

    /// Removes the selected text and returns it; it can be yanked.
    pub fn cut(&mut self) -> Option<String> {
        let selected = self.buffer.selection()?;
        let text = self.buffer.slice(&selected);
        self.buffer.begin_undo_step();
        self.buffer.delete(selected);
        self.buffer.begin_undo_step();
        self.buffer.set_killed(text.clone());
        Some(text)
    }
}
