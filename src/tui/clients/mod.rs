//! The box with the clients: holding, muting and disconnecting each, and what it sent and got.

pub(in crate::tui) mod calls;
pub(in crate::tui) mod clients_box;
pub(in crate::tui) mod draw;
mod keys;
