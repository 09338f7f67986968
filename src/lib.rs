//! fourhands: one live Python session for a person and their AI assistants.

pub mod bridge;
pub mod cli;
pub mod domain;
pub mod launch;
pub mod mcp;
mod process;
pub mod python;
pub mod session;
pub mod tui;
