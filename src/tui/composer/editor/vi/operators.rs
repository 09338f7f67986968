//! vi's operators on a range of text or on lines, and the other commands that change text.

use std::ops::Range;

use super::mode::ViMode;
use super::state::{Operator, Vi};
use crate::tui::composer::editor::Editor;
use crate::tui::composer::editor::indent::leading_spaces;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::text_buffer::TextBuffer;

/// `put` with a count inserts about this many bytes at most.
const MAX_PUT: usize = 1 << 20;

impl Vi {
    /// Applies the operator to a range of text.
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
                buffer.begin_undo_group();
                if !range.is_empty() {
                    buffer.set_killed(buffer.slice(&range));
                    buffer.delete(range);
                }
            }
        }
        if operator == Operator::Change {
            self.mode = ViMode::Insert;
        } else {
            self.normal(buffer);
        }
    }

    /// Applies the operator to whole lines.
    pub(super) fn operate_on_lines(&mut self, editor: &mut Editor, operator: Operator, first: usize, last: usize) {
        self.reset();
        let buffer = &mut editor.buffer;
        let last = last.min(buffer.lines().len() - 1);
        let begin = Pos::new(first, leading_spaces(&buffer.lines()[first]));
        if !matches!(operator, Operator::Indent | Operator::Unindent) {
            buffer.set_killed(buffer.lines()[first..=last].join("\n") + "\n");
        }
        match operator {
            Operator::Yank => buffer.go(if first < buffer.cursor().row { begin } else { buffer.cursor() }, false),
            Operator::Delete => {
                buffer.begin_undo_group();
                let lines = buffer.whole_lines(first, last);
                buffer.delete(lines);
                let row = first.min(buffer.lines().len() - 1);
                buffer.go(Pos::new(row, leading_spaces(&buffer.lines()[row])), false);
            }
            Operator::Change => {
                buffer.begin_undo_group();
                buffer.delete(begin..Pos::new(last, buffer.lines()[last].len()));
                self.mode = ViMode::Insert;
                return;
            }
            Operator::Indent | Operator::Unindent => {
                buffer.begin_undo_group();
                editor.shift_lines(first..=last, operator == Operator::Indent);
                let begin = Pos::new(first, leading_spaces(&editor.buffer.lines()[first]));
                editor.buffer.go(begin, false);
            }
        }
        self.normal(&mut editor.buffer);
    }

    /// A key of visual mode that is no motion.
    pub(super) fn in_visual(&mut self, editor: &mut Editor, c: char) {
        let Some(range) = self.selection(&editor.buffer) else { return };
        let is_linewise = self.mode == ViMode::VisualLine;
        let (row, other) = (editor.buffer.cursor().row, editor.buffer.clamp(self.anchor).row);
        let (first, last) = (row.min(other), row.max(other));
        let operator = match c {
            'd' | 'x' | 'X' | 'D' => Operator::Delete,
            'c' | 's' | 'S' | 'C' => Operator::Change,
            'y' | 'Y' => Operator::Yank,
            '>' => Operator::Indent,
            '<' => Operator::Unindent,
            'v' | 'V' => {
                let other = if c == 'v' { ViMode::Visual } else { ViMode::VisualLine };
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
                editor.buffer.begin_undo_step();
                editor.buffer.set_killed(editor.buffer.slice(&range));
                editor.buffer.replace(range, put.trim_end_matches('\n'));
                self.normal(&mut editor.buffer);
                return;
            }
            _ => return self.reset(),
        };
        self.mode = ViMode::Normal;
        if is_linewise || matches!(operator, Operator::Indent | Operator::Unindent) {
            self.operate_on_lines(editor, operator, first, last);
        } else {
            self.operate(editor, operator, range);
        }
    }

    /// Replaces as many characters as the count says, if the line has so many.
    pub(super) fn replace(&mut self, editor: &mut Editor, c: char) {
        let (buffer, times) = (&mut editor.buffer, self.times());
        let at = buffer.cursor();
        let end = Pos::new(at.row, buffer.line().len());
        let (mut to, mut count) = (at, 0);
        while count < times && to < end {
            to = buffer.right(to);
            count += 1;
        }
        if count == times && self.mode == ViMode::Normal {
            buffer.begin_undo_step();
            buffer.replace(at..to, &c.to_string().repeat(times));
            buffer.go(buffer.left(buffer.cursor()), false);
        }
        self.normal(buffer);
    }
}

/// Inserts the text that was yanked or deleted: behind the cursor or before it, whole lines below its line or above it.
pub fn put(buffer: &mut TextBuffer, behind: bool, times: usize) {
    let at = buffer.cursor();
    let killed = buffer.killed();
    let killed = killed.repeat(times.min(MAX_PUT / killed.len().max(1) + 1));
    if killed.is_empty() {
        return;
    }
    buffer.begin_undo_step();
    if let Some(lines) = killed.strip_suffix('\n') {
        let (row, place, text) = if behind {
            (at.row + 1, Pos::new(at.row, buffer.line().len()), format!("\n{lines}"))
        } else {
            (at.row, Pos::new(at.row, 0), format!("{lines}\n"))
        };
        buffer.replace(place..place, &text);
        buffer.go(Pos::new(row, leading_spaces(&buffer.lines()[row])), false);
    } else {
        let end = Pos::new(at.row, buffer.line().len());
        let place = if behind { buffer.right(at).min(end) } else { at };
        buffer.replace(place..place, &killed);
        buffer.go(buffer.left(buffer.cursor()), false);
    }
    Vi::settle(buffer);
}

/// Exchanges small and capital letters.
pub fn swap_case(text: &str) -> String {
    let swap = |c: char| if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
    text.chars().map(swap).collect()
}
