//! The tool `rewind_session`: Python goes back to before a snippet, if the person agrees. The rewind is a line of code
//! that waits for the person in any mode of the gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::rewind::{brief, plan};
use crate::domain::terminal_text::plain;
use crate::domain::{Snippet, SnippetId, Status};
use crate::mcp::calls::arguments::{DEFAULT_WAIT, optional_snippet_number};
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::LostCallTexts;
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::truncate::one_line;
use crate::session::{Closed, RunOptions, SubmitError};

/// Characters of the title, by which the person decides.
const MAX_TITLE: usize = 400;

pub struct RewindSession;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewindArguments {
    /// The first snippet to take back (default: the last one that can be).
    #[serde(default, deserialize_with = "optional_snippet_number")]
    #[schemars(extend("minimum" = 1))]
    pub before: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RewindResult {
    /// False while the person has not answered.
    pub done: bool,
    /// The first snippet that is taken back.
    pub before: u32,
    pub message: String,
}

impl Tool for RewindSession {
    const NAME: &'static str = "rewind_session";
    const TITLE: &'static str = "Take back what snippets did to variables";
    const DESCRIPTION: &'static str = "Takes all variables back to before a snippet, in-place changes included, and \
        with them what everybody ran since. The person is asked first. Files, processes and hosts stay as they are.";
    const EFFECT: CallEffect = CallEffect::SubmitsCode;
    const HINTS: ToolHints = ToolHints { destructive: true, idempotent: false, open_world: false };
    const LOST: LostCallTexts = LostCallTexts { not_begun: "Nothing was taken back.", ..LostCallTexts::CHANGES };

    type Arguments = RewindArguments;
    type Output = RewindResult;

    async fn call(call: &ToolCall<'_>, arguments: RewindArguments) -> ToolOutcome {
        let before = arguments.before.map(SnippetId);
        let planned = call.session.read(move |transcript| {
            let rewind = plan(transcript, before, "%safepoint says why there are no others.")?;
            Ok::<_, String>((rewind.before, brief(transcript, rewind.before).concat()))
        });
        let (before, title) = match planned.await.map_err(CallError::not_received)? {
            Ok(planned) => planned,
            Err(reason) => return refused(format!("Error: {reason} Nothing was taken back.")),
        };
        let title = one_line(&title, MAX_TITLE);
        let options = RunOptions { timeout: None, title: Some(title.into()), call: call.id };
        let deadline = Instant::now() + DEFAULT_WAIT;
        match call.session.submit(call.author.clone(), format!("%rewind {before}").into(), options).await {
            Ok(ticket) => {
                let ended = tokio::select! {
                    biased;
                    ended = ticket.done => ended.map_err(|_| CallError::maybe_received(Closed))?,
                    () = call.gave_up_or(deadline) => return later(call, ticket.id, before).await,
                };
                answer(call, &ended, before)
            }
            Err(SubmitError::Duplicate(id)) => answer(call, &call.snippet(id).await?, before),
            Err(SubmitError::Full(full)) => refused(format!("Error: {full}. Nothing was taken back.")),
            Err(SubmitError::Closed(closed)) => Err(CallError::not_received(closed)),
        }
    }
}

/// The answer while the person has not decided. A client that has given up wants nothing any more.
async fn later(call: &ToolCall<'_>, id: SnippetId, before: SnippetId) -> ToolOutcome {
    let is_gone = call.client.gone.is_cancelled();
    if is_gone || call.context.ct.is_cancelled() {
        let _ = call.session.interrupt(Some(id), &call.author.as_cause()).await;
        return Err(if is_gone { CallError::Disconnected(String::new()) } else { CallError::Cancelled });
    }
    let text = format!("The person has not answered yet. wait_for_snippet with snippet={id} waits on.");
    Ok(call.respond(text.clone(), &RewindResult { done: false, before: before.0, message: text }))
}

fn answer(call: &ToolCall<'_>, snippet: &Snippet, before: SnippetId) -> ToolOutcome {
    let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    let rejection = snippet.review.as_ref().and_then(|review| review.rejection());
    let message = match (snippet.status, error) {
        (Status::Ok, _) => {
            let said = snippet.output.text(None);
            format!("{} Continue as usual: the next call runs after that.", plain(said.trim()))
        }
        (_, Some(error)) => return refused(format!("Error: {} Nothing was taken back.", plain(&error.message))),
        _ => {
            let reason = rejection.and_then(|decision| decision.reason.as_deref());
            let reason = reason.map(|reason| format!(" Reason: {}.", plain(reason))).unwrap_or_default();
            return refused(format!("Error: the person did not agree. Nothing was taken back.{reason}"));
        }
    };
    Ok(call.respond(message.clone(), &RewindResult { done: true, before: before.0, message }))
}
