//! The tool `reset_python_environment`. Where other authors would lose something, the client's user confirms first, if
//! the client can ask.

use std::time::Duration;

use rmcp::model::{CallToolResponse, JsonObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::reset_impact;
use crate::domain::{Author, Transcript};
use crate::mcp::calls::arguments::DEFAULT_WAIT;
use crate::mcp::calls::confirmation::Confirmation;
use crate::mcp::calls::context::{ToolCall, ToolOutcome, with_text_after};
use crate::mcp::calls::lost_call::{LostCall, LostCallTexts};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::{CallError, refused};
use crate::session::{Closed, CommandError};

/// How long the user may take to confirm. Clients give a call a minute, and the reset itself may have to wait.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(40);
const NOT_DONE: &str = "The reset would delete the work of others in this session, so nothing was reset.";

pub struct ResetPythonEnvironment;

/// Without `deny_unknown_fields`: some clients send a made-up argument to a tool that needs none.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResetArguments {
    /// "namespace" (default) clears all names and keeps the process. "restart" replaces the process, with its threads
    /// and loaded libraries, by a new one in the same session. Use "restart" after updating an installed package, or
    /// when code can no longer be interrupted.
    #[serde(default)]
    pub mode: Option<ResetMode>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ResetMode {
    #[default]
    Namespace,
    Restart,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ResetResult {
    /// False while the reset waits for a snippet to end; the reset then happens without another call.
    pub done: bool,
    /// Number of cleared names; null if unknown.
    pub cleared: Option<u32>,
    /// What the reset did not undo.
    pub remains: Vec<String>,
}

impl ResetResult {
    fn new(done: bool) -> Self {
        Self { done, cleared: None, remains: Vec::new() }
    }
}

/// What a reset does where other authors would lose something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfOthersLose {
    /// It does nothing, and returns the question to confirm.
    Ask,
    Reset,
}

/// Why nothing was done.
enum Objection {
    /// The person decides what the client runs.
    Gated,
    /// The question to ask first.
    OthersLose(String),
}

type ResetOutcome = Result<CallToolResponse, Objection>;

impl Tool for ResetPythonEnvironment {
    const NAME: &'static str = "reset_python_environment";
    const TITLE: &'static str = "Reset the Python environment";
    const DESCRIPTION: &'static str = "Clears all variables, functions and imports of the shared session, including \
        the person's. Restores the initial working directory, environment variables and builtins; modules of the \
        project are imported anew. The process keeps running, with its threads and loaded packages; mode \"restart\" \
        replaces it with a new one.";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: ToolHints = ToolHints { destructive: true, idempotent: true, open_world: false };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "Nothing was reset.",
        unknown: "It is unknown whether anything was reset. Check the state before you repeat this call.",
        ..LostCallTexts::CHANGES
    };

    type Arguments = ResetArguments;
    type Output = ResetResult;

    async fn call(call: &ToolCall<'_>, arguments: ResetArguments) -> ToolOutcome {
        let mode = arguments.mode.unwrap_or_default();
        let begun = Instant::now();
        let deadline = begun + DEFAULT_WAIT;
        let mut runs_before = None;
        let confirmation = match call.earlier_confirmation() {
            Some(confirmation) => confirmation,
            None if call.can_confirm() => match reset(call, mode, IfOthersLose::Ask, deadline).await? {
                Ok(response) => return Ok(response),
                Err(Objection::Gated) => return gated(),
                Err(Objection::OthersLose(question)) => {
                    runs_before = runs(call).await;
                    call.confirm(question, begun + CONFIRMATION_TIMEOUT).await
                }
            },
            None => Confirmation::Unclear,
        };
        if let Some(outcome) = without_consent(call, confirmation) {
            return outcome;
        }
        let ran_meanwhile = runs_before.is_some() && runs(call).await > runs_before;
        let response = match reset(call, mode, IfOthersLose::Reset, deadline).await? {
            Ok(response) => response,
            Err(Objection::Gated) => return gated(),
            Err(Objection::OthersLose(question)) => return refused(question),
        };
        if ran_meanwhile {
            let text =
                "Code that you sent while the user was being asked ran before the reset: its names are gone too.";
            return Ok(with_text_after(response, text));
        }
        Ok(response)
    }

    async fn recover(call: &ToolCall<'_>, _: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        // The new process has the saved variables, or may have them.
        if lost.is_resumed() {
            return lost.refusal("");
        }
        let happened = lost.what_happened();
        let text = format!("{happened} All earlier names are gone: nothing is left to reset.");
        Ok(call.respond(text, &ResetResult::new(true)))
    }
}

