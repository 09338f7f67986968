//! Calls that were left without an answer: a bridge asks the session process that it reaches next what became of each. And
//! what a bridge tells of the process that its client worked with before.

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, ContentBlock, CustomResult, JsonObject, ServerResult};
use rmcp::service::RequestContext;
use serde::Deserialize;
use serde_json::Value;

use super::failure::{Failure, ended_meanwhile, left_without_answer, refused};
use super::handler::is_modern;
use crate::domain::terminal_text::plain;
use crate::domain::{CallState, Restart, SnippetId};
use crate::mcp::tools::calls::{ToolCall, ToolOutcome, wait_of};
use crate::mcp::tools::schema;
use crate::mcp::tools::schema::{AnswerArguments, InterruptArguments, ResetResult, RunArguments, WaitArguments};
use crate::session::{Left, Recalled, SentTo};

/// The method by which a bridge asks. The request has the id of the call itself; its params are those of `tools/call`, and
/// [`SENT_TO`] and [`KEPT`]. Bridges and sessions that name no calls do not understand one another here: then nothing is
/// carried out, and the caller is told that the end is not known.
pub const METHOD: &str = "fourhands/again";
/// Member of the params: whom the call was sent to (see [`SentTo`]).
pub const SENT_TO: &str = "fourhands/sent_to";
/// Member of the params: `false` if the bridge has not kept the arguments, because they were too long.
pub const KEPT: &str = "fourhands/kept";

/// The method by which a bridge says that its client comes from another; [`SENT_TO`] tells who answered its last call.
pub const MOVED: &str = "fourhands/moved";

#[derive(Deserialize)]
pub struct Reconnected {
    #[serde(rename = "fourhands/sent_to", default)]
    pub sent_to: SentTo,
}

/// Such a call.
#[derive(Deserialize)]
pub struct RetriedCall {
    #[serde(rename = "fourhands/sent_to", default)]
    sent_to: SentTo,
    #[serde(rename = "fourhands/kept", default = "yes")]
    is_kept: bool,
    #[serde(flatten)]
    pub call: CallToolRequestParams,
}

fn yes() -> bool {
    true
}

