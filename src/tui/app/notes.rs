//! Comments of the person that are notes.

use super::Dashboard;
use crate::domain::Note;
use crate::domain::note::{Addressed, addressed};

impl Dashboard {
    /// Leaves a note, to all clients or to one.
    pub(super) fn note(&mut self, text: &str) {
        match addressed(text, &self.view.transcript.connected_names()) {
            Addressed::ToAll => self.session.note(Note::of_person(text.into(), None)),
            Addressed::To { client, text } => self.session.note(Note::of_person(text.into(), Some(client))),
            Addressed::Unknown { name } => self.view.refuse_addressee(name),
        }
    }
}
