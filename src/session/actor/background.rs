//! Background tasks that keep Python to themselves: noticed while nothing else runs, told, and interrupted.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Running, Work};
use super::state::Actor;
use crate::domain::{BusyTask, Event, InspectError, SnippetId};
use crate::session::clock::now;

/// How often the engine is asked while tasks wait.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// Milliseconds from which a task that keeps Python to itself is told, and others wait for it no longer.
const BUSY_AFTER: u64 = 1_000;

impl Actor {
    /// Returns the task that has kept Python to itself for long.
    pub(super) fn busy_task(&mut self) -> Option<BusyTask> {
        self.task_at_work().filter(|task| now().saturating_sub(task.since) >= BUSY_AFTER)
    }

    /// Returns the task that keeps Python to itself. One of no known snippet is taken for the last one's.
    pub(super) fn task_at_work(&mut self) -> Option<BusyTask> {
        let (since, snippet) = self.engine.background_step()?;
        let snippet = snippet.or_else(|| Some(self.transcript.last_finished()?.id))?;
        Some(BusyTask { snippet, since })
    }

    /// Looks at background tasks from now on.
    pub(super) fn watch_background(&mut self) {
        self.background.check_at.get_or_insert_with(|| Instant::now() + CHECK_INTERVAL);
    }

    pub(super) fn check_background(&mut self) {
        self.background.check_at = self.engine.has_background().then(|| Instant::now() + CHECK_INTERVAL);
        let busy = self.busy_task();
        if busy != self.transcript.busy() {
            self.emit(Event::Busy(busy));
        }
        if let Some(busy) = busy {
            self.answer_meanwhile(busy);
        }
    }

    /// Answers requests that Python does not come to.
    fn answer_meanwhile(&mut self, busy: BusyTask) {
        let table = self.transcript.variables().clone();
        for reply in self.queries.variables.iter_mut().filter_map(Option::take) {
            let _ = reply.send(table.clone());
        }
        let is_inspection = |running: &mut Running| matches!(running.work, Work::Inspection(_));
        if self.queue.running.as_mut().is_some_and(is_inspection)
            && self.engine.withdraw_inspection()
            && let Some(Running { work: Work::Inspection(Some(reply)), .. }) = self.queue.running.take()
        {
            let _ = reply.send(Err(InspectError::Background(busy.snippet)));
        }
    }

    /// Interrupts the task that keeps Python to itself, by force if it has caught an interrupt. Returns its snippet,
    /// if the interrupt is meant for that, or for whatever runs.
    pub(super) fn interrupt_background(&mut self, target: Option<SnippetId>) -> Option<SnippetId> {
        let busy = self.task_at_work().filter(|busy| target.is_none_or(|target| target == busy.snippet))?;
        let force = self.background.interrupted.replace(busy.since) == Some(busy.since);
        self.engine.interrupt_background(force);
        Some(busy.snippet)
    }
}
