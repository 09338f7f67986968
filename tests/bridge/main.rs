//! Clients, the bridge between them and sessions, and what each is told of the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod beside_tools;
mod elicitation;
mod held;
mod left_calls;
mod real_clients;
mod returning;
mod security;
mod stdio;
mod trust;
