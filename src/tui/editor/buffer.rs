//! The text of an input: a text area with places in bytes, a cursor between graphemes, and undo by what was done at once.

use std::ops::Range;

use tui_textarea::{CursorMove, DataCursor, TextArea};
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::undo::{Step, Undo};

/// A place in the text, between two graphemes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos {
    pub row: usize,
    /// Bytes of the line before it.
    pub byte: usize,
}

impl Pos {
    pub const fn new(row: usize, byte: usize) -> Self {
        Self { row, byte }
    }
}

/// Edits that can be undone one by one. What was typed in one go is undone at once, but counts letter by letter.
const UNDONE: usize = 10_000;

/// Steps that are taken one by one to a place beyond the text area's 16-bit jumps.
const STEPS: usize = 1_000;

pub struct Buffer {
    area: TextArea<'static>,
    undo: Undo,
    revision: u64,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { area: text_area([""]), undo: Undo::default(), revision: 0 }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Buffer").field("lines", &self.lines()).field("cursor", &self.cursor()).finish()
    }
}

fn text_area<'a>(lines: impl IntoIterator<Item = &'a str>) -> TextArea<'static> {
    let mut area = TextArea::from(lines);
    area.set_max_histories(UNDONE);
    area
}

impl Buffer {
    /// Never empty.
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

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

