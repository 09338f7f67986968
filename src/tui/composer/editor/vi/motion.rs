//! vi's motions and text objects.

use std::ops::Range;

use super::char_search::CharSearch;
use super::state::{Operator, PendingKey, Vi};
use crate::domain::lexer;
use crate::tui::composer::editor::Editor;
use crate::tui::composer::editor::indent::leading_spaces;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::text_buffer::TextBuffer;
use crate::tui::composer::editor::words::is_word;

/// Where a motion leads, and how much text an operator gets by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Up to the place.
    Exclusive(Pos),
    /// With the character at the place.
    Inclusive(Pos),
    /// Whole lines.
    Lines(Pos),
    /// A text object.
    Object(Range<Pos>),
}

/// Characters of one class make a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CharClass {
    Space,
    Word,
    Other,
}

/// `big`: for `W`, `B` and `E`, where only spaces end a word.
fn class(c: char, big: bool) -> CharClass {
    match c {
        c if c.is_whitespace() => CharClass::Space,
        c if big || is_word(c) => CharClass::Word,
        _ => CharClass::Other,
    }
}

impl Vi {
    /// Returns the motion of a key; `None` if the key is none.
    pub(super) fn motion(&mut self, editor: &Editor, c: char) -> Option<Motion> {
        match self.pending.take() {
            None => self.plain_motion(editor, c),
            Some(pending) => {
                let motion = self.pending_motion(editor, pending, c);
                if motion.is_none() {
                    self.pending = Some(pending);
                }
                motion
            }
        }
    }

    /// The motion that ends with the second key of a pair.
    fn pending_motion(&mut self, editor: &Editor, pending: PendingKey, c: char) -> Option<Motion> {
        let (buffer, times) = (&editor.buffer, self.times());
        match (pending, c) {
            (PendingKey::Search(search), _) => {
                self.last_search = Some((search, c));
                Some(search_motion(search, search.find(buffer, c, times, false), buffer.cursor()))
            }
            (PendingKey::Prefix, 'g') => {
                let last = buffer.lines().len() - 1;
                let row = if self.has_count() { (times - 1).min(last) } else { 0 };
                Some(Motion::Lines(begin_of_text(buffer, row)))
            }
            (PendingKey::Object { around }, 'w' | 'W') => Some(Motion::Object(word_object(buffer, around, c == 'W'))),
            (PendingKey::Object { around }, _) => enclosed_object(editor, c, around).map(Motion::Object),
            (PendingKey::Prefix | PendingKey::Replace, _) => None,
        }
    }

    fn plain_motion(&self, editor: &Editor, c: char) -> Option<Motion> {
        let (buffer, times) = (&editor.buffer, self.times());
        let (at, line) = (buffer.cursor(), buffer.line());
        let rows = buffer.lines().len();
        let is_change = self.operator.is_some_and(|(operator, _)| operator == Operator::Change);
        Some(match c {
            'h' => Motion::Exclusive((0..times).fold(at, |pos, _| buffer.left(pos)).max(Pos::new(at.row, 0))),
            'l' | ' ' => {
                let end = Pos::new(at.row, line.len());
                Motion::Exclusive((0..times).fold(at, |pos, _| buffer.right(pos).min(end)))
            }
            'j' => Motion::Lines(Pos::new((at.row + times).min(rows - 1), at.byte)),
            'k' => Motion::Lines(Pos::new(at.row.saturating_sub(times), at.byte)),
            '0' => Motion::Exclusive(Pos::new(at.row, 0)),
            '^' | '_' => Motion::Exclusive(begin_of_text(buffer, at.row)),
            '$' => {
                let row = (at.row + times - 1).min(rows - 1);
                Motion::Exclusive(Pos::new(row, buffer.lines()[row].len()))
            }
            // Changing a word leaves the space behind it.
            'w' | 'W' if is_change && buffer.char_at(at).is_some_and(|c| !c.is_whitespace()) => {
                Motion::Inclusive((0..times).fold(at, |pos, turn| end_of_word(buffer, pos, c == 'W', turn == 0)))
            }
            'w' | 'W' => {
                let to = (0..times).fold(at, |pos, _| next_word(buffer, pos, c == 'W'));
                // The last word of a line ends an operation.
                let is_over =
                    self.operator.is_some() && to.row > at.row && to.byte <= leading_spaces(&buffer.lines()[to.row]);
                Motion::Exclusive(if is_over { Pos::new(to.row - 1, buffer.lines()[to.row - 1].len()) } else { to })
            }
            'b' | 'B' => Motion::Exclusive((0..times).fold(at, |pos, _| word_before(buffer, pos, c == 'B'))),
            'e' | 'E' => Motion::Inclusive((0..times).fold(at, |pos, _| end_of_word(buffer, pos, c == 'E', false))),
            'G' => {
                let row = if self.has_count() { (times - 1).min(rows - 1) } else { rows - 1 };
                Motion::Lines(begin_of_text(buffer, row))
            }
            ';' | ',' => {
                let Some((last, sought)) = self.last_search else { return Some(Motion::Exclusive(at)) };
                let search = CharSearch { backward: last.backward != (c == ','), ..last };
                search_motion(search, search.find(buffer, sought, times, true), at)
            }
            '{' | '}' => {
                let is_blank = |row: &usize| buffer.lines()[*row].trim().is_empty();
                Motion::Exclusive(if c == '}' {
                    (at.row + 1..rows).find(is_blank).map_or(buffer.end(), |row| Pos::new(row, 0))
                } else {
                    (0..at.row).rev().find(is_blank).map_or(Pos::default(), |row| Pos::new(row, 0))
                })
            }
            '%' => match editor.bracket_pair() {
                Some([_, partner]) => Motion::Inclusive(editor.pos_of(partner)),
                None => Motion::Exclusive(at),
            },
            _ => return None,
        })
    }
}

