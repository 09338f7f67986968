//! The MCP server of one client: the handler that rmcp calls, the membership of the client, and the dispatch of its
//! calls. It knows the tools only by their list.

pub(super) mod connection;
pub(super) mod dispatch;
pub(super) mod handler;
pub(super) mod info;
pub(super) mod membership;
pub(super) mod quirks;
pub(super) mod retry;
pub(super) mod serve;
