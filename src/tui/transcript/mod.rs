//! The transcript's cards: their rows, the window on them, the selection, and copies of their pieces. Nothing here
//! changes the transcript of the session.

pub(in crate::tui) mod card;
pub(in crate::tui) mod card_cache;
pub(in crate::tui) mod copy;
pub(in crate::tui) mod data_frame;
mod decisions;
pub(in crate::tui) mod draw;
pub(in crate::tui) mod lines;
mod notes;
pub(in crate::tui) mod opening;
pub(in crate::tui) mod output_tail;
mod rewinding;
pub(in crate::tui) mod scrolling;
pub(in crate::tui) mod selection;
pub(in crate::tui) mod traceback;
pub(in crate::tui) mod value_text;
pub(in crate::tui) mod viewport;
