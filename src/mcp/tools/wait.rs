//! Waiting for a snippet on behalf of a call: to its end, until the wait is over, or until the client gives up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::time::{Instant, MissedTickBehavior};

use super::calls::{ToolCall, ToolOutcome};
use crate::domain::terminal_text::plain;
use crate::domain::{InputRequest, Output, Snippet, SnippetId, Status};
use crate::mcp::results::report::stuck_notice;
use crate::mcp::results::truncate::short;
use crate::mcp::server::failure::{Failure, ended_meanwhile, refused};
use crate::session::Closed;
use crate::session::clock::now;

const PROGRESS_PACE: Duration = Duration::from_secs(1);
/// What is left of a call when its client closes its side: time to answer those who only shut their input.
const GRACE: Duration = Duration::from_millis(500);
/// Code that swallowed the interrupt of a client that is gone is interrupted by force after this.
const FORCE_AFTER: Duration = Duration::from_secs(2);

enum Event {
    Ended(Result<Arc<Snippet>, Closed>),
    Waited,
    /// The client sent `notifications/cancelled`.
    Cancelled,
    /// The client closed its side.
    Gone,
    /// The server ends; the session is ending the snippet.
    Stopping,
    Tick,
}

impl ToolCall<'_> {
    /// `owned`: this call submitted the snippet, which is interrupted if the call is given up.
    pub async fn follow(
        &self,
        id: SnippetId,
        done: impl Future<Output = Result<Arc<Snippet>, Closed>>,
        wait: Duration,
        owned: bool,
    ) -> ToolOutcome {
        let mut done = pin!(done);
        let mut over = pin!(tokio::time::sleep(wait));
        let mut progress = self.context.meta.get_progress_token().map(Progress::new);
        if let Some(progress) = &mut progress {
            self.notify(id, progress).await?;
        }
        loop {
            let event = tokio::select! {
                biased;
                ended = &mut done => Event::Ended(ended),
                () = self.gone.cancelled() => Event::Gone,
                () = self.context.ct.cancelled() => {
                    if self.stop.is_cancelled() { Event::Stopping } else { Event::Cancelled }
                }
                () = &mut over => Event::Waited,
                () = tick(progress.as_mut()) => Event::Tick,
            };
            match event {
                Event::Ended(snippet) => {
                    let snippet = snippet.map_err(ended_meanwhile)?;
                    let notice = snippet.input.as_deref().map(|input| asks(id, input));
                    return Ok(self.told(&snippet, notice).await);
                }
                Event::Waited => return self.unfinished(id).await,
                Event::Tick => {
                    if let Some(progress) = &mut progress {
                        self.notify(id, progress).await?;
                    }
                }
                Event::Cancelled => {
                    if owned {
                        self.abandon(id, "cancelled the call");
                    }
                    return refused("The call was cancelled.".to_owned());
                }
                Event::Gone | Event::Stopping => {
                    if let Ok(snippet) = tokio::time::timeout(GRACE, &mut done).await {
                        return Ok(self.told(&*snippet.map_err(ended_meanwhile)?, None).await);
                    }
                    if owned {
                        self.abandon(id, "disconnected");
                    }
                    if self.stop.is_cancelled() {
                        return Err(ended_meanwhile(Closed));
                    }
                    let what = if owned { ", and is interrupted" } else { "" };
                    return refused(format!("The connection was closed. Snippet {id} had not ended then{what}."));
                }
            }
        }
    }

    /// Interrupts a snippet for whose end nobody waits any more.
    fn abandon(&self, id: SnippetId, why: &str) {
        let session = self.session.clone();
        let by = format!("{} ({why})", self.author.as_cause());
        tokio::spawn(async move {
            let hit = session.interrupt(Some(id), &by).await;
            if matches!(hit, Ok(Some(_))) && tokio::time::timeout(FORCE_AFTER, session.wait(id)).await.is_err() {
                let _ = session.interrupt(Some(id), &by).await;
            }
        });
    }

    async fn unfinished(&self, id: SnippetId) -> ToolOutcome {
        let Some(snippet) = self.session.look(id).await.map_err(ended_meanwhile)? else {
            return refused(format!("Error: there is no snippet {id} in this session."));
        };
        let go_on = format!("Call wait_for_snippet with snippet={id} for its result, or interrupt_snippet to stop it.");
        let notice = match snippet.status {
            Status::Running if snippet.stuck.is_some() => snippet.stuck.as_ref().map(|stuck| {
                format!("{} Call wait_for_snippet with snippet={id} to wait for it.", stuck_notice(stuck, now()))
            }),
            Status::Running if snippet.input.is_some() => snippet.input.as_deref().map(|input| asks(id, input)),
            Status::Running => Some(format!("This call stopped waiting; the code goes on. {go_on}")),
            Status::Queued => {
                let behind = self.ahead(Some(id)).await?;
                Some(format!("It waits its turn{behind}. This call stopped waiting; the code will run. {go_on}"))
            }
            _ => None,
        };
        Ok(self.told(&snippet, notice).await)
    }

    /// Tells how far the snippet is, and returns when that has been sent, so that it can never come after the result.
    async fn notify(&self, id: SnippetId, progress: &mut Progress) -> Result<(), Failure> {
        let message = match self.session.look(id).await.map_err(ended_meanwhile)? {
            Some(snippet) if snippet.status == Status::Queued => {
                format!("snippet {id} waits its turn{}", self.ahead(Some(id)).await?)
            }
            Some(Snippet { input: Some(input), .. }) => format!("snippet {id} waits for input: {}", input.prompt),
            Some(snippet) => last_line(&snippet.output).unwrap_or_else(|| format!("snippet {id} is running")),
            None => return Ok(()),
        };
        self.send_progress(progress, message).await;
        Ok(())
    }

    pub async fn send_progress(&self, progress: &Progress, message: String) {
        let seconds = progress.since.elapsed().as_secs_f64();
        let parameters = ProgressNotificationParam::new(progress.token.clone(), seconds).with_message(message);
        tokio::select! {
            biased;
            () = self.gone.cancelled() => {}
            () = self.context.ct.cancelled() => {}
            // A client that does not read is noticed by the wait, not here.
            _ = self.context.peer.notify_progress(parameters) => {}
        }
    }
}

