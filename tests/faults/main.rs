//! System calls that fail, block or are slow, and the guardian by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod failing_calls;
mod guardian;
mod injection;