/// The outcome of a call that must not reset; `None` if it may.
fn without_consent(call: &ToolCall<'_>, confirmation: Confirmation) -> Option<ToolOutcome> {
    Some(match confirmation {
        Confirmation::Yes | Confirmation::Unclear => return None,
        Confirmation::No => refused(format!("Error: the user did not confirm the reset. {NOT_DONE}")),
        Confirmation::Late => {
            let seconds = CONFIRMATION_TIMEOUT.as_secs();
            refused(format!(
                "Error: the user was asked to confirm the reset and did not answer within {seconds} s. {NOT_DONE} Ask \
                 the person in your reply; the next call resets without asking."
            ))
        }
        Confirmation::GaveUp if call.stop.is_cancelled() && !call.session.is_restarting() => {
            refused("Error: the session ended before the user confirmed the reset. Nothing was reset.")
        }
        Confirmation::GaveUp if call.stop.is_cancelled() => Err(CallError::not_received(Closed)),
        Confirmation::GaveUp => Err(CallError::Disconnected(" Nothing was reset.".to_owned())),
        Confirmation::CallAgain(question) => Ok(question.into()),
    })
}

async fn reset(
    call: &ToolCall<'_>,
    mode: ResetMode,
    if_others_lose: IfOthersLose,
    deadline: Instant,
) -> Result<ResetOutcome, CallError> {
    let by = call.author.clone();
    let objection = move |transcript: &Transcript| match if_others_lose {
        _ if transcript.gate().is_closed_to(&by) || !transcript.gate().locked.is_empty() => Some(Objection::Gated),
        IfOthersLose::Ask => {
            reset_impact::question(transcript, &by, mode == ResetMode::Restart).map(Objection::OthersLose)
        }
        IfOthersLose::Reset => None,
    };
    match mode {
        ResetMode::Namespace => clear_namespace(call, objection, deadline).await,
        ResetMode::Restart => restart(call, objection).await,
    }
}

async fn clear_namespace(
    call: &ToolCall<'_>,
    objection: impl FnOnce(&Transcript) -> Option<Objection> + Send + 'static,
    deadline: Instant,
) -> Result<ResetOutcome, CallError> {
    let report = tokio::select! {
        biased;
        report = call.session.reset_unless(call.author.clone(), objection) => report,
        () = call.gave_up_or(deadline) => {
            let behind = call.queue_ahead(None).await?;
            let text = format!("The reset is queued{behind} and happens without another call. interrupt_snippet makes \
                it happen sooner.");
            return Ok(Ok(call.respond(text, &ResetResult::new(false))));
        }
    };
    let report = match report {
        Ok(report) => report,
        Err(CommandError::Closed(closed)) => return Err(CallError::maybe_received(closed)),
        Err(CommandError::Refused(question)) => return Ok(Err(question)),
    };
    let mut text = "Python environment has been reset. All variables and imports cleared.".to_owned();
    for remains in &report.remains {
        text.push_str(&format!("\nNot undone: {remains}"));
    }
    let cleared = Some(report.cleared as u32);
    Ok(Ok(call.respond(text, &ResetResult { done: true, cleared, remains: report.remains.clone() })))
}

async fn restart(
    call: &ToolCall<'_>,
    objection: impl FnOnce(&Transcript) -> Option<Objection> + Send + 'static,
) -> Result<ResetOutcome, CallError> {
    match call.session.restart_unless(call.author.clone(), objection).await {
        Ok(()) => {}
        Err(CommandError::Closed(closed)) => return Err(CallError::not_received(closed)),
        Err(CommandError::Refused(question)) => return Ok(Err(question)),
    }
    let text = "Python is restarting: the running snippet is interrupted, queued snippets are cancelled, and a new \
        process takes over this session. All variables and imports are gone. Continue as usual: the next call runs in \
        the new process.";
    Ok(Ok(call.respond(text.to_owned(), &ResetResult::new(true))))
}

fn gated() -> ToolOutcome {
    refused(
        "Error: the person decides what you run now, or has locked variables, so only they reset the session. Nothing was \
         reset. Ask them to, for example with ask_human.",
    )
}

/// How many snippets this client has submitted.
async fn runs(call: &ToolCall<'_>) -> Option<u32> {
    let Author::Client { id, .. } = call.author else { return None };
    let clients = call.session.overview().await.ok()?.clients;
    clients.iter().find(|client| client.id == id).map(|client| client.runs)
}
