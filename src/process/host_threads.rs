//! Threads of the host that need no runtime: the drain of the capture, and the spool of whole outputs.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::host_events::HostEventSender;
use crate::domain::units;
use crate::python::io::descriptors::PipeReaders;
use crate::python::{Capture, drain};
use crate::session::discovery::paths::Paths;
use crate::session::{EngineEvent, Spool, spool};

/// How long the end of the session waits for the spool.
const SPOOL_END_TIMEOUT: Duration = Duration::from_millis(1500);

pub fn start_drain(capture: Arc<Capture>, readers: PipeReaders, events: HostEventSender) -> io::Result<()> {
    let drain = move || drain(&capture, &readers, || events.send(EngineEvent::OutputReady));
    thread::Builder::new().name("drain".to_owned()).spawn(drain).map(|_| ())
}

/// The running spool thread.
pub struct SpoolThread {
    spool: Arc<Spool>,
    done: mpsc::Receiver<()>,
}

impl SpoolThread {
    /// Also returns the notices for the person, such as of a full disk.
    pub fn start(spool: Arc<Spool>) -> io::Result<(Self, UnboundedReceiver<String>)> {
        let (notices, received) = unbounded_channel();
        let (working, done) = mpsc::channel::<()>();
        let worker = spool.clone();
        thread::Builder::new().name("spool".to_owned()).spawn(move || {
            let removed = Paths::of_this_process().spools().map_or(0, |spools| spool::remove_old(&spools));
            if removed > 0 {
                let sessions = units::count(removed, "past session");
                let _ = notices
                    .send(format!("the full outputs of {sessions} were removed: all outputs together exceeded 2 GB"));
            }
            worker.work(|trouble| drop(notices.send(trouble)));
            drop(working);
        })?;
        Ok((Self { spool, done }, received))
    }

    /// Waits until all output is on disk, but not for longer than [`SPOOL_END_TIMEOUT`].
    pub fn finish(self) {
        self.spool.close();
        let _ = self.done.recv_timeout(SPOOL_END_TIMEOUT);
    }
}
