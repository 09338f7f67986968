//! What Python does in a session, seen by a client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod children;
mod completion;
mod displays;
mod figures;
mod hostile;
mod input;
mod inspect;
mod last_words;
mod lexer;
mod magics;
mod main_job;
mod output;
mod recovery;
mod running;
mod variables;
