//! Sending to one client: a card, a traceback, a variable or a part of the input becomes a note that rides on the
//! client's next result.

pub(in crate::tui) mod draw;
mod keys;
pub(in crate::tui) mod send_menu;
pub(in crate::tui) mod texts;
