//! Waiting for a snippet on behalf of a call: until the snippet ends, the time is over, or the client gives up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::context::{ToolCall, ToolOutcome};
use super::progress::CallProgress;
use super::takeover::waits_for_person;
use crate::domain::terminal_text::plain;
use crate::domain::{InputRequest, Output, Snippet, SnippetId, Status};
use crate::mcp::errors::CallError;
use crate::mcp::results::inspection::background_notice;
use crate::mcp::results::report::stuck_notice;
use crate::mcp::results::truncate::one_line;
use crate::session::Closed;
use crate::session::clock::now;

/// How long a call goes on when its client has closed its side. A client that has only shut its input gets the answer.
const DISCONNECT_GRACE: Duration = Duration::from_millis(500);
/// How long a call waits before it looks for an earlier snippet of the client that waits for input.
const BLOCKED_CHECK_DELAY: Duration = Duration::from_millis(50);
/// When a client has left and its code has caught the interrupt, the code is interrupted by force after this time.
const FORCE_DELAY: Duration = Duration::from_secs(2);
/// Bytes of the end of the output in which the last line is searched, and characters of that line.
const LAST_LINE_BYTES: usize = 2_000;
const MAX_LAST_LINE: usize = 200;

/// Whose snippet a call waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The call has submitted the snippet, which is interrupted when the client gives the call up.
    OwnSnippet,
    AnySnippet,
    /// The call has answered a prompt of the snippet. Its result has the output from this position on.
    OutputFrom(u64),
}

impl Waits {
    /// The position in the output of the snippet where the result of the call begins.
    fn from(self) -> u64 {
        if let Self::OutputFrom(from) = self { from } else { 0 }
    }
}

enum WaitEvent {
    Ended(Result<Arc<Snippet>, Closed>),
    TimeOver,
    /// An earlier snippet of the client waits for input, so the snippet cannot begin.
    Blocked(SnippetId, Arc<InputRequest>),
    /// The client has sent `notifications/cancelled`.
    Cancelled,
    /// The client has closed its side.
    Disconnected,
    /// The server is about to end, and the session ends the snippet.
    Stopping,
    ProgressDue,
}

