//! A tool in the registry: its listing for clients, and its functions without their types.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::{JsonObject, MetaObject, Tool as Listing, ToolAnnotations};

use super::context::{ToolCall, ToolOutcome};
use super::lost_call::{LostCall, LostCallTexts};
use super::schema::{input_schema, output_schema};
use super::tool::{CallEffect, Tool, call_once};

/// Characters of a result that Claude Code passes to the model without a file in between.
const MAX_RESULT_SIZE: u32 = 100_000;

pub struct RegisteredTool {
    /// The tool as `tools/list` shows it.
    pub listing: Listing,
    pub effect: CallEffect,
    pub lost: LostCallTexts,
    pub ends_calls: bool,
    call: for<'a> fn(&'a ToolCall<'a>, Option<JsonObject>) -> BoxFuture<'a, ToolOutcome>,
    recover: for<'a> fn(&'a ToolCall<'a>, Option<JsonObject>, &'a LostCall) -> BoxFuture<'a, ToolOutcome>,
}

impl RegisteredTool {
    pub fn of<T: Tool>() -> Self {
        let annotations = ToolAnnotations::new()
            .read_only(T::EFFECT == CallEffect::Reads)
            .destructive(T::HINTS.destructive)
            .idempotent(T::HINTS.idempotent)
            .open_world(T::HINTS.open_world);
        let mut meta = MetaObject::new();
        meta.0.insert("anthropic/maxResultSizeChars".to_owned(), MAX_RESULT_SIZE.into());
        Self {
            listing: Listing::new(T::NAME, T::DESCRIPTION, input_schema::<T::Arguments>())
                .with_title(T::TITLE)
                .with_raw_output_schema(Arc::new(output_schema::<T::Output>()))
                .with_annotations(annotations)
                .with_meta(meta),
            effect: T::EFFECT,
            lost: T::LOST,
            ends_calls: T::ENDS_CALLS,
            call: |call, arguments| Box::pin(call_once::<T>(call, arguments)),
            recover: |call, arguments, lost| Box::pin(T::recover(call, arguments, lost)),
        }
    }

    pub fn name(&self) -> &str {
        &self.listing.name
    }

    /// Carries a call out, unless it changes something and was received before.
    pub async fn call(&self, call: &ToolCall<'_>, arguments: Option<JsonObject>) -> ToolOutcome {
        (self.call)(call, arguments).await
    }

    /// Answers a lost call, see [`Tool::recover`].
    pub async fn recover(&self, call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        (self.recover)(call, arguments, lost).await
    }
}
