//! What vi's operators do to a range of text, and what else changes it.

use std::ops::Range;

use super::{Mode, Operator, Vi};
use crate::tui::composer::editor::buffer::Buffer;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::{Editor, spaces};

impl Vi {
    pub(super) fn operate(&mut self, editor: &mut Editor, operator: Operator, range: Range<Pos>) {
        let buffer = &mut editor.buffer;
        self.reset();
        match operator {
            Operator::Indent | Operator::Unindent => {
                self.operate_on_lines(editor, operator, range.start.row, range.end.row);
                return;
            }
            Operator::Yank => {
                buffer.set_killed(buffer.slice(&range));
                buffer.go(range.start, false);
            }
            Operator::Delete | Operator::Change => {
                buffer.hold();
                if !range.is_empty() {
                    buffer.set_killed(buffer.slice(&range));
                    buffer.delete(range);
                }
            }
        }
        if operator == Operator::Change {
            self.mode = Mode::Insert;
        } else {
            self.normal(buffer);
        }
    }

    pub(super) fn operate_on_lines(&mut self, editor: &mut Editor, operator: Operator, first: usize, last: usize) {
        self.reset();
        let buffer = &mut editor.buffer;
        let last = last.min(buffer.lines().len() - 1);
        let begin = Pos::new(first, spaces(&buffer.lines()[first]));
        if !matches!(operator, Operator::Indent | Operator::Unindent) {
            buffer.set_killed(buffer.lines()[first..=last].join("\n") + "\n");
        }
        match operator {
            Operator::Yank => buffer.go(if first < buffer.cursor().row { begin } else { buffer.cursor() }, false),
            Operator::Delete => {
                buffer.hold();
                let lines = buffer.whole_lines(first, last);
                buffer.delete(lines);
                let row = first.min(buffer.lines().len() - 1);
                buffer.go(Pos::new(row, spaces(&buffer.lines()[row])), false);
            }
            Operator::Change => {
                buffer.hold();
                buffer.delete(begin..Pos::new(last, buffer.lines()[last].len()));
                self.mode = Mode::Insert;
                return;
            }
            Operator::Indent | Operator::Unindent => {
                buffer.hold();
                editor.shift_lines(first..=last, operator == Operator::Indent);
                let begin = Pos::new(first, spaces(&editor.buffer.lines()[first]));
                editor.buffer.go(begin, false);
            }
        }
        self.normal(&mut editor.buffer);
    }

    pub(super) fn in_visual(&mut self, editor: &mut Editor, c: char) {
        let Some(range) = self.marked(&editor.buffer) else { return };
        let lines = self.mode == Mode::VisualLine;
        let (row, other) = (editor.buffer.cursor().row, editor.buffer.clamp(self.anchor).row);
        let (first, last) = (row.min(other), row.max(other));
        let operator = match c {
            'd' | 'x' | 'X' | 'D' => Operator::Delete,
            'c' | 's' | 'S' | 'C' => Operator::Change,
            'y' | 'Y' => Operator::Yank,
            '>' => Operator::Indent,
            '<' => Operator::Unindent,
            'v' | 'V' => {
                let other = if c == 'v' { Mode::Visual } else { Mode::VisualLine };
                if self.mode == other {
                    self.normal(&mut editor.buffer);
                } else {
                    self.mode = other;
                }
                return;
            }
            'o' => {
                let at = editor.buffer.cursor();
                editor.buffer.go(std::mem::replace(&mut self.anchor, at), false);
                return;
            }
            'p' | 'P' => {
                let put = editor.buffer.killed();
                editor.buffer.step();
                editor.buffer.set_killed(editor.buffer.slice(&range));
                editor.buffer.replace(range, put.trim_end_matches('\n'));
                self.normal(&mut editor.buffer);
                return;
            }
            _ => return self.reset(),
        };
        if lines || matches!(operator, Operator::Indent | Operator::Unindent) {
            self.mode = Mode::Normal;
            self.operate_on_lines(editor, operator, first, last);
        } else {
            self.mode = Mode::Normal;
            self.operate(editor, operator, range);
        }
    }

    pub(super) fn replace(&mut self, editor: &mut Editor, c: char) {
        let (buffer, times) = (&mut editor.buffer, self.times());
        let at = buffer.cursor();
        let end = Pos::new(at.row, buffer.line().len());
        let (mut to, mut count) = (at, 0);
        while count < times && to < end {
            to = buffer.right(to);
            count += 1;
        }
        if count == times && self.mode == Mode::Normal {
            buffer.step();
            buffer.replace(at..to, &c.to_string().repeat(times));
            buffer.go(buffer.left(buffer.cursor()), false);
        }
        self.normal(buffer);
    }

    /// What was yanked or deleted, behind the cursor or before it; lines below or above its line.
    pub(super) fn put(buffer: &mut Buffer, behind: bool, times: usize) {
        let at = buffer.cursor();
        let killed = buffer.killed();
        let killed = killed.repeat(times.min((1 << 20) / killed.len().max(1) + 1));
        if killed.is_empty() {
            return;
        }
        buffer.step();
        if let Some(lines) = killed.strip_suffix('\n') {
            let (row, place, text) = if behind {
                (at.row + 1, Pos::new(at.row, buffer.line().len()), format!("\n{lines}"))
            } else {
                (at.row, Pos::new(at.row, 0), format!("{lines}\n"))
            };
            buffer.replace(place..place, &text);
            buffer.go(Pos::new(row, spaces(&buffer.lines()[row])), false);
        } else {
            let end = Pos::new(at.row, buffer.line().len());
            let place = if behind { buffer.right(at).min(end) } else { at };
            buffer.replace(place..place, &killed);
            buffer.go(buffer.left(buffer.cursor()), false);
        }
        Self::settle(buffer);
    }
}

pub fn turn_case(text: &str) -> String {
    let turn = |c: char| if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
    text.chars().map(turn).collect()
}
