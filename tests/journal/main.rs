//! Tests of recording, retention, export and replay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod export;
mod recording;
mod replay;
mod retention;
