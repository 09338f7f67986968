//! The MCP server, built on rmcp: for any number of clients on the socket of the session, or for one on a pair of
//! streams.
//!
//! `transport` reads and writes lines. `server` has the handler that rmcp calls, one for each connection. `tools` has
//! one file for each tool, and `calls` what all tools share. `results` renders snippets and values for models.
//! `resources` has what clients read without a tool call. Nothing here knows Python or the screen.

pub mod bridge_protocol;
mod calls;
mod era;
mod errors;
mod log;
mod resources;
mod results;
mod server;
#[cfg(test)]
pub(crate) mod tests;
mod tools;
mod transport;

pub use server::connection::Backend;
pub use server::serve::{serve_connection, serve_socket};
pub use tools::{lost_call_text, reading_tools};
