//! The text of a value as Python's `repr` writes it: its structure, and its lines at a width. Lines break at commas and
//! brackets only and no character changes, so that the text means the same in any width.

mod layout;
mod parse;
mod structure;
#[cfg(test)]
mod tests;

pub use layout::ReprLine;
pub use structure::ReprText;
