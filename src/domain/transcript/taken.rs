//! `TakenNames`: names that a snippet has taken from somebody, with the snippet.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Author, Gate, Outcome, SnippetId};

/// Names with an object of another author, or locked ones, that a snippet has rebound, changed or deleted.
#[derive(Clone, Debug, Default)]
pub struct TakenNames(BTreeMap<Arc<str>, SnippetId>);

impl TakenNames {
    /// Returns the snippet that has taken the name.
    #[must_use]
    pub fn by(&self, name: &str) -> Option<SnippetId> {
        self.0.get(name).copied()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn put_back(&mut self, names: &[Arc<str>]) {
        self.0.retain(|name, _| !names.contains(name));
    }

    /// Forgets names that are no longer locked.
    pub(super) fn follow_locks(&mut self, before: &Gate, now: &Gate) {
        self.0.retain(|name, _| now.locked.contains(name) || !before.locked.contains(name));
    }

    /// Notes what a snippet has taken. What it has set otherwise is its own.
    pub(super) fn finish(&mut self, snippet: SnippetId, author: &Author, outcome: &Outcome) {
        let changes = &outcome.changes;
        let touched = [&changes.added, &changes.changed, &changes.removed, &changes.locked];
        for name in touched.into_iter().flatten() {
            self.0.remove(name.as_str());
        }
        let locked = changes.locked.iter().filter(|_| !author.is_you());
        for name in changes.clashes.iter().map(|clash| &clash.name).chain(locked) {
            self.0.insert(name.as_str().into(), snippet);
        }
    }
}
