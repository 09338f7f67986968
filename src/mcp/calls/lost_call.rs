//! Calls that have no answer, because a connection or a session process was lost: what is known of them, and the
//! sentences for the caller.

use super::context::{ToolCall, ToolOutcome};
use crate::domain::terminal_text::plain;
use crate::domain::{CallState, Restart, SnippetId};
use crate::mcp::errors::{CallError, refused};
use crate::session::CallReport;

/// The sentences of one tool about a call that has no answer. Only a call that has not begun may be said to be
/// repeatable.
#[derive(Clone, Copy, Debug)]
pub struct LostCallTexts {
    /// The session has not received the call, or has not begun with it.
    pub not_begun: &'static str,
    pub begun: &'static str,
    pub ended: &'static str,
    /// Nobody knows how far the call came.
    pub unknown: &'static str,
}

impl LostCallTexts {
    /// For tools that change something.
    pub const CHANGES: Self = Self {
        not_begun: "Nothing was done.",
        begun: "This call had started, but how far it got is unknown. Check the state before you repeat it.",
        ended: "This call was completed, but its result is lost. Do not repeat it.",
        unknown: "It is unknown whether this call did anything. Check the state before you repeat it.",
    };

    /// For tools that only read.
    pub const READS: Self = Self::always("This call changes nothing, so it may be repeated.");

    const fn always(text: &'static str) -> Self {
        Self { not_begun: text, begun: text, ended: text, unknown: text }
    }

    pub fn of(&self, state: CallState) -> &'static str {
        match state {
            CallState::NotReceived | CallState::Queued => self.not_begun,
            CallState::Begun => self.begun,
            CallState::Ended => self.ended,
            CallState::Unknown => self.unknown,
        }
    }

    /// The text for the caller: what happened, what is known of the call, and what to do.
    pub fn text(&self, state: CallState, what: &str, advice: &str) -> String {
        let parts = [what, self.of(state), advice];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// A call that an earlier connection has lost, as the session knows it.
pub struct LostCall {
    pub recalled: CallReport,
    pub texts: LostCallTexts,
}

impl LostCall {
    /// The result of a call about which nothing more is known than its state.
    pub fn refusal(&self, advice: &str) -> ToolOutcome {
        refused(self.texts.text(self.recalled.state, &self.what_happened(), advice))
    }

    /// Returns whether the session goes on with variables of an earlier process.
    pub fn is_resumed(&self) -> bool {
        self.recalled.restart.as_ref().is_some_and(|restart| restart.resumed || restart.safe_point.is_some())
    }

    /// Why the call has no answer, in a sentence.
    pub fn what_happened(&self) -> String {
        let processes = self.fate_of_processes();
        match self.recalled.restart.as_deref() {
            _ if self.recalled.is_own => {
                "The connection to the session was lost before this call was answered.".to_owned()
            }
            None => "The fourhands session ended before this call was answered, and another session has taken its \
                name."
                .to_owned(),
            Some(restart @ Restart { by: Some(by), .. }) => {
                let by = if by.is_you() { "The person".into() } else { by.label_for_models() };
                if let Some(rewound) = restart.rewound() {
                    return format!("{by} {rewound}{processes}.");
                }
                format!("{by} restarted Python: variables and imports are gone{processes}.")
            }
            Some(Restart { how, safe_point: Some(_), .. }) => format!("{how} A copy of it has taken over{processes}."),
            Some(Restart { how, .. }) => format!("{how} A new Python has taken over the session{processes}."),
        }
    }

    /// The result of a snippet that has ended, with the reason why it comes late.
    pub async fn snippet_result(&self, call: &ToolCall<'_>, id: SnippetId, note: Option<&str>) -> ToolOutcome {
        let Some(snippet) = call.session.snippet(id).await.map_err(CallError::maybe_received)? else {
            return refused(self.what_happened());
        };
        let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
        let restart = self.recalled.restart.as_ref();
        let error_says_it = error.is_some_and(|error| restart.is_some_and(|restart| restart.how == error.message));
        let what = if error_says_it && !self.recalled.is_own {
            let processes = self.fate_of_processes();
            match restart.and_then(|restart| restart.safe_point) {
                Some(point) => format!(
                    "A copy of Python has taken over the session, with all variables and imports as they were after snippet \
                     {point}{processes}."
                ),
                None => format!("A new Python has taken over the session; variables and imports are gone{processes}."),
            }
        } else {
            self.what_happened()
        };
        let notice = [Some(what.as_str()), note].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(call.snippet_result(&snippet, Some(notice)).await)
    }

    /// What became of the processes that snippets had started, as the end of a sentence.
    fn fate_of_processes(&self) -> String {
        let restart = self.recalled.restart.as_ref();
        restart.map(|restart| plain(&restart.aftermath()).into_owned()).unwrap_or_default()
    }
}

impl ToolCall<'_> {
    pub async fn has_ended(&self, id: SnippetId) -> Result<bool, CallError> {
        let found = self.session.snippet(id).await.map_err(CallError::maybe_received)?;
        Ok(found.is_some_and(|snippet| snippet.status.is_final()))
    }
}
