//! What the input needs from outside of the dashboard: earlier inputs, and the person's own editor.

use super::{Dashboard, Said};

impl Dashboard {
    /// Reads and ranks earlier inputs, on threads that may take their time.
    pub(super) fn look_back(&mut self) {
        if self.view.pasts.take_load() {
            let (history, said) = (self.history.clone(), self.notices.clone());
            tokio::task::spawn_blocking(move || said.send(Said::Past(history.past())));
        }
        if let Some(ranking) = self.view.pasts.take_ranking() {
            let said = self.notices.clone();
            tokio::task::spawn_blocking(move || {
                said.send(Said::Ranked { number: ranking.number, found: ranking.rank() })
            });
        }
    }
}
