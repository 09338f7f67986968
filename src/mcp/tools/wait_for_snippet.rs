//! The tool `wait_for_snippet`: waits for a snippet of an earlier call, and returns its result.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::SnippetId;
use crate::mcp::calls::arguments;
use crate::mcp::calls::arguments::snippet_number;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::LostCall;
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints, repeat};
use crate::mcp::calls::wait::Waits;
use crate::mcp::results::report::RunReport;

pub struct WaitForSnippet;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitArguments {
    /// Number of the snippet, from the result of `run_python_code`.
    #[serde(deserialize_with = "snippet_number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// Seconds to wait for the end (default 45; 0 returns at once).
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

impl Tool for WaitForSnippet {
    const NAME: &'static str = "wait_for_snippet";
    const TITLE: &'static str = "Wait for a snippet";
    const DESCRIPTION: &'static str = "Waits for a running or queued snippet and returns its result like \
        run_python_code. If the snippet has already ended, returns its result again. Never stops the code.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: ToolHints = ToolHints::READS;

    type Arguments = WaitArguments;
    type Output = RunReport;

    async fn call(call: &ToolCall<'_>, arguments: WaitArguments) -> ToolOutcome {
        let wait = arguments::wait(arguments.wait_s)?;
        let id = SnippetId(arguments.snippet);
        call.shown_snippet(id).await?;
        call.wait_for_snippet(id, wait, Waits::AnySnippet).await
    }

    async fn recover(call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        if let Ok(WaitArguments { snippet, .. }) = arguments::parse(Self::NAME, arguments.clone())
            && call.has_ended(SnippetId(snippet)).await?
        {
            call.shown_snippet(SnippetId(snippet)).await?;
            return lost.snippet_result(call, SnippetId(snippet), None).await;
        }
        repeat::<Self>(call, arguments, lost).await
    }
}
