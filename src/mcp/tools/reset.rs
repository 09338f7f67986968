//! The tool that resets: where others would lose something, the client's user is asked first, if the client can do that.

use std::time::Duration;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, JsonObject};
use tokio::time::Instant;

use super::calls::ToolCall;
use super::elicit::Confirmation;
use super::reset_impact;
use super::schema;
use super::schema::{ResetArguments, ResetMode, ResetResult};
use crate::domain::{Author, Transcript};
use crate::mcp::server::failure::{Failure, ended, ended_meanwhile, refused};
use crate::session::Closed;

/// How long the user may take to confirm: clients give a call a minute, and the reset itself may have to wait.
const CONFIRMING: Duration = Duration::from_secs(40);
const NOT_DONE: &str = "It would destroy what others made in this session, so nothing was reset.";

/// A result, or the question to ask first; then nothing was done.
type Done = Result<CallToolResult, String>;

impl ToolCall<'_> {
    pub async fn reset(&self, arguments: Option<JsonObject>) -> Result<CallToolResponse, Failure> {
        let ResetArguments { mode } = schema::arguments(schema::RESET, arguments)?;
        let restarts = matches!(mode, Some(ResetMode::Restart));
        let begun = Instant::now();
        let late = begun + Duration::from_secs_f64(schema::DEFAULT_WAIT_S);
        let mut runs = None;
        let said = match self.said() {
            Some(said) => said,
            None if self.may_ask() => match self.reset_now(restarts, true, late).await? {
                Ok(result) => return Ok(result.into()),
                Err(question) => {
                    runs = self.runs().await;
                    self.ask(question, begun + CONFIRMING).await
                }
            },
            None => Confirmation::Nothing,
        };
        match said {
            Confirmation::Yes | Confirmation::Nothing => {}
            Confirmation::No => return refused(format!("Error: the user did not confirm this. {NOT_DONE}")),
            Confirmation::Late => {
                let seconds = CONFIRMING.as_secs();
                return refused(format!(
                    "Error: the user was asked to confirm this and did not answer within {seconds} s. {NOT_DONE} Ask the \
                     person in your reply; another call resets without asking."
                ));
            }
            Confirmation::Left if self.stop.is_cancelled() && !self.session.is_restarting() => {
                return refused(
                    "Error: the session ended while the user was asked to confirm this. Nothing was reset.",
                );
            }
            Confirmation::Left if self.stop.is_cancelled() => return Err(ended(Closed)),
            Confirmation::Left => return refused("The connection was closed. Nothing was reset."),
            Confirmation::Later(question) => return Ok(question.into()),
        }
        let had_more = runs.is_some() && self.runs().await > runs;
        let mut result = self.reset_now(restarts, false, late).await??;
        if had_more {
            let text = "Code that you sent while the user was asked came before this: its names are gone as well.";
            result.content.push(ContentBlock::text(text));
        }
        Ok(result.into())
    }

    /// If `spare`, only where others lose nothing.
    async fn reset_now(&self, restarts: bool, spare: bool, late: Instant) -> Result<Done, Failure> {
        let by = self.author.clone();
        let objection = move |transcript: &Transcript| {
            if spare { reset_impact::question(transcript, &by, restarts) } else { None }
        };
        if restarts { self.restart(objection).await } else { self.clear(objection, late).await }
    }

    async fn clear(
        &self,
        objection: impl FnOnce(&Transcript) -> Option<String> + Send + 'static,
        late: Instant,
    ) -> Result<Done, Failure> {
        let report = tokio::select! {
            biased;
            report = self.session.reset_unless(self.author.clone(), objection) => report.map_err(ended_meanwhile)?,
            () = self.left_or_late(late) => {
                let behind = self.ahead(None).await?;
                let text = format!("The reset waits its turn{behind} and is done after that, without another call. \
                    interrupt_snippet makes it come sooner.");
                return Ok(Ok(self.answer(text, &ResetResult { done: false, cleared: None, remains: Vec::new() })));
            }
        };
        Ok(report.map(|report| {
            let mut text = "Python environment has been reset. All variables and imports cleared.".to_owned();
            for remains in &report.remains {
                text.push_str(&format!("\nNot undone: {remains}"));
            }
            let cleared = Some(report.cleared as u32);
            self.answer(text, &ResetResult { done: true, cleared, remains: report.remains.clone() })
        }))
    }

    async fn restart(
        &self,
        objection: impl FnOnce(&Transcript) -> Option<String> + Send + 'static,
    ) -> Result<Done, Failure> {
        let restarted = self.session.restart_unless(self.author.clone(), objection).await.map_err(ended)?;
        if let Err(question) = restarted {
            return Ok(Err(question));
        }
        let text = "Python restarts: what ran is interrupted, what waited is cancelled, and a new process takes over \
            this session. All variables and imports are gone. Go on as usual: the next call runs in the new process.";
        Ok(Ok(self.answer(text.to_owned(), &ResetResult { done: true, cleared: None, remains: Vec::new() })))
    }

    /// How many snippets this client has submitted.
    async fn runs(&self) -> Option<u32> {
        let Author::Client { id, .. } = self.author else { return None };
        let clients = self.session.overview().await.ok()?.clients;
        clients.iter().find(|client| client.id == id).map(|client| client.runs)
    }
}
