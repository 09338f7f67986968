//! The tool `answer_input`: enters a line for a snippet that waits for input.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{InputAnswer, SnippetId};
use crate::mcp::calls::arguments;
use crate::mcp::calls::arguments::snippet_number;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::{LostCall, LostCallTexts};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::calls::wait::Waits;
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::report::RunReport;
use crate::session::{AnswerRefused, CommandError};

pub struct AnswerInput;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerArguments {
    /// Number of the snippet that waits for input.
    #[serde(deserialize_with = "snippet_number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// The line to enter, without a newline; may be empty.
    pub text: String,
    /// If true, send end of input (Ctrl-D) instead of a line; `text` must then be empty.
    pub eof: Option<bool>,
    /// Seconds to wait for the result (default 45; 0 returns at once).
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

impl Tool for AnswerInput {
    const NAME: &'static str = "answer_input";
    const TITLE: &'static str = "Answer a prompt";
    const DESCRIPTION: &'static str = "Sends one line to a snippet that waits for input (status \"waiting_for_input\": \
        input(), sys.stdin, pdb), then waits until the snippet ends or asks again, and returns its result like \
        run_python_code, with the output since the answer. The person can answer too; only the person can answer hidden prompts (passwords).";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: ToolHints = ToolHints { destructive: true, idempotent: false, open_world: true };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "Nothing was entered.",
        unknown: "It is unknown whether the line was entered. Check the state before you repeat this call.",
        ..LostCallTexts::CHANGES
    };

    type Arguments = AnswerArguments;
    type Output = RunReport;

    async fn call(call: &ToolCall<'_>, arguments: AnswerArguments) -> ToolOutcome {
        let AnswerArguments { snippet, text, eof, wait_s } = arguments;
        let wait = arguments::wait(wait_s)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let answer = match eof {
            Some(true) if line.is_empty() => InputAnswer::Eof,
            Some(true) => return refused("Error: with eof, text must be empty. Nothing was entered."),
            _ if line.contains(['\n', '\r', '\0']) => {
                return refused("Error: a prompt takes one line at a time. Nothing was entered.");
            }
            _ => InputAnswer::Line(line.to_owned()),
        };
        let id = SnippetId(snippet);
        // The answer is echoed before what the code writes next.
        let echo = line.len() as u64 + 1;
        let from = call.shown_snippet(id).await?.output.position() + echo;
        let answered = call.session.answer_input(id, None, answer, call.author.clone()).await;
        match answered {
            Err(CommandError::Closed(closed)) => Err(CallError::not_received(closed)),
            Ok(()) => call.wait_for_snippet(id, wait, Waits::OutputFrom(from)).await,
            Err(CommandError::Refused(AnswerRefused::Hidden)) => refused(format!(
                "Error: snippet {id} asks for a password. Only the person can type it, in the dashboard: ask them to, \
                 then call wait_for_snippet with snippet={id}."
            )),
            Err(CommandError::Refused(AnswerRefused::Gated)) => refused(format!(
                "Error: the person decides what you run, so only they answer prompts, in the dashboard: ask them to, then \
                 call wait_for_snippet with snippet={id}. Nothing was entered."
            )),
            Err(CommandError::Refused(AnswerRefused::NotAsking)) => {
                let status = call.snippet(id).await?.status;
                refused(format!("Error: snippet {id} is not waiting for input; it is {}.", status.word()))
            }
        }
    }

    async fn recover(call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        match arguments::parse(Self::NAME, arguments) {
            Ok(AnswerArguments { snippet, .. }) if call.has_ended(SnippetId(snippet)).await? => {
                let note = "It is unknown whether the line was entered before that.";
                lost.snippet_result(call, SnippetId(snippet), Some(note)).await
            }
            _ => lost.refusal(""),
        }
    }
}
