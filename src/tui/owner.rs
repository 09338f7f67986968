//! The process to which the dashboard's terminal belongs, as the dashboard sees it: the guardian, or a process that has
//! lent its terminal to a running session.

use std::io;
use std::path::Path;

use crate::domain::Transcript;

/// What the dashboard asks of the owner of its terminal.
pub trait TerminalOwner: Send + Sync {
    /// Called with `true` when the terminal has entered raw mode and the alternate screen, and with `false` when the
    /// terminal has been restored.
    fn on_terminal(&self, entered: bool);

    /// Opens a file in the person's editor, on the restored terminal. [`super::Control::Edited`] reports the end.
    fn edit(&self, file: &Path);

    /// Stops the job that the terminal belongs to, after the terminal was restored.
    fn suspend(&self) -> io::Result<Suspended>;

    /// Returns a variable of the terminal's environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// Returns what becomes of the session when the dashboard is closed.
    fn leaving(&self) -> Leaving;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// The job has stopped and continued.
    Continued,
    /// The terminal is the shell's by now.
    Orphaned,
    /// The job stops now. [`super::Control::Continued`] reports that the terminal is back.
    Later,
}

/// What becomes of the session when its dashboard is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    #[default]
    Ends,
    /// It goes on without a dashboard.
    GoesOn,
    /// It goes on for as long as it has clients.
    GoesOnForClients,
}

impl Leaving {
    /// Whether the session goes on if the dashboard is closed now.
    pub fn goes_on(self, transcript: &Transcript) -> bool {
        match self {
            Self::Ends => false,
            Self::GoesOn => true,
            Self::GoesOnForClients => !transcript.clients().is_empty(),
        }
    }
}
