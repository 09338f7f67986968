//! Retries of calls that have no answer: a bridge asks the session process that it reaches next.

use rmcp::RoleServer;
use rmcp::model::{CallToolResponse, CustomResult, ServerResult};
use rmcp::service::RequestContext;
use serde_json::Value;

use crate::domain::{CallState, SnippetId};
use crate::mcp::bridge_protocol::RetriedCall;
use crate::mcp::calls::arguments;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::LostCall;
use crate::mcp::calls::registered::RegisteredTool;
use crate::mcp::calls::tool::CallEffect;
use crate::mcp::calls::wait::Waits;
use crate::mcp::era::is_stateless;
use crate::mcp::errors::CallError;
use crate::session::UnansweredCall;

/// Answers a call that was sent before. Of the calls that change something, only one that was not received is carried
/// out.
pub async fn retry(tool: &RegisteredTool, mut call: ToolCall<'_>, retried: RetriedCall) -> ToolOutcome {
    let RetriedCall { sent_to, has_arguments, call: request } = retried;
    let unanswered = UnansweredCall { call: call.id, sent_to, submits: tool.effect == CallEffect::SubmitsCode };
    let recalled = call.session.recall(unanswered).await.map_err(CallError::maybe_received)?;
    let lost = LostCall { recalled, texts: tool.lost };
    let arguments = request.arguments;
    call.answers = request.input_responses;
    match lost.recalled.state {
        _ if tool.effect == CallEffect::Reads => tool.recover(&call, arguments, &lost).await,
        CallState::Unknown => tool.recover(&call, arguments, &lost).await,
        CallState::NotReceived if has_arguments => tool.call(&call, arguments).await,
        CallState::NotReceived => lost.refusal("The call was too long to keep for a retry: send it again."),
        CallState::Queued | CallState::Begun | CallState::Ended => match lost.recalled.snippet {
            Some(id) => {
                let wait_s = arguments.as_ref().and_then(|arguments| arguments.get("wait_s")?.as_f64());
                submitted(&call, id, wait_s, &lost).await
            }
            None => lost.refusal(""),
        },
    }
}

/// The result of a snippet that the call has submitted.
async fn submitted(call: &ToolCall<'_>, id: SnippetId, wait_s: Option<f64>, lost: &LostCall) -> ToolOutcome {
    if call.has_ended(id).await? {
        return lost.snippet_result(call, id, None).await;
    }
    // The snippet is one of this process: only a connection was lost.
    call.wait_for_snippet(id, arguments::wait(wait_s)?, Waits::OwnSnippet).await
}

/// The result of a retry, in the form in which rmcp sends the result of a call.
pub fn as_custom_result(mut response: CallToolResponse, context: &RequestContext<RoleServer>) -> CustomResult {
    if let CallToolResponse::Complete(result) = &mut response
        && !is_stateless(context)
    {
        result.result_type = None;
    }
    CustomResult::new(serde_json::to_value(ServerResult::from(response)).unwrap_or(Value::Null))
}
