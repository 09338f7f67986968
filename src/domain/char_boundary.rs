//! Indexes that do not split a character. From Rust 1.91 on, `str` has these methods.

/// The largest index at or below `index` that does not split a character.
#[must_use]
pub fn floor_char_boundary(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    (0..=index).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// The smallest index at or above `index` that does not split a character.
#[must_use]
pub fn ceil_char_boundary(text: &str, index: usize) -> usize {
    (index..text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len())
}
