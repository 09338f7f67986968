//! Python in a session, as a client sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod children;
mod completion;
mod crash_reports;
mod displays;
mod effects;
mod end_to_end;
mod event_loop;
mod figures;
mod hostile;
mod input;
mod inspect;
mod interrupts;
mod ipython;
mod lexer;
mod magics;
mod output;
mod recovery;
mod rewinds;
mod running;
mod safe_points;
mod system_calls;
mod variables;
