//! What runs, what waits, and what keeps Python from both.

use std::sync::Arc;

use super::Transcript;
use crate::domain::{BusyTask, RiskRequest, Snippet, SnippetId};

impl Transcript {
    /// Returns the background task that keeps Python to itself.
    #[must_use]
    pub fn busy(&self) -> Option<BusyTask> {
        self.busy
    }

    #[must_use]
    pub fn running(&self) -> Option<&Snippet> {
        self.snippet(self.running?)
    }

    /// Returns the waiting snippets in their order.
    #[must_use]
    pub fn queue(&self) -> &[SnippetId] {
        &self.queue
    }

    /// Returns the snippets that wait for the person's decision, in the order of the queue.
    pub fn pending(&self) -> impl Iterator<Item = &Snippet> {
        self.queue.iter().filter_map(|id| self.snippet(*id)).filter(|snippet| snippet.is_pending())
    }

    /// Returns the risks at which running code waits for the person, with their snippets.
    pub fn risks(&self) -> impl Iterator<Item = (SnippetId, &Arc<RiskRequest>)> {
        // A snippet whose threads wait at several risks is listed several times.
        let at_first = |(place, id): (usize, &SnippetId)| (!self.at_risk[..place].contains(id)).then_some(*id);
        let snippets = self.at_risk.iter().enumerate().filter_map(at_first).filter_map(|id| self.snippet(id));
        snippets.flat_map(|snippet| snippet.open_risks().iter().map(move |request| (snippet.id, request)))
    }

    /// Returns the risk of that number, and its snippet.
    #[must_use]
    pub fn risk(&self, number: u32) -> Option<(SnippetId, Arc<RiskRequest>)> {
        let (snippet, request) = self.risks().find(|(_, request)| request.number == number)?;
        Some((snippet, request.clone()))
    }
}
