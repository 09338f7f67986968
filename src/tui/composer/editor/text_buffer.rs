//! `TextBuffer`: the text of an editor, its cursor, selection and undo.

use std::mem;
use std::ops::Range;

use tui_textarea::{CursorMove, DataCursor, TextArea};
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::lines;
use super::position::Pos;
use super::undo::{Edit, EditKind, UndoHistory};
use crate::domain::char_boundary::floor_char_boundary;

/// The last row and column that [`CursorMove::Jump`] can go to.
const MAX_JUMP: usize = u16::MAX as usize;

/// A text on the model of tui-textarea.
///
/// A [`TextArea`] holds the lines and the cursor, and makes the edits: `insert_str` at the cursor, or over a selection
/// to delete. The rest is ours: places in bytes and between graphemes, a selection that stays over those edits, the
/// text that was killed, and undo by words. The area's own history is off, so nothing is kept twice.
///
/// **Cost.** After each edit the area measures all lines for its own drawing, which we do not use: some 0.5 µs a line,
/// so a key takes 1 ms at 2 000 lines, 5 ms at 10 000 (within a frame of 16 ms), 27 ms at 50 000. So a key or a paste
/// makes one edit. A replacement and an undo change the lines first, and make one new area of them.
///
/// **Limit.** The area's cursor jumps to the first 65 535 rows and columns only. Larger texts stay editable, but an
/// edit or a move beyond that makes a new area, and measures the lines up to three times. `$EDITOR` is the better place
/// for them.
#[derive(Debug)]
pub struct TextBuffer {
    area: TextArea<'static>,
    /// The end of the selection that stays.
    anchor: Option<Pos>,
    /// The text that was cut or killed last.
    killed: String,
    undo: UndoHistory,
    revision: u64,
}

impl Default for TextBuffer {
    fn default() -> Self {
        Self {
            area: area_of(vec![String::new()]),
            anchor: None,
            killed: String::new(),
            undo: UndoHistory::default(),
            revision: 0,
        }
    }
}

fn area_of(lines: Vec<String>) -> TextArea<'static> {
    let mut area = TextArea::new(lines);
    area.set_max_histories(0);
    area
}

/// The area.
impl TextBuffer {
    /// Never empty.
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    pub fn cursor(&self) -> Pos {
        let DataCursor(row, column) = self.area.cursor();
        let line = &self.lines()[row];
        let mut rest = line.chars();
        if let Some(before) = column.checked_sub(1) {
            rest.nth(before);
        }
        Pos::new(row, line.len() - rest.as_str().len())
    }

    /// Returns the move of the area's cursor to a place, if it can jump so far.
    fn jump(&self, pos: Pos) -> Option<CursorMove> {
        let (row, column) = self.in_chars(pos);
        Some(CursorMove::Jump(row.try_into().ok()?, column.try_into().ok()?))
    }

    fn move_cursor(&mut self, to: Pos) {
        if to == self.cursor() {
            return;
        }
        if let Some(jump) = self.jump(to) {
            self.area.move_cursor(jump);
            return;
        }
        // Where the area joins two lines it leaves its cursor between them. So the line is cut in two for that.
        self.change_lines(|lines| {
            let behind = lines[to.row].split_off(to.byte);
            lines.insert(to.row + 1, behind);
        });
        let row = to.row + 1;
        self.area.move_cursor(CursorMove::Jump(row.min(MAX_JUMP) as u16, 0));
        for _ in MAX_JUMP..row {
            self.area.move_cursor(CursorMove::Down);
        }
        self.area.delete_newline();
    }

    /// Replaces the text of a range. The cursor goes behind the new text.
    fn edit(&mut self, range: Range<Pos>, text: &str) {
        let Range { start, end } = range;
        // The area would measure twice, after the deletion and after the insertion.
        let is_replacement = start != end && !text.is_empty();
        let jumps = self.jump(start).zip(self.jump(end)).filter(|_| !is_replacement);
        if start == end && start == self.cursor() {
            self.area.insert_str(text);
        } else if let Some((to_start, to_end)) = jumps {
            self.area.move_cursor(to_start);
            if start != end {
                self.area.start_selection();
                self.area.move_cursor(to_end);
            }
            self.area.insert_str(text);
        } else {
            self.change_lines(|lines| lines::replace(lines, start..end, text));
            self.move_cursor(start.after(text));
        }
        self.anchor = None;
        self.revision += 1;
    }

