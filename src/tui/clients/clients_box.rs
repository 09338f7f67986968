//! `ClientsBox`: where the person is in the box with the clients.

use std::sync::Arc;

#[derive(Debug, Default)]
pub struct ClientsBox {
    /// The selected client. A name, because the rows change when a client comes or goes.
    pub selected: Option<Arc<str>>,
    /// The client whose calls are shown.
    pub open: Option<Arc<str>>,
    /// The calls above the shown ones.
    pub scroll: usize,
}

impl ClientsBox {
    /// Returns the row of the selected client among `names`; `None` if the client has left them.
    pub fn row(&self, names: &[Arc<str>]) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        names.iter().position(|name| name == selected)
    }
}
