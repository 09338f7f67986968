//! The text of an input: lines with places in bytes, a cursor between graphemes, a selection, and undo by what was done
//! at once. What a key costs depends on the line it is typed into, not on how many there are.

use crate::tui::composer::editor::position::Pos;
use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::undo::{Edit, Step, Undo};

#[derive(Debug)]
pub struct Buffer {
    /// Never none.
    lines: Vec<String>,
    cursor: Pos,
    /// The end of the selection that stays.
    anchor: Option<Pos>,
    /// What was cut or killed last.
    killed: String,
    undo: Undo,
    revision: u64,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            lines: vec![String::new()],
            cursor: Pos::default(),
            anchor: None,
            killed: String::new(),
            undo: Undo::default(),
            revision: 0,
        }
    }
}

/// Lines end with a newline alone.
fn without_returns(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(text.strip_suffix('\r').unwrap_or(&text).to_owned())
}

impl Buffer {
    /// Never empty.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The line of the cursor.
    pub fn line(&self) -> &str {
        &self.lines[self.cursor.row]
    }

    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.lines.len() == 1 && self.lines[0].is_empty()
    }

    /// Another number after each change of the text.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn cursor(&self) -> Pos {
        self.cursor
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
        Pos::new(pos.row, crate::domain::char_boundary::floor_char_boundary(line, pos.byte.min(line.len())))
    }

    /// Sets the cursor; the selection is kept on `select`, begun if there is none, and else let go.
    pub fn go(&mut self, to: Pos, select: bool) {
        self.anchor = select.then(|| self.anchor.unwrap_or(self.cursor));
        self.cursor = self.clamp(to);
    }

    /// The cursor goes to the end of the range.
    pub fn select(&mut self, range: Range<Pos>) {
        self.anchor = Some(self.clamp(range.start));
        self.cursor = self.clamp(range.end);
    }

    /// What is selected, from its first place to its last; never empty.
    pub fn selection(&self) -> Option<Range<Pos>> {
        let anchor = self.anchor.filter(|anchor| *anchor != self.cursor)?;
        Some(anchor.min(self.cursor)..anchor.max(self.cursor))
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
        let (before, text) = (self.cursor, without_returns(text));
        let removed = self.slice(&range);
        if removed == text {
            self.go(range.end, false);
            return;
        }
        let at = range.start;
        self.put(range, &text);
        self.undo.push(Edit { at, removed, inserted: text.into_owned() }, before);
    }

    fn put(&mut self, range: Range<Pos>, text: &str) {
        let Range { start, end } = range;
        if start.row == end.row && !text.contains('\n') {
            self.lines[start.row].replace_range(start.byte..end.byte, text);
        } else {
            let (first, last) = (&self.lines[start.row][..start.byte], &self.lines[end.row][end.byte..]);
            let whole = [first, text, last].concat();
            self.lines.splice(start.row..=end.row, whole.split('\n').map(str::to_owned));
        }
        self.cursor = start.after(text);
        self.anchor = None;
        self.revision += 1;
    }

    /// In the place of the selection, if there is one.
    pub fn insert(&mut self, text: &str) {
        let range = self.selection().unwrap_or(self.cursor..self.cursor);
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
        self.killed.clone()
    }

    pub fn set_killed(&mut self, text: impl Into<String>) {
        self.killed = text.into();
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
        for edit in group.edits.iter().rev() {
            self.put(edit.at..edit.at.after(&edit.inserted), &edit.removed);
        }
        self.go(group.before, false);
        self.undo.undone(group);
    }

    pub fn redo(&mut self) {
        let Some(group) = self.undo.forth() else { return };
        for edit in &group.edits {
            self.put(edit.at..edit.at.after(&edit.removed), &edit.inserted);
        }
        self.undo.redone(group);
    }

    /// Everything is another text, and nothing of the one before can be undone.
    pub fn reset(&mut self, text: &str) {
        self.lines = text.split('\n').map(str::to_owned).collect();
        self.undo = Undo::default();
        self.revision += 1;
        self.go(self.end(), false);
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
