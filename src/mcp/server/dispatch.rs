//! Dispatch of tool calls: to the tool, or to a retry; and the responses to calls that fail.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, RequestId};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::connection::{ClientConnection, Service};
use super::quirks::Quirks;
use super::retry::retry;
use crate::domain::terminal_text::plain;
use crate::domain::{CallId, CallState, SnippetId};
use crate::mcp::bridge_protocol::{RetriedCall, UNANSWERED};
use crate::mcp::calls::context::{ToolCall, ToolOutcome, with_text_after};
use crate::mcp::calls::registered::RegisteredTool;
use crate::mcp::errors::{CallError, SESSION_ENDED, refused};
use crate::mcp::tools::lost_call_text;
use crate::session::clock::now;
use crate::session::{CallAnswer, SessionHandle};

pub(super) const SENT_AWAY: &str = "The person has disconnected you from the session: your code was stopped, and each call is \
    refused until they let you in again at the dashboard. Do not try again by yourself; tell the person so in your reply.";
/// How long a call in flight may take to end by itself.
const SENT_AWAY_GRACE: Duration = Duration::from_secs(1);
const RESTARTS: &str = "Python restarts.";
const CONNECT_AGAIN: &str = "Reconnect: a new Python takes over the session.";
const START_AGAIN: &str = "To continue, ask the person to start fourhands again. All names are gone.";
const FAILED_INSIDE: &str = "Internal error: a bug in fourhands, not in your code. The session continues.";

/// A request to call a tool.
pub enum CallRequest {
    New(CallToolRequestParams),
    /// A bridge has sent the call before, and has no answer.
    Retried(RetriedCall),
}

/// Calls a tool, and turns errors into results, because models read results.
pub async fn call_tool(
    connection: &ClientConnection,
    tool: &RegisteredTool,
    request: CallRequest,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    // rmcp never answers a call whose task panicked.
    let Ok(outcome) = AssertUnwindSafe(carry_out(connection, tool, request, context)).catch_unwind().await else {
        return Ok(failed(lost_call_text(tool.name(), CallState::Unknown, FAILED_INSIDE, "")));
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(CallError::SessionEnded(state)) => {
            let restarts = connection.session().is_some_and(SessionHandle::is_restarting);
            // A bridge asks the process that takes over. Another client would wait for ever.
            if restarts && call_id(context).is_some() {
                return Err(ErrorData::new(ErrorCode(UNANSWERED), "The session restarts.", None));
            }
            let (what, advice) = if restarts { (RESTARTS, CONNECT_AGAIN) } else { (SESSION_ENDED, START_AGAIN) };
            Ok(failed(lost_call_text(tool.name(), state, what, advice)))
        }
        Err(error) => Ok(failed(error.to_string())),
    }
}

async fn carry_out(
    connection: &ClientConnection,
    tool: &RegisteredTool,
    request: CallRequest,
    context: &RequestContext<RoleServer>,
) -> ToolOutcome {
    let membership = match &connection.service {
        Service::Session(membership) => membership,
        Service::Offline(text) => return refused(text()),
    };
    let client = context.client_info();
    let author = membership.author(client.as_ref()).await.map_err(match &request {
        CallRequest::New(_) => CallError::not_received,
        // Another process may have received the call.
        CallRequest::Retried(_) => CallError::maybe_received,
    })?;
    let session = &membership.session;
    let open = session.client_calls().begin(author.clone(), tool.name(), now());
    if session.gate().is_away(&author) {
        let outcome = refused(format!("Error: {SENT_AWAY} Nothing was done."));
        open.answered(answer_of(&outcome));
        return outcome;
    }
    let mut call = ToolCall {
        id: call_id(context),
        session: &membership.session,
        author,
        membership,
        quirks: Quirks::of(client.as_ref(), connection.client.form.get().copied()),
        context,
        answers: None,
        client: &connection.client,
        stop: &connection.stop,
    };
    let author = call.author.clone();
    let answer = async move {
        match request {
            CallRequest::New(request) => {
                call.answers = request.input_responses;
                tool.call(&call, request.arguments).await
            }
            CallRequest::Retried(retried) => retry(tool, call, retried).await,
        }
    };
    let mut answer = std::pin::pin!(answer);
    let outcome = tokio::select! {
        biased;
        outcome = &mut answer => outcome,
        // The session stops the client's code now, and the result says so.
        () = session.sent_away(&author) => match tokio::time::timeout(SENT_AWAY_GRACE, answer).await {
            Ok(outcome) => outcome,
            Err(_) => refused("Error: this call was given up; code that it started is being stopped."),
        },
    };
    open.answered(answer_of(&outcome));
    match outcome {
        Ok(response) if session.gate().is_away(&author) => Ok(with_text_after(response, SENT_AWAY)),
        Ok(response) => {
            let private = &session.gate().private;
            let rejections = membership.read_cursor.untold_rejections(session.activity(), &author, private);
            Ok(match rejections {
                Some(text) => with_text_after(response, &text),
                None => response,
            })
        }
        outcome => outcome,
    }
}

/// What the person may read about the answer to a call.
fn answer_of(outcome: &ToolOutcome) -> CallAnswer {
    let result = match outcome {
        Ok(CallToolResponse::Complete(result)) => result,
        Ok(_) => return CallAnswer::default(),
        Err(error) => {
            let error = error.to_string();
            return CallAnswer { bytes: error.len() as u64, error: Some(error), ..CallAnswer::default() };
        }
    };
    let text =
        result.content.iter().find_map(|block| block.as_text()).map(|text| text.text.as_str()).unwrap_or_default();
    let field = |name: &str| result.structured_content.as_ref().and_then(|content| content.get(name));
    // Some clients get text alone.
    let in_text = || text.rsplit_once("[snippet ")?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    let snippet = field("snippet").and_then(serde_json::Value::as_u64).or_else(in_text);
    let mut bytes = ByteCount(0);
    let _ = serde_json::to_writer(&mut bytes, result);
    let is_error = result.is_error == Some(true);
    CallAnswer {
        snippet: snippet.and_then(|snippet| u32::try_from(snippet).ok()).map(SnippetId),
        bytes: bytes.0,
        is_cut: field("truncated").and_then(serde_json::Value::as_bool).unwrap_or_default(),
        error: is_error.then(|| summary(text)),
    }
}

/// The line of a failed result that says most: the last one of a traceback, else the first.
fn summary(text: &str) -> String {
    let block = text.split("\n\n").next().unwrap_or_default();
    let mut lines = block.lines().filter(|line| !line.trim().is_empty());
    let line = if block.contains("Traceback (most recent call last)") { lines.next_back() } else { lines.next() };
    plain(line.unwrap_or_default()).into_owned()
}

/// A writer that only counts.
struct ByteCount(u64);

impl std::io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The name that a bridge gave to the call.
fn call_id(context: &RequestContext<RoleServer>) -> Option<CallId> {
    match &context.id {
        RequestId::String(text) => CallId::parse(text),
        RequestId::Number(_) => None,
    }
}

fn failed(text: String) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}
