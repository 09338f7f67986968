//! The effects of the last snippets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{SideEffect, SideEffects, SnippetId};

/// Snippets whose effects are collected. A thread of an older snippet adds none.
const MAX_SNIPPETS: usize = 256;

/// The effects of the last snippets, and which of them the session has not taken yet.
#[derive(Default)]
pub struct EffectCollector {
    snippets: BTreeMap<SnippetId, SideEffects>,
    changed: BTreeSet<SnippetId>,
}

impl EffectCollector {
    pub fn add(&mut self, snippet: SnippetId, effect: SideEffect) {
        self.change(snippet, |effects| effects.add(effect));
    }

    /// See [`SideEffects::add_rename`].
    pub fn add_rename(&mut self, snippet: SnippetId, effect: SideEffect, replaces: bool) {
        self.change(snippet, |effects| effects.add_rename(effect, replaces));
    }

    /// Counts files that were opened to read. Such a count alone is not worth an event.
    pub fn add_reads(&mut self, snippet: SnippetId, count: u64) {
        if let Some(effects) = self.of(snippet) {
            effects.files_read += count;
            if !effects.is_empty() {
                self.changed.insert(snippet);
            }
        }
    }

    fn change(&mut self, snippet: SnippetId, change: impl FnOnce(&mut SideEffects)) {
        if let Some(effects) = self.of(snippet) {
            change(effects);
            self.changed.insert(snippet);
        }
    }

    fn of(&mut self, snippet: SnippetId) -> Option<&mut SideEffects> {
        if !self.snippets.contains_key(&snippet) && self.snippets.len() == MAX_SNIPPETS {
            let oldest = *self.snippets.keys().next()?;
            if snippet < oldest {
                return None;
            }
            self.snippets.remove(&oldest);
        }
        Some(self.snippets.entry(snippet).or_default())
    }

    /// Takes the effects that have changed since the last call.
    pub fn take(&mut self) -> Vec<(SnippetId, Arc<SideEffects>)> {
        let changed = std::mem::take(&mut self.changed);
        let effects = |snippet| Some((snippet, Arc::new(self.snippets.get(&snippet)?.clone())));
        changed.into_iter().filter_map(effects).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SideEffectKind;

    #[test]
    fn effects_are_taken_once_and_late_ones_add_to_their_snippet() {
        let mut collector = EffectCollector::default();
        let deleted = |target: &str| SideEffect::new(SideEffectKind::Delete, target);
        collector.add(SnippetId(1), deleted("a"));
        collector.add_reads(SnippetId(2), 1);
        let taken = collector.take();
        assert_eq!(taken.len(), 1, "reading alone is no effect");
        assert!(collector.take().is_empty());
        collector.add(SnippetId(2), deleted("b"));
        collector.add(SnippetId(1), deleted("c"));
        let taken: Vec<_> = collector.take().into_iter().map(|(_, effects)| effects.lines().join("; ")).collect();
        assert_eq!(taken, ["deleted a; deleted c", "deleted b; read 1 file"]);
        for snippet in 3..1_000 {
            collector.add_reads(SnippetId(snippet), 1);
        }
        collector.add(SnippetId(1), deleted("d"));
        assert!(collector.take().is_empty(), "a snippet of long ago");
    }
}
