//! fourhands: one live Python session for a person and their AI assistants.
//!
//! # The map
//!
//! Three programs are one binary:
//!
//! - `fourhands` and `fourhands serve` start the user's own Python, which loads this very library (the binary carries it)
//!   and runs the **session process** (`process`); the launcher stays as its parent, the **guardian** ([`launch`]).
//! - `fourhands bridge` ([`bridge`]) is what AI clients start; it connects their stdin and stdout to a session's socket.
//!
//! In the session process Python owns the main thread ([`python`]). Everything else runs on threads of the host, which
//! have a table of descriptors of their own and never hold the GIL: the session actor ([`session`]), MCP ([`mcp`]) and
//! the dashboard ([`tui`]). The actor is the only writer: commands go in, events come out, and everybody who shows or
//! tells something folds those events into a [`domain::Transcript`].
//!
//! # Floors
//!
//! A floor may use only lower ones; `tests/architecture.rs` sees to it.
//!
//! | floor | uses | knows |
//! | --- | --- | --- |
//! | [`domain`] | std, serde | what a session is made of; no clock, no I/O, no async |
//! | [`export`] | chrono | a transcript as a script, a notebook, a document; pure but for writing the file |
//! | [`session`] | tokio | the actor, its handle, and which sessions exist; Python only as the trait `Engine` |
//! | [`journal`] | SQLite | keeping what happened, and reading it again |
//! | [`python`] | pyo3 | running, capturing, interrupting, describing; nothing of who watches |
//! | [`mcp`] | rmcp | tools and connections; nothing of Python or the screen |
//! | [`tui`] | ratatui | view state, drawing, keys; waits for nobody |
//! | [`bridge`] | mcp | envelopes of lines; outlives every session |
//! | [`launch`] | nix | finding a Python, the engine's image, the guardian, and ending it from outside |
//! | `process` | all of these | the wiring of the session process |
//! | [`cli`] | launch, bridge, journal | one file per command |
//!
//! The binary and the tests link this library without any Python: what is reached from them must not lead to pyo3, which
//! only [`python`] and `process` name.

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
