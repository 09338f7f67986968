//! Long and heavy: most are ignored, and run by `tests/long`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod bridge_soak;
mod floods;
mod session_soak;
mod stress;
