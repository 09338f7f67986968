//! The dashboard's state that outlives its process: the draft, the place in the transcript, the checkpoint to restore.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::crash_store::CrashStore;
use crate::tui::transcript::viewport::{Anchor, RowIndex};
use crate::tui::view::View;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardSnapshot {
    draft: String,
    /// Row and column, in characters.
    cursor: (usize, usize),
    /// Card and row at the top of the window; `None` while the window follows the end.
    place: Option<(usize, usize)>,
    selected: Option<usize>,
    unfolded: Vec<usize>,
    #[serde(default)]
    restore: Option<String>,
    /// The file with the draft, while the person's editor has it open.
    #[serde(default)]
    outside: Option<PathBuf>,
    /// See [`VariablesPanel::sidebar_width`](crate::tui::variables::VariablesPanel::sidebar_width).
    #[serde(default)]
    side: Option<u16>,
    /// Whether a question had the keys, or was about to get them.
    #[serde(default)]
    is_asked: bool,
}

impl DashboardSnapshot {
    pub fn of(view: &View) -> Self {
        let mut unfolded: Vec<usize> = view.viewport.unfolded.iter().copied().collect();
        unfolded.sort_unstable();
        Self {
            draft: view.composer.editor.code(),
            cursor: view.composer.editor.cursor(),
            place: match view.viewport.anchor {
                Anchor::At(place) => Some((place.card, place.row)),
                Anchor::Follow => None,
            },
            selected: view.viewport.selected,
            unfolded,
            restore: view.pending.restore.clone(),
            outside: view.composer.external_edit.clone(),
            side: view.variables.sidebar_width,
            is_asked: view.composer.shown_reply().is_some(),
        }
    }

    /// Saves the snapshot for the next process. A draft that is too long is left out, so that the rest is saved.
    pub fn save(&self, crash_store: &CrashStore) {
        let put = |snapshot: &Self| serde_json::to_string(snapshot).is_ok_and(|text| crash_store.save(&text));
        if self.draft.len() > CrashStore::CAPACITY || !put(self) {
            put(&Self { draft: String::new(), ..self.clone() });
        }
    }

    /// Restores the view. The transcript may have become shorter, so places beyond its end are dropped.
    pub fn restore(self, view: &mut View) {
        let cards = view.transcript.entries().len();
        view.composer.editor.restore(&self.draft, self.cursor);
        if self.is_asked {
            view.composer.replies.after_restart();
        }
        if let Some((card, row)) = self.place.filter(|(card, _)| *card < cards) {
            view.viewport.anchor = Anchor::At(RowIndex { card, row });
        }
        view.viewport.selected = self.selected.filter(|card| *card < cards);
        view.pending.restore = self.restore;
        view.composer.external_edit = self.outside;
        view.variables.sidebar_width = self.side;
        view.viewport.unfolded = self.unfolded.into_iter().filter(|card| *card < cards).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures::story;

    #[test]
    fn an_oversized_draft_is_dropped_and_the_rest_is_saved() {
        static CRASH_STORE: CrashStore = CrashStore::empty();
        let after = |draft: &str| {
            let mut view = story().view();
            view.composer.editor.set(draft);
            view.pending.restore = Some("before".to_owned());
            DashboardSnapshot::of(&view).save(&CRASH_STORE);
            let mut next = story().view();
            let snapshot: DashboardSnapshot = serde_json::from_str(&CRASH_STORE.text().unwrap()).unwrap();
            snapshot.restore(&mut next);
            assert_eq!(next.pending.restore.as_deref(), Some("before"));
            next.composer.editor.code()
        };
        let lines = "    \"a line of a long list\",\n".repeat(5_000);
        assert_eq!(after(&lines), lines);
        assert_eq!(after(&lines.repeat(2)), "");
        assert_eq!(after(&"\"".repeat(200_000)), "", "it is longer as it is written");
    }
}
