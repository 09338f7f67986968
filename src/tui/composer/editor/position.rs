//! `Pos`: a place in the text of the editor.

/// A place in the text, between two graphemes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos {
    pub row: usize,
    /// Bytes of the line before the place.
    pub byte: usize,
}

impl Pos {
    pub const fn new(row: usize, byte: usize) -> Self {
        Self { row, byte }
    }

    /// Returns where `text` ends if it begins here.
    pub fn after(self, text: &str) -> Self {
        match text.rfind('\n') {
            None => Self::new(self.row, self.byte + text.len()),
            Some(last) => Self::new(self.row + text.matches('\n').count(), text.len() - last - 1),
        }
    }
}
