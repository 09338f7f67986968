//! Questions to the user of the client itself, by MCP's elicitation: asked where that adds safety, needed nowhere.
//!
//! Clients with a handshake get a request of ours. Those of the stateless era get a result that says what to ask, and call
//! again with the answer.

use std::pin::pin;
use std::sync::atomic::Ordering;

use rmcp::model::{
    ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequiredResult, ServerRequest,
};
use rmcp::service::{PeerRequestOptions, ServiceError};
use tokio::time::{Instant, sleep_until};

use super::calls::ToolCall;
use super::wait::{Progress, tick};
use crate::mcp::server::handler::is_modern;

/// The name of the one question that a call has.
const KEY: &str = "confirm";

/// What came of a question.
pub enum Confirmation {
    Yes,
    No,
    /// The client cannot ask after all, or its answer says neither.
    Nothing,
    /// Not in time. This client is not asked again.
    Late,
    /// The client has left or given up the call.
    Left,
    /// The client is to ask, and to call again.
    Later(InputRequiredResult),
}

impl ToolCall<'_> {
    /// Whether the client can put a question to its user, as far as it says.
    pub fn may_ask(&self) -> bool {
        let declared = self.context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
        // The first revisions knew forms only, and had no name for them.
        let knows_forms = declared.is_some_and(|kinds| kinds.form.is_some() || kinds.url.is_none());
        knows_forms && !self.membership.is_mute.load(Ordering::Relaxed)
    }

    /// What the user has said to the question of the call before, of which this is the repetition.
    pub fn said(&self) -> Option<Confirmation> {
        let answer = self.answers.as_ref()?.get(KEY)?;
        Some(serde_json::from_value(answer.clone()).map_or(Confirmation::Nothing, |answer| verdict(&answer)))
    }

    /// Asks the user of the client whether to go on.
    pub async fn ask(&self, question: String, until: Instant) -> Confirmation {
        let asked = ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: question,
            // Nothing to fill in: to accept is the answer.
            requested_schema: ElicitationSchema::new([].into()),
        });
        if is_modern(self.context) {
            let asked = [(KEY.to_owned(), InputRequest::Elicitation(asked))];
            return Confirmation::Later(InputRequiredResult::from_input_requests(asked.into()));
        }
        let mut late = pin!(sleep_until(until));
        let mut progress = self.context.meta.get_progress_token().map(Progress::new);
        let request = ServerRequest::ElicitRequest(asked);
        let mut asking = tokio::select! {
            biased;
            () = self.gone.cancelled() => return Confirmation::Left,
            () = self.context.ct.cancelled() => return Confirmation::Left,
            sent = self.context.peer.send_cancellable_request(request, PeerRequestOptions::no_options()) => match sent {
                Ok(asking) => asking,
                Err(_) => return Confirmation::Nothing,
            },
            () = &mut late => return Confirmation::Late,
        };
        let (said, why) = loop {
            tokio::select! {
                biased;
                () = self.gone.cancelled() => return Confirmation::Left,
                () = self.context.ct.cancelled() => break (Confirmation::Left, "the call was cancelled"),
                answer = &mut asking.rx => return match answer {
                    Ok(Ok(ClientResult::ElicitResult(answer))) => verdict(&answer),
                    Ok(Ok(_) | Err(ServiceError::McpError(_))) => Confirmation::Nothing,
                    Ok(Err(_)) | Err(_) => Confirmation::Left,
                },
                () = &mut late => {
                    self.membership.is_mute.store(true, Ordering::Relaxed);
                    break (Confirmation::Late, "nobody answered in time");
                }
                () = tick(progress.as_mut()) => {
                    if let Some(progress) = &progress {
                        self.send_progress(progress, "waiting for the user of this client to confirm".to_owned()).await;
                    }
                }
            }
        };
        // The dialog goes away. A client that does not read must not hold this up.
        tokio::spawn(asking.cancel(Some(why.to_owned())));
        said
    }
}

fn verdict(answer: &ElicitResult) -> Confirmation {
    match answer.action {
        ElicitationAction::Accept => Confirmation::Yes,
        ElicitationAction::Decline | ElicitationAction::Cancel => Confirmation::No,
        _ => Confirmation::Nothing,
    }
}
