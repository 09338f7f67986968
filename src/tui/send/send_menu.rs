//! `SendMenu`: the choice of the client that gets something.

use super::texts::Sent;

#[derive(Debug)]
pub struct SendMenu {
    pub sent: Sent,
    /// The selected row among [`View::receivers`](crate::tui::view::View::receivers).
    pub row: usize,
}
