//! Tests of the MCP server over streams in memory, with a scripted engine, in both eras.

mod collaboration;
mod conformance;
mod connections;
mod elicitation;
pub(crate) mod fuzz;
mod gate;
mod limits;
mod malformed;
mod resources;
mod retry;
mod runs;
mod scripted;
mod support;
mod tools;
