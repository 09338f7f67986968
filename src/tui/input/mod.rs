//! Input from the terminal: keys through the table of actions, pasted text, and the mouse. It performs nothing outside
//! of the view: that comes back as an effect.

pub(in crate::tui) mod actions;
pub(in crate::tui) mod effect;
pub(in crate::tui) mod events;
pub(in crate::tui) mod focus;
pub(in crate::tui) mod interrupt;
pub(in crate::tui) mod keymap;
pub(in crate::tui) mod leaving;
pub(in crate::tui) mod mouse;
pub(in crate::tui) mod mouse_events;
pub(in crate::tui) mod pace;
