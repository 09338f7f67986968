//! Inspections of values: work in the queue like any other, but no snippet, and limited in time.

use super::queue::{INSPECTION_TIMEOUT, QueuedInspection, Running, Work};
use super::state::Actor;
use crate::domain::{InspectError, Inspection};

impl Actor {
    pub(super) fn start_inspection(&mut self, QueuedInspection { request, begun, reply }: QueuedInspection) {
        // Nobody waits for the inspection any more.
        if begun.send(()).is_err() {
            return;
        }
        if let Some(busy) = self.busy_task() {
            let _ = reply.send(Err(InspectError::Background(busy.snippet)));
            return;
        }
        self.watch_background();
        self.queue.running = Some(Running::new(Work::Inspection(Some(reply)), Some(INSPECTION_TIMEOUT)));
        self.engine.inspect(request, INSPECTION_TIMEOUT);
    }

    pub(super) fn on_inspected(&mut self, inspection: Result<Box<Inspection>, InspectError>) {
        self.flush_output();
        let is_inspection = |running: &mut Running| matches!(running.work, Work::Inspection(_));
        let Some(running) = self.queue.running.take_if(is_inspection) else { return };
        if let Work::Inspection(Some(reply)) = running.work {
            let _ = reply.send(inspection);
        }
    }
}
