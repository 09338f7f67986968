//! The tool `list_defined_variables`: the names of the session with types and short values.

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use crate::domain::VariableQuery;
use crate::mcp::calls::arguments::DEFAULT_WAIT;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::inspection::background_notice;
use crate::mcp::results::variables;
use crate::mcp::results::variables::VariableList;

pub struct ListDefinedVariables;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListArguments {
    /// Only names or types that contain this text (case-insensitive).
    pub filter: Option<String>,
    /// To continue a long list: the `next_cursor` of the previous page, with the same filter.
    pub cursor: Option<String>,
}

impl Tool for ListDefinedVariables {
    const NAME: &'static str = "list_defined_variables";
    const TITLE: &'static str = "List defined variables";
    const DESCRIPTION: &'static str = "Lists the variables, functions, classes and modules of the shared session, \
        yours and the person's, with their types and short values. Runs no user code. Names that start with an \
        underscore are omitted.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: ToolHints = ToolHints::READS;

    type Arguments = ListArguments;
    type Output = VariableList<'static>;

    async fn call(call: &ToolCall<'_>, arguments: ListArguments) -> ToolOutcome {
        let query = VariableQuery::new(arguments.filter.as_deref().unwrap_or_default(), arguments.cursor);
        let deadline = Instant::now() + DEFAULT_WAIT;
        let overview = call.session.overview().await.map_err(CallError::not_received)?;
        let running = overview.running.map(|(id, _)| id.0);
        let table = tokio::select! {
            biased;
            table = call.session.variables(query.clone()) => table.map_err(CallError::not_received)?,
            () = call.gave_up_or(deadline) => return refused("Error: Python did not answer in time; try again."),
        };
        let masked = call.session.gate().private.masked(&table);
        let (mut text, list) = variables::list(masked.as_ref().unwrap_or(&table), &query, running);
        let busy = call.session.overview().await.map_err(CallError::not_received)?.busy;
        if let Some(busy) = busy.filter(|_| running.is_none()) {
            text.push_str(&format!(
                "\n\n({})",
                background_notice(busy.snippet, "the list may be older than its last changes")
            ));
        }
        Ok(call.respond(text, &list))
    }
}
