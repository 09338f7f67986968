//! The channel by which Python's threads send events to the host.

use std::sync::mpsc::Sender;

use crate::python::runtime::waker::EventWaker;
use crate::session::EngineEvent;

/// The sending end; each event wakes the host.
#[derive(Clone)]
pub struct EventSender {
    pub sender: Sender<EngineEvent>,
    pub waker: EventWaker,
}

impl EventSender {
    pub fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
        self.waker.wake();
    }
}
