//! TODO

pub(in crate::tui) mod keymap;
pub(in crate::tui) mod mouse;
pub(in crate::tui) mod update;
