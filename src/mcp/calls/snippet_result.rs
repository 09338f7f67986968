//! The response that describes a snippet. The session remembers it, so that the person can read what a model has read.

use std::sync::Arc;
use std::time::Duration;

#[allow(deprecated, reason = "rmcp marks all of logging so")]
use rmcp::model::LoggingLevel;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;

use super::context::ToolCall;
use crate::domain::{Display, Snippet, Status, units};
use crate::mcp::bridge_protocol::ResultForm;
use crate::mcp::log;
use crate::mcp::results::activity_since::{ActivityDigest, SinceKind};
use crate::mcp::results::output_page::OutputPage;
use crate::mcp::results::report::RunReport;
use crate::mcp::results::{images, text};
use crate::session::clock::now;
use crate::session::{ClientResponse, ResponseKind, Structured, in_background};

/// How long a result waits for the disk, to know whether the whole output is kept.
const SPOOL_TIMEOUT: Duration = Duration::from_millis(300);

impl ToolCall<'_> {
    /// The result of a snippet as it is now.
    pub async fn snippet_result(&self, snippet: &Snippet, notice: Option<String>) -> CallToolResponse {
        self.result_from(snippet, 0, notice).await
    }

    /// The result of a snippet as it is now, with the output from a position on; earlier results had the output before.
    pub async fn result_from(&self, snippet: &Snippet, from: u64, notice: Option<String>) -> CallToolResponse {
        let now = now();
        let missing = self.missing_output(snippet).await;
        let (written, part) = (snippet.output.total(), (from > 0).then(|| output_from(snippet, from)));
        let snippet = part.as_ref().unwrap_or(snippet);
        let stopped = self.stopped_by_takeover(snippet);
        let notice = [stopped, notice, missing].into_iter().flatten().reduce(|one, other| one + " " + &other);
        let failed = matches!(snippet.status, Status::Error | Status::Interrupted | Status::Cancelled);
        let max = if failed { self.quirks.max_error_text } else { self.quirks.max_text };
        let images = images::of(snippet, self.quirks.max_images).await;
        let gate = self.session.gate();
        let cursor = &self.membership.read_cursor;
        let since = cursor.since(self.session.activity(), &self.author, &gate.private, snippet);
        self.log(since.as_ref()).await;
        let (mut text, is_cut) = text::run(snippet, from, now, notice.as_deref(), max, &images);
        if let Some(since) = &since {
            text.push_str("\n\n");
            text.push_str(&since.text());
        }
        let is_structured = self.quirks.form == ResultForm::Structured;
        let report = is_structured.then(|| RunReport::new(snippet, now, notice, max, &images, since));
        let structured = report.as_ref().and_then(|report| serde_json::to_value(report).ok());
        self.session.client_responses().add(ClientResponse {
            snippet: snippet.id,
            to: self.author.clone(),
            kind: ResponseKind::Result,
            at: now,
            status: snippet.status,
            text: text.clone(),
            is_cut,
            written,
            images: images.blocks.len(),
            image_characters: images.characters(),
            structured: report.map(|report| Structured { bytes: report.bytes(), render: rendered(report) }),
        });
        let content = [ContentBlock::text(text)].into_iter().chain(images.blocks).collect();
        let mut result = if failed { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = structured;
        result.into()
    }

    /// The result that is a page of the output of a snippet.
    pub fn output_page_result(&self, snippet: &Snippet, page: OutputPage) -> CallToolResponse {
        let text = page.rendered();
        let response = self.respond(text.clone(), &page);
        let is_cut = page.offset > 0 || page.next_offset.is_some();
        let structured = (self.quirks.form == ResultForm::Structured)
            .then(|| Structured { bytes: 2 * page.text.len(), render: rendered(page) });
        self.session.client_responses().add(ClientResponse {
            snippet: snippet.id,
            to: self.author.clone(),
            kind: ResponseKind::OutputPage,
            at: now(),
            status: snippet.status,
            text,
            is_cut,
            written: snippet.output.total(),
            images: 0,
            image_characters: 0,
            structured,
        });
        response
    }

    /// The sentence about the part of the output that `read_output` cannot give either.
    async fn missing_output(&self, snippet: &Snippet) -> Option<String> {
        if snippet.output.omitted() == 0 {
            return None;
        }
        let (id, spool) = (snippet.id, Arc::clone(self.session.spool()));
        let missing = in_background(move || {
            spool.settle(SPOOL_TIMEOUT);
            spool.missing(id)
        });
        let missing = missing.await??;
        Some(format!("{} of the output were not kept: {}.", units::bytes(missing.bytes), missing.why))
    }

    /// Sends resets and restarts as log messages, for a request that asks for these.
    #[allow(deprecated, reason = "rmcp marks all of logging so")]
    async fn log(&self, since: Option<&ActivityDigest>) {
        let Some((least, since)) = self.context.meta.log_level().zip(since) else { return };
        for event in &since.events {
            let level = match event.kind {
                SinceKind::Restart if event.by.is_none() => LoggingLevel::Error,
                SinceKind::Restart | SinceKind::Reset => LoggingLevel::Notice,
                SinceKind::Snippet | SinceKind::Note | SinceKind::Gate | SinceKind::Output => continue,
            };
            if log::severity(level) >= log::severity(least) {
                log::send(&self.context.peer, level, &event.text).await;
            }
        }
    }
}

/// Returns the snippet without the output and the displays before a position.
fn output_from(snippet: &Snippet, from: u64) -> Snippet {
    let mut part = snippet.clone();
    part.output = snippet.output.slice(from, snippet.output.position());
    let earlier = part.displays.iter().take_while(|display| display.after < from).count();
    part.displays.drain(..earlier);
    part.displays_dropped += earlier;
    for display in &mut part.displays {
        *display = Arc::new(Display { after: display.after - from, ..(**display).clone() });
    }
    part
}

fn rendered(structured: impl Serialize + Send + Sync + 'static) -> Box<dyn Fn() -> String + Send + Sync> {
    Box::new(move || serde_json::to_string_pretty(&structured).unwrap_or_default())
}
