//! The tool `run_python_code`: submits code and waits for its end.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mcp::calls::arguments;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::LostCallTexts;
use crate::mcp::calls::tool::{CallEffect, Hints, Tool};
use crate::mcp::calls::wait::Waits;
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::report::RunReport;
use crate::mcp::results::truncate::one_line;
use crate::session::{Closed, RunOptions, SubmitError};

/// Characters of a title.
const MAX_TITLE: usize = 120;

pub struct RunPythonCode;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunArguments {
    /// Python source, one line or many. The value of a last expression is returned; top-level await works, and so do
    /// `!command`, `%pip install x`, `%time x` and `x?` as in notebooks.
    pub code: String,
    /// Interrupt the code when it has run for this many seconds. No limit unless given.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_s: Option<f64>,
    /// Seconds to wait for the end, 45 by default. It only ends the waiting: the code goes on, the answer has status
    /// "running" and the output so far, and `wait_for_snippet` goes on waiting. 0 returns at once.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
    /// What the code is for, in a few words: the person sees it above the code.
    pub title: Option<String>,
}

impl Tool for RunPythonCode {
    const NAME: &'static str = "run_python_code";
    const TITLE: &'static str = "Run Python code";
    const DESCRIPTION: &'static str = "Runs Python code in a live session that you share with a person, who sees your \
        code and its output on their screen and works with the same variables. Names, imports and functions stay for \
        later calls. Returns what the code printed, the value of the last expression, and the traceback if it failed; \
        figures of matplotlib and pictures come as images, without being saved. Code runs one snippet at a time, in the \
        order it came. Code that calls input() or breakpoint() is answered with status \"waiting_for_input\"; see \
        answer_input.";
    const EFFECT: CallEffect = CallEffect::SubmitsCode;
    const HINTS: Hints = Hints { destructive: true, idempotent: false, open_world: true };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "Nothing was run, so this call may be repeated.",
        begun: "The code of this call had begun. How far it came is not known: look at what is there before you repeat \
            any of it.",
        unknown: "Whether the code of this call began, and whether it ran to its end, is not known: look at what is \
            there before you repeat any of it.",
        ..LostCallTexts::CHANGES
    };

    type Arguments = RunArguments;
    type Output = RunReport;

    async fn call(call: &ToolCall<'_>, arguments: RunArguments) -> ToolOutcome {
        let RunArguments { code, timeout_s, wait_s, title } = arguments;
        if code.trim().is_empty() {
            return refused("Error: Code cannot be empty");
        }
        let timeout = timeout_s.map(arguments::timeout).transpose()?;
        let wait = arguments::wait(wait_s)?;
        let title = title.map(|title| one_line(title.trim(), MAX_TITLE)).filter(|title| !title.is_empty());
        let options = RunOptions { timeout, title: title.map(Into::into), call: call.id };
        match call.session.submit(call.author.clone(), code.into(), options).await {
            Ok(ticket) => {
                let done = async { ticket.done.await.map_err(|_| Closed) };
                call.wait_for(ticket.id, done, wait, Waits::ForItsOwn).await
            }
            // The call came by a connection that was lost since.
            Err(SubmitError::Duplicate(id)) => call.wait_for_snippet(id, wait, Waits::ForAny).await,
            Err(SubmitError::Full(full)) => refused(format!(
                "Error: {full}. Nothing was run. Wait for some of them, or stop them by interrupt_snippet."
            )),
            Err(SubmitError::Closed(closed)) => Err(CallError::not_received(closed)),
        }
    }
}
