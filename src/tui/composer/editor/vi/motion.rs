//! Where vi's motions lead.

use std::ops::Range;

use super::{Mode, Operator, Pending, Vi};
use crate::tui::composer::editor::buffer::Buffer;
use crate::tui::composer::editor::buffer::is_word;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::{Editor, spaces};

/// How far a motion takes an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Upto(Pos),
    /// With the character there.
    Through(Pos),
    /// Whole lines.
    Lines(Pos),
    Object(Range<Pos>),
}

/// `f`, `F`, `t`, `T`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Find {
    back: bool,
    before: bool,
}

impl Find {
    pub fn of(c: char) -> Option<Self> {
        let find = |back, before| Some(Self { back, before });
        match c {
            'f' => find(false, false),
            'F' => find(true, false),
            't' => find(false, true),
            'T' => find(true, true),
            _ => None,
        }
    }

    /// On the line only. `again` goes past where it stands already.
    fn find(self, buffer: &Buffer, c: char, times: usize, again: bool) -> Option<Pos> {
        let (at, line) = (buffer.cursor(), buffer.line());
        let skip = usize::from(again && self.before);
        let found = if self.back {
            let upto = (0..skip).fold(at, |pos, _| buffer.left(pos));
            line[..upto.byte.min(at.byte)].rmatch_indices(c).nth(times - 1)
        } else {
            let from = (0..=skip).fold(at, |pos, _| buffer.right(pos));
            if from.row != at.row {
                return None;
            }
            line[from.byte..].match_indices(c).nth(times - 1).map(|(place, found)| (place + from.byte, found))
        };
        let (place, found) = found?;
        let pos = Pos::new(at.row, place);
        Some(match (self.back, self.before) {
            (_, false) => pos,
            (false, true) => buffer.left(pos),
            (true, true) => Pos::new(at.row, place + found.len()),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Space,
    Word,
    Other,
}

fn sort(c: char, big: bool) -> Sort {
    match c {
        c if c.is_whitespace() => Sort::Space,
        c if big || is_word(c) => Sort::Word,
        _ => Sort::Other,
    }
}

impl Vi {
    /// Where a motion leads; `None` if the key is none. What was pending is done with.
    pub(super) fn reach(&mut self, editor: &Editor, c: char) -> Option<Reach> {
        let (buffer, times) = (&editor.buffer, self.times());
        let (at, line) = (buffer.cursor(), buffer.line());
        let rows = buffer.lines().len();
        let begin_of = |row: usize| Pos::new(row, spaces(&buffer.lines()[row]));
        let pending = self.pending.take();
        match (pending, c) {
            (Some(Pending::Find(find)), _) => {
                self.found = Some((find, c));
                return Some(found(find, find.find(buffer, c, times, false), at));
            }
            (Some(Pending::Prefix), 'g') => {
                let row = if self.has_count() { (times - 1).min(rows - 1) } else { 0 };
                return Some(Reach::Lines(begin_of(row)));
            }
            (Some(Pending::Object { around }), 'w' | 'W') => {
                return Some(Reach::Object(word(buffer, around, c == 'W')));
            }
            (Some(Pending::Object { around }), _) => {
                self.pending = pending;
                return inside(editor, c, around).map(|range| {
                    self.pending = None;
                    Reach::Object(range)
                });
            }
            (Some(_), _) => {
                self.pending = pending;
                return None;
            }
            (None, _) => {}
        }
        let changes = self.operator.is_some_and(|(operator, _)| operator == Operator::Change);
        Some(match c {
            'h' => Reach::Upto((0..times).fold(at, |pos, _| buffer.left(pos)).max(Pos::new(at.row, 0))),
            'l' | ' ' => {
                let end = Pos::new(at.row, line.len());
                Reach::Upto((0..times).fold(at, |pos, _| buffer.right(pos).min(end)))
            }
            'j' => Reach::Lines(Pos::new((at.row + times).min(rows - 1), at.byte)),
            'k' => Reach::Lines(Pos::new(at.row.saturating_sub(times), at.byte)),
            '0' => Reach::Upto(Pos::new(at.row, 0)),
            '^' | '_' => Reach::Upto(begin_of(at.row)),
            '$' => {
                let row = (at.row + times - 1).min(rows - 1);
                Reach::Upto(Pos::new(row, buffer.lines()[row].len()))
            }
            // Changing a word leaves the space behind it.
            'w' | 'W' if changes && buffer.char_at(at).is_some_and(|c| !c.is_whitespace()) => {
                Reach::Through((0..times).fold(at, |pos, turn| end_of_word(buffer, pos, c == 'W', turn == 0)))
            }
            'w' | 'W' => {
                let to = (0..times).fold(at, |pos, _| next_word(buffer, pos, c == 'W'));
                // The last word of a line ends an operation.
                let stays = self.operator.is_some() && to.row > at.row && to.byte <= spaces(&buffer.lines()[to.row]);
                Reach::Upto(if stays { Pos::new(to.row - 1, buffer.lines()[to.row - 1].len()) } else { to })
            }
            'b' | 'B' => Reach::Upto((0..times).fold(at, |pos, _| word_before(buffer, pos, c == 'B'))),
            'e' | 'E' => Reach::Through((0..times).fold(at, |pos, _| end_of_word(buffer, pos, c == 'E', false))),
            'G' => Reach::Lines(begin_of(if self.has_count() { (times - 1).min(rows - 1) } else { rows - 1 })),
            ';' | ',' => {
                let (find, c) = if let Some((find, sought)) = self.found {
                    (Find { back: find.back != (c == ','), ..find }, sought)
                } else {
                    return Some(Reach::Upto(at));
                };
                found(find, find.find(buffer, c, times, true), at)
            }
            '{' | '}' => {
                let is_gap = |row: &usize| buffer.lines()[*row].trim().is_empty();
                let row = if c == '}' {
                    (at.row + 1..rows).find(is_gap).map_or(buffer.end(), |row| Pos::new(row, 0))
                } else {
                    (0..at.row).rev().find(is_gap).map_or(Pos::default(), |row| Pos::new(row, 0))
                };
                Reach::Upto(row)
            }
            '%' => match editor.bracket_pair() {
                Some([_, partner]) => Reach::Through(editor.pos_of(partner)),
                None => Reach::Upto(at),
            },
            // Not a motion, or not while something is selected.
            _ if self.mode == Mode::Insert => return None,
            _ => return None,
        })
    }
}

/// Forward with what was found; back, up to the cursor.
fn found(find: Find, to: Option<Pos>, at: Pos) -> Reach {
    match to {
        Some(to) if !find.back => Reach::Through(to),
        to => Reach::Upto(to.unwrap_or(at)),
    }
}

fn next_word(buffer: &Buffer, mut pos: Pos, big: bool) -> Pos {
    let first = buffer.char_at(pos).map(|c| sort(c, big));
    while let Some(c) = buffer.char_at(pos)
        && Some(sort(c, big)) == first
        && first != Some(Sort::Space)
    {
        pos = buffer.right(pos);
    }
    while buffer.char_at(pos).is_some_and(char::is_whitespace) {
        pos = buffer.right(pos);
    }
    pos
}

pub fn word_before(buffer: &Buffer, mut pos: Pos, big: bool) -> Pos {
    while buffer.char_before(pos).is_some_and(char::is_whitespace) {
        pos = buffer.left(pos);
    }
    let first = buffer.char_before(pos).map(|c| sort(c, big));
    while first.is_some() && buffer.char_before(pos).map(|c| sort(c, big)) == first {
        pos = buffer.left(pos);
    }
    pos
}

/// The last character of a word: of this one, if the cursor may `stay`.
fn end_of_word(buffer: &Buffer, mut pos: Pos, big: bool, stay: bool) -> Pos {
    if !stay {
        pos = buffer.right(pos);
    }
    while buffer.char_at(pos).is_some_and(char::is_whitespace) {
        pos = buffer.right(pos);
    }
    let first = buffer.char_at(pos).map(|c| sort(c, big));
    loop {
        let next = buffer.right(pos);
        if next == pos || buffer.char_at(next).is_none() || buffer.char_at(next).map(|c| sort(c, big)) != first {
            return pos;
        }
        pos = next;
    }
}

/// The word at the cursor; `around` with the space behind it.
fn word(buffer: &Buffer, around: bool, big: bool) -> Range<Pos> {
    let at = buffer.cursor();
    let (begin_of_line, end_of_line) = (Pos::new(at.row, 0), Pos::new(at.row, buffer.line().len()));
    let here = buffer.char_at(at).map(|c| sort(c, big));
    let (mut begin, mut end) = (at, at);
    while begin > begin_of_line && buffer.char_before(begin).map(|c| sort(c, big)) == here {
        begin = buffer.left(begin);
    }
    while end < end_of_line && buffer.char_at(end).map(|c| sort(c, big)) == here {
        end = buffer.right(end);
    }
    while around && end < end_of_line && buffer.char_at(end).is_some_and(char::is_whitespace) {
        end = buffer.right(end);
    }
    begin..end
}

/// What stands within quotes or brackets.
fn inside(editor: &Editor, c: char, around: bool) -> Option<Range<Pos>> {
    let buffer = &editor.buffer;
    let at = buffer.cursor();
    let (open, close) = match c {
        '(' | ')' | 'b' => ('(', ')'),
        '[' | ']' => ('[', ']'),
        '{' | '}' | 'B' => ('{', '}'),
        '"' | '\'' => {
            let line = buffer.line();
            let quotes: Vec<usize> = line.match_indices(c).map(|(place, _)| place).collect();
            let pair = quotes.chunks_exact(2).find(|pair| at.byte <= pair[1])?;
            let (begin, end) = if around { (pair[0], pair[1] + 1) } else { (pair[0] + 1, pair[1]) };
            return Some(Pos::new(at.row, begin)..Pos::new(at.row, end));
        }
        _ => return None,
    };
    let place = editor.offset(at);
    let code = editor.code();
    let pairs = crate::domain::lexer::brackets(&code).pairs;
    let around_cursor = |(begin, end): &&(usize, usize)| {
        *begin <= place && place <= *end && code[*begin..].starts_with(open) && code[*end..].starts_with(close)
    };
    let (begin, end) = pairs.iter().filter(around_cursor).max_by_key(|(begin, _)| *begin)?;
    let (begin, end) = if around { (*begin, end + 1) } else { (begin + 1, *end) };
    Some(editor.pos_of(begin)..editor.pos_of(end))
}
