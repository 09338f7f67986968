//! The state of the guardian beyond one session process.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use super::session_files::SessionFiles;
use crate::domain::{Gate, SafePoint};
use crate::launch::boot::Mode;
use crate::launch::child;
use crate::launch::deferred_messages::DeferredMessages;
use crate::launch::descriptor_table;
use crate::launch::dismissal::Dismissal;
use crate::launch::safe_points::SafePointStore;
use crate::launch::signals::Signals;
use crate::launch::terminal::Terminal;
use crate::session::discovery::registry::{Claim, ClaimError};

#[derive(Debug)]
pub struct Guardian {
    pub(super) mode: Mode,
    /// See [`crate::launch::boot::Boot::detached`].
    pub(super) detached: bool,
    pub(super) signals: Signals,
    /// Only in modes with a person.
    pub(super) terminal: Option<Terminal>,
    /// Whether the screen of the last dashboard is still up, for the next one.
    pub(super) screen_kept: bool,
    pub(super) messages: DeferredMessages,
    /// Returns whether processes that snippets started outlive their Python.
    pub(super) keeps_processes: fn() -> bool,
    pub(super) dismissal: Dismissal,
    pub(super) files: Option<SessionFiles>,
    /// The Python, as the person knows it.
    pub(super) python: Option<String>,
    /// Whether Python gets the stdin and stdout of this process.
    pub(super) shares_streams: bool,
    /// Whether somebody requested another start during a start.
    pub(super) start_requested: bool,
    /// The gate after its last change.
    pub(super) gate: Option<Gate>,
    /// `None` where copies cannot be woken.
    pub(super) safe_points: Option<SafePointStore>,
    /// Those that the session process knows of.
    pub(super) told_points: Vec<SafePoint>,
}

impl Guardian {
    /// From now on only [`Guardian::watch`] takes signals. Must be called while the process has one thread.
    pub fn new(mode: Mode) -> io::Result<Self> {
        let signals = Signals::block()?;
        child::adopt_orphans();
        // A detached dashboard needs a descriptor table of its own. Trying shows whether the system grants one.
        let detached = mode != Mode::Dashboard || descriptor_table::make_private();
        let terminal = if mode.has_person() { Terminal::of_stdin() } else { None };
        Ok(Self {
            mode,
            detached,
            signals,
            terminal,
            screen_kept: false,
            messages: DeferredMessages::default(),
            keeps_processes: || false,
            dismissal: Dismissal::default(),
            files: None,
            python: None,
            shares_streams: true,
            start_requested: false,
            gate: None,
            safe_points: None,
            told_points: Vec::new(),
        })
    }

    /// Takes over the claim of the session's name, and restores its files when they are removed.
    pub fn keep(&mut self, claim: Claim) {
        self.files = Some(SessionFiles::new(claim));
    }

    /// Sets the name of the Python, for messages. Python gets the stdin and stdout of this process if it
    /// `shares_streams`.
    pub fn set_python(&mut self, python: String, shares_streams: bool) {
        (self.python, self.shares_streams) = (Some(python), shares_streams);
    }

    /// Returns the path where the session must listen, and restores lost files and folders first.
    ///
    /// # Errors
    /// If the files cannot be restored.
    pub fn socket(&mut self) -> Result<PathBuf, ClaimError> {
        self.files.as_mut().map_or_else(|| Ok(PathBuf::new()), SessionFiles::renew)
    }

    /// Writes a message to the person, on stderr; while the screen of a dashboard is up, later.
    pub fn say(&mut self, message: &dyn Display) {
        self.messages.add(message);
        if !self.screen_kept {
            self.messages.flush();
        }
    }

    /// Sets whether processes that snippets started outlive their Python. `keeps` is called if there are such
    /// processes.
    pub fn keep_processes_if(&mut self, keeps: fn() -> bool) {
        self.keeps_processes = keeps;
    }

    /// Returns a handle by which another thread ends the session.
    pub fn dismissal(&self) -> Dismissal {
        self.dismissal.clone()
    }

    /// Returns the gate of the last session process, if it was ever changed.
    pub fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// Returns whether session processes have no controlling terminal.
    pub fn detaches(&self) -> bool {
        self.detached
    }

    /// Returns whether the record of the session says that nobody can connect.
    pub(super) fn has_trouble(&mut self) -> bool {
        self.files.as_mut().is_some_and(|files| files.claim().record().trouble.is_some())
    }

    pub(super) fn set_trouble(&mut self, trouble: Option<String>) {
        if let Some(files) = &mut self.files {
            let _ = files.claim().set_trouble(trouble);
        }
    }
}
