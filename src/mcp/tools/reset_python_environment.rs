//! The tool `reset_python_environment`. Where other authors would lose something, the client's user confirms first, if the
//! client can ask.

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
use crate::mcp::calls::tool::{CallEffect, Hints, Tool};
use crate::mcp::errors::{CallError, refused};
use crate::session::{Closed, CommandError};

/// How long the user may take to confirm. Clients give a call a minute, and the reset itself may have to wait.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(40);
const NOT_DONE: &str = "It would destroy what others made in this session, so nothing was reset.";

pub struct ResetPythonEnvironment;

/// Without `deny_unknown_fields`: some clients send a made-up argument to a tool that needs none.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResetArguments {
    /// "namespace" (the default) clears the names and keeps the process; "restart" ends the process, with its threads
    /// and loaded libraries, and starts a new one on the same session. Use "restart" after an update of an installed
    /// package, or when code can no longer be interrupted.
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
    /// False while the reset waits for a snippet to end; it is done after that without another call.
    pub done: bool,
    /// How many names were cleared; null where that is not known.
    pub cleared: Option<u32>,
    /// What a reset does not undo, in words.
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

/// The response, or the question to ask first. Then nothing was done.
type ResetOutcome = Result<CallToolResponse, String>;

impl Tool for ResetPythonEnvironment {
    const NAME: &'static str = "reset_python_environment";
    const TITLE: &'static str = "Reset the Python environment";
    const DESCRIPTION: &'static str = "Clears all variables, functions and imports of the shared session, the person's as \
        well. Working directory, environment variables and builtins are as at the start again, and modules of the project \
        are imported afresh. The process stays, with its threads and with installed packages loaded; mode \"restart\" \
        replaces it by a new one.";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: Hints = Hints { destructive: true, idempotent: true, open_world: false };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "Nothing was reset by it.",
        unknown: "Whether anything was reset is not known: look at what is there before you repeat it.",
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
                Err(question) => {
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
        let response = reset(call, mode, IfOthersLose::Reset, deadline).await??;
        if ran_meanwhile {
            let text = "Code that you sent while the user was asked came before this: its names are gone as well.";
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
        let text = format!("{happened} What was defined before that is gone: there is nothing left to reset.");
        Ok(call.respond(text, &ResetResult::new(true)))
    }
}

/// The outcome of a call that must not reset; `None` if it may.
fn without_consent(call: &ToolCall<'_>, confirmation: Confirmation) -> Option<ToolOutcome> {
    Some(match confirmation {
        Confirmation::Yes | Confirmation::Unclear => return None,
        Confirmation::No => refused(format!("Error: the user did not confirm this. {NOT_DONE}")),
        Confirmation::Late => {
            let seconds = CONFIRMATION_TIMEOUT.as_secs();
            refused(format!(
                "Error: the user was asked to confirm this and did not answer within {seconds} s. {NOT_DONE} Ask the \
                 person in your reply; another call resets without asking."
            ))
        }
        Confirmation::GaveUp if call.stop.is_cancelled() && !call.session.is_restarting() => {
            refused("Error: the session ended while the user was asked to confirm this. Nothing was reset.")
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
        IfOthersLose::Ask => reset_impact::question(transcript, &by, mode == ResetMode::Restart),
        IfOthersLose::Reset => None,
    };
    match mode {
        ResetMode::Namespace => clear_namespace(call, objection, deadline).await,
        ResetMode::Restart => restart(call, objection).await,
    }
}

async fn clear_namespace(
    call: &ToolCall<'_>,
    objection: impl FnOnce(&Transcript) -> Option<String> + Send + 'static,
    deadline: Instant,
) -> Result<ResetOutcome, CallError> {
    let report = tokio::select! {
        biased;
        report = call.session.reset_unless(call.author.clone(), objection) => report,
        () = call.gave_up_or(deadline) => {
            let behind = call.queue_ahead(None).await?;
            let text = format!("The reset waits its turn{behind} and is done after that, without another call. \
                interrupt_snippet makes it come sooner.");
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
    objection: impl FnOnce(&Transcript) -> Option<String> + Send + 'static,
) -> Result<ResetOutcome, CallError> {
    match call.session.restart_unless(call.author.clone(), objection).await {
        Ok(()) => {}
        Err(CommandError::Closed(closed)) => return Err(CallError::not_received(closed)),
        Err(CommandError::Refused(question)) => return Ok(Err(question)),
    }
    let text = "Python restarts: what ran is interrupted, what waited is cancelled, and a new process takes over \
        this session. All variables and imports are gone. Go on as usual: the next call runs in the new process.";
    Ok(Ok(call.respond(text.to_owned(), &ResetResult::new(true))))
}

/// How many snippets this client has submitted.
async fn runs(call: &ToolCall<'_>) -> Option<u32> {
    let Author::Client { id, .. } = call.author else { return None };
    let clients = call.session.overview().await.ok()?.clients;
    clients.iter().find(|client| client.id == id).map(|client| client.runs)
}