fn begin_of_text(buffer: &TextBuffer, row: usize) -> Pos {
    Pos::new(row, leading_spaces(&buffer.lines()[row]))
}

/// A search forward takes the character with it, one backward does not.
fn search_motion(search: CharSearch, to: Option<Pos>, at: Pos) -> Motion {
    match to {
        Some(to) if !search.backward => Motion::Inclusive(to),
        to => Motion::Exclusive(to.unwrap_or(at)),
    }
}

fn next_word(buffer: &TextBuffer, mut pos: Pos, big: bool) -> Pos {
    let first = buffer.char_at(pos).map(|c| class(c, big));
    while let Some(c) = buffer.char_at(pos)
        && Some(class(c, big)) == first
        && first != Some(CharClass::Space)
    {
        pos = buffer.right(pos);
    }
    while buffer.char_at(pos).is_some_and(char::is_whitespace) {
        pos = buffer.right(pos);
    }
    pos
}

/// Returns where the word at `pos`, or else the one before it, begins.
pub fn word_before(buffer: &TextBuffer, mut pos: Pos, big: bool) -> Pos {
    while buffer.char_before(pos).is_some_and(char::is_whitespace) {
        pos = buffer.left(pos);
    }
    let first = buffer.char_before(pos).map(|c| class(c, big));
    while first.is_some() && buffer.char_before(pos).map(|c| class(c, big)) == first {
        pos = buffer.left(pos);
    }
    pos
}

/// Returns the last character of the next word, or of this one if the cursor may `stay` there.
fn end_of_word(buffer: &TextBuffer, mut pos: Pos, big: bool, stay: bool) -> Pos {
    if !stay {
        pos = buffer.right(pos);
    }
    while buffer.char_at(pos).is_some_and(char::is_whitespace) {
        pos = buffer.right(pos);
    }
    let first = buffer.char_at(pos).map(|c| class(c, big));
    loop {
        let next = buffer.right(pos);
        if next == pos || buffer.char_at(next).is_none() || buffer.char_at(next).map(|c| class(c, big)) != first {
            return pos;
        }
        pos = next;
    }
}

/// The word at the cursor; `around` includes the space behind it.
fn word_object(buffer: &TextBuffer, around: bool, big: bool) -> Range<Pos> {
    let at = buffer.cursor();
    let (begin_of_line, end_of_line) = (Pos::new(at.row, 0), Pos::new(at.row, buffer.line().len()));
    let here = buffer.char_at(at).map(|c| class(c, big));
    let (mut begin, mut end) = (at, at);
    while begin > begin_of_line && buffer.char_before(begin).map(|c| class(c, big)) == here {
        begin = buffer.left(begin);
    }
    while end < end_of_line && buffer.char_at(end).map(|c| class(c, big)) == here {
        end = buffer.right(end);
    }
    while around && end < end_of_line && buffer.char_at(end).is_some_and(char::is_whitespace) {
        end = buffer.right(end);
    }
    begin..end
}

/// The text between quotes or brackets; `around` includes them.
fn enclosed_object(editor: &Editor, c: char, around: bool) -> Option<Range<Pos>> {
    let buffer = &editor.buffer;
    let at = buffer.cursor();
    let (open, close) = match c {
        '(' | ')' | 'b' => ('(', ')'),
        '[' | ']' => ('[', ']'),
        '{' | '}' | 'B' => ('{', '}'),
        '"' | '\'' => {
            let line = buffer.line();
            let quotes: Vec<usize> = line.match_indices(c).map(|(byte, _)| byte).collect();
            let pair = quotes.chunks_exact(2).find(|pair| at.byte <= pair[1])?;
            let (begin, end) = if around { (pair[0], pair[1] + 1) } else { (pair[0] + 1, pair[1]) };
            return Some(Pos::new(at.row, begin)..Pos::new(at.row, end));
        }
        _ => return None,
    };
    let offset = editor.offset(at);
    let code = editor.code();
    let pairs = lexer::brackets(&code).pairs;
    let encloses_cursor = |(begin, end): &&(usize, usize)| {
        *begin <= offset && offset <= *end && code[*begin..].starts_with(open) && code[*end..].starts_with(close)
    };
    let (begin, end) = pairs.iter().filter(encloses_cursor).max_by_key(|(begin, _)| *begin)?;
    let (begin, end) = if around { (*begin, end + 1) } else { (begin + 1, *end) };
    Some(editor.pos_of(begin)..editor.pos_of(end))
}
