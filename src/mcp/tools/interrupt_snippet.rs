//! The tool `interrupt_snippet`: stops a snippet that runs, or removes one from the queue.

use std::time::Duration;

use rmcp::model::{CallToolResponse, JsonObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::{BusyTask, Note, SnippetId, Status};
use crate::mcp::calls::arguments;
use crate::mcp::calls::arguments::optional_snippet_number;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::{LostCall, LostCallTexts};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints, repeat};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::report::stuck_notice;
use crate::session::Overview;
use crate::session::clock::now;

/// Characters of a note.
const MAX_NOTE: usize = 2_000;
/// How long a call waits to see the effect.
const EFFECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a background task is looked at.
const EFFECT_INTERVAL: Duration = Duration::from_millis(20);

pub struct InterruptSnippet;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterruptArguments {
    /// Number of the snippet (default: your own running snippet).
    #[serde(default, deserialize_with = "optional_snippet_number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: Option<u32>,
    /// The reason, in one sentence. The person sees it, and the author of the code gets it with the next result.
    pub note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct InterruptResult {
    /// The interrupted snippet; null if nothing was interrupted.
    pub snippet: Option<u32>,
    /// Whether the snippet has ended.
    pub ended: bool,
    pub message: String,
}

impl Tool for InterruptSnippet {
    const NAME: &'static str = "interrupt_snippet";
    const TITLE: &'static str = "Interrupt a snippet";
    const DESCRIPTION: &'static str = "Raises KeyboardInterrupt in a running snippet, removes a queued one, or stops a \
        background task that keeps Python busy. Variables are kept. If the code catches the first interrupt, call again \
        to stop it by force. A long call into a C library stops only when the library returns; the result then shows \
        where the code is.";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: ToolHints = ToolHints { destructive: true, idempotent: false, open_world: false };
    const LOST: LostCallTexts = LostCallTexts { not_begun: "Nothing was interrupted.", ..LostCallTexts::CHANGES };
    const ENDS_CALLS: bool = true;

    type Arguments = InterruptArguments;
    type Output = InterruptResult;

    async fn call(call: &ToolCall<'_>, arguments: InterruptArguments) -> ToolOutcome {
        let InterruptArguments { snippet, note } = arguments;
        let Overview { running, busy, .. } = call.session.overview().await.map_err(CallError::not_received)?;
        let target = match (snippet, running) {
            (Some(snippet), _) => SnippetId(snippet),
            (None, Some((id, author))) if author == call.author => id,
            (None, Some((id, author))) => {
                return refused(format!(
                    "Error: the running snippet {id} is by {}, not yours. Pass snippet={id} to stop it anyway.",
                    author.label_for_models()
                ));
            }
            (None, None) => match busy {
                Some(busy) => busy.snippet,
                None => return Ok(nothing(call, "Nothing is running.".to_owned())),
            },
        };
        let hit = call.session.interrupt(Some(target), &call.author.as_cause()).await;
        if hit.map_err(CallError::not_received)?.is_none() {
            let status = call.snippet(target).await?.status;
            return Ok(nothing(call, format!("Snippet {target} had already ended ({}).", status.word())));
        }
        if let Some(note) = note.as_deref().map(str::trim).filter(|note| !note.is_empty()) {
            let text = note.chars().take(MAX_NOTE).collect::<String>().into();
            call.session.note(Note { by: call.author.clone(), text, about: Some(target), to: None, answers: None });
        }
        let (ended, message) = match busy.filter(|busy| busy.snippet == target) {
            Some(busy) => effect_on_task(call, busy).await?,
            None => effect(call, target).await?,
        };
        Ok(call.respond(message.clone(), &InterruptResult { snippet: Some(target.0), ended, message }))
    }

    /// A snippet that the call names is interrupted now, if it has not ended. Without a name, the call was about a
    /// snippet that has ended with its process.
    async fn recover(call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        match arguments::parse(Self::NAME, arguments.clone()) {
            Ok(InterruptArguments { snippet: Some(_), .. }) => repeat::<Self>(call, arguments, lost).await,
            _ => refused(format!("{} The running snippet ended with it.", lost.what_happened())),
        }
    }
}

/// The response to a call that has interrupted nothing.
fn nothing(call: &ToolCall<'_>, message: String) -> CallToolResponse {
    call.respond(message.clone(), &InterruptResult { snippet: None, ended: true, message })
}

/// Waits for the effect of an interrupt on a background task. Returns whether the task lets others run, and the message
/// about it.
async fn effect_on_task(call: &ToolCall<'_>, busy: BusyTask) -> Result<(bool, String), CallError> {
    let deadline = Instant::now() + EFFECT_TIMEOUT;
    let snippet = busy.snippet;
    while Instant::now() < deadline {
        tokio::time::sleep(EFFECT_INTERVAL).await;
        let at_work = call.session.overview().await.map_err(CallError::maybe_received)?.busy;
        if at_work.is_none_or(|task| task.since != busy.since) {
            let message = format!(
                "The background task of snippet {snippet} was interrupted. What it wrote, and its error, are output of that \
                 snippet: read_output with snippet={snippet}."
            );
            return Ok((true, message));
        }
    }
    let message = format!(
        "The background task of snippet {snippet} caught the interrupt, or is inside a call of C code, and keeps Python \
         busy. Call interrupt_snippet again to stop it by force."
    );
    Ok((false, message))
}

/// Waits for the effect of an interrupt. Returns whether the snippet has ended, and the message about it.
async fn effect(call: &ToolCall<'_>, target: SnippetId) -> Result<(bool, String), CallError> {
    if let Ok(ended) = tokio::time::timeout(EFFECT_TIMEOUT, call.session.wait(target)).await {
        let status = ended.map_err(CallError::maybe_received)?.status;
        let message = match status {
            Status::Cancelled => format!("Snippet {target} was removed from the queue."),
            _ => format!("Snippet {target} has ended: {}.", status.word()),
        };
        return Ok((true, message));
    }
    let found = call.session.snippet(target).await.map_err(CallError::not_received)?;
    let message = match found.and_then(|snippet| snippet.stuck) {
        Some(stuck) => format!("Snippet {target} is still running. {}", stuck_notice(&stuck, now())),
        None => format!(
            "Snippet {target} caught the interrupt and is still running. Call interrupt_snippet again to stop it by \
             force."
        ),
    };
    Ok((false, message))
}
