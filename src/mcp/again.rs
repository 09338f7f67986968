//! What a bridge tells of the process that its client worked with before: calls that were left without an answer, which the
//! next one is asked, and that there was one at all.

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomResult, ServerResult};
use rmcp::service::RequestContext;
use serde::Deserialize;
use serde_json::Value;

use super::calls::{Call, Called, ended};
use super::handler::{failure, is_modern};
use super::tools::{self, AnswerArguments, InterruptArguments, ResetResult, RunArguments, WaitArguments};
use crate::domain::terminal_text::plain;
use crate::domain::{Restart, SnippetId, Timestamp};
use crate::session::{Fate, Recalled};

/// The method by which a bridge asks; its params are those of `tools/call`, and [`SENT`].
pub const METHOD: &str = "fourhands/again";
/// Member of the params: when the call was first passed on, in milliseconds since 1970.
pub const SENT: &str = "fourhands/sent";

/// The method by which a bridge says that its client comes from another; [`SENT`] is of the last call that was answered there.
pub const MOVED: &str = "fourhands/moved";

#[derive(Deserialize)]
pub struct Moved {
    #[serde(rename = "fourhands/sent")]
    pub sent: Timestamp,
}

/// Such a call.
#[derive(Deserialize)]
pub struct Again {
    #[serde(rename = "fourhands/sent")]
    sent: Timestamp,
    #[serde(flatten)]
    pub call: CallToolRequestParams,
}

impl Call<'_> {
    /// Answers a call without doing anything twice.
    pub async fn again(&self, again: Again) -> CallToolResult {
        let Again { sent, call } = again;
        self.answer_again(sent, call).await.unwrap_or_else(failure)
    }

    async fn answer_again(&self, sent: Timestamp, call: CallToolRequestParams) -> Called {
        let arguments = call.arguments.clone();
        match call.name.as_ref() {
            tools::RUN => {
                let Ok(RunArguments { code, .. }) = tools::arguments(tools::RUN, arguments) else {
                    return Ok(self.dispatch(&call.name, call.arguments).await);
                };
                let recalled = self.recall(&code, sent).await?;
                match recalled.fate {
                    Fate::Submitted(snippet) => self.tell(snippet, &recalled).await,
                    Fate::NeverCame => Ok(self.dispatch(&call.name, call.arguments).await),
                    Fate::Unknown => Err(format!(
                        "{} Whether the code of this call ran to its end is not known: look at what is there before you \
                         repeat it.",
                        what_happened(&recalled)
                    )),
                }
            }
            tools::WAIT | tools::ANSWER => {
                let snippet = match call.name.as_ref() {
                    tools::WAIT => {
                        tools::arguments(tools::WAIT, arguments).map(|WaitArguments { snippet, .. }| snippet)
                    }
                    _ => tools::arguments(tools::ANSWER, arguments).map(|AnswerArguments { snippet, .. }| snippet),
                };
                let recalled = self.recall("", sent).await?;
                match snippet {
                    Ok(snippet) => self.tell(SnippetId(snippet), &recalled).await,
                    Err(_) => Err(what_happened(&recalled)),
                }
            }
            tools::RESET => {
                let recalled = self.recall("", sent).await?;
                let happened = what_happened(&recalled);
                // What could be saved comes back, or may.
                if recalled.restart.is_some_and(|restart| restart.resumed) {
                    return Err(format!("{happened} Nothing was reset: call again if that is still wanted."));
                }
                let text = format!("{happened} There is nothing left to reset.");
                Ok(self.answer(text, &ResetResult { done: true, cleared: None, remains: Vec::new() }))
            }
            tools::INTERRUPT if !names_a_snippet(arguments) => {
                Err(format!("{} What ran has ended with it.", what_happened(&self.recall("", sent).await?)))
            }
            // These change nothing.
            _ => {
                let happened = what_happened(&self.recall("", sent).await?);
                let mut result = self.dispatch(&call.name, call.arguments).await;
                result.content.insert(0, ContentBlock::text(happened));
                Ok(result)
            }
        }
    }

    async fn recall(&self, code: &str, sent: Timestamp) -> Result<Recalled, String> {
        self.session.recall(self.author.clone(), code.into(), sent).await.map_err(ended)
    }

    /// What a snippet came to.
    async fn tell(&self, id: SnippetId, recalled: &Recalled) -> Called {
        let found = self.session.look(id).await.map_err(ended)?;
        // All that was submitted to a process that is gone has ended.
        let Some(snippet) = found.filter(|snippet| snippet.status.is_final()) else {
            return Err(what_happened(recalled));
        };
        let died = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
        let says_it = died.is_some_and(|error| recalled.restart.as_ref().is_some_and(|last| last.how == error.message));
        let notice = if says_it {
            format!("A new Python has taken over the session; variables and imports are gone{}.", processes(recalled))
        } else {
            what_happened(recalled)
        };
        Ok(self.told(&snippet, Some(notice)).await)
    }
}

fn names_a_snippet(arguments: Option<rmcp::model::JsonObject>) -> bool {
    tools::arguments(tools::INTERRUPT, arguments).is_ok_and(|InterruptArguments { snippet, .. }| snippet.is_some())
}

fn what_happened(recalled: &Recalled) -> String {
    let processes = processes(recalled);
    match recalled.restart.as_deref() {
        None => "The fourhands session ended before this call was answered, and another has its name.".to_owned(),
        Some(Restart { by: Some(by), .. }) => {
            let by = if by.is_you() { "The person".into() } else { by.told() };
            format!("{by} restarted Python: variables and imports are gone{processes}.")
        }
        Some(Restart { how, .. }) => format!("{how} A new Python has taken over the session{processes}."),
    }
}

/// What became of the processes that snippets had started, as the end of a sentence.
fn processes(recalled: &Recalled) -> String {
    recalled.restart.as_ref().map(|restart| plain(&restart.fate_of_processes()).into_owned()).unwrap_or_default()
}

/// The result as rmcp would send it.
pub fn as_custom(mut response: CallToolResponse, context: &RequestContext<RoleServer>) -> CustomResult {
    if let CallToolResponse::Complete(result) = &mut response
        && !is_modern(context)
    {
        result.result_type = None;
    }
    CustomResult::new(serde_json::to_value(ServerResult::from(response)).unwrap_or(Value::Null))
}
