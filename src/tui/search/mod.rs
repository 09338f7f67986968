//! Searching and filtering the transcript. It reads the transcript and changes nothing in it.

pub(in crate::tui) mod draw;
pub(in crate::tui) mod filter;
pub(in crate::tui) mod incremental;
pub(in crate::tui) mod lookup;
pub(in crate::tui) mod matches;
pub(in crate::tui) mod prompt;
pub(in crate::tui) mod query;
