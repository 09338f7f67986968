//! Rewinds: a line that asks for one is carried out by the actor, in its turn of the queue, and never reaches Python.

use std::time::Duration;

use super::state::{Actor, Successor};
use crate::domain::rewind::{describe, plan};
use crate::domain::safe_point::RewindRequest;
use crate::domain::{
    Author, ErrorReport, Event, Outcome, OutputChunk, Rewind, SnippetId, Status, Stream, VariableChanges,
};
use crate::session::clock::now;

impl Actor {
    /// Carries out what `snippet`, which has just started, asks for: ends this process, so that a safe point becomes
    /// the session. Otherwise the snippet fails with the reason.
    pub(super) fn rewind(&mut self, snippet: SnippetId, by: &Author, request: RewindRequest) {
        let planned = request.map_err(str::to_owned).and_then(|before| {
            let why = self.engine.why_no_safe_point();
            plan(&self.transcript, before, &why)
        });
        let (text, error) = match &planned {
            Ok(rewind) => (describe(&self.transcript, *rewind) + "\n", None),
            Err(reason) => (String::new(), Some(reason.clone())),
        };
        if !text.is_empty() {
            let chunk = OutputChunk::of(Stream::Stdout, text);
            self.emit(Event::Output { snippet: Some(snippet), chunk, at: now() });
        }
        self.finish(snippet, outcome(error));
        if let Ok(rewind) = planned {
            self.begin_rewind(by.clone(), rewind, snippet);
        }
    }

    /// `last` is the last snippet that has a number.
    fn begin_rewind(&mut self, by: Author, rewind: Rewind, last: SnippetId) {
        if !self.shutdown.has_begun {
            self.engine.abandon(last);
            self.shutdown.request(Successor { by, rewind: Some(rewind) });
            self.quit();
        }
    }
}

fn outcome(error: Option<String>) -> Outcome {
    Outcome {
        status: if error.is_some() { Status::Error } else { Status::Ok },
        returncode: i32::from(error.is_some()),
        result: None,
        frame: None,
        frames: Vec::new(),
        error: error.map(|message| ErrorReport {
            type_name: "UsageError".to_owned(),
            traceback: format!("UsageError: {message}"),
            message,
        }),
        stopped_by: None,
        elapsed: Duration::ZERO,
        changes: VariableChanges::default(),
    }
}