    /// Makes a new area of the changed lines.
    fn change_lines(&mut self, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines = mem::take(&mut self.area).into_lines();
        change(&mut lines);
        self.area = area_of(lines);
    }
}

/// Reading.
impl TextBuffer {
    /// The line of the cursor.
    pub fn line(&self) -> &str {
        &self.lines()[self.area.cursor().0]
    }

    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// A number that changes with the text.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn end(&self) -> Pos {
        let row = self.lines().len() - 1;
        Pos::new(row, self.lines()[row].len())
    }

    /// Returns the nearest place in the text.
    pub fn clamp(&self, pos: Pos) -> Pos {
        self.lines()
            .get(pos.row)
            .map_or_else(|| self.end(), |line| Pos::new(pos.row, floor_char_boundary(line, pos.byte.min(line.len()))))
    }

    pub fn slice(&self, range: &Range<Pos>) -> String {
        lines::slice(self.lines(), range)
    }

    /// Returns the range of whole lines with one line end, so that its removal leaves no empty line.
    pub fn whole_lines(&self, first: usize, last: usize) -> Range<Pos> {
        let lines = self.lines();
        let last = last.min(lines.len() - 1);
        if last + 1 < lines.len() {
            Pos::new(first, 0)..Pos::new(last + 1, 0)
        } else if first > 0 {
            Pos::new(first - 1, lines[first - 1].len())..self.end()
        } else {
            Pos::default()..self.end()
        }
    }

    /// Returns the place a grapheme to the left.
    pub fn left(&self, pos: Pos) -> Pos {
        if pos.byte == 0 {
            return if pos.row == 0 { pos } else { Pos::new(pos.row - 1, self.lines()[pos.row - 1].len()) };
        }
        let line = &self.lines()[pos.row];
        let mut graphemes = GraphemeCursor::new(pos.byte, line.len(), true);
        Pos::new(pos.row, graphemes.prev_boundary(line, 0).ok().flatten().unwrap_or(0))
    }

    /// Returns the place a grapheme to the right.
    pub fn right(&self, pos: Pos) -> Pos {
        let line = &self.lines()[pos.row];
        if pos.byte >= line.len() {
            return if pos.row + 1 == self.lines().len() { pos } else { Pos::new(pos.row + 1, 0) };
        }
        let mut graphemes = GraphemeCursor::new(pos.byte, line.len(), true);
        Pos::new(pos.row, graphemes.next_boundary(line, 0).ok().flatten().unwrap_or(line.len()))
    }

    /// The character after a place; a line ends with a newline.
    pub fn char_at(&self, pos: Pos) -> Option<char> {
        let next = self.lines()[pos.row][pos.byte..].chars().next();
        next.or((pos.row + 1 < self.lines().len()).then_some('\n'))
    }

    pub fn char_before(&self, pos: Pos) -> Option<char> {
        let before = self.lines()[pos.row][..pos.byte].chars().next_back();
        before.or((pos.row > 0).then_some('\n'))
    }

    /// Returns row and column in characters.
    pub fn in_chars(&self, pos: Pos) -> (usize, usize) {
        (pos.row, self.lines()[pos.row][..pos.byte].chars().count())
    }

    /// Returns the place at row and column in characters, or the nearest one between two graphemes.
    pub fn of_chars(&self, (row, column): (usize, usize)) -> Pos {
        let Some(line) = self.lines().get(row) else { return self.end() };
        let mut chars = 0;
        for (byte, grapheme) in line.grapheme_indices(true) {
            chars += grapheme.chars().count();
            if chars > column {
                return Pos::new(row, byte);
            }
        }
        Pos::new(row, line.len())
    }
}

/// The selection.
impl TextBuffer {
    /// Moves the cursor. With `select`, the text in between is selected; otherwise the selection ends.
    pub fn go(&mut self, to: Pos, select: bool) {
        self.anchor = select.then(|| self.anchor.unwrap_or(self.cursor()));
        self.move_cursor(self.clamp(to));
    }

    /// Selects a range. The cursor goes to its end.
    pub fn select(&mut self, range: Range<Pos>) {
        self.anchor = Some(self.clamp(range.start));
        self.move_cursor(self.clamp(range.end));
    }

    /// Returns the selected range, from its first place to its last; never empty.
    pub fn selection(&self) -> Option<Range<Pos>> {
        let cursor = self.cursor();
        let anchor = self.anchor.filter(|anchor| *anchor != cursor)?;
        Some(anchor.min(cursor)..anchor.max(cursor))
    }
}

