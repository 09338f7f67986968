//! What a client is told while the person has taken over, and about code that they stopped then.

use super::context::ToolCall;
use crate::domain::terminal_text::plain;
use crate::domain::{Snippet, Status, TAKEOVER_CAUSE, Takeover};
use crate::mcp::results::truncate::truncate_middle;

/// Characters of a note.
const MAX_NOTE: usize = 1_000;

impl ToolCall<'_> {
    /// The takeover, while it holds this client back.
    pub fn takeover(&self) -> Option<Takeover> {
        self.session.gate().takeover.clone()
    }

    /// Why a snippet was stopped, if the person did so after taking over.
    pub fn stopped_by_takeover(&self, snippet: &Snippet) -> Option<String> {
        let outcome = snippet.outcome.as_ref()?;
        if snippet.status != Status::Interrupted || outcome.stopped_by.as_deref() != Some(TAKEOVER_CAUSE) {
            return None;
        }
        let takeover = self.takeover();
        let note = takeover.as_ref().map(note).unwrap_or_default();
        let waits = if takeover.is_some() { " Until they give the session back, your code waits." } else { "" };
        Some(format!(
            "The person took over and stopped this code.{note}{waits} Do not send it again unless they ask for it."
        ))
    }
}

/// What holds back code that waits.
pub fn waits_for_person(takeover: &Takeover) -> String {
    format!("The person has taken over: no code of clients begins until they give the session back.{}", note(takeover))
}

fn note(takeover: &Takeover) -> String {
    let Some(note) = &takeover.note else { return String::new() };
    format!(" Their note: {}", truncate_middle(&plain(note), MAX_NOTE, 0).0)
}