    /// Another number after each change of the text.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn cursor(&self) -> Pos {
        let DataCursor(row, column) = self.area.cursor();
        self.at((row, column))
    }

    fn at(&self, (row, column): (usize, usize)) -> Pos {
        let line = &self.lines()[row];
        Pos::new(row, line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte))
    }

    pub fn end(&self) -> Pos {
        let row = self.lines().len() - 1;
        Pos::new(row, self.lines()[row].len())
    }

    /// The nearest place that there is.
    pub fn clamp(&self, pos: Pos) -> Pos {
        if pos.row >= self.lines().len() {
            return self.end();
        }
        let line = &self.lines()[pos.row];
        Pos::new(pos.row, crate::domain::output::floor_char_boundary(line, pos.byte.min(line.len())))
    }

    /// Moves the cursor, and with it the end of the selection that was begun. `false` if the place lies too far behind
    /// 65 535 lines or characters, which is where the text area's jumps end.
    fn jump(&mut self, to: Pos) -> bool {
        let goal = self.in_chars(self.clamp(to));
        let now = |area: &TextArea| (area.cursor().0, area.cursor().1);
        if let (Ok(row), Ok(column)) = (goal.0.try_into(), goal.1.try_into()) {
            self.area.move_cursor(CursorMove::Jump(row, column));
            return true;
        }
        if now(&self.area) != goal && goal == self.in_chars(self.end()) {
            self.area.move_cursor(CursorMove::Bottom);
            self.area.move_cursor(CursorMove::End);
        }
        for _ in 0..STEPS {
            let step = match now(&self.area) {
                at if at == goal => return true,
                at if at.0 < goal.0 => CursorMove::Down,
                at if at.0 > goal.0 => CursorMove::Up,
                at if at.1 < goal.1 => CursorMove::Forward,
                _ => CursorMove::Back,
            };
            self.area.move_cursor(step);
        }
        false
    }

    /// Sets the cursor; the selection is kept on `select`, begun if there is none, and else let go.
    pub fn go(&mut self, to: Pos, select: bool) {
        if !select {
            self.area.cancel_selection();
        } else if !self.area.is_selecting() {
            self.area.start_selection();
        }
        self.jump(to);
    }

    /// The cursor goes to the end of the range. `false` if it is too far away.
    pub fn select(&mut self, range: Range<Pos>) -> bool {
        self.area.cancel_selection();
        if !self.jump(range.start) {
            return false;
        }
        self.area.start_selection();
        self.jump(range.end)
    }

    /// What is selected, from its first place to its last; never empty.
    pub fn selection(&self) -> Option<Range<Pos>> {
        let (from, to) = self.area.selection_range().filter(|(from, to)| from != to)?;
        Some(self.at(from)..self.at(to))
    }

    pub fn slice(&self, range: &Range<Pos>) -> String {
        let (from, to, lines) = (range.start, range.end, self.lines());
        if from.row == to.row {
            return lines[from.row][from.byte..to.byte].to_owned();
        }
        let mut text = lines[from.row][from.byte..].to_owned();
        for line in &lines[from.row + 1..to.row] {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        text.push_str(&lines[to.row][..to.byte]);
        text
    }

    /// These lines with one line end, so that nothing is left of them.
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

    /// What follows is undone by itself.
    pub fn step(&mut self) {
        self.undo.step(Step::Other);
    }

    /// Until `release`, all that is done is undone at once.
    pub fn hold(&mut self) {
        self.undo.step(Step::Other);
        self.undo.held = true;
    }

    pub fn release(&mut self) {
        self.undo.held = false;
        self.undo.step(Step::Other);
    }

    /// Puts `text` in the place of a range; the cursor goes behind it. All edits are made of this.
    pub fn replace(&mut self, range: Range<Pos>, text: &str) {
        let before = self.cursor();
        let removes = !range.is_empty();
        if self.slice(&range) == text {
            self.go(range.end, false);
            return;
        }
        // Where it cannot go, nothing is changed.
        if self.select(range) {
            self.area.insert_str(text);
            self.revision += 1;
            self.undo.push(usize::from(removes) + usize::from(!text.is_empty()), before);
        }
        self.area.cancel_selection();
    }

    /// In the place of the selection, if there is one.
    pub fn insert(&mut self, text: &str) {
        let range = self.selection().unwrap_or(self.cursor()..self.cursor());
        self.replace(range, text);
    }

    /// A character that was typed; what is typed in one go is undone word by word.
    pub fn type_char(&mut self, c: char) {
        let selected = self.selection().is_some();
        self.undo.step(if selected { Step::Other } else { Step::Typed { c, at: self.cursor() } });
        self.insert(c.encode_utf8(&mut [0; 4]));
    }

    pub fn delete(&mut self, range: Range<Pos>) {
        self.replace(range, "");
    }

    /// What was cut or killed last.
    pub fn killed(&self) -> String {
        self.area.yank_text()
    }

    pub fn set_killed(&mut self, text: impl Into<String>) {
        self.area.set_yank_text(text);
    }

    /// Deletes and keeps it for the next yank; what is killed in one go is kept together.
    pub fn kill(&mut self, range: Range<Pos>) {
        if range.is_empty() {
            return;
        }
        let text = self.slice(&range);
        let killed = match self.undo.kills_on() {
            true if range.start == self.cursor() => self.killed() + &text,
            true => text + &self.killed(),
            false => text,
        };
        self.set_killed(killed);
        self.undo.step(Step::Kill);
        self.replace(range, "");
    }

    /// Deletes what is selected, or else `range` (from the cursor on, or up to it) as a key that is held does.
    pub fn erase(&mut self, range: Range<Pos>) {
        if let Some(selected) = self.selection() {
            self.step();
            self.delete(selected);
        } else if !range.is_empty() {
            self.undo.step(Step::Erased { at: self.cursor() });
            self.delete(range);
        }
    }

    pub fn undo(&mut self) {
        let Some(group) = self.undo.back() else { return };
        self.revision += 1;
        for _ in 0..group.edits {
            self.area.undo();
        }
        self.go(group.before, false);
    }

    pub fn redo(&mut self) {
        let Some(group) = self.undo.forth() else { return };
        self.revision += 1;
        for _ in 0..group.edits {
            self.area.redo();
        }
    }

    /// Everything is another text, and nothing of the one before can be undone.
    pub fn reset(&mut self, text: &str) {
        let killed = self.killed();
        self.area = text_area(text.split('\n'));
        self.set_killed(killed);
        self.undo = Undo::default();
        self.revision += 1;
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Everything is another text, as one edit; the cursor stands at its end.
    pub fn set(&mut self, text: &str) {
        self.step();
        self.replace(Pos::default()..self.end(), text);
    }

    pub fn left(&self, pos: Pos) -> Pos {
        if pos.byte == 0 {
            return if pos.row == 0 { pos } else { Pos::new(pos.row - 1, self.lines()[pos.row - 1].len()) };
        }
        let line = &self.lines()[pos.row];
        let mut graphemes = GraphemeCursor::new(pos.byte, line.len(), true);
        Pos::new(pos.row, graphemes.prev_boundary(line, 0).ok().flatten().unwrap_or(0))
    }

    pub fn right(&self, pos: Pos) -> Pos {
        let line = &self.lines()[pos.row];
        if pos.byte >= line.len() {
            return if pos.row + 1 == self.lines().len() { pos } else { Pos::new(pos.row + 1, 0) };
        }
        let mut graphemes = GraphemeCursor::new(pos.byte, line.len(), true);
        Pos::new(pos.row, graphemes.next_boundary(line, 0).ok().flatten().unwrap_or(line.len()))
    }

    /// The character behind a place; a line ends with a newline.
    pub fn char_at(&self, pos: Pos) -> Option<char> {
        let next = self.lines()[pos.row][pos.byte..].chars().next();
        next.or((pos.row + 1 < self.lines().len()).then_some('\n'))
    }

    pub fn char_before(&self, pos: Pos) -> Option<char> {
        let before = self.lines()[pos.row][..pos.byte].chars().next_back();
        before.or((pos.row > 0).then_some('\n'))
    }

    /// Forward over what is no word, then over the word.
    pub fn word_right(&self, mut pos: Pos, is_word: impl Fn(char) -> bool) -> Pos {
        for wanted in [false, true] {
            while self.char_at(pos).is_some_and(|c| is_word(c) == wanted) {
                pos = self.right(pos);
            }
        }
        pos
    }

    pub fn word_left(&self, mut pos: Pos, is_word: impl Fn(char) -> bool) -> Pos {
        for wanted in [false, true] {
            while self.char_before(pos).is_some_and(|c| is_word(c) == wanted) {
                pos = self.left(pos);
            }
        }
        pos
    }

    /// Row and column in characters.
    pub fn in_chars(&self, pos: Pos) -> (usize, usize) {
        (pos.row, self.lines()[pos.row][..pos.byte].chars().count())
    }

    pub fn of_chars(&self, (row, column): (usize, usize)) -> Pos {
        let Some(line) = self.lines().get(row) else { return self.end() };
        let byte = line.grapheme_indices(true).scan(0, |chars, (byte, grapheme)| {
            let before = *chars;
            *chars += grapheme.chars().count();
            Some((before, byte))
        });
        let byte = byte.take_while(|(before, _)| *before <= column).last();
        if column >= line.chars().count() { Pos::new(row, line.len()) } else { Pos::new(row, byte.map_or(0, |b| b.1)) }
    }
}

pub fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
