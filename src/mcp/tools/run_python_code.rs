//! The tool `run_python_code`: submits code and waits for its end.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mcp::calls::arguments;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::LostCallTexts;
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
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
    /// Python source code. The value of the last expression is returned. Top-level await works, and so do `!command`,
    /// `%pip install x`, `%time x` and `x?`, as in notebooks.
    pub code: String,
    /// Interrupt the code after it has run for this many seconds (default: no limit).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_s: Option<f64>,
    /// Seconds to wait for the end (default 45; 0 returns at once). After that the code keeps running: the result has
    /// status "running" and the output so far, and `wait_for_snippet` continues to wait.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
    /// The purpose of the code in a few words. The person sees it above the code.
    pub title: Option<String>,
}

impl Tool for RunPythonCode {
    const NAME: &'static str = "run_python_code";
    const TITLE: &'static str = "Run Python code";
    const DESCRIPTION: &'static str = "Runs Python code in a live session that you share with a person, who sees your \
        code and its output on their screen and works with the same variables. Names, imports and functions persist \
        between calls. Returns the printed output, the value of the last expression, and the traceback if the code \
        failed; matplotlib figures and other pictures are returned as images, without saving them. Snippets run one at \
        a time, in the order of submission. Code that calls input() or breakpoint() returns status \
        \"waiting_for_input\"; see answer_input. The person may want to decide first what runs: then the status is \
        \"waiting_for_person\" until they allow, edit or reject the code. What they do not allow while the code runs is a PermissionError.";
    const EFFECT: CallEffect = CallEffect::SubmitsCode;
    const HINTS: ToolHints = ToolHints { destructive: true, idempotent: false, open_world: true };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "Nothing was run, so this call may be repeated.",
        begun: "The code of this call had started, but how far it got is unknown. Check the state before you repeat \
            any of it.",
        unknown: "It is unknown whether the code of this call started or finished. Check the state before you repeat \
            any of it.",
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
                call.wait_for(ticket.id, done, wait, Waits::OwnSnippet).await
            }
            // The call came by a connection that was lost since.
            Err(SubmitError::Duplicate(id)) => call.wait_for_snippet(id, wait, Waits::AnySnippet).await,
            Err(SubmitError::Full(full)) => refused(format!(
                "Error: {full}. Nothing was run. Wait for some of them, or stop them with interrupt_snippet."
            )),
            Err(SubmitError::Closed(closed)) => Err(CallError::not_received(closed)),
        }
    }
}
