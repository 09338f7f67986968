//! The trait of a tool: its description for clients, its call, and the rules for a call that was lost.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments;
use super::context::{ToolCall, ToolOutcome, with_text_before};
use super::lost_call::{LostCall, LostCallTexts};
use crate::mcp::errors::refused;

/// A tool. Its file in `src/mcp/tools` has everything about it, and the list in `src/mcp/tools/mod.rs` names it.
pub trait Tool: Sized + 'static {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// The description for models.
    const DESCRIPTION: &'static str;
    const EFFECT: CallEffect;
    const HINTS: ToolHints;
    const LOST: LostCallTexts = match Self::EFFECT {
        CallEffect::Reads => LostCallTexts::READS,
        CallEffect::SubmitsCode | CallEffect::Changes => LostCallTexts::CHANGES,
    };
    /// Whether a call can end other calls. A client that has too many calls open may still make such a call.
    const ENDS_CALLS: bool = false;

    type Arguments: DeserializeOwned + JsonSchema + Send + 'static;
    type Output: Serialize + JsonSchema + 'static;

    fn call(call: &ToolCall<'_>, arguments: Self::Arguments) -> impl Future<Output = ToolOutcome> + Send;

    /// Answers a call that was lost. For a tool that only reads, that is any lost call. For another tool, it is one
    /// whose progress nobody knows, because the session process that received it is gone.
    fn recover(
        call: &ToolCall<'_>,
        arguments: Option<JsonObject>,
        lost: &LostCall,
    ) -> impl Future<Output = ToolOutcome> + Send {
        async {
            match Self::EFFECT {
                CallEffect::Reads => repeat::<Self>(call, arguments, lost).await,
                CallEffect::SubmitsCode | CallEffect::Changes => lost.refusal(""),
            }
        }
    }
}

/// What a call does. This decides what happens to a call that a bridge sends once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEffect {
    /// It only reads, so it may be made any number of times.
    Reads,
    /// It submits code. Session and journal know the snippet by the name of the call.
    SubmitsCode,
    /// It changes something else. The session notes the name of the call, so that it is carried out once at most.
    Changes,
}

/// The hints in the annotations of a tool. The hint `readOnly` follows from [`CallEffect`].
#[derive(Clone, Copy, Debug)]
pub struct ToolHints {
    pub destructive: bool,
    pub idempotent: bool,
    pub open_world: bool,
}

impl ToolHints {
    pub const READS: Self = Self { destructive: false, idempotent: true, open_world: false };
}

/// Carries a call out, unless it changes something and was received before.
pub async fn call_once<T: Tool>(call: &ToolCall<'_>, arguments: Option<JsonObject>) -> ToolOutcome {
    // The actor recognizes a call that submits code.
    if T::EFFECT == CallEffect::Changes && call.id.is_some_and(|id| !call.session.mark_received(id)) {
        return refused("This call was already received, so nothing was done again.");
    }
    T::call(call, arguments::parse(T::NAME, arguments)?).await
}

/// Carries a lost call out, and says first what happened.
pub async fn repeat<T: Tool>(call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
    let response = call_once::<T>(call, arguments).await?;
    // This process has lost no more than a connection, which a reader need not know.
    if T::EFFECT == CallEffect::Reads && lost.recalled.is_own {
        return Ok(response);
    }
    Ok(with_text_before(response, lost.what_happened()))
}
