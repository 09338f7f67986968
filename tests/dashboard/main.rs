//! The dashboard in a pseudo-terminal, and the session without one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod attach;
mod clients;
mod demo;
mod gate;
mod locks;
mod names;
mod notes;
mod picture;
mod plain;
mod private;
mod questions;
mod recording;
mod risks;
mod screen;
mod settings;
mod takeover;
mod terminal;
mod transcript;
mod typing;
mod values;
