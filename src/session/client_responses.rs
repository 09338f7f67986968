//! The responses that clients got about snippets, word for word, so that the person can see what a model saw.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::{Author, SnippetId, Status, Timestamp};

/// Responses that are kept, and about how many bytes they may take together. The oldest go first.
const MAX_RESPONSES: usize = 400;
const MAX_BYTES: usize = 8 << 20;

/// The response to one call, as far as it is about a snippet.
pub struct ClientResponse {
    pub snippet: SnippetId,
    pub to: Author,
    pub kind: ResponseKind,
    pub at: Timestamp,
    /// The snippet's status at the time of the response.
    pub status: Status,
    /// The text as it was sent.
    pub text: String,
    /// Whether something was left out of the text.
    pub is_cut: bool,
    /// Bytes that the code had written by that time.
    pub written: u64,
    /// Attached images, and the characters that they took in base64.
    pub images: usize,
    pub image_characters: usize,
    /// The structured content beside the text; `None` if the client gets only text.
    pub structured: Option<Structured>,
}

/// What a response shows of its snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    Result,
    OutputPage,
}

/// Structured content, rendered only on request: there are many responses, and people look at few.
pub struct Structured {
    /// Bytes that the content takes, about.
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

/// Tools add responses; anybody may read them.
#[derive(Debug, Default)]
pub struct ClientResponses(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    latest: VecDeque<Arc<ClientResponse>>,
    bytes: usize,
}

impl ClientResponses {
    pub fn add(&self, response: ClientResponse) {
        let mut recent = self.0.lock();
        recent.bytes += response.bytes();
        recent.latest.push_back(Arc::new(response));
        while recent.latest.len() > MAX_RESPONSES || recent.bytes > MAX_BYTES && recent.latest.len() > 1 {
            let Some(oldest) = recent.latest.pop_front() else { return };
            recent.bytes -= oldest.bytes();
        }
    }

    /// Returns the responses about a snippet, oldest first.
    #[must_use]
    pub fn of(&self, snippet: SnippetId) -> Vec<Arc<ClientResponse>> {
        self.0.lock().latest.iter().filter(|response| response.snippet == snippet).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(snippet: u32, text: String) -> ClientResponse {
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
    fn the_latest_responses_are_kept_within_limits() {
        let responses = ClientResponses::default();
        for n in 0..1_000 {
            responses.add(response(n, "x".repeat(100)));
            responses.add(response(n, "y".into()));
        }
        assert!(responses.of(SnippetId(0)).is_empty(), "the oldest go");
        let texts: Vec<usize> = responses.of(SnippetId(999)).iter().map(|response| response.text.len()).collect();
        assert_eq!(texts, [100, 1], "in their order");
        for n in 0..100 {
            responses.add(response(n, "x".repeat(1 << 20)));
        }
        assert!(responses.of(SnippetId(999)).is_empty());
        let recent = responses.0.lock();
        assert!(recent.bytes <= MAX_BYTES && recent.latest.len() == 8);
    }
}
