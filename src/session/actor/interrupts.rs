//! Interrupts of running and waiting work, by a person, a client, a time limit or the end of the process.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::queue::Queued;
use super::state::Actor;
use crate::domain::{Event, Outcome, SnippetId, Status, Stuck, VariableChanges};
use crate::session::clock::now;

/// When an interrupt without effect is repeated by force, if a time limit asked for it.
const FORCE_DELAY: Duration = Duration::from_secs(2);
/// The same at the end of the session, which the guardian does not wait for without limit.
const FORCE_DELAY_AT_END: Duration = Duration::from_secs(1);
/// At the end of the session, code that ignored so many interrupts by force is left to die with the process.
const MAX_FORCED_AT_END: u32 = 2;
/// When to ask Python where it stands, after an interrupt without effect, and how often from then on.
const STUCK_CHECK_DELAY: Duration = Duration::from_millis(750);
const STUCK_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Exit code of interrupted and cancelled snippets, as a shell has it for SIGINT.
const INTERRUPTED: i32 = 130;

impl Actor {
    pub(super) fn interrupt(&mut self, target: Option<SnippetId>, by: &str) -> Option<SnippetId> {
        if let Some(running) = &mut self.queue.running
            && target.is_none_or(|target| running.work.snippet() == Some(target))
        {
            let force = running.stopped_by.is_some();
            running.stopped_by.get_or_insert_with(|| by.to_owned());
            running.forced += u32::from(force);
            if self.transcript.running().is_some_and(|snippet| snippet.stuck.is_none()) {
                running.check_at = Some(Instant::now() + STUCK_CHECK_DELAY);
                running.interrupted_at = now();
            }
            self.engine.interrupt(running.work.snippet(), force);
            return running.work.snippet();
        }
        if let Some(snippet) = self.interrupt_background(target) {
            return Some(snippet);
        }
        let target = target?;
        let is_target = |queued: &Queued| matches!(queued, Queued::Run { snippet, .. } if *snippet == target);
        let place = self.queue.waiting.iter().position(is_target)?;
        self.queue.waiting.remove(place);
        self.cancel(target, by);
        Some(target)
    }

    /// Ends a snippet that has left the queue without running.
    pub(super) fn cancel(&mut self, snippet: SnippetId, by: &str) {
        self.finish(snippet, stopped(Status::Cancelled, by.to_owned(), Duration::ZERO));
    }

    /// Finds out whether an interrupt has reached Python, or cannot.
    pub(super) fn check_interrupt(&mut self) {
        let Some(running) = &mut self.queue.running else { return };
        running.check_at = Some(Instant::now() + STUCK_CHECK_INTERVAL);
        let since = running.interrupted_at;
        let stuck = self.engine.standstill().map(|stack| Arc::new(Stuck { since, stack }));
        if self.shutdown.has_begun && stuck.is_some() {
            self.abandon_running();
            return;
        }
        let Some(snippet) = self.transcript.running().filter(|snippet| snippet.stuck != stuck) else { return };
        self.emit(Event::Stuck { snippet: snippet.id, stuck });
    }

    pub(super) fn on_time_limit(&mut self) {
        let Some(running) = &mut self.queue.running else { return };
        if self.shutdown.has_begun && running.forced >= MAX_FORCED_AT_END {
            // Most likely a long call of C code.
            return self.abandon_running();
        }
        let limit = running.timeout.unwrap_or_default();
        let paused = running.paused;
        if running.stopped_by.is_none()
            && let Some(snippet) = running.work.snippet()
        {
            // The limit counts from the start of the code, which comes late on a busy machine.
            let due = self.engine.began(snippet).map_or_else(Instant::now, Instant::from_std) + limit + paused;
            if due > Instant::now() {
                running.deadline = Some(due);
                return;
            }
        }
        if running.stopped_by.is_some() {
            running.give_up_inspection();
        }
        let delay = if self.shutdown.has_begun { FORCE_DELAY_AT_END } else { FORCE_DELAY };
        running.deadline = Some(Instant::now() + delay);
        self.interrupt(None, &format!("its time limit of {} s", limit.as_secs_f64()));
    }

    /// Leaves the running code to die with the process. Waiters are answered now, since nothing can answer them later.
    pub(super) fn abandon_running(&mut self) {
        let Some(running) = self.queue.running.take() else { return };
        let Some(snippet) = running.work.snippet() else { return };
        self.flush_output();
        let by = format!("{}, which ended Python while the code still ran", self.shutdown.reason());
        self.finish(snippet, stopped(Status::Interrupted, by, running.since.elapsed()));
    }

    pub(super) fn quit(&mut self) {
        if std::mem::replace(&mut self.shutdown.has_begun, true) {
            return;
        }
        let by = self.shutdown.reason();
        self.deny_late_risks(&by);
        for queued in std::mem::take(&mut self.queue.waiting) {
            if let Queued::Run { snippet, .. } = queued {
                self.cancel(snippet, &by);
            }
        }
        if self.transcript.running().is_some_and(|snippet| snippet.stuck.is_some()) {
            // No interrupt reaches the code.
            self.abandon_running();
        }
        if let Some(running) = &mut self.queue.running {
            running.deadline = Some(Instant::now() + FORCE_DELAY_AT_END);
            self.interrupt(None, &by);
        } else {
            self.interrupt_background(None);
        }
    }
}

/// The outcome of a snippet that was stopped.
fn stopped(status: Status, by: String, elapsed: Duration) -> Outcome {
    Outcome {
        status,
        returncode: INTERRUPTED,
        result: None,
        frame: None,
        frames: Vec::new(),
        error: None,
        stopped_by: Some(by),
        elapsed,
        changes: VariableChanges::default(),
    }
}
