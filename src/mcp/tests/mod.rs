//! MCP end to end over in-memory streams, with a scripted engine, in both protocol eras.

mod connections;
mod limits;
mod lines;
mod runs;
mod support;
mod together;
mod tools;
