//! The MCP server of one client: what rmcp calls, who the client is, and what its calls are answered when a session ends.

pub(in crate::mcp) mod client;
pub(in crate::mcp) mod failure;
pub(in crate::mcp) mod handler;
pub(in crate::mcp) mod retry;
pub(in crate::mcp) mod serve;
