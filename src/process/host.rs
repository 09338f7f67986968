//! The host thread: a tokio runtime with the session actor, MCP and the link. The host and its threads never hold the
//! GIL.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::exit::{END_TIMEOUT, exit_within_timeout};
use super::host_events::HostEvents;
use super::host_threads::{SpoolThread, start_drain};
use super::session_run::SessionRun;
use super::{faults, orphaned};
use crate::domain::SessionInfo;
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::terminal_text::visible;
use crate::journal;
use crate::launch::boot::Boot;
use crate::launch::descriptor_table;
use crate::python::io::descriptors::{Originals, PipeReaders};
use crate::python::{Capture, PythonEngine, watch_termination};
use crate::session::discovery::paths::Paths;
use crate::session::{EngineEvent, Spool};

/// How long the end of the session waits for the journal, which only a very slow disk makes necessary.
const JOURNAL_END_TIMEOUT: Duration = Duration::from_millis(1500);

/// The host's table of descriptors, which the main thread does not share.
pub struct PrivateTable {
    /// The descriptors that the main thread must close in its own table.
    pub descriptors: Vec<RawFd>,
    #[cfg(target_os = "linux")]
    pub thread: nix::unistd::Pid,
}

/// All that the main thread hands over to the host.
pub struct Host {
    pub info: SessionInfo,
    /// The modules of Python's own that a file of the person can take the place of.
    pub own_modules: BTreeSet<String>,
    pub spool: Arc<Spool>,
    pub boot: Boot,
    /// Python's output at its start, if the screen was not free for it.
    pub startup_output: String,
    pub engine: PythonEngine,
    pub events: HostEvents,
    pub capture: Arc<Capture>,
    /// Shared with the guardian.
    pub recorder: Option<&'static FlightRecorder>,
    pub originals: Originals,
    pub readers: PipeReaders,
    pub link: OwnedFd,
    /// Receives the private table, or `None` if the system grants none.
    pub ready: mpsc::Sender<Option<PrivateTable>>,
    /// Processes that snippets start outlive this one.
    pub keep_processes: bool,
}

impl Host {
    /// Runs to the end of the session. Returns the exit code. The other end of `prepared` is dropped once Python is
    /// prepared, or the reason why that failed is recorded.
    pub fn run(self, prepared: &mpsc::Receiver<Infallible>) -> i32 {
        let stderr = match self.originals.stderr.try_clone() {
            Ok(stderr) => stderr,
            Err(error) => {
                let text = format!("fourhands: the session cannot start: {error}\n");
                faults::write_report(&self.originals.stderr, &text);
                return 1;
            }
        };
        // The guardian's death sends SIGTERM to the main thread, which does not wake a stopped process.
        #[cfg(target_os = "linux")]
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGCONT);
        let table = self.make_private_table(&stderr);
        let _ = self.ready.send(table);

        // A panic is recorded as a fault.
        let result = catch_unwind(AssertUnwindSafe(|| self.serve())).unwrap_or(Ok(()));
        let mut report = String::new();
        if let Err(error) = &result {
            // The message of a system error does not say what failed.
            let context = if error.raw_os_error().is_some() { "the session cannot start: " } else { "" };
            report += &format!("fourhands: {context}{}\n", visible(&error.to_string()));
        }
        // A session may be ended before: from an empty stdin, or by a signal.
        let _ = prepared.recv_timeout(END_TIMEOUT);
        report += &faults::take_report();
        if !report.is_empty() {
            faults::write_report(&stderr, &report);
        }
        let code = i32::from(!report.is_empty());
        exit_within_timeout(code);
        code
    }

    fn make_private_table(&self, stderr: &OwnedFd) -> Option<PrivateTable> {
        descriptor_table::make_private().then(|| {
            let Originals { stdin, stdout, stderr: original_stderr } = &self.originals;
            let streams = [stdin, stdout, original_stderr, &self.readers.stdout, &self.readers.stderr, &self.link];
            let wakers = [self.engine.descriptor(), self.events.waker.descriptor(), &self.events.reader];
            PrivateTable {
                descriptors: streams.into_iter().chain(wakers).chain([stderr]).map(AsRawFd::as_raw_fd).collect(),
                #[cfg(target_os = "linux")]
                thread: nix::unistd::gettid(),
            }
        })
    }

    fn serve(self) -> io::Result<()> {
        orphaned::watch(&self.link, self.keep_processes)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (event_sender, events) = self.events.split();
        let quit_sender = event_sender.clone();
        watch_termination(move || quit_sender.send(EngineEvent::QuitRequested))?;
        start_drain(self.capture.clone(), self.readers, event_sender)?;
        let (spool_thread, spool_notices) = SpoolThread::start(self.spool.clone())?;
        let older = journal::JournalHistory { paths: Paths::of_this_process(), session: self.boot.id.clone() };
        self.spool.set_recorded_snippets(Box::new(older));
        let session = SessionRun {
            info: self.info,
            own_modules: self.own_modules,
            boot: self.boot,
            startup_output: self.startup_output,
            engine: self.engine,
            events,
            recorder: self.recorder,
            originals: self.originals,
            link: self.link,
            spool: self.spool,
            spool_notices,
        };
        let result = runtime.block_on(session.run());
        spool_thread.finish();
        // A read of stdin that cannot be interrupted must not hold up the end.
        runtime.shutdown_background();
        result.map(|journal| journal.finish(JOURNAL_END_TIMEOUT))
    }
}
