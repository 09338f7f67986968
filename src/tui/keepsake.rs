//! What the dashboard wants back when another process takes over: the draft, the place in the transcript,
//! and the checkpoint to be restored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::scroll::{Anchor, Place};
use super::view::View;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    draft: String,
    /// Row and column, in characters.
    cursor: (usize, usize),
    /// Card and row at the top of the window; `None` while the end is followed.
    place: Option<(usize, usize)>,
    selected: Option<usize>,
    unfolded: Vec<usize>,
    #[serde(default)]
    restore: Option<String>,
    /// The draft is in this file, open in the person's editor.
    #[serde(default)]
    outside: Option<PathBuf>,
    /// See [`View::side`].
    #[serde(default)]
    side: Option<u16>,
}

impl Kept {
    pub fn of(view: &View) -> Self {
        let mut unfolded: Vec<usize> = view.unfolded.iter().copied().collect();
        unfolded.sort_unstable();
        Self {
            draft: view.editor.code(),
            cursor: view.editor.cursor(),
            place: match view.anchor {
                Anchor::At(place) => Some((place.card, place.row)),
                Anchor::Follow => None,
            },
            selected: view.selected,
            unfolded,
            restore: view.restore.clone(),
            outside: view.outside.clone(),
            side: view.side,
        }
    }

    /// The transcript may be shorter than it was: what points behind its end is let go.
    pub fn give_back(self, view: &mut View) {
        let cards = view.transcript.entries().len();
        view.editor.restore(&self.draft, self.cursor);
        if let Some((card, row)) = self.place.filter(|(card, _)| *card < cards) {
            view.anchor = Anchor::At(Place { card, row });
        }
        view.selected = self.selected.filter(|card| *card < cards);
        view.restore = self.restore;
        view.outside = self.outside;
        view.side = self.side;
        view.unfolded = self.unfolded.into_iter().filter(|card| *card < cards).collect();
    }
}
