//! Reviews: the dock above the input with the code of a client that waits for the person, the menu of the gate, and
//! taking over. Nothing is decided here: a decision is an effect for the session.

pub(in crate::tui) mod dock;
pub(in crate::tui) mod draw_dock;
pub(in crate::tui) mod draw_gate;
pub(in crate::tui) mod gate_menu;
mod keys;
pub(in crate::tui) mod locks;
mod private;
mod takeover;
pub(in crate::tui) mod touched;
mod undo;
