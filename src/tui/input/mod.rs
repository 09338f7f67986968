//! Events of the terminal: keys through the table of actions, pastes, and the mouse.

pub(in crate::tui) mod keymap;
pub(in crate::tui) mod mouse;
pub(in crate::tui) mod update;
