//! The host's end of the channel by which Python's threads send events.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::python::{HostEventWaker, WakeFlag};
use crate::session::EngineEvent;

/// The receiver, and a sender for threads of the host.
pub struct HostEvents {
    pub sender: mpsc::Sender<EngineEvent>,
    pub receiver: mpsc::Receiver<EngineEvent>,
    pub waker: HostEventWaker,
    pub flag: WakeFlag,
    /// Readable after a wake-up.
    pub reader: OwnedFd,
}

/// The sender for threads of the host.
#[derive(Clone)]
pub struct HostEventSender {
    sender: mpsc::Sender<EngineEvent>,
    waker: Arc<HostEventWaker>,
}

/// The receiver, before a runtime forwards its events.
pub struct HostEventReceiver {
    receiver: mpsc::Receiver<EngineEvent>,
    flag: WakeFlag,
    reader: OwnedFd,
}

impl HostEvents {
    pub fn split(self) -> (HostEventSender, HostEventReceiver) {
        let Self { sender, receiver, waker, flag, reader } = self;
        (HostEventSender { sender, waker: Arc::new(waker) }, HostEventReceiver { receiver, flag, reader })
    }
}

impl HostEventSender {
    pub fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
        self.waker.wake();
    }
}

impl HostEventReceiver {
    /// Forwards events to the runtime. Python's threads cannot wake the runtime by its own means, which write to one of
    /// its descriptors: the number is another file in the threads' table.
    pub fn forward(self) -> io::Result<UnboundedReceiver<EngineEvent>> {
        let mut wake_ups = pipe::Receiver::from_owned_fd(self.reader)?;
        let (to, events) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                if wake_ups.read(&mut [0; 64]).await.is_err() {
                    return;
                }
                self.flag.clear();
                for event in self.receiver.try_iter() {
                    if to.send(event).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(events)
    }
}
