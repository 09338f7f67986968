//! MCP, served through rmcp: to any number of clients on the session's socket, or to one on a pair of streams.
//!
//! `serve` accepts connections; `lines` is the transport, with `outgoing` for its
//! way out and `faults` for what is no message; `handler` is what rmcp
//! calls; `calls` and `follow` are the tool calls against the session; `failure` says why one has no result, and `again` what became of one that was left without an answer; `tools` describes them; `report`, `text` and
//! `variables` say what came of them, `cut` to fit; `client` knows who is at the other end.

mod again;
mod ask;
mod brief;
mod calls;
mod client;
mod cut;
mod displays;
mod elicit;
mod failure;
mod faults;
mod follow;
mod handler;
mod history;
mod inspect;
mod lines;
mod methods;
mod outgoing;
mod pages;
mod pictures;
mod prompts;
mod read_output;
mod report;
mod reset;
mod resources;
mod serve;
mod since;
mod stake;
mod suggest;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod tools;
mod uris;
mod variables;
mod visible;
mod watch;

/// Code of the error, without an id, that a connection is refused with.
pub const REFUSED: i32 = -32042;

pub use again::{KEPT, METHOD as AGAIN, MOVED, SENT_TO};
pub use failure::left_without_answer;
pub use serve::{Backend, serve_connection, serve_socket};
