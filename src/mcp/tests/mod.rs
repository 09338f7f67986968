//! MCP end to end over in-memory streams, with a scripted engine, in both protocol eras.

mod conformance;
mod connections;
mod elicitation;
pub(crate) mod fuzz;
mod limits;
mod lines;
mod reading;
mod retry;
mod runs;
mod support;
mod together;
mod tools;
