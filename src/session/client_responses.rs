//! What clients were told of snippets: the very texts, for the person who wants to see what a model saw.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{Author, SnippetId, Status, Timestamp};

/// Answers kept, and about how many bytes they may take together. The oldest go first.
const KEPT: usize = 400;
const BYTES: usize = 8 << 20;

/// What one call was answered about a snippet.
pub struct ClientResponse {
    pub snippet: SnippetId,
    pub to: Author,
    pub kind: ResponseKind,
    pub at: Timestamp,
    /// The snippet's status when it was told.
    pub status: Status,
    /// The text as it was sent.
    pub text: String,
    /// What was left out of it.
    pub is_cut: bool,
    /// Bytes that the code had written by then.
    pub written: u64,
    /// Images that were attached, and the characters that they took in base64.
    pub images: usize,
    pub image_characters: usize,
    /// The structured content that was sent beside it, made into text again when somebody looks; `None` if the client is
    /// one that gets text alone.
    pub structured: Option<Structured>,
}

/// What a response shows of its snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    Result,
    OutputPage,
}

/// Bytes that it takes about, and what renders it: answers are many, and few are looked at.
pub struct Structured {
    pub bytes: usize,
    pub render: Box<dyn Fn() -> String + Send + Sync>,
}

impl ClientResponse {
    fn bytes(&self) -> usize {
        self.text.len() + self.structured.as_ref().map_or(0, |structured| structured.bytes)
    }
}

impl fmt::Debug for ClientResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} to {} of snippet {}: {:?}", self.kind, self.to.name(), self.snippet, self.text)
    }
}

/// Those who answer write it; anybody may read.
#[derive(Debug, Default)]
pub struct ClientResponses(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    latest: VecDeque<Arc<ClientResponse>>,
    bytes: usize,
}

impl ClientResponses {
    pub fn add(&self, answer: ClientResponse) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += answer.bytes();
        kept.latest.push_back(Arc::new(answer));
        while kept.latest.len() > KEPT || kept.bytes > BYTES && kept.latest.len() > 1 {
            let Some(oldest) = kept.latest.pop_front() else { return };
            kept.bytes -= oldest.bytes();
        }
    }

    /// What clients were told of a snippet, oldest first.
    #[must_use]
    pub fn of(&self, snippet: SnippetId) -> Vec<Arc<ClientResponse>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.latest.iter().filter(|answer| answer.snippet == snippet).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(snippet: u32, text: String) -> ClientResponse {
        ClientResponse {
            snippet: SnippetId(snippet),
            to: Author::You,
            kind: ResponseKind::Result,
            at: 0,
            status: Status::Ok,
            text,
            is_cut: false,
            written: 0,
            images: 0,
            image_characters: 0,
            structured: None,
        }
    }

    #[test]
    fn the_latest_are_kept_within_bounds() {
        let answers = ClientResponses::default();
        for n in 0..1_000 {
            answers.add(answer(n, "x".repeat(100)));
            answers.add(answer(n, "y".into()));
        }
        assert!(answers.of(SnippetId(0)).is_empty(), "the oldest go");
        let texts: Vec<usize> = answers.of(SnippetId(999)).iter().map(|answer| answer.text.len()).collect();
        assert_eq!(texts, [100, 1], "in their order");
        for n in 0..100 {
            answers.add(answer(n, "x".repeat(1 << 20)));
        }
        assert!(answers.of(SnippetId(999)).is_empty());
        let kept = answers.0.lock().unwrap();
        assert!(kept.bytes <= BYTES && kept.latest.len() == 8);
    }
}