/// What to do about a prompt.
fn asks(id: SnippetId, input: &InputRequest) -> String {
    let seconds = input.until.saturating_sub(now()).div_ceil(1000);
    let limit = format!("After {seconds} s without an answer the code gets EOFError.");
    if input.hidden {
        return format!(
            "The code asks for a password, which only the person can type, in the dashboard. Ask them to, then call \
             wait_for_snippet with snippet={id}. {limit}"
        );
    }
    format!(
        "The code waits for a line. Call answer_input with snippet={id} and the text, or ask the person to answer in the \
         dashboard and call wait_for_snippet with snippet={id}. {limit}"
    )
}

pub struct Progress {
    token: ProgressToken,
    since: Instant,
    ticks: tokio::time::Interval,
}

impl Progress {
    pub fn new(token: ProgressToken) -> Self {
        let since = Instant::now();
        let mut ticks = tokio::time::interval_at(since + PROGRESS_PACE, PROGRESS_PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { token, since, ticks }
    }
}

pub async fn tick(progress: Option<&mut Progress>) {
    match progress {
        Some(progress) => {
            progress.ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// The last line with anything on it.
fn last_line(output: &Output) -> Option<String> {
    let segment = output.tail().last().or_else(|| output.head().last())?;
    let start = segment.text.len().saturating_sub(2_000);
    let end = &segment.text[crate::domain::char_boundary::ceil_char_boundary(&segment.text, start)..];
    let text = plain(end);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| short(line.trim(), 200))
}
