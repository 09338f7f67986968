//! Dispatch of tool calls: to the tool, or to a retry; and the responses to calls that fail.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, RequestId};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::connection::{ClientConnection, Service};
use super::quirks::Quirks;
use super::retry::retry;
use crate::domain::{CallId, CallState};
use crate::mcp::bridge_protocol::{RetriedCall, UNANSWERED};
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::registered::RegisteredTool;
use crate::mcp::errors::{CallError, SESSION_ENDED, refused};
use crate::mcp::tools::lost_call_text;
use crate::session::SessionHandle;

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
    let mut call = ToolCall {
        id: call_id(context),
        session: &membership.session,
        author,
        membership,
        quirks: Quirks::of(client.as_ref()),
        context,
        answers: None,
        client: &connection.client,
        stop: &connection.stop,
    };
    match request {
        CallRequest::New(request) => {
            call.answers = request.input_responses;
            tool.call(&call, request.arguments).await
        }
        CallRequest::Retried(retried) => retry(tool, call, retried).await,
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
