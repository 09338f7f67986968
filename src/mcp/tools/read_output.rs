//! The tool that reads what a result left out.

use std::sync::Arc;
use std::time::Duration;

use regex_lite::{Regex, RegexBuilder};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{ToolCall, ToolOutcome};
use super::pages;
use super::pages::{Found, Page};
use super::schema;
use super::schema::{maybe_integer, number};
use crate::domain::{Snippet, SnippetId, Stream, units};
use crate::mcp::server::failure::{ended, refused};
use crate::session::spool::Whole;
use crate::session::{SessionHandle, in_background};

/// Characters of a page unless asked for otherwise, and at most.
const LIMIT: u32 = 20_000;
const MOST: u32 = 40_000;
/// What was written just now is waited for.
const SETTLE: Duration = Duration::from_secs(2);
/// Bytes that a compiled expression may take: the larger, the slower.
const EXPRESSION: usize = 128 << 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArguments {
    /// Number of the snippet.
    #[serde(deserialize_with = "number")]
    #[schemars(extend("minimum" = 1))]
    pub snippet: u32,
    /// Only this stream; both in the order written unless given.
    pub stream: Option<StreamName>,
    /// Where to begin, in bytes of the whole output: 0, an offset from a result, or a negative number to read that much of
    /// the end.
    #[serde(default, deserialize_with = "maybe_integer")]
    pub offset: Option<i64>,
    /// Characters to return at most: 20000 by default, no more than 40000.
    #[serde(default, deserialize_with = "maybe_integer")]
    #[schemars(extend("minimum" = 1, "maximum" = 40000))]
    pub limit: Option<u32>,
    /// A regular expression: only lines that match are returned, with line number and offset. (?i) ignores case.
    pub grep: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StreamName {
    Stdout,
    Stderr,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OutputPage {
    pub snippet: u32,
    /// Whether the code still runs, and may write more.
    pub running: bool,
    /// The page; with grep, each line as `line number, offset: text`.
    pub text: String,
    /// Where the page begins, in bytes of the whole output.
    pub offset: u64,
    /// Where the next page begins; null at the end.
    pub next_offset: Option<u64>,
    /// Bytes of the whole output that can be read, both streams counted.
    pub total: u64,
    /// The lines that match, with grep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<MatchingLine>>,
    /// What of the output was not kept, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct MatchingLine {
    /// Counted from 1; of the stream, if one was asked for.
    pub line: u64,
    /// Where the line begins, to read on from there.
    pub offset: u64,
    pub text: String,
}

/// What a page is made of.
struct Request {
    stream: Option<Stream>,
    offset: i64,
    limit: usize,
    regex: Option<Regex>,
}

impl ToolCall<'_> {
    pub async fn read_output(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let ReadArguments { snippet, stream, offset, limit, grep } = schema::arguments(schema::READ, arguments)?;
        let limit = limit.unwrap_or(LIMIT);
        if !(1..=MOST).contains(&limit) {
            return refused(format!("Error: limit must be from 1 to {MOST} characters, not {limit}."));
        }
        let regex = grep.map(|pattern| expression(&pattern)).transpose()?;
        let stream = stream.map(|stream| match stream {
            StreamName::Stdout => Stream::Stdout,
            StreamName::Stderr => Stream::Stderr,
        });
        let request = Request { stream, offset: offset.unwrap_or(0), limit: limit as usize, regex };
        let id = SnippetId(snippet);
        let Some(found) = self.session.look(id).await.map_err(ended)? else {
            return refused(format!("Error: there is no snippet {snippet} in this session."));
        };
        let spool = self.session.spool().clone();
        let read = in_background(move || {
            spool.settle(SETTLE);
            let kept = spool.whole_of(id, &found.output).map_err(|error| error.to_string());
            read(&found, kept, &request).map(|page| (page, found))
        });
        let (page, found) = read.await.ok_or_else(|| "Error: the output could not be read.".to_owned())??;
        let is_part = page.offset > 0 || page.next_offset.is_some();
        Ok(self.told_page(&found, rendered(&page), is_part, Arc::new(page)))
    }
}

/// Characters of a page of a resource.
pub const LONG: usize = 400_000;

/// All that a snippet wrote, from a byte on, as far as it fits; and where it goes on.
pub async fn long_page(
    session: &SessionHandle,
    snippet: Snippet,
    offset: u64,
) -> Result<(String, Option<u64>), String> {
    let spool = session.spool().clone();
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let read = in_background(move || {
        spool.settle(SETTLE);
        let kept = spool.whole_of(snippet.id, &snippet.output).map_err(|error| error.to_string());
        read(&snippet, kept, &Request { stream: None, offset, limit: LONG, regex: None })
    });
    let page = read.await.ok_or("the output could not be read")??;
    let missing = page.missing.map(|missing| format!("\n[not kept: {missing}]")).unwrap_or_default();
    Ok((page.text + &missing, page.next_offset))
}

fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(EXPRESSION).build().map_err(|fault| {
        format!("Error: grep is not a regular expression that can be used: {fault}. Escape . * + ? ( ) [ ] {{ }} | ^ $ \\ with \\.")
    })
}

