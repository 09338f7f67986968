//! The context of a tool call: who calls, in which session, and how the answer is made.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, InputResponses};
use rmcp::service::RequestContext;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::{Author, CallId, Snippet, SnippetId, units};
use crate::mcp::bridge_protocol::ResultForm;
use crate::mcp::errors::{CallError, private_snippet};
use crate::mcp::server::membership::Membership;
use crate::mcp::server::quirks::Quirks;
use crate::mcp::transport::client_state::ClientState;
use crate::session::clock::now;
use crate::session::{Overview, SessionHandle};

/// Snippets that a call names of those that run before its own.
const MAX_SNIPPETS_AHEAD: usize = 5;

pub struct ToolCall<'a> {
    /// The name of the call, if a bridge gave it one.
    pub id: Option<CallId>,
    pub session: &'a SessionHandle,
    pub author: Author,
    pub membership: &'a Membership,
    pub quirks: Quirks,
    pub context: &'a RequestContext<RoleServer>,
    /// The answers of the client's user to the questions of an earlier call. This call repeats that one.
    pub answers: Option<InputResponses>,
    pub client: &'a ClientState,
    /// Cancelled when the server is about to end.
    pub stop: &'a CancellationToken,
}

/// The response to a call, or why there is none.
pub type ToolOutcome = Result<CallToolResponse, CallError>;

impl ToolCall<'_> {
    /// The response with a text and a structured result that say the same.
    pub fn respond(&self, text: String, structured: &impl Serialize) -> CallToolResponse {
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        if self.quirks.form == ResultForm::Structured {
            result.structured_content = serde_json::to_value(structured).ok();
        }
        result.into()
    }

    /// A snippet that the call names, before the call changes anything.
    pub async fn snippet(&self, id: SnippetId) -> Result<Snippet, CallError> {
        let found = self.session.snippet(id).await.map_err(CallError::not_received)?;
        found.ok_or(CallError::NoSuchSnippet(id))
    }

    /// The same, for a call that shows it.
    pub async fn shown_snippet(&self, id: SnippetId) -> Result<Snippet, CallError> {
        let found = self.snippet(id).await?;
        if self.session.gate().private.hides(id, &found.author, Some(&self.author)) {
            return Err(CallError::Refused(private_snippet(id)));
        }
        Ok(found)
    }

    /// Resolves when the client has gone or has cancelled the call.
    pub async fn gave_up(&self) {
        tokio::select! {
            biased;
            () = self.client.gone.cancelled() => {}
            () = self.context.ct.cancelled() => {}
        }
    }

    /// Resolves when the client has gone or has cancelled the call, or at `deadline`.
    pub async fn gave_up_or(&self, deadline: Instant) {
        tokio::select! {
            () = self.gave_up() => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }

    /// Such as " behind snippet 3 by you (running) and snippet 4 by cursor": what runs before `snippet`, or all that
    /// runs and waits.
    pub async fn queue_ahead(&self, snippet: Option<SnippetId>) -> Result<String, CallError> {
        let Overview { running, queue, pending, .. } =
            self.session.overview().await.map_err(CallError::maybe_received)?;
        let mut ahead = Vec::new();
        if let Some((id, author)) = &running {
            let snippet = self.session.snippet(*id).await.map_err(CallError::maybe_received)?;
            let stuck = snippet.and_then(|snippet| snippet.stuck);
            let state = stuck.map_or_else(String::new, |stuck| {
                let age = units::duration(Duration::from_millis(now().saturating_sub(stuck.since)));
                format!("; an interrupt {age} ago has not stopped it, and only a restart may help")
            });
            ahead.push(format!("snippet {id} by {} (running{state})", author.label_for(&self.author)));
        }
        let before = queue.iter().take_while(|(id, _)| Some(*id) != snippet).filter(|(id, _)| !pending.contains(id));
        ahead.extend(before.map(|(id, author)| format!("snippet {id} by {}", author.label_for(&self.author))));
        let more = ahead.len().saturating_sub(MAX_SNIPPETS_AHEAD);
        ahead.truncate(MAX_SNIPPETS_AHEAD);
        if more > 0 {
            ahead.push(format!("{more} more"));
        }
        Ok(match ahead.pop() {
            None => String::new(),
            Some(only) if ahead.is_empty() => format!(" behind {only}"),
            Some(last) => format!(" behind {} and {last}", ahead.join(", ")),
        })
    }
}

/// Puts a paragraph before the content of a result.
pub fn with_text_before(mut response: CallToolResponse, text: String) -> CallToolResponse {
    if let CallToolResponse::Complete(result) = &mut response {
        result.content.insert(0, ContentBlock::text(text));
    }
    response
}

/// Puts a paragraph behind the content of a result.
pub fn with_text_after(mut response: CallToolResponse, text: &str) -> CallToolResponse {
    if let CallToolResponse::Complete(result) = &mut response {
        result.content.push(ContentBlock::text(text));
    }
    response
}