impl ToolCall<'_> {
    /// Waits until the snippet ends or asks for input.
    pub async fn wait_for_snippet(&self, id: SnippetId, wait: Duration, waits: Waits) -> ToolOutcome {
        self.wait_for(id, self.session.wait_or_input(id), wait, waits).await
    }

    /// Waits for `done`, which is the end of the snippet or its request for input.
    pub async fn wait_for(
        &self,
        id: SnippetId,
        done: impl Future<Output = Result<Arc<Snippet>, Closed>>,
        wait: Duration,
        waits: Waits,
    ) -> ToolOutcome {
        let mut done = pin!(done);
        let mut time_over = pin!(tokio::time::sleep(wait));
        let mut blocked = pin!(self.blocked_by_own_prompt(id));
        let mut progress = CallProgress::of(self);
        self.report_progress(id, &progress).await?;
        loop {
            let event = tokio::select! {
                biased;
                ended = &mut done => WaitEvent::Ended(ended),
                () = self.client.gone.cancelled() => WaitEvent::Disconnected,
                () = self.context.ct.cancelled() => {
                    if self.stop.is_cancelled() { WaitEvent::Stopping } else { WaitEvent::Cancelled }
                }
                () = &mut time_over => WaitEvent::TimeOver,
                (earlier, input) = &mut blocked => WaitEvent::Blocked(earlier, input),
                () = progress.due() => WaitEvent::ProgressDue,
            };
            match event {
                WaitEvent::Ended(snippet) => {
                    let snippet = snippet.map_err(CallError::maybe_received)?;
                    let notice = snippet.input.as_deref().map(|input| self.input_notice(id, input));
                    return Ok(self.result_from(&snippet, waits.from(), notice).await);
                }
                WaitEvent::TimeOver => return self.unfinished(id, waits).await,
                WaitEvent::Blocked(earlier, input) => return self.blocked(id, earlier, &input).await,
                WaitEvent::ProgressDue => self.report_progress(id, &progress).await?,
                // The client has a limit of its own, often of few seconds. Like the end of `wait_s`, that only ends the
                // wait. A client that connects anew for each call closes its side at once.
                WaitEvent::Cancelled | WaitEvent::Disconnected if self.client.take_timed_out(&self.context.id) => {
                    self.membership.read_cursor.keep_open(id);
                    return Err(CallError::Cancelled);
                }
                WaitEvent::Cancelled => {
                    if waits == Waits::OwnSnippet {
                        self.interrupt_abandoned(id, "cancelled the call");
                    }
                    return Err(CallError::Cancelled);
                }
                WaitEvent::Disconnected | WaitEvent::Stopping => {
                    if let Ok(snippet) = tokio::time::timeout(DISCONNECT_GRACE, &mut done).await {
                        let snippet = snippet.map_err(CallError::maybe_received)?;
                        return Ok(self.result_from(&snippet, waits.from(), None).await);
                    }
                    if waits == Waits::OwnSnippet {
                        self.interrupt_abandoned(id, "disconnected");
                    }
                    if self.stop.is_cancelled() {
                        return Err(CallError::maybe_received(Closed));
                    }
                    let interrupted = if waits == Waits::OwnSnippet { ", and is being interrupted" } else { "" };
                    let text = format!(" Snippet {id} had not ended{interrupted}.");
                    return Err(CallError::Disconnected(text));
                }
            }
        }
    }

    /// Resolves when an earlier snippet of the client, which the queued snippet waits for, waits for input itself.
    async fn blocked_by_own_prompt(&self, id: SnippetId) -> (SnippetId, Arc<InputRequest>) {
        // Most code has ended by then.
        tokio::time::sleep(BLOCKED_CHECK_DELAY).await;
        if let Ok(prompt) = self.session.own_prompt(self.author.clone(), id).await {
            return prompt;
        }
        std::future::pending().await
    }

    /// The result of a queued snippet while an earlier one of the client waits for input.
    async fn blocked(&self, id: SnippetId, earlier: SnippetId, input: &InputRequest) -> ToolOutcome {
        let found = self.session.snippet(id).await.map_err(CallError::maybe_received)?;
        let snippet = found.ok_or(CallError::NoSuchSnippet(id))?;
        let notice = format!(
            "Your snippet {earlier} waits for input, and this code is queued behind it. {} Or call interrupt_snippet with \
             snippet={earlier}. Then wait_for_snippet with snippet={id} returns this result.",
            self.input_notice(earlier, input)
        );
        Ok(self.snippet_result(&snippet, Some(notice)).await)
    }

    /// Interrupts a snippet that nobody waits for any more.
    fn interrupt_abandoned(&self, id: SnippetId, why: &str) {
        let session = self.session.clone();
        let by = format!("{} ({why})", self.author.as_cause());
        tokio::spawn(async move {
            let hit = session.interrupt(Some(id), &by).await;
            if matches!(hit, Ok(Some(_))) && tokio::time::timeout(FORCE_DELAY, session.wait(id)).await.is_err() {
                let _ = session.interrupt(Some(id), &by).await;
            }
        });
    }

    /// The result of a snippet that has not ended in time.
    async fn unfinished(&self, id: SnippetId, waits: Waits) -> ToolOutcome {
        let found = self.session.snippet(id).await.map_err(CallError::maybe_received)?;
        let snippet = found.ok_or(CallError::NoSuchSnippet(id))?;
        let go_on = format!("Call wait_for_snippet with snippet={id} for its result, or interrupt_snippet to stop it.");
        let notice = match snippet.status {
            Status::Running if snippet.stuck.is_some() => snippet.stuck.as_ref().map(|stuck| {
                format!("{} Call wait_for_snippet with snippet={id} to wait for it.", stuck_notice(stuck, now()))
            }),
            Status::Running if !snippet.open_risks().is_empty() => {
                Some(risk_notice(&snippet) + &self.where_to_decide())
            }
            Status::Running if snippet.input.is_some() => {
                snippet.input.as_deref().map(|input| self.input_notice(id, input))
            }
            Status::Running => {
                let busy = self.session.overview().await.map_err(CallError::maybe_received)?.busy;
                let state = busy.map_or_else(
                    || "the code keeps running".to_owned(),
                    |busy| {
                        let notice = background_notice(busy.snippet, "this code has not begun");
                        format!("the code waits. {}", notice.trim_end_matches('.'))
                    },
                );
                Some(format!("This call stopped waiting; {state}. {go_on}"))
            }
            Status::Queued if snippet.is_pending() => Some(pending_notice(&snippet) + &self.where_to_decide()),
            Status::Queued => {
                let behind = self.queue_ahead(Some(id)).await?;
                let held = self.takeover().map(|takeover| format!("{} ", waits_for_person(&takeover)));
                let held = held.unwrap_or_default();
                Some(format!(
                    "{held}The snippet is queued{behind}. This call stopped waiting; the code will still run. {go_on}"
                ))
            }
            _ => None,
        };
        Ok(self.result_from(&snippet, waits.from(), notice).await)
    }

    /// How the person comes to decide, where they have no dashboard.
    fn where_to_decide(&self) -> String {
        if self.session.has_dashboard() {
            return String::new();
        }
        let name = &self.session.info().name;
        format!(" No dashboard is open: tell the person that `fourhands --session {name}` opens one.")
    }

    /// What a model can do about a request for input.
    fn input_notice(&self, id: SnippetId, input: &InputRequest) -> String {
        let seconds = input.until.saturating_sub(now()).div_ceil(1000);
        let limit = format!("Without an answer the code gets EOFError after {seconds} s.");
        if input.hidden {
            return format!(
                "The code asks for a password. Only the person can type it, in the dashboard: ask them to, then call \
                 wait_for_snippet with snippet={id}. {limit}"
            );
        }
        let answer = format!("The code waits for a line of input. Call answer_input with snippet={id} and the text");
        if !self.session.has_dashboard() {
            return format!("{answer}. {limit}");
        }
        format!(
            "{answer}, or ask the person to answer in the dashboard and call wait_for_snippet with snippet={id}. {limit}"
        )
    }

    async fn report_progress(&self, id: SnippetId, progress: &CallProgress) -> Result<(), CallError> {
        if !progress.is_wanted() {
            return Ok(());
        }
        let message = match self.session.snippet(id).await.map_err(CallError::maybe_received)? {
            Some(snippet) if is_held(&snippet) => {
                format!("snippet {id} is held: the person lets no code of yours run for now, and is not asked")
            }
            Some(snippet) if snippet.is_pending() => {
                format!("snippet {id} is waiting for the person, who decides whether it runs")
            }
            Some(snippet) if snippet.status == Status::Queued => match self.takeover() {
                Some(takeover) => format!("snippet {id} is queued. {}", waits_for_person(&takeover)),
                None => format!("snippet {id} is queued{}", self.queue_ahead(Some(id)).await?),
            },
            Some(snippet) if !snippet.open_risks().is_empty() => format!(
                "snippet {id} is waiting for the person, who decides whether it may {}",
                snippet.open_risks().first().map(|risk| plain(&risk.phrase()).into_owned()).unwrap_or_default()
            ),
            Some(Snippet { input: Some(input), .. }) => format!("snippet {id} waits for input: {}", input.prompt),
            Some(snippet) => last_line(&snippet.output).unwrap_or_else(|| format!("snippet {id} is running")),
            None => return Ok(()),
        };
        progress.send(self, message).await;
        Ok(())
    }
}

