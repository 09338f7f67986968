//! Keys in normal and visual mode.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::char_search::CharSearch;
use super::mode::ViMode;
use super::motion::Motion;
use super::operators;
use super::state::{MAX_COUNT, Operator, PendingKey, Vi};
use crate::tui::composer::editor::Editor;
use crate::tui::composer::editor::indent::leading_spaces;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::text_buffer::TextBuffer;

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViOutcome {
    /// The key has no meaning in vi's current mode.
    NotHandled,
    Handled,
    /// The caller must show an earlier input.
    HistoryBack,
    /// The caller must show a later input.
    HistoryForward,
}

impl Editor {
    /// Handles a key if vi has a meaning for it. Call this before other tables of keys.
    pub fn vi_key(&mut self, key: KeyEvent) -> ViOutcome {
        let Some(mut vi) = self.vi.take() else { return ViOutcome::NotHandled };
        let outcome = vi.key(self, key);
        self.vi = Some(vi);
        outcome
    }
}

impl Vi {
    fn key(&mut self, editor: &mut Editor, key: KeyEvent) -> ViOutcome {
        let modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let is_plain = modifiers.is_empty();
        if self.mode == ViMode::Insert {
            if key.code != KeyCode::Esc || !is_plain {
                return ViOutcome::NotHandled;
            }
            let at = editor.buffer.cursor();
            let to = if at.byte > 0 { editor.buffer.left(at) } else { at };
            editor.buffer.go(to, false);
            self.normal(&mut editor.buffer);
            return ViOutcome::Handled;
        }
        if let Some(PendingKey::Search(_) | PendingKey::Replace | PendingKey::Object { .. }) = self.pending
            && !matches!(key.code, KeyCode::Char(_) if is_plain)
        {
            self.reset();
            return ViOutcome::Handled;
        }
        match key.code {
            KeyCode::Char('r') if modifiers == KeyModifiers::CONTROL => {
                editor.buffer.redo(self.times());
                self.normal(&mut editor.buffer);
                ViOutcome::Handled
            }
            KeyCode::Char(c) if is_plain => self.char(editor, c),
            KeyCode::Esc if self.is_waiting() || self.mode != ViMode::Normal => {
                self.normal(&mut editor.buffer);
                ViOutcome::Handled
            }
            KeyCode::Left | KeyCode::Backspace if is_plain => self.char(editor, 'h'),
            KeyCode::Right if is_plain => self.char(editor, 'l'),
            KeyCode::Home if is_plain => self.char(editor, '0'),
            KeyCode::End if is_plain => self.char(editor, '$'),
            KeyCode::Delete if is_plain => self.char(editor, 'x'),
            KeyCode::Up if is_plain => self.char(editor, 'k'),
            KeyCode::Down if is_plain => self.char(editor, 'j'),
            KeyCode::Tab | KeyCode::BackTab => ViOutcome::Handled,
            _ => ViOutcome::NotHandled,
        }
    }

    fn char(&mut self, editor: &mut Editor, c: char) -> ViOutcome {
        match (c, self.pending) {
            ('0'..='9', None) if c != '0' || self.count > 0 => {
                self.count = (self.count * 10 + c as usize - '0' as usize).min(MAX_COUNT);
                return ViOutcome::Handled;
            }
            ('g', None) => {
                self.pending = Some(PendingKey::Prefix);
                return ViOutcome::Handled;
            }
            ('i' | 'a', None) if self.operator.is_some() || self.mode != ViMode::Normal => {
                self.pending = Some(PendingKey::Object { around: c == 'a' });
                return ViOutcome::Handled;
            }
            (_, Some(PendingKey::Replace)) => {
                self.replace(editor, c);
                return ViOutcome::Handled;
            }
            (_, None) => {
                if let Some(search) = CharSearch::of(c) {
                    self.pending = Some(PendingKey::Search(search));
                    return ViOutcome::Handled;
                }
            }
            _ => {}
        }
        if let Some(motion) = self.motion(editor, c) {
            return if let Some((operator, _)) = self.operator {
                self.operate_over(editor, operator, motion);
                ViOutcome::Handled
            } else {
                self.go(editor, motion, c)
            };
        }
        let was_pending = self.pending.take().is_some();
        if self.mode != ViMode::Normal && !was_pending {
            self.in_visual(editor, c);
        } else if was_pending {
            self.reset();
        } else {
            self.command(editor, c);
        }
        ViOutcome::Handled
    }

    /// Moves the cursor.
    fn go(&mut self, editor: &mut Editor, motion: Motion, c: char) -> ViOutcome {
        let (count, at) = (self.times(), editor.buffer.cursor());
        self.reset();
        if matches!(c, 'j' | 'k') {
            for turn in 0..count {
                if !editor.move_by_row(c == 'j', false) {
                    return match (turn, c) {
                        (0, 'k') => ViOutcome::HistoryBack,
                        (0, _) => ViOutcome::HistoryForward,
                        _ => ViOutcome::Handled,
                    };
                }
            }
        } else {
            editor.forget_goal();
            match motion {
                Motion::Object(range) => {
                    self.anchor = range.start;
                    editor.buffer.go(editor.buffer.left(range.end), false);
                }
                Motion::Exclusive(to) | Motion::Inclusive(to) | Motion::Lines(to) => editor.buffer.go(to, false),
            }
        }
        if self.mode == ViMode::Normal && editor.buffer.cursor() != at {
            Self::settle(&mut editor.buffer);
        }
        ViOutcome::Handled
    }

