//! Questions to the user of the client itself, by MCP's elicitation. A question adds safety where a client can ask it,
//! and nothing depends on it.
//!
//! A client with a handshake gets a request from the server. A client of the stateless era gets a result with the
//! question, and calls again with the answer.

use std::pin::pin;
use std::sync::atomic::Ordering;

use rmcp::model::{
    ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequiredResult, ServerRequest,
};
use rmcp::service::{PeerRequestOptions, ServiceError};
use tokio::time::{Instant, sleep_until};

use super::context::ToolCall;
use super::progress::CallProgress;
use crate::mcp::era::is_stateless;

/// The name of the only question that a call has.
const KEY: &str = "confirm";

/// The outcome of a question.
pub enum Confirmation {
    Yes,
    No,
    /// The client cannot ask after all, or its answer is neither yes nor no.
    Unclear,
    /// Nobody answered in time. This client is not asked again.
    Late,
    /// The client has left or has cancelled the call.
    GaveUp,
    /// The client has to ask, and to call again.
    CallAgain(InputRequiredResult),
}

impl ToolCall<'_> {
    /// Returns whether the client says that it can put a question to its user.
    pub fn can_confirm(&self) -> bool {
        let declared = self.context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
        // The first revisions knew only forms, and had no name for them.
        let knows_forms = declared.is_some_and(|kinds| kinds.form.is_some() || kinds.url.is_none());
        knows_forms && !self.membership.is_mute.load(Ordering::Relaxed)
    }

    /// The answer to the question of an earlier call, which this call repeats.
    pub fn earlier_confirmation(&self) -> Option<Confirmation> {
        let answer = self.answers.as_ref()?.get(KEY)?;
        Some(serde_json::from_value(answer.clone()).map_or(Confirmation::Unclear, |answer| verdict(&answer)))
    }

    /// Asks the user of the client whether to go on.
    pub async fn confirm(&self, question: String, deadline: Instant) -> Confirmation {
        let request = ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: question,
            // There is nothing to fill in: to accept is the answer.
            requested_schema: ElicitationSchema::new([].into()),
        });
        if is_stateless(self.context) {
            let requests = [(KEY.to_owned(), InputRequest::Elicitation(request))];
            return Confirmation::CallAgain(InputRequiredResult::from_input_requests(requests.into()));
        }
        let mut late = pin!(sleep_until(deadline));
        let mut progress = CallProgress::of(self);
        let request = ServerRequest::ElicitRequest(request);
        let mut asking = tokio::select! {
            biased;
            () = self.gave_up() => return Confirmation::GaveUp,
            sent = self.context.peer.send_cancellable_request(request, PeerRequestOptions::no_options()) => match sent {
                Ok(asking) => asking,
                Err(_) => return Confirmation::Unclear,
            },
            () = &mut late => return Confirmation::Late,
        };
        let (outcome, why) = loop {
            tokio::select! {
                biased;
                () = self.client.gone.cancelled() => return Confirmation::GaveUp,
                () = self.context.ct.cancelled() => break (Confirmation::GaveUp, "the call was cancelled"),
                answer = &mut asking.rx => return match answer {
                    Ok(Ok(ClientResult::ElicitResult(answer))) => verdict(&answer),
                    Ok(Ok(_) | Err(ServiceError::McpError(_))) => Confirmation::Unclear,
                    Ok(Err(_)) | Err(_) => Confirmation::GaveUp,
                },
                () = &mut late => {
                    self.membership.is_mute.store(true, Ordering::Relaxed);
                    break (Confirmation::Late, "nobody answered in time");
                }
                () = progress.due() => {
                    progress.send(self, "waiting for the user of this client to confirm".to_owned()).await;
                }
            }
        };
        // This closes the dialog. A client that does not read must not delay the answer.
        tokio::spawn(asking.cancel(Some(why.to_owned())));
        outcome
    }
}

fn verdict(answer: &ElicitResult) -> Confirmation {
    match answer.action {
        ElicitationAction::Accept => Confirmation::Yes,
        ElicitationAction::Decline | ElicitationAction::Cancel => Confirmation::No,
        _ => Confirmation::Unclear,
    }
}
