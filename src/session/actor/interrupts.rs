//! Interrupts of what runs and of what waits, by whoever asks: a person, a client, a time limit, the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Actor, Waiting};
use crate::domain::{Event, Outcome, SnippetId, Status, Stuck, VariableChanges};
use crate::session::clock::now;

/// An interrupt that had no effect for this long is repeated by force when the time limit or the end asked for it.
const FORCE_AFTER: Duration = Duration::from_secs(2);
/// When Python is asked where it stands, after an interrupt that shows no effect, and how often that is looked at.
const LOOK_AFTER: Duration = Duration::from_millis(750);
const LOOK_PACE: Duration = Duration::from_millis(250);
/// The same at the end of the session, which the guardian does not wait for for ever.
const FORCE_AT_END_AFTER: Duration = Duration::from_secs(1);
/// At the end of the session, code that did not stop after this many interrupts by force is left to die with the process.
const FORCED_AT_END: u32 = 2;

impl Actor {
    pub(super) fn interrupt(&mut self, target: Option<SnippetId>, by: &str) -> Option<SnippetId> {
        if let Some(running) = &mut self.running
            && target.is_none_or(|target| running.work.snippet() == Some(target))
        {
            let force = running.stopped_by.is_some();
            running.stopped_by.get_or_insert_with(|| by.to_owned());
            running.forced += u32::from(force);
            if self.transcript.running().is_some_and(|snippet| snippet.stuck.is_none()) {
                running.look_at = Some(Instant::now() + LOOK_AFTER);
                running.interrupted_at = now();
            }
            self.engine.interrupt(running.work.snippet(), force);
            return running.work.snippet();
        }
        let target = target?;
        let place =
            self.waiting.iter().position(|w| matches!(w, Waiting::Run { snippet, .. } if *snippet == target))?;
        self.waiting.remove(place);
        self.cancel(target, by);
        Some(target)
    }

    pub(super) fn cancel(&mut self, snippet: SnippetId, by: &str) {
        let outcome = Outcome {
            status: Status::Cancelled,
            returncode: 130,
            result: None,
            frame: None,
            frames: Vec::new(),
            error: None,
            stopped_by: Some(by.to_owned()),
            elapsed: Duration::ZERO,
            changes: VariableChanges::default(),
        };
        self.finish(snippet, outcome);
    }

    /// Learns whether an interrupt has reached Python, or cannot.
    pub(super) fn look_at_running(&mut self) {
        let Some(running) = &mut self.running else { return };
        running.look_at = Some(Instant::now() + LOOK_PACE);
        let since = running.interrupted_at;
        let stuck = self.engine.standstill().map(|stack| Arc::new(Stuck { since, stack }));
        if self.quitting && stuck.is_some() {
            // It is left to die with the process.
            self.cut_off();
            return;
        }
        let Some(snippet) = self.transcript.running().filter(|snippet| snippet.stuck != stuck) else { return };
        self.emit(Event::Stuck { snippet: snippet.id, stuck });
    }

    pub(super) fn on_deadline(&mut self) {
        let Some(running) = &mut self.running else { return };
        if self.quitting && running.forced >= FORCED_AT_END {
            // A long call of C code, most likely.
            return self.cut_off();
        }
        let limit = running.timeout.unwrap_or_default();
        if running.stopped_by.is_none()
            && let Some(snippet) = running.work.snippet()
        {
            // The limit is the code's own: on a busy machine Python may not have come to the code yet.
            let due = self.engine.began(snippet).map_or_else(Instant::now, Instant::from_std) + limit;
            if due > Instant::now() {
                running.deadline = Some(due);
                return;
            }
        }
        if running.stopped_by.is_some() {
            running.give_up_inspection();
        }
        running.deadline = Some(Instant::now() + if self.quitting { FORCE_AT_END_AFTER } else { FORCE_AFTER });
        self.interrupt(None, &format!("its time limit of {} s", limit.as_secs_f64()));
    }

    fn reason_of_end(&self) -> String {
        match &self.restart_by {
            Some(by) => format!("the restart by {}", by.as_cause()),
            None => "the end of the session".to_owned(),
        }
    }

    /// Leaves what runs to die with the process. Whoever waits for it is told now: nobody can be told later.
    pub(super) fn cut_off(&mut self) {
        let Some(running) = self.running.take() else { return };
        let Some(snippet) = running.work.snippet() else { return };
        self.flush_output();
        let outcome = Outcome {
            status: Status::Interrupted,
            returncode: 130,
            result: None,
            frame: None,
            frames: Vec::new(),
            error: None,
            stopped_by: Some(format!("{}, which ended Python while the code still ran", self.reason_of_end())),
            elapsed: running.since.elapsed(),
            changes: VariableChanges::default(),
        };
        self.finish(snippet, outcome);
    }

    pub(super) fn quit(&mut self) {
        if std::mem::replace(&mut self.quitting, true) {
            return;
        }
        let by = self.reason_of_end();
        for waiting in std::mem::take(&mut self.waiting) {
            if let Waiting::Run { snippet, .. } = waiting {
                self.cancel(snippet, &by);
            }
        }
        if self.transcript.running().is_some_and(|snippet| snippet.stuck.is_some()) {
            // No interrupt reaches it: it is left to die with the process.
            self.cut_off();
        }
        if let Some(running) = &mut self.running {
            running.deadline = Some(Instant::now() + FORCE_AT_END_AFTER);
            self.interrupt(None, &by);
        }
    }
}