impl ToolCall<'_> {
    /// Answers a call that was sent before. What follows from each state stands here: only what has not begun is done now.
    pub async fn again(&mut self, again: RetriedCall) -> Result<CallToolResponse, Failure> {
        let RetriedCall { sent_to, is_kept, call } = again;
        let tool = call.name.clone().into_owned();
        let submits = tool == schema::RUN;
        let recalled = self.session.recall(Left { call: self.id, sent_to, submits }).await.map_err(ended_meanwhile)?;
        if schema::only_reads(&tool) {
            return self.read_again(call, &recalled).await.map(Into::into);
        }
        match recalled.state {
            CallState::NotReceived if is_kept => self.once(call).await,
            CallState::NotReceived => {
                let advice = "It was too long to be kept for another try: send it again.";
                refused(left_without_answer(&tool, recalled.state, &what_happened(&recalled), advice))
            }
            CallState::Queued | CallState::Begun | CallState::Ended => match recalled.snippet {
                Some(snippet) => self.settled(snippet, call.arguments, &recalled).await.map(Into::into),
                None => refused(left_without_answer(&tool, recalled.state, &what_happened(&recalled), "")),
            },
            CallState::Unknown => self.unknown(call, &recalled).await,
        }
    }

    /// What calls can be told whose state is not known, by what is known of the process they were sent to: it is gone.
    async fn unknown(&mut self, call: CallToolRequestParams, recalled: &Recalled) -> Result<CallToolResponse, Failure> {
        let happened = what_happened(recalled);
        let is_resumed = recalled.restart.as_ref().is_some_and(|restart| restart.resumed);
        let unknown = || left_without_answer(&call.name, CallState::Unknown, &happened, "");
        match call.name.as_ref() {
            schema::ANSWER => {
                let answer = schema::arguments(schema::ANSWER, call.arguments.clone());
                let asking = answer.ok().map(|AnswerArguments { snippet, .. }| SnippetId(snippet));
                let note = "Whether the line was entered before that is not known.";
                match asking {
                    Some(snippet) if self.has_ended(snippet).await? => {
                        Ok(self.tell(snippet, recalled, Some(note)).await?.into())
                    }
                    _ => refused(unknown()),
                }
            }
            // What could be saved comes back, or may.
            schema::RESET if !is_resumed => {
                let text = format!("{happened} What was defined before that is gone: there is nothing left to reset.");
                Ok(self.answer(text, &ResetResult { done: true, cleared: None, remains: Vec::new() }).into())
            }
            schema::INTERRUPT if !names_a_snippet(call.arguments.clone()) => {
                refused(format!("{happened} What ran has ended with it."))
            }
            // One that names its snippet does nothing more to one that has ended; the person is asked by nobody any more.
            schema::INTERRUPT | schema::ASK => {
                let mut response = self.once(call).await?;
                if let CallToolResponse::Complete(result) = &mut response {
                    result.content.insert(0, ContentBlock::text(happened));
                }
                Ok(response)
            }
            _ => refused(unknown()),
        }
    }

    /// A call that changes nothing is simply made.
    async fn read_again(&self, call: CallToolRequestParams, recalled: &Recalled) -> ToolOutcome {
        if call.name == schema::WAIT
            && let Ok(WaitArguments { snippet, .. }) = schema::arguments(schema::WAIT, call.arguments.clone())
            && self.has_ended(SnippetId(snippet)).await?
        {
            return self.tell(SnippetId(snippet), recalled, None).await;
        }
        let mut result = self.dispatch(&call.name, call.arguments).await?;
        if !recalled.is_own {
            result.content.insert(0, ContentBlock::text(what_happened(recalled)));
        }
        Ok(result)
    }

    /// What a snippet comes to that a call has submitted.
    async fn settled(&self, id: SnippetId, arguments: Option<JsonObject>, recalled: &Recalled) -> ToolOutcome {
        if self.has_ended(id).await? {
            return self.tell(id, recalled, None).await;
        }
        // It is of this process: the call came by a connection that was lost.
        let arguments = schema::arguments(schema::RUN, arguments);
        let wait = wait_of(arguments.ok().and_then(|RunArguments { wait_s, .. }| wait_s))?;
        self.follow(id, self.session.wait_or_input(id), wait, true).await
    }

    async fn has_ended(&self, id: SnippetId) -> Result<bool, Failure> {
        let found = self.session.look(id).await.map_err(ended_meanwhile)?;
        Ok(found.is_some_and(|snippet| snippet.status.is_final()))
    }

    /// What a snippet that has ended came to.
    async fn tell(&self, id: SnippetId, recalled: &Recalled, note: Option<&str>) -> ToolOutcome {
        let Some(snippet) = self.session.look(id).await.map_err(ended_meanwhile)? else {
            return refused(what_happened(recalled));
        };
        let died = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
        let says_it = died.is_some_and(|error| recalled.restart.as_ref().is_some_and(|last| last.how == error.message));
        let notice = if says_it && !recalled.is_own {
            format!("A new Python has taken over the session; variables and imports are gone{}.", processes(recalled))
        } else {
            what_happened(recalled)
        };
        let notice = [Some(notice.as_str()), note].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(self.told(&snippet, Some(notice)).await)
    }
}

fn names_a_snippet(arguments: Option<JsonObject>) -> bool {
    schema::arguments(schema::INTERRUPT, arguments).is_ok_and(|InterruptArguments { snippet, .. }| snippet.is_some())
}

fn what_happened(recalled: &Recalled) -> String {
    let processes = processes(recalled);
    match recalled.restart.as_deref() {
        _ if recalled.is_own => "The connection to the session was lost before this call was answered.".to_owned(),
        None => "The fourhands session ended before this call was answered, and another has its name.".to_owned(),
        Some(Restart { by: Some(by), .. }) => {
            let by = if by.is_you() { "The person".into() } else { by.label_for_models() };
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
