//! The tool `read_output`: the output that a result has left out.

use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{SnippetId, Stream};
use crate::mcp::calls::arguments::{optional_integer, snippet_number};
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::refused;
use crate::mcp::results::output_page::{OutputPage, PageRequest};

/// Characters of a page, unless the call has a limit.
const DEFAULT_LIMIT: u32 = 20_000;
const MAX_LIMIT: u32 = 40_000;
/// Bytes of a compiled regular expression: a large one is slow.
const MAX_REGEX_SIZE: usize = 128 << 10;

pub struct ReadOutput;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArguments {
    /// Number of the snippet.
    #[serde(deserialize_with = "snippet_number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// Only this stream (default: both, in the order written).
    pub stream: Option<StreamName>,
    /// Byte offset in the whole output to start from: 0 (default), an offset from a result, or a negative number to
    /// count from the end.
    #[serde(default, deserialize_with = "optional_integer")]
    pub offset: Option<i64>,
    /// Maximum number of characters to return (default 20000, at most 40000).
    #[serde(default, deserialize_with = "optional_integer")]
    #[schemars(extend("minimum" = 1, "maximum" = 40000))]
    pub limit: Option<u32>,
    /// A regular expression: return only matching lines, with line number and offset. (?i) ignores case.
    pub grep: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StreamName {
    Stdout,
    Stderr,
}

impl From<StreamName> for Stream {
    fn from(name: StreamName) -> Self {
        match name {
            StreamName::Stdout => Self::Stdout,
            StreamName::Stderr => Self::Stderr,
        }
    }
}

impl Tool for ReadOutput {
    const NAME: &'static str = "read_output";
    const TITLE: &'static str = "Read the output of a snippet";
    const DESCRIPTION: &'static str = "Reads the output of a snippet, page by page or only the lines that match a \
        regular expression: the part that a result left out, or the output so far of a running snippet. Escape \
        sequences are removed, and progress bars show their last state. The whole output is kept, up to 256 MiB per \
        snippet.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: ToolHints = ToolHints::READS;

    type Arguments = ReadArguments;
    type Output = OutputPage;

    async fn call(call: &ToolCall<'_>, arguments: ReadArguments) -> ToolOutcome {
        let ReadArguments { snippet, stream, offset, limit, grep } = arguments;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return refused(format!("Error: limit must be from 1 to {MAX_LIMIT} characters, not {limit}."));
        }
        let request = PageRequest {
            stream: stream.map(Into::into),
            offset: offset.unwrap_or(0),
            limit: limit as usize,
            regex: grep.map(|pattern| compile(&pattern)).transpose()?,
        };
        let snippet = Arc::new(call.shown_snippet(SnippetId(snippet)).await?);
        let page = OutputPage::read(call.session, snippet.clone(), request).await;
        let page = page.ok_or_else(|| "Error: the output could not be read.".to_owned())??;
        Ok(call.output_page_result(&snippet, page))
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(MAX_REGEX_SIZE).build().map_err(|error| {
        format!(
            "Error: grep is not a valid regular expression: {error}. Escape . * + ? ( ) [ ] {{ }} | ^ $ \\ with \\."
        )
    })
}
