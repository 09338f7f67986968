//! Lines of JSON-RPC between rmcp and a stream: reading, writing, and answers to what is no request.

pub(in crate::mcp) mod lines;
pub(in crate::mcp) mod malformed;
pub(in crate::mcp) mod outgoing;
pub(in crate::mcp) mod unknown_methods;
