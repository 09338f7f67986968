//! vi's keys, for those who chose them: its modes, counts, operators and the usual motions. While text is inserted, the
//! keys of the shells hold as well.

mod motion;
mod operators;

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use self::motion::word_before;
use self::motion::{Find, Reach};
use super::buffer::Buffer;
use super::{Editor, spaces};
use crate::tui::composer::editor::position::Pos;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Insert,
    Normal,
    Visual,
    VisualLine,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Normal => "normal",
            Self::Visual => "visual",
            Self::VisualLine => "visual line",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Delete,
    Change,
    Yank,
    Indent,
    Unindent,
}

/// What the next key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// `g`
    Prefix,
    Find(Find),
    Replace,
    /// `i` or `a` behind an operator.
    Object {
        around: bool,
    },
}

#[derive(Debug, Default)]
pub struct Vi {
    mode: Mode,
    count: usize,
    operator: Option<(Operator, usize)>,
    pending: Option<Pending>,
    /// The last search within a line.
    found: Option<(Find, char)>,
    /// The other end of what is selected.
    anchor: Pos,
}

/// Who has to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is not vi's.
    No,
    Yes,
    /// An earlier or a later input is wanted.
    Back,
    Forward,
}

impl Vi {
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What has been begun: a count, an operator.
    pub fn is_waiting(&self) -> bool {
        self.count > 0 || self.operator.is_some() || self.pending.is_some()
    }

    /// Text is inserted from now on, and one undo takes all of it back.
    pub fn insert(&mut self, buffer: &mut Buffer) {
        *self = Self { found: self.found, ..Self::default() };
        buffer.hold();
    }

    fn normal(&mut self, buffer: &mut Buffer) {
        *self = Self { mode: Mode::Normal, found: self.found, ..Self::default() };
        buffer.release();
        Self::settle(buffer);
    }

    /// The cursor stands on a character, not behind the last one.
    pub fn settle(buffer: &mut Buffer) {
        let at = buffer.cursor();
        if at.byte > 0 && at.byte >= buffer.line().len() {
            let last = buffer.left(Pos::new(at.row, buffer.line().len()));
            buffer.go(last, false);
        } else {
            buffer.go(at, false);
        }
    }

    fn reset(&mut self) {
        (self.count, self.operator, self.pending) = (0, None, None);
    }

    /// The number that was typed before, times the one before the operator.
    fn times(&self) -> usize {
        let before = self.operator.map_or(1, |(_, count)| count);
        (self.count.max(1) * before.max(1)).min(100_000)
    }

    fn has_count(&self) -> bool {
        self.count > 0 || self.operator.is_some_and(|(_, count)| count > 0)
    }
}

impl Editor {
    pub fn mode(&self) -> Mode {
        self.vi.as_ref().map_or(Mode::Insert, Vi::mode)
    }

    /// What stands out as selected.
    pub fn marked(&self) -> Option<Range<Pos>> {
        match &self.vi {
            Some(vi) if vi.mode != Mode::Insert => vi.marked(&self.buffer),
            _ => self.buffer.selection(),
        }
    }

    /// A key, before it is looked up elsewhere.
    pub fn vi_key(&mut self, key: KeyEvent) -> Taken {
        let Some(mut vi) = self.vi.take() else { return Taken::No };
        let taken = vi.key(self, key);
        self.vi = Some(vi);
        taken
    }
}

impl Vi {
    fn key(&mut self, editor: &mut Editor, key: KeyEvent) -> Taken {
        let control = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let plain = control.is_empty();
        if self.mode == Mode::Insert {
            if key.code != KeyCode::Esc || !plain {
                return Taken::No;
            }
            let at = editor.buffer.cursor();
            let to = if at.byte > 0 { editor.buffer.left(at) } else { at };
            editor.buffer.go(to, false);
            self.normal(&mut editor.buffer);
            return Taken::Yes;
        }
        if let Some(Pending::Find(_) | Pending::Replace | Pending::Object { .. }) = self.pending
            && !matches!(key.code, KeyCode::Char(_) if plain)
        {
            self.reset();
            return Taken::Yes;
        }
        match key.code {
            KeyCode::Char('r') if control == KeyModifiers::CONTROL => {
                (0..self.times()).for_each(|_| editor.buffer.redo());
                self.normal(&mut editor.buffer);
                Taken::Yes
            }
            KeyCode::Char(c) if plain => self.char(editor, c),
            KeyCode::Esc if self.is_waiting() || self.mode != Mode::Normal => {
                self.normal(&mut editor.buffer);
                Taken::Yes
            }
            KeyCode::Left | KeyCode::Backspace if plain => self.char(editor, 'h'),
            KeyCode::Right if plain => self.char(editor, 'l'),
            KeyCode::Home if plain => self.char(editor, '0'),
            KeyCode::End if plain => self.char(editor, '$'),
            KeyCode::Delete if plain => self.char(editor, 'x'),
            KeyCode::Up if plain => self.char(editor, 'k'),
            KeyCode::Down if plain => self.char(editor, 'j'),
            KeyCode::Tab | KeyCode::BackTab => Taken::Yes,
            _ => Taken::No,
        }
    }

