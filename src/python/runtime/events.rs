//! What Python's threads tell the host.

use crate::python::runtime::waker::EventBell;
use crate::session::EngineEvent;
use std::sync::mpsc::Sender;

/// What Python's threads tell the host.
#[derive(Clone)]
pub struct Events {
    pub sender: Sender<EngineEvent>,
    pub bell: EventBell,
}

impl Events {
    pub fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
        self.bell.ring();
    }
}
