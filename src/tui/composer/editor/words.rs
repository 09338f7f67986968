//! Words of the text, as the keys of emacs and the shells move by them.

use super::position::Pos;
use super::text_buffer::TextBuffer;

pub fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl TextBuffer {
    /// Returns the end of the word at `pos`, or else of the next one.
    pub fn word_right(&self, mut pos: Pos) -> Pos {
        for in_word in [false, true] {
            while self.char_at(pos).is_some_and(|c| is_word(c) == in_word) {
                pos = self.right(pos);
            }
        }
        pos
    }

    /// Returns the beginning of the word before `pos`.
    pub fn word_left(&self, mut pos: Pos) -> Pos {
        for in_word in [false, true] {
            while self.char_before(pos).is_some_and(|c| is_word(c) == in_word) {
                pos = self.left(pos);
            }
        }
        pos
    }

    /// Returns the word that the cursor is in or at the end of.
    pub fn word_at_cursor(&self) -> Option<std::ops::Range<Pos>> {
        let (at, line) = (self.cursor(), self.line());
        let begin = line[..at.byte]
            .rfind(|c| !is_word(c))
            .map_or(0, |byte| byte + line[byte..].chars().next().map_or(0, char::len_utf8));
        let end = line[at.byte..].find(|c| !is_word(c)).map_or(line.len(), |byte| at.byte + byte);
        (begin < end).then(|| Pos::new(at.row, begin)..Pos::new(at.row, end))
    }
}
