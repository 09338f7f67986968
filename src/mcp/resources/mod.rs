//! Resources, prompts and completion: what clients read, and watch, without a tool call.

pub(in crate::mcp) mod completion;
pub(in crate::mcp) mod prompts;
pub(in crate::mcp) mod read;
pub(in crate::mcp) mod subscriptions;
pub(in crate::mcp) mod uris;
