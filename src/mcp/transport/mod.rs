//! The transport: lines of JSON-RPC between rmcp and a stream, and answers to lines that are not a valid request. It
//! knows no session.

pub(super) mod client_state;
pub(super) mod lines;
pub(super) mod malformed;
pub(super) mod outgoing;
pub(super) mod unknown_methods;