    fn char(&mut self, editor: &mut Editor, c: char) -> Taken {
        match (c, self.pending) {
            ('0'..='9', None) if c != '0' || self.count > 0 => {
                self.count = (self.count * 10 + c as usize - '0' as usize).min(100_000);
                return Taken::Yes;
            }
            ('g', None) => {
                self.pending = Some(Pending::Prefix);
                return Taken::Yes;
            }
            ('i' | 'a', None) if self.operator.is_some() || self.mode != Mode::Normal => {
                self.pending = Some(Pending::Object { around: c == 'a' });
                return Taken::Yes;
            }
            (_, Some(Pending::Replace)) => {
                self.replace(editor, c);
                return Taken::Yes;
            }
            (_, None) => {
                if let Some(find) = Find::of(c) {
                    self.pending = Some(Pending::Find(find));
                    return Taken::Yes;
                }
            }
            _ => {}
        }
        if let Some(reach) = self.reach(editor, c) {
            return self.go(editor, reach, c);
        }
        let was_pending = self.pending.take().is_some();
        if self.mode != Mode::Normal && !was_pending {
            self.in_visual(editor, c);
        } else if was_pending {
            self.reset();
        } else {
            self.command(editor, c);
        }
        Taken::Yes
    }

    /// Moves, or does what the operator says to what lies in between.
    fn go(&mut self, editor: &mut Editor, reach: Reach, c: char) -> Taken {
        let Some((operator, _)) = self.operator else {
            let (count, at) = (self.times(), editor.buffer.cursor());
            self.reset();
            if matches!(c, 'j' | 'k') {
                for turn in 0..count {
                    if !editor.move_by_row(c == 'j', false) {
                        return match (turn, c) {
                            (0, 'k') => Taken::Back,
                            (0, _) => Taken::Forward,
                            _ => Taken::Yes,
                        };
                    }
                }
            } else {
                editor.forget_goal();
                match reach {
                    Reach::Object(range) => {
                        self.anchor = range.start;
                        editor.buffer.go(editor.buffer.left(range.end), false);
                    }
                    Reach::Upto(to) | Reach::Through(to) | Reach::Lines(to) => editor.buffer.go(to, false),
                }
            }
            if self.mode == Mode::Normal && editor.buffer.cursor() != at {
                Self::settle(&mut editor.buffer);
            }
            return Taken::Yes;
        };
        let (at, buffer) = (editor.buffer.cursor(), &editor.buffer);
        match reach {
            Reach::Lines(to) => self.operate_on_lines(editor, operator, at.row.min(to.row), at.row.max(to.row)),
            Reach::Object(range) => self.operate(editor, operator, range),
            Reach::Upto(to) => self.operate(editor, operator, at.min(to)..at.max(to)),
            Reach::Through(to) => {
                let range = at.min(to)..buffer.right(at.max(to));
                self.operate(editor, operator, range);
            }
        }
        Taken::Yes
    }

    fn command(&mut self, editor: &mut Editor, c: char) {
        let (at, times) = (editor.buffer.cursor(), self.times());
        let end = Pos::new(at.row, editor.buffer.line().len());
        let operator = match c {
            'd' => Some(Operator::Delete),
            'c' => Some(Operator::Change),
            'y' => Some(Operator::Yank),
            '>' => Some(Operator::Indent),
            '<' => Some(Operator::Unindent),
            _ => None,
        };
        if let Some((begun, _)) = self.operator {
            if operator == Some(begun) {
                self.operate_on_lines(editor, begun, at.row, at.row + times - 1);
            } else {
                self.reset();
            }
            return;
        }
        if let Some(operator) = operator {
            self.operator = Some((operator, self.count));
            self.count = 0;
            return;
        }
        self.reset();
        let buffer = &mut editor.buffer;
        let right = |buffer: &Buffer| (0..times).fold(at, |pos, _| buffer.right(pos).min(end));
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
            'i' => self.insert(buffer),
            'a' => {
                buffer.go(buffer.right(at).min(end), false);
                self.insert(buffer);
            }
            'I' => {
                buffer.go(Pos::new(at.row, spaces(buffer.line())), false);
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
                let indent = " ".repeat(spaces(buffer.line()));
                let begin = Pos::new(at.row, 0);
                buffer.replace(begin..begin, &format!("{indent}\n"));
                buffer.go(Pos::new(at.row, indent.len()), false);
            }
            'p' | 'P' => Self::put(buffer, c == 'p', times),
            'u' => {
                (0..times).for_each(|_| buffer.undo());
                Self::settle(buffer);
            }
            'r' => {
                self.count = times;
                self.pending = Some(Pending::Replace);
            }
            'J' if at.row + 1 < buffer.lines().len() => {
                let next = &buffer.lines()[at.row + 1];
                let begin = Pos::new(at.row + 1, next.len() - next.trim_start().len());
                buffer.step();
                buffer.replace(end..begin, " ");
                buffer.go(end, false);
            }
            '~' => {
                let range = at..right(buffer);
                let turned = operators::turn_case(&buffer.slice(&range));
                buffer.step();
                buffer.replace(range, &turned);
                Self::settle(buffer);
            }
            'v' | 'V' => {
                self.mode = if c == 'v' { Mode::Visual } else { Mode::VisualLine };
                self.anchor = at;
            }
            _ => {}
        }
    }

    fn marked(&self, buffer: &Buffer) -> Option<Range<Pos>> {
        let (at, anchor) = (buffer.cursor(), buffer.clamp(self.anchor));
        match self.mode {
            Mode::Visual => Some(anchor.min(at)..buffer.right(anchor.max(at))),
            Mode::VisualLine => Some(buffer.whole_lines(anchor.row.min(at.row), anchor.row.max(at.row))),
            Mode::Insert | Mode::Normal => None,
        }
    }
}
