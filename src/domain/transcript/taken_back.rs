//! The transcript after a restart, and the snippets whose effect on variables is taken back because Python went on from
//! an earlier safe point.

use std::sync::Arc;

use super::Transcript;
use super::entry::Entry;
use crate::domain::{Restart, SnippetId, Timestamp, rewind_request};

impl Transcript {
    /// Another process has taken over.
    pub(super) fn restart(&mut self, restart: &Arc<Restart>, at: Timestamp) {
        self.last_finished = None;
        self.clients.clear();
        self.inquiries.clear();
        for id in std::mem::take(&mut self.at_risk) {
            if let Some(risks) = self.snippet_mut(id).and_then(|snippet| snippet.risks.as_mut()) {
                risks.open.clear();
            }
        }
        self.variables = Arc::default();
        self.undoable = Arc::default();
        self.safe_points = Arc::default();
        self.taken.clear();
        self.replay = None;
        if let Some(point) = restart.safe_point {
            self.take_back(point);
        }
        self.last_restart = Some((restart.clone(), at));
        self.entries.push(Entry::Restart { restart: restart.clone(), at });
    }

    /// Marks the snippets after `point`.
    fn take_back(&mut self, point: SnippetId) {
        for place in (0..self.entries.len()).rev() {
            match self.entries.get(place) {
                Some(Entry::Snippet(snippet)) if snippet.id <= point => break,
                Some(Entry::Snippet(_)) => {}
                _ => continue,
            }
            if let Some(Entry::Snippet(snippet)) = self.entries.get_mut(place) {
                snippet.taken_back = snippet.started_at.is_some() && rewind_request(&snippet.code).is_none();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Event, Restart};

    #[test]
    fn what_ran_after_the_safe_point_is_taken_back() {
        let mut transcript = Transcript::default();
        for number in 1..=4 {
            let (snippet, author) = (SnippetId(number), Author::You);
            transcript.apply(&Event::Submitted { snippet, author, code: "1".into(), call: None, at: 0 });
            if number < 4 {
                transcript.apply(&Event::Started { snippet, at: 0 });
            }
        }
        let restart = Restart { how: "died".to_owned(), safe_point: Some(SnippetId(1)), ..Restart::default() };
        transcript.apply(&Event::Restarted { restart: restart.into(), at: 1 });
        let is_back = |number| transcript.snippet(SnippetId(number)).unwrap().taken_back;
        assert_eq!([1, 2, 3, 4].map(is_back), [false, true, true, false], "the last one has not run");
    }
}
