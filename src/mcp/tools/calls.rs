//! The tool calls of one client against the session.

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
#[allow(deprecated, reason = "rmcp marks all of logging so")]
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, InputResponses, JsonObject, LoggingLevel,
};
use rmcp::service::RequestContext;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::read_output::OutputPage;
use super::schema;
use super::schema::{
    AnswerArguments, InspectArguments, InterruptArguments, InterruptResult, ListArguments, RunArguments, WaitArguments,
};
use crate::domain::{
    Author, CallId, InputAnswer, InspectRequest, Note, Snippet, SnippetId, Status, VariableQuery, units,
};
use crate::mcp::resources::subscriptions;
use crate::mcp::results::activity_since::{ActivityDigest, SinceKind};
use crate::mcp::results::inspection::InspectReport;
use crate::mcp::results::report::{RunReport, stuck_notice};
use crate::mcp::results::truncate::short;
use crate::mcp::results::{images, inspection, text, variables};
use crate::mcp::server::client::{Membership, Quirks};
use crate::mcp::server::failure::{Failure, ended, ended_meanwhile, refused};
use crate::session::clock::now;
use crate::session::{
    AnswerRefused, ClientResponse, Closed, Overview, RunOptions, SessionHandle, Structured, SubmitError, in_background,
};

/// No number of seconds may be larger: a week.
const MAX_SECONDS: f64 = 604_800.0;
/// Characters of a note.
const MAX_NOTE: usize = 2_000;
/// Characters of a title.
const MAX_TITLE: usize = 120;
/// How long `interrupt_snippet` waits to see the effect.
const INTERRUPT_WAIT: Duration = Duration::from_secs(2);
/// How long `inspect_variable` waits for its turn.
const INSPECT_WAIT: Duration = Duration::from_secs(2);
/// How long a result waits for the disk, to tell whether it keeps the whole output.
const SPOOL_WAIT: Duration = Duration::from_millis(300);

pub struct ToolCall<'a> {
    /// Its name, if a bridge gave it one.
    pub id: Option<CallId>,
    pub session: &'a SessionHandle,
    pub author: Author,
    pub membership: &'a Membership,
    pub quirks: Quirks,
    pub context: &'a RequestContext<RoleServer>,
    /// What the client's user said to the questions of the call before, of which this is the repetition.
    pub answers: Option<InputResponses>,
    pub gone: &'a CancellationToken,
    pub stop: &'a CancellationToken,
}

/// A result, or why there is none.
pub type ToolOutcome = Result<CallToolResult, Failure>;