    /// Applies the operator to the text between the cursor and the end of the motion.
    fn operate_over(&mut self, editor: &mut Editor, operator: Operator, motion: Motion) {
        let (at, buffer) = (editor.buffer.cursor(), &editor.buffer);
        match motion {
            Motion::Lines(to) => self.operate_on_lines(editor, operator, at.row.min(to.row), at.row.max(to.row)),
            Motion::Object(range) => self.operate(editor, operator, range),
            Motion::Exclusive(to) => self.operate(editor, operator, at.min(to)..at.max(to)),
            Motion::Inclusive(to) => {
                let range = at.min(to)..buffer.right(at.max(to));
                self.operate(editor, operator, range);
            }
        }
    }

    /// A key of normal mode that is no motion.
    fn command(&mut self, editor: &mut Editor, c: char) {
        let times = self.times();
        let operator = match c {
            'd' => Some(Operator::Delete),
            'c' => Some(Operator::Change),
            'y' => Some(Operator::Yank),
            '>' => Some(Operator::Indent),
            '<' => Some(Operator::Unindent),
            _ => None,
        };
        match (self.operator, operator) {
            (Some((begun, _)), operator) => {
                if operator == Some(begun) {
                    let row = editor.buffer.cursor().row;
                    self.operate_on_lines(editor, begun, row, row + times - 1);
                } else {
                    self.reset();
                }
            }
            (None, Some(operator)) => {
                self.operator = Some((operator, self.count));
                self.count = 0;
            }
            (None, None) => {
                self.reset();
                if !self.insert_command(editor, c) {
                    self.edit_command(editor, c, times);
                }
            }
        }
    }

    /// A key that enters insert mode. Returns whether `c` is one.
    fn insert_command(&mut self, editor: &mut Editor, c: char) -> bool {
        let buffer = &mut editor.buffer;
        let at = buffer.cursor();
        let end = Pos::new(at.row, buffer.line().len());
        match c {
            'i' => self.insert(buffer),
            'a' => {
                buffer.go(buffer.right(at).min(end), false);
                self.insert(buffer);
            }
            'I' => {
                buffer.go(Pos::new(at.row, leading_spaces(buffer.line())), false);
                self.insert(buffer);
            }
            'A' => {
                buffer.go(end, false);
                self.insert(buffer);
            }
            'o' => {
                self.insert(buffer);
                buffer.go(end, false);
                editor.new_line();
            }
            'O' => {
                self.insert(buffer);
                let indent = " ".repeat(leading_spaces(buffer.line()));
                let begin = Pos::new(at.row, 0);
                buffer.replace(begin..begin, &format!("{indent}\n"));
                buffer.go(Pos::new(at.row, indent.len()), false);
            }
            _ => return false,
        }
        true
    }

    fn edit_command(&mut self, editor: &mut Editor, c: char, times: usize) {
        let buffer = &mut editor.buffer;
        let at = buffer.cursor();
        let end = Pos::new(at.row, buffer.line().len());
        let right = |buffer: &TextBuffer| (0..times).fold(at, |pos, _| buffer.right(pos).min(end));
        match c {
            'x' => {
                let range = at..right(buffer);
                self.operate(editor, Operator::Delete, range);
            }
            'X' => {
                let begin = Pos::new(at.row, 0);
                let range = (0..times).fold(at, |pos, _| buffer.left(pos).max(begin))..at;
                self.operate(editor, Operator::Delete, range);
            }
            's' => {
                let range = at..right(buffer);
                self.operate(editor, Operator::Change, range);
            }
            'D' => self.operate(editor, Operator::Delete, at..end),
            'C' => self.operate(editor, Operator::Change, at..end),
            'S' => self.operate_on_lines(editor, Operator::Change, at.row, at.row + times - 1),
            'Y' => self.operate_on_lines(editor, Operator::Yank, at.row, at.row + times - 1),
            'p' | 'P' => operators::put(buffer, c == 'p', times),
            'u' => {
                buffer.undo(times);
                Self::settle(buffer);
            }
            'r' => {
                self.count = times;
                self.pending = Some(PendingKey::Replace);
            }
            'J' if at.row + 1 < buffer.lines().len() => {
                let next = &buffer.lines()[at.row + 1];
                let begin = Pos::new(at.row + 1, next.len() - next.trim_start().len());
                buffer.begin_undo_step();
                buffer.replace(end..begin, " ");
                buffer.go(end, false);
            }
            '~' => {
                let range = at..right(buffer);
                let swapped = operators::swap_case(&buffer.slice(&range));
                buffer.begin_undo_step();
                buffer.replace(range, &swapped);
                Self::settle(buffer);
            }
            'v' | 'V' => {
                self.mode = if c == 'v' { ViMode::Visual } else { ViMode::VisualLine };
                self.anchor = at;
            }
            _ => {}
        }
    }
}
