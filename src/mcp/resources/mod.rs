//! Resources, prompts and completion: what clients read without a tool call. They know no tool.

pub(super) mod completion;
pub(super) mod prompts;
pub(super) mod read;
pub(super) mod subscriptions;
pub(super) mod uris;
