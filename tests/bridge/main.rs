//! Clients, the bridge between them and sessions, and what each is told of the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod elicitation;
mod held_sessions;
mod history_and_resources;
mod passwords;
mod real_clients;
mod restarts;
mod security;
mod stdio;
mod trust;
mod unanswered_calls;
