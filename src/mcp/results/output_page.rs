//! Pages of the output of a snippet, for the tool and the resource.

use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::output_reader;
use super::output_reader::{Matches, MatchingLine, PageText};
use crate::domain::{Snippet, Stream, units};
use crate::session::spool::Whole;
use crate::session::{SessionHandle, in_background};

/// How long a page waits for output that was written just now.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Characters of a page of the resource.
pub const MAX_RESOURCE_PAGE: usize = 400_000;

#[derive(Debug, Serialize, JsonSchema)]
pub struct OutputPage {
    pub snippet: u32,
    /// Whether the code is still running and may write more.
    pub running: bool,
    /// The page; with grep, each line as `line number, offset: text`.
    pub text: String,
    /// Byte offset of the page in the whole output.
    pub offset: u64,
    /// Byte offset of the next page; null at the end.
    pub next_offset: Option<u64>,
    /// Readable bytes of the whole output, both streams together.
    pub total: u64,
    /// The matching lines, with grep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<MatchingLine>>,
    /// The part of the output that was not kept, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// The part of the output that a page has.
pub struct PageRequest {
    pub stream: Option<Stream>,
    /// Bytes from the beginning; if negative, from the end.
    pub offset: i64,
    /// Characters at most.
    pub limit: usize,
    /// Only matching lines.
    pub regex: Option<Regex>,
}

impl OutputPage {
    /// Reads a page in another thread. `None` if that thread fails.
    pub async fn read(
        session: &SessionHandle,
        snippet: Arc<Snippet>,
        request: PageRequest,
    ) -> Option<Result<Self, String>> {
        let spool = session.spool().clone();
        let read = in_background(move || {
            spool.settle(SETTLE_TIMEOUT);
            let whole = spool.whole_of(snippet.id, &snippet.output).map_err(|error| error.to_string());
            let (whole, missing) = whole_or_memory(&snippet, whole);
            Self::of(&snippet, &whole, missing, &request)
        });
        read.await
    }

    fn of(snippet: &Snippet, whole: &Whole, missing: Option<String>, request: &PageRequest) -> Result<Self, String> {
        let total = whole.length();
        let offset = match u64::try_from(request.offset) {
            Ok(offset) => offset,
            Err(_) => total.saturating_sub(request.offset.unsigned_abs()),
        };
        if offset > total {
            return Err(format!("Error: offset {offset} is past the end: the output has {total} bytes so far."));
        }
        let (stream, limit) = (request.stream, request.limit);
        let failed = |error| format!("Error: the output of snippet {} cannot be read: {error}", snippet.id);
        let (text, next, matches) = match &request.regex {
            None => {
                let PageText { text, next } = output_reader::page(whole, stream, offset, limit).map_err(failed)?;
                (text, next, None)
            }
            Some(regex) => {
                let Matches { lines, next } =
                    output_reader::grep(whole, stream, offset, limit, regex).map_err(failed)?;
                let text = lines.iter().map(|line| format!("{}, {}: {}\n", line.line, line.offset, line.text));
                (text.collect(), next, Some(lines))
            }
        };
        let next_offset = (next < total).then_some(next);
        let running = !snippet.status.is_final();
        Ok(Self { snippet: snippet.id.0, running, text, offset, next_offset, total, matches, missing })
    }

    /// The page as text for a model.
    pub fn rendered(&self) -> String {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if text.is_empty() {
            text.push_str(match (&self.matches, self.next_offset) {
                (Some(_), None) => "(no matching lines)\n",
                (Some(_), Some(_)) => "(no matching lines so far)\n",
                (None, _) => "(no output)\n",
            });
        }
        let to = self.next_offset.unwrap_or(self.total);
        let what = if self.matches.is_some() { "matching lines" } else { "output" };
        text.push_str(&format!(
            "\n[snippet {}: {what} from byte {} to {to} of {}",
            self.snippet, self.offset, self.total
        ));
        match self.next_offset {
            Some(next) => text.push_str(&format!("; continues with offset={next}]")),
            None if self.running => text.push_str(", the end so far; the code is still running]"),
            None => text.push_str(", the end]"),
        }
        if let Some(missing) = &self.missing {
            text.push_str(&format!("\nNot kept: {missing}."));
        }
        text
    }
}

/// A page of the resource from the byte `offset` on, and the offset of the next page.
pub async fn resource_page(
    session: &SessionHandle,
    snippet: Snippet,
    offset: u64,
) -> Result<(String, Option<u64>), String> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let request = PageRequest { stream: None, offset, limit: MAX_RESOURCE_PAGE, regex: None };
    let page = OutputPage::read(session, Arc::new(snippet), request).await.ok_or("the output could not be read")??;
    let missing = page.missing.map(|missing| format!("\n[not kept: {missing}]")).unwrap_or_default();
    Ok((page.text + &missing, page.next_offset))
}

/// The whole output, or the part in memory if the files are gone; and a note about what is missing.
fn whole_or_memory(snippet: &Snippet, whole: Result<Option<Whole>, String>) -> (Whole, Option<String>) {
    match whole {
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
        whole => {
            let why = match whole {
                Err(error) => Some(format!("the file with the whole output cannot be read: {error}")),
                Ok(whole) => whole.and_then(|whole| whole.missing().map(|missing| missing.why.to_string())),
            };
            let gap = snippet.output.omitted();
            let missing = (gap > 0)
                .then(|| format!("{} in the middle: {}", units::bytes(gap), why.as_deref().unwrap_or("not kept")));
            (Whole::of(&snippet.output), missing)
        }
    }
}
