//! The dashboard on a terminal of any owner, with what it needs of the session process.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::getppid;
use tokio::sync::mpsc::UnboundedReceiver;

use super::link::LinkWriter;
use crate::domain::crash_store::CrashStore;
use crate::journal::JournalHistory;
use crate::launch::boot::ToGuardian;
use crate::session::discovery::paths::Paths;
use crate::session::{SessionHandle, SessionId};
use crate::tui::{self, Control, Leaving, Suspended, TerminalOwner};

/// How long an export waits until the journal has the latest events.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a dashboard may take to close.
pub const CLOSE_TIMEOUT: Duration = Duration::from_millis(750);

pub struct TerminalDashboard {
    pub session: SessionHandle,
    pub id: SessionId,
    pub input: OwnedFd,
    pub output: OwnedFd,
    pub owner: Arc<dyn TerminalOwner>,
    pub control: UnboundedReceiver<Control>,
    pub crash_store: Option<&'static CrashStore>,
}

impl TerminalDashboard {
    /// Runs until the session ends, or the person closes the dashboard of a session that goes on.
    pub fn run(self) -> io::Result<()> {
        let Self { session, id, input, output, owner, control, crash_store } = self;
        // Read for each dashboard, so that a changed file takes effect with a restart of Python.
        let settings = tui::settings::read(tui::settings::path());
        let history = Arc::new(JournalHistory { paths: Paths::of_this_process(), session: id });
        let source = history.clone();
        let archive: tui::OpenArchive = Arc::new(move || {
            let archive = source.archive(EXPORT_TIMEOUT)?;
            Some(Box::new(archive) as Box<dyn crate::export::Archive>)
        });
        let (tty, keyboard) = (File::from(output), input);
        tui::run(tui::Options { tty, keyboard, session, owner, control, crash_store, history, archive, settings })
    }
}

/// The terminal of the guardian.
pub struct GuardiansTerminal {
    pub link: LinkWriter,
}

impl TerminalOwner for GuardiansTerminal {
    fn on_terminal(&self, entered: bool) {
        self.link.send(if entered { &ToGuardian::TerminalEntered } else { &ToGuardian::TerminalLeft });
    }

    fn edit(&self, file: &Path) {
        self.link.send(&ToGuardian::Edit(file.to_owned()));
        // The guardian reads the link only after a signal about a child.
        let _ = kill(getppid(), Signal::SIGCHLD);
    }

    fn suspend(&self) -> io::Result<Suspended> {
        let parent = getppid();
        // The signal goes to this thread, so the call returns only after the process has stopped and continued.
        raise(Signal::SIGSTOP)?;
        // Without the guardian nobody is left to hand the terminal to this process.
        Ok(if getppid() == parent { Suspended::Continued } else { Suspended::Orphaned })
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Ends
    }
}
