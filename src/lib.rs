//! fourhands: one live Python session for a person and their AI assistants.
//!
//! # Map
//!
//! One folder for each floor; the page below says which floor may use which.
//!
//! | Floor | Holds |
//! | --- | --- |
//! | [`domain`] | what a session is made of, as plain data |
//! | [`export`] | a transcript as a script, a notebook, a document |
//! | [`session`] | the actor, its handle, and which sessions exist; Python only as the trait `Engine` |
//! | [`journal`] | the record of all sessions, on SQLite |
//! | [`python`] | the engine, on pyo3: running, capturing, interrupting, describing |
//! | [`mcp`] | tools, resources and connections, on rmcp |
//! | [`tui`] | the dashboard, on ratatui: state, keys, drawing |
//! | [`bridge`] | what AI clients start: lines between their stdio and a session's socket |
//! | [`launch`] | finding a Python, the image of the engine, the guardian |
//! | `process` | the entry of the session process, which connects the others |
//! | [`cli`] | one file for each command |
//!
//! Other pages: `src/bridge/PROTOCOL.md`, `.github/CONTRIBUTING.md`, `tests/README.md`.
//!
#![doc = include_str!("ARCHITECTURE.md")]

pub mod bridge;
pub mod cli;
pub mod domain;
pub mod export;
pub mod journal;
pub mod launch;
pub mod mcp;
mod process;
pub mod python;
pub mod session;
pub mod tui;