/// What a model can do while its code has stopped at a risk and waits for the person.
fn risk_notice(snippet: &Snippet) -> String {
    let what = snippet.open_risks().first().map(|risk| plain(&risk.phrase()).into_owned()).unwrap_or_default();
    let id = snippet.id;
    format!(
        "The code waits for the person, who decides whether it may {what}. This call stopped waiting; the question stays \
         open. Call wait_for_snippet with snippet={id} for its result, or interrupt_snippet to stop it."
    )
}

fn is_held(snippet: &Snippet) -> bool {
    snippet.is_pending() && snippet.review.as_ref().is_some_and(|review| review.is_held)
}

/// What a model can do while the person has not decided.
fn pending_notice(snippet: &Snippet) -> String {
    let id = snippet.id;
    let state = if is_held(snippet) {
        "The person lets no code of yours run for now, and is not asked about it: nothing has run. This call stopped \
         waiting; the code stays in the queue."
    } else {
        "The person decides whether this code runs, and has not decided yet: nothing has run. This call stopped waiting; \
         the question stays open."
    };
    format!(
        "{state} Call wait_for_snippet with snippet={id} to wait for the decision, or interrupt_snippet \
         with snippet={id} to take the code back. Do not send the code again."
    )
}

/// The last line that is not blank.
fn last_line(output: &Output) -> Option<String> {
    let segment = output.tail().last().or_else(|| output.head().last())?;
    let start = segment.text.len().saturating_sub(LAST_LINE_BYTES);
    let end = &segment.text[crate::domain::char_boundary::ceil_char_boundary(&segment.text, start)..];
    let text = plain(end);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| one_line(line.trim(), MAX_LAST_LINE))
}
