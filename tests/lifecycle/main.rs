//! How sessions start, live, are found, and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod command_line;
mod doctor;
mod left_processes;
mod packages;
mod pages;
mod remote;
mod serve;
mod sessions;
mod sessions_command;
mod setup;
mod starting;
mod terminal_effects;
