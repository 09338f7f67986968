//! The state of the simulated Python: the code that runs, and where it stands.

use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::calls::Code;
use crate::domain::SnippetId;
use crate::session::EngineEvent;

/// The state of the simulated Python.
#[derive(Default)]
pub struct PythonState {
    pub job: Option<Job>,
    pub reset_due: bool,
    pub events: Option<UnboundedSender<EngineEvent>>,
    pub prompts: u32,
}

/// The code that runs.
pub struct Job {
    pub snippet: SnippetId,
    pub code: Code,
    pub stage: Stage,
    pub interrupted: bool,
    pub began: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Given,
    /// The code has begun, and waits to be released.
    Waits,
    Asks(u32),
    Ends,
}

impl PythonState {
    pub fn report(&self, event: EngineEvent) {
        if let Some(events) = &self.events {
            // The actor may have ended.
            let _ = events.send(event);
        }
    }

    pub fn is_at_work(&self) -> bool {
        self.reset_due || self.job.is_some()
    }

    /// Returns the snippet whose prompt takes a line.
    pub fn asking(&self) -> Option<SnippetId> {
        self.job.as_ref().filter(|job| matches!(job.stage, Stage::Asks(_))).map(|job| job.snippet)
    }

    /// Ends with the process. Returns the snippet that ran.
    pub fn end(&mut self) -> Option<SnippetId> {
        std::mem::take(self).job.map(|job| job.snippet)
    }
}