/// Edits and undo.
impl TextBuffer {
    /// Replaces the text of a range. The cursor goes behind the new text. All edits but undo are made of this.
    pub fn replace(&mut self, range: Range<Pos>, text: &str) {
        let (before, text) = (self.cursor(), lines::without_returns(text));
        let removed = self.slice(&range);
        if removed == text {
            self.go(range.end, false);
            return;
        }
        let at = range.start;
        self.edit(range, &text);
        self.undo.record(Edit { at, removed, inserted: text.into_owned() }, before);
    }

    /// Inserts text at the cursor, or replaces the selection.
    pub fn insert(&mut self, text: &str) {
        let cursor = self.cursor();
        let range = self.selection().unwrap_or(cursor..cursor);
        self.replace(range, text);
    }

    /// Inserts a typed character. Characters typed one after the other are undone word by word.
    pub fn type_char(&mut self, c: char) {
        let kind = match self.selection() {
            Some(_) => EditKind::Other,
            None => EditKind::Typed { c, at: self.cursor() },
        };
        self.undo.begin(kind);
        self.insert(c.encode_utf8(&mut [0; 4]));
    }

    pub fn delete(&mut self, range: Range<Pos>) {
        self.replace(range, "");
    }

    /// Deletes the selection, or else `range` (at the cursor) as a key does that is held down.
    pub fn erase(&mut self, range: Range<Pos>) {
        if let Some(selected) = self.selection() {
            self.begin_undo_step();
            self.delete(selected);
        } else if !range.is_empty() {
            self.undo.begin(EditKind::Erased { at: self.cursor() });
            self.delete(range);
        }
    }

    /// Deletes a range and keeps its text for the next yank. Text that is killed at once is kept together.
    pub fn kill(&mut self, range: Range<Pos>) {
        if range.is_empty() {
            return;
        }
        let text = self.slice(&range);
        let before = mem::take(&mut self.killed);
        self.killed = match self.undo.last_was_kill() {
            false => text,
            true if range.start == self.cursor() => before + &text,
            true => text + &before,
        };
        self.undo.begin(EditKind::Killed);
        self.delete(range);
    }

    /// The text that was cut or killed last.
    pub fn killed(&self) -> String {
        self.killed.clone()
    }

    pub fn set_killed(&mut self, text: impl Into<String>) {
        self.killed = text.into();
    }

    /// Replaces the whole text as one edit. The cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        self.begin_undo_step();
        self.replace(Pos::default()..self.end(), text);
    }

    /// Replaces the whole text. Nothing before that can be undone.
    pub fn reset(&mut self, text: &str) {
        self.area = area_of(lines::split(text));
        self.undo = UndoHistory::default();
        self.revision += 1;
        self.go(self.end(), false);
    }

    /// The next edit is undone without the edits before it.
    pub fn begin_undo_step(&mut self) {
        self.undo.begin(EditKind::Other);
    }

    /// Until [`TextBuffer::end_undo_group`], all edits are undone at once.
    pub fn begin_undo_group(&mut self) {
        self.undo.begin_group();
    }

    pub fn end_undo_group(&mut self) {
        self.undo.end_group();
    }

    /// Takes back the last `times` groups of edits.
    pub fn undo(&mut self, times: usize) {
        let groups: Vec<_> = std::iter::from_fn(|| self.undo.pop_done()).take(times).collect();
        let Some(cursor) = groups.last().map(|group| group.before) else { return };
        self.change_lines(|lines| {
            for edit in groups.iter().flat_map(|group| group.edits.iter().rev()) {
                lines::replace(lines, edit.at..edit.end(), &edit.removed);
            }
        });
        for group in groups {
            self.undo.push_undone(group);
        }
        self.revision += 1;
        self.go(cursor, false);
    }

    /// Makes the last `times` groups of edits again that were taken back.
    pub fn redo(&mut self, times: usize) {
        let groups: Vec<_> = std::iter::from_fn(|| self.undo.pop_undone()).take(times).collect();
        let Some(cursor) = groups.last().and_then(|group| group.edits.last()).map(Edit::end) else { return };
        self.change_lines(|lines| {
            for edit in groups.iter().flat_map(|group| &group.edits) {
                lines::replace(lines, edit.at..edit.at.after(&edit.removed), &edit.inserted);
            }
        });
        for group in groups {
            self.undo.push_done(group);
        }
        self.revision += 1;
        self.go(cursor, false);
    }
}
