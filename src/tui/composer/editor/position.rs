//! A place in the text of the editor.

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