/// `kept` is the whole output. Where it is not there any more, what memory keeps stands in for it.
fn read(snippet: &Snippet, kept: Result<Option<Whole>, String>, request: &Request) -> Result<OutputPage, String> {
    let (whole, missing) = match kept {
        Ok(Some(whole)) if whole.length() > 0 => {
            let missing = whole.missing().map(|missing| {
                let bytes = units::bytes(missing.bytes);
                if whole.has_gap() {
                    format!("{bytes} in the middle: {}", missing.why)
                } else {
                    format!("{bytes} at the end cannot be read: {}", missing.why)
                }
            });
            (whole, missing)
        }
        kept => {
            let why = match kept {
                Err(error) => Some(format!("the file with the whole output cannot be read: {error}")),
                Ok(whole) => whole.and_then(|whole| whole.missing().map(|missing| missing.why.to_string())),
            };
            let gap = snippet.output.omitted();
            let missing = (gap > 0)
                .then(|| format!("{} in the middle: {}", units::bytes(gap), why.as_deref().unwrap_or("not kept")));
            (Whole::of(&snippet.output), missing)
        }
    };
    let total = whole.length();
    let offset = match u64::try_from(request.offset) {
        Ok(offset) => offset,
        Err(_) => total.saturating_sub(request.offset.unsigned_abs()),
    };
    if offset > total {
        return Err(format!("Error: offset {offset} is behind the end: the output has {total} bytes so far."));
    }
    let (stream, limit) = (request.stream, request.limit);
    let failed = |error| format!("Error: the output of snippet {} cannot be read: {error}", snippet.id);
    let (text, next, matches) = match &request.regex {
        None => {
            let Page { text, next } = pages::page(&whole, stream, offset, limit).map_err(failed)?;
            (text, next, None)
        }
        Some(regex) => {
            let Found { matches, next } = pages::grep(&whole, stream, offset, limit, regex).map_err(failed)?;
            let lines = matches.iter().map(|found| format!("{}, {}: {}\n", found.line, found.offset, found.text));
            let text = lines.collect();
            let line = |found: pages::Match| MatchingLine { line: found.line, offset: found.offset, text: found.text };
            (text, next, Some(matches.into_iter().map(line).collect()))
        }
    };
    let next_offset = (next < total).then_some(next);
    let running = !snippet.status.is_final();
    Ok(OutputPage { snippet: snippet.id.0, running, text, offset, next_offset, total, matches, missing })
}

fn rendered(page: &OutputPage) -> String {
    let mut text = page.text.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str(match (&page.matches, page.next_offset) {
            (Some(_), None) => "(no line matches)\n",
            (Some(_), Some(_)) => "(no line matches so far)\n",
            (None, _) => "(no output)\n",
        });
    }
    let to = page.next_offset.unwrap_or(page.total);
    let what = if page.matches.is_some() { "lines that match" } else { "output" };
    text.push_str(&format!("\n[snippet {}: {what} from byte {} to {to} of {}", page.snippet, page.offset, page.total));
    match page.next_offset {
        Some(next) => text.push_str(&format!("; goes on with offset={next}]")),
        None if page.running => text.push_str(", the end so far; the code still runs]"),
        None => text.push_str(", the end]"),
    }
    if let Some(missing) = &page.missing {
        text.push_str(&format!("\nNot kept: {missing}."));
    }
    text
}
