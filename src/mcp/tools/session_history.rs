//! The tool `session_history`: what was run in the session, by whom, and how it ended.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mcp::calls::arguments::{optional_integer, optional_snippet_number};
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::history;
use crate::mcp::results::history::{AuthorFilter, HistoryReport};
use crate::session::clock::now;

/// Entries of a result, unless the call has a limit.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

pub struct SessionHistory;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryArguments {
    /// Only entries after the snippet of this number, oldest first; 0 starts at the beginning (default: the newest
    /// entries).
    #[serde(default, deserialize_with = "optional_snippet_number")]
    #[schemars(extend("minimum" = 0))]
    pub since: Option<u32>,
    /// Only entries of this author: "person", "me", or the name of a client.
    pub author: Option<String>,
    /// Maximum number of entries (default 20, at most 100).
    #[serde(default, deserialize_with = "optional_integer")]
    #[schemars(extend("minimum" = 1, "maximum" = 100))]
    pub limit: Option<u32>,
}

impl Tool for SessionHistory {
    const NAME: &'static str = "session_history";
    const TITLE: &'static str = "Read the session history";
    const DESCRIPTION: &'static str = "Lists what ran in the session, by whom, and how it ended: snippets with code \
        and outcome, resets, restarts and notes. Returns the newest entries unless since is given. read_output and \
        wait_for_snippet return the output and the result of one snippet.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: ToolHints = ToolHints::READS;

    type Arguments = HistoryArguments;
    type Output = HistoryReport;

    async fn call(call: &ToolCall<'_>, arguments: HistoryArguments) -> ToolOutcome {
        let HistoryArguments { since, author, limit } = arguments;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return refused(format!("Error: limit must be from 1 to {MAX_LIMIT}, not {limit}."));
        }
        let (filter, reader) = (AuthorFilter::parse(author.as_deref(), &call.author), call.author.clone());
        let history = call
            .session
            .read(move |transcript| history::of(transcript, since, &filter, limit as usize, &reader, now()));
        let history = history.await.map_err(CallError::not_received)?;
        Ok(call.respond(history.text(), &history))
    }
}
