//! The tools: their descriptions and schemas, and each call against the session.

pub(in crate::mcp) mod ask_human;
pub(in crate::mcp) mod calls;
pub(in crate::mcp) mod elicit;
pub(in crate::mcp) mod pages;
pub(in crate::mcp) mod read_output;
pub(in crate::mcp) mod reset;
pub(in crate::mcp) mod reset_impact;
pub(in crate::mcp) mod schema;
pub(in crate::mcp) mod session_history;
pub(in crate::mcp) mod wait;
