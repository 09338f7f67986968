//! MCP, served through rmcp: to any number of clients on the session's socket, or to one on a pair of streams.
//!
//! `transport` carries lines; `server` is what rmcp calls, one handler for each client; `tools` are the calls against the
//! session; `results` render what came of them for models; `resources` are what can be read without a call.
//! Nothing here knows Python or the screen.

mod resources;
mod results;
mod server;
#[cfg(test)]
pub(crate) mod tests;
mod tools;
mod transport;

/// Code of the error, without an id, that a connection is refused with.
pub const REFUSED: i32 = -32042;

pub use self::server::failure::left_without_answer;
pub use self::server::retry::{KEPT, METHOD as AGAIN, MOVED, SENT_TO};
pub use self::server::serve::{Backend, serve_connection, serve_socket};
