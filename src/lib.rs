//! fourhands: one live Python session for a person and their AI assistants.
//!
//! # Map
//!
//! One folder for each floor; the page below says which floor may use which.
//!
//! | Floor | Holds |
//! | --- | --- |
//! | [`domain`] | the parts of a session, as plain data |
//! | [`export`] | exports of a transcript: script, notebook, document, data |
//! | [`session`] | the actor, its handle, and which sessions exist; Python only as the trait `Engine` |
//! | [`journal`] | the record of all sessions, on SQLite |
//! | [`python`] | the engine, on pyo3: running, capturing, interrupting, describing |
//! | [`mcp`] | tools, resources and connections, on rmcp |
//! | [`tui`] | the dashboard, on ratatui: state, keys, drawing |
//! | [`bridge`] | the process that connects an AI client to a session's socket |
//! | [`clients`] | the configurations of AI clients: found, shown, changed |
//! | [`launch`] | finding a Python, the image of the engine, the guardian |
//! | `process` | the entry of the session process, which connects the other floors |
//! | [`cli`] | the command line, a file for each command |
//!
//! Other pages: `src/bridge/PROTOCOL.md`, `.github/CONTRIBUTING.md`, `tests/README.md`; for users, `README.md` and
//! `assets/docs/`.
//!
#![doc = include_str!("ARCHITECTURE.md")]

pub mod bridge;
pub mod cli;
pub mod clients;
pub mod domain;
pub mod export;
pub mod journal;
pub mod launch;
pub mod mcp;
mod process;
pub mod python;
pub mod session;
pub mod tui;