impl ToolCall<'_> {
    /// Carries a call out. One that was received before has no effect.
    pub async fn once(&mut self, request: CallToolRequestParams) -> Result<CallToolResponse, Failure> {
        let tool = &*request.name;
        // Code that is submitted is known by its call anyway.
        if let Some(id) = self.id.filter(|_| tool != schema::RUN && !schema::only_reads(tool))
            && !self.session.take(id)
        {
            return refused("This call was received before, so nothing was done once more.");
        }
        if tool == schema::RESET {
            self.answers = request.input_responses;
            return self.reset(request.arguments).await;
        }
        self.dispatch(tool, request.arguments).await.map(Into::into)
    }

    /// Every tool but the one that resets, which may have a question first.
    pub async fn dispatch(&self, tool: &str, arguments: Option<JsonObject>) -> ToolOutcome {
        match tool {
            schema::RUN => self.run(arguments).await,
            schema::LIST => self.list(arguments).await,
            schema::INSPECT => self.inspect(arguments).await,
            schema::READ => self.read_output(arguments).await,
            schema::WAIT => self.wait(arguments).await,
            schema::ANSWER => self.answer_input(arguments).await,
            schema::INTERRUPT => self.interrupt(arguments).await,
            schema::HISTORY => self.history(arguments).await,
            schema::ASK => self.ask_human(arguments).await,
            _ => refused(format!("Error: there is no tool {tool:?}")),
        }
    }

    async fn run(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let RunArguments { code, timeout_s, wait_s, title } = schema::arguments(schema::RUN, arguments)?;
        if code.trim().is_empty() {
            return refused("Error: Code cannot be empty".to_owned());
        }
        let timeout = timeout_s.map(|seconds| seconds_of("timeout_s", seconds, false)).transpose()?;
        let wait = wait_of(wait_s)?;
        let title = title.map(|title| short(title.trim(), MAX_TITLE)).filter(|title| !title.is_empty()).map(Into::into);
        let options = RunOptions { timeout, title, call: self.id };
        let submitted = self.session.submit(self.author.clone(), code.into(), options).await;
        let ticket = match submitted {
            Ok(ticket) => ticket,
            Err(SubmitError::Closed(closed)) => return Err(ended(closed)),
            Err(SubmitError::Full(full)) => {
                return refused(format!(
                    "Error: {full}. Nothing was run. Wait for some of them, or stop them by interrupt_snippet."
                ));
            }
            // On another connection that was lost since.
            Err(SubmitError::Twice(id)) => {
                return self.follow(id, self.session.wait_or_input(id), wait, false).await;
            }
        };
        let done = async { ticket.done.await.map_err(|_| Closed) };
        self.follow(ticket.id, done, wait, true).await
    }

    async fn wait(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let WaitArguments { snippet, wait_s } = schema::arguments(schema::WAIT, arguments)?;
        let wait = wait_of(wait_s)?;
        let id = SnippetId(snippet);
        if self.session.look(id).await.map_err(ended)?.is_none() {
            return refused(format!("Error: there is no snippet {snippet} in this session."));
        }
        self.follow(id, self.session.wait_or_input(id), wait, false).await
    }

    async fn answer_input(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let AnswerArguments { snippet, text, eof, wait_s } = schema::arguments(schema::ANSWER, arguments)?;
        let wait = wait_of(wait_s)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let answer = match eof {
            Some(true) if line.is_empty() => InputAnswer::Eof,
            Some(true) => return refused("Error: with eof, text must be empty. Nothing was entered.".to_owned()),
            _ if line.contains(['\n', '\r', '\0']) => {
                return refused("Error: a prompt takes one line at a time. Nothing was entered.".to_owned());
            }
            _ => InputAnswer::Line(line.to_owned()),
        };
        let id = SnippetId(snippet);
        match self.session.answer_input(id, None, answer, self.author.clone()).await.map_err(ended)? {
            Ok(()) => self.follow(id, self.session.wait_or_input(id), wait, false).await,
            Err(AnswerRefused::Hidden) => refused(format!(
                "Error: snippet {id} asks for a password, which only the person can type, in the dashboard. Ask them to, \
                 then call wait_for_snippet with snippet={id}."
            )),
            Err(AnswerRefused::NotAsking) => match self.session.look(id).await.map_err(ended)? {
                Some(found) => {
                    refused(format!("Error: snippet {id} does not wait for input; it is {}.", found.status.word()))
                }
                None => refused(format!("Error: there is no snippet {id} in this session.")),
            },
        }
    }

    async fn list(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let ListArguments { filter, cursor } = schema::arguments(schema::LIST, arguments)?;
        let wanted = VariableQuery::new(filter.as_deref().unwrap_or_default(), cursor);
        let late = Instant::now() + Duration::from_secs_f64(schema::DEFAULT_WAIT_S);
        let running = self.session.overview().await.map_err(ended)?.running.map(|(id, _)| id.0);
        let table = tokio::select! {
            biased;
            table = self.session.variables(wanted.clone()) => table.map_err(ended)?,
            () = self.left_or_late(late) => return refused("Error: Python did not answer in time; try again.".to_owned()),
        };
        let (text, list) = variables::list(&table, &wanted, running);
        Ok(self.answer(text, &list))
    }

    async fn inspect(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let InspectArguments { name, what, page } = schema::arguments(schema::INSPECT, arguments)?;
        let aspect = what.map(Into::into).unwrap_or_default();
        let page = page.unwrap_or(1);
        if page == 0 {
            return refused("Error: pages count from 1.".to_owned());
        }
        let asked = InspectRequest { path: name.clone(), aspect, page: page - 1 };
        match self.session.inspect(asked, INSPECT_WAIT).await.map_err(ended)? {
            Ok(inspection) => {
                let report = InspectReport::new(*inspection);
                Ok(self.answer(report.text(), &report))
            }
            Err(error) => refused(inspection::error(&name, aspect, error)),
        }
    }

    async fn interrupt(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let InterruptArguments { snippet, note } = schema::arguments(schema::INTERRUPT, arguments)?;
        let running = self.session.overview().await.map_err(ended)?.running;
        let nothing =
            |message: String| self.answer(message.clone(), &InterruptResult { snippet: None, ended: true, message });
        let target = match (snippet, running) {
            (Some(snippet), _) => SnippetId(snippet),
            (None, Some((id, author))) if author == self.author => id,
            (None, Some((id, author))) => {
                return refused(format!(
                    "Error: what runs is snippet {id} by {}, not yours. Pass snippet={id} if it has to be stopped.",
                    author.label_for_models()
                ));
            }
            (None, None) => return Ok(nothing("Nothing is running.".to_owned())),
        };
        let hit = self.session.interrupt(Some(target), &self.author.as_cause()).await.map_err(ended)?;
        let note = note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        if let (Some(_), Some(text)) = (hit, note) {
            let text = text.chars().take(MAX_NOTE).collect::<String>().into();
            self.session.note(Note { by: self.author.clone(), text, about: Some(target), answers: None });
        }
        if hit.is_none() {
            return match self.session.look(target).await.map_err(ended)? {
                Some(found) => Ok(nothing(format!("Snippet {target} had ended already ({}).", found.status.word()))),
                None => refused(format!("Error: there is no snippet {target} in this session.")),
            };
        }
        let (ended, message) = match tokio::time::timeout(INTERRUPT_WAIT, self.session.wait(target)).await {
            Ok(Ok(snippet)) if snippet.status == Status::Cancelled => {
                (true, format!("Snippet {target} was taken out of the queue."))
            }
            Ok(Ok(snippet)) => (true, format!("Snippet {target} has ended: {}.", snippet.status.word())),
            Ok(Err(closed)) => return Err(ended_meanwhile(closed)),
            Err(_) => match self.session.look(target).await.map_err(ended)?.and_then(|snippet| snippet.stuck) {
                Some(stuck) => (false, format!("Snippet {target} still runs. {}", stuck_notice(&stuck, now()))),
                None => (
                    false,
                    format!(
                        "Snippet {target} was asked to stop but still runs: it caught the interrupt. Call \
                         interrupt_snippet again to interrupt it by force."
                    ),
                ),
            },
        };
        Ok(self.answer(message.clone(), &InterruptResult { snippet: Some(target.0), ended, message }))
    }

    /// Resolves when the client has gone or given up, or at `late`.
    pub async fn left_or_late(&self, late: Instant) {
        tokio::select! {
            () = self.gone.cancelled() => {}
            () = self.context.ct.cancelled() => {}
            () = tokio::time::sleep_until(late) => {}
        }
    }

    /// Such as " behind snippet 3 by you (running) and snippet 4 by cursor"; before `snippet`, or in all.
    pub async fn ahead(&self, snippet: Option<SnippetId>) -> Result<String, Failure> {
        let Overview { running, queue, .. } = self.session.overview().await.map_err(ended_meanwhile)?;
        let mut ahead = Vec::new();
        if let Some((id, author)) = &running {
            let stuck = self.session.look(*id).await.map_err(ended_meanwhile)?.and_then(|snippet| snippet.stuck);
            let state = stuck.map_or_else(String::new, |stuck| {
                let age = units::duration(Duration::from_millis(now().saturating_sub(stuck.since)));
                format!("; it was asked to stop {age} ago, but no interrupt reaches it, and only a restart may help")
            });
            ahead.push(format!("snippet {id} by {} (running{state})", author.label_for_models()));
        }
        let before = queue.iter().take_while(|(id, _)| Some(*id) != snippet);
        ahead.extend(before.map(|(id, author)| format!("snippet {id} by {}", author.label_for_models())));
        let more = ahead.len().saturating_sub(5);
        ahead.truncate(5);
        if more > 0 {
            ahead.push(format!("{more} more"));
        }
        Ok(match ahead.pop() {
            None => String::new(),
            Some(only) if ahead.is_empty() => format!(" behind {only}"),
            Some(last) => format!(" behind {} and {last}", ahead.join(", ")),
        })
    }

    /// What `read_output` will not find, said where it is offered.
    async fn unkept(&self, snippet: &Snippet) -> Option<String> {
        if snippet.output.omitted() == 0 {
            return None;
        }
        let (id, spool) = (snippet.id, self.session.spool().clone());
        let look = move || {
            spool.settle(SPOOL_WAIT);
            spool.missing(id)
        };
        let missing = in_background(look).await??;
        Some(format!("{} of the output are not kept: {}.", units::bytes(missing.bytes), missing.why))
    }

    /// The result that tells of a snippet as it is now.
    pub async fn told(&self, snippet: &Snippet, notice: Option<String>) -> CallToolResult {
        let now = now();
        let notice = [notice, self.unkept(snippet).await].into_iter().flatten().reduce(|one, other| one + " " + &other);
        let failed = matches!(snippet.status, Status::Error | Status::Interrupted | Status::Cancelled);
        let max = if failed { self.quirks.error_text } else { self.quirks.text };
        let pictures = images::of(snippet, self.quirks.images).await;
        let since = self.membership.seen.since(self.session.activity(), &self.author, snippet);
        self.log(since.as_ref()).await;
        let (mut text, is_cut) = text::run(snippet, now, notice.as_deref(), max, &pictures);
        if let Some(since) = &since {
            text.push_str("\n\n");
            text.push_str(&since.text());
        }
        let report = (!self.quirks.text_only).then(|| RunReport::new(snippet, now, notice, max, &pictures, since));
        let structured = report.as_ref().and_then(|report| serde_json::to_value(report).ok());
        self.session.answers().add(ClientResponse {
            snippet: snippet.id,
            to: self.author.clone(),
            what: "result",
            at: now,
            status: snippet.status,
            text: text.clone(),
            is_cut,
            written: snippet.output.total(),
            images: pictures.blocks.len(),
            image_characters: pictures.characters(),
            structured: report.map(|report| Structured { bytes: report.bytes(), render: rendered(report) }),
        });
        let content = [ContentBlock::text(text)].into_iter().chain(pictures.blocks).collect();
        let mut result = if failed { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = structured;
        result
    }

    /// Keeps what the client gets to read of a snippet's output, as [`ToolCall::told`] keeps results.
    pub fn told_page(&self, snippet: &Snippet, text: String, is_cut: bool, page: Arc<OutputPage>) -> CallToolResult {
        let result = self.answer(text.clone(), &*page);
        self.session.answers().add(ClientResponse {
            snippet: snippet.id,
            to: self.author.clone(),
            what: "page of the output",
            at: now(),
            status: snippet.status,
            text,
            is_cut,
            written: snippet.output.total(),
            images: 0,
            image_characters: 0,
            structured: (!self.quirks.text_only)
                .then(|| Structured { bytes: 2 * page.text.len(), render: rendered(page) }),
        });
        result
    }

    /// Resets and restarts as log messages, for a request that asks for them.
    #[allow(deprecated, reason = "rmcp marks all of logging so")]
    async fn log(&self, since: Option<&ActivityDigest>) {
        let Some((least, since)) = self.context.meta.log_level().zip(since) else { return };
        for event in &since.events {
            let level = match event.kind {
                SinceKind::Restart if event.by.is_none() => LoggingLevel::Error,
                SinceKind::Restart | SinceKind::Reset => LoggingLevel::Notice,
                SinceKind::Snippet | SinceKind::Note => continue,
            };
            if subscriptions::rank(level) >= subscriptions::rank(least) {
                subscriptions::log(&self.context.peer, level, &event.text).await;
            }
        }
    }

    pub fn answer(&self, text: String, structured: &impl Serialize) -> CallToolResult {
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        if !self.quirks.text_only {
            result.structured_content = serde_json::to_value(structured).ok();
        }
        result
    }
}

fn rendered(structured: impl Serialize + Send + Sync + 'static) -> Box<dyn Fn() -> String + Send + Sync> {
    Box::new(move || serde_json::to_string_pretty(&structured).unwrap_or_default())
}

pub fn wait_of(wait_s: Option<f64>) -> Result<Duration, String> {
    seconds_of("wait_s", wait_s.unwrap_or(schema::DEFAULT_WAIT_S), true)
}

fn seconds_of(what: &str, seconds: f64, zero: bool) -> Result<Duration, String> {
    let allowed = seconds <= MAX_SECONDS && (seconds > 0.0 || (zero && seconds == 0.0));
    if allowed {
        return Ok(Duration::from_secs_f64(seconds));
    }
    let least = if zero { "0 or more" } else { "more than 0" };
    Err(format!("Error: {what} must be {least} and at most {MAX_SECONDS} seconds, not {seconds:?}. Nothing was run."))
}
