//! The entries of a transcript, and its clients.

use std::sync::Arc;

use crate::domain::{Author, ClientId, Note, Output, ResetReport, Restart, Snippet, Timestamp};

#[derive(Clone, Debug)]
pub enum Entry {
    Snippet(Snippet),
    /// Output of code that ran outside snippets.
    Background {
        output: Output,
        at: Timestamp,
    },
    Reset {
        by: Author,
        report: Arc<ResetReport>,
        at: Timestamp,
    },
    /// A new Python process begins.
    Restart {
        restart: Arc<Restart>,
        at: Timestamp,
    },
    Note {
        note: Arc<Note>,
        at: Timestamp,
    },
}

/// A connected client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    pub name: Arc<str>,
    pub pid: Option<u32>,
    pub joined_at: Timestamp,
    pub last_active: Timestamp,
    /// The number of snippets that it submitted.
    pub runs: u32,
}
