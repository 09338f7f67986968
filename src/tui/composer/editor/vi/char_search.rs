//! vi's search for a character within the line: `f`, `F`, `t`, `T`.

use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::text_buffer::TextBuffer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharSearch {
    pub backward: bool,
    /// Stops next to the character instead of on it.
    pub until: bool,
}

impl CharSearch {
    pub fn of(key: char) -> Option<Self> {
        let search = |backward, until| Some(Self { backward, until });
        match key {
            'f' => search(false, false),
            'F' => search(true, false),
            't' => search(false, true),
            'T' => search(true, true),
            _ => None,
        }
    }

    /// Returns where the search leads. `repeats`: a search that stopped next to the character goes past it.
    pub fn find(self, buffer: &TextBuffer, c: char, times: usize, repeats: bool) -> Option<Pos> {
        let (at, line) = (buffer.cursor(), buffer.line());
        let skip = usize::from(repeats && self.until);
        let found = if self.backward {
            let end = (0..skip).fold(at, |pos, _| buffer.left(pos));
            line[..end.byte.min(at.byte)].rmatch_indices(c).nth(times - 1)
        } else {
            let start = (0..=skip).fold(at, |pos, _| buffer.right(pos));
            if start.row != at.row {
                return None;
            }
            line[start.byte..].match_indices(c).nth(times - 1).map(|(byte, found)| (byte + start.byte, found))
        };
        let (byte, found) = found?;
        let pos = Pos::new(at.row, byte);
        Some(match (self.backward, self.until) {
            (_, false) => pos,
            (false, true) => buffer.left(pos),
            (true, true) => Pos::new(at.row, byte + found.len()),
        })
    }
}
