//! Looking into values: a job in the queue like any other, but no snippet, and never for long.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Actor, Running, Work};
use crate::domain::{InspectError, InspectRequest, Inspection};

/// How long code of a value (its `__repr__`, a property in the path) may run before it is interrupted.
pub const LIMIT: Duration = Duration::from_secs(5);

pub type Answer = oneshot::Sender<Result<Box<Inspection>, InspectError>>;

/// A question in the queue.
pub struct Asked {
    pub about: InspectRequest,
    pub begun: oneshot::Sender<()>,
    pub answer: Answer,
}

impl Actor {
    pub fn start_inspection(&mut self, Asked { about, begun, answer }: Asked) {
        // Whoever asked has not waited so long.
        if begun.send(()).is_err() {
            return;
        }
        self.running = Some(Running::new(Work::Inspection(Some(answer)), Some(LIMIT)));
        self.engine.inspect(about, LIMIT);
    }

    pub fn on_inspected(&mut self, told: Result<Box<Inspection>, InspectError>) {
        self.flush_output();
        let Some(running) = self.running.take_if(|running| matches!(running.work, Work::Inspection(_))) else { return };
        if let Work::Inspection(Some(answer)) = running.work {
            let _ = answer.send(told);
        }
    }
}

impl Running {
    /// The interrupt had no effect so far; whoever asked must not wait for it.
    pub fn give_up_inspection(&mut self) {
        if let Work::Inspection(answer) = &mut self.work
            && let Some(answer) = answer.take()
        {
            let _ = answer.send(Err(InspectError::Stopped { seconds: LIMIT.as_secs(), has_ended: false }));
        }
    }
}
