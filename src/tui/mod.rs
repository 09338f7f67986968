//! The dashboard: it folds the session's events into a view, and draws the view on its own terminal handle.
//!
//! An event goes through `app` (the loop), `View::on_terminal` (keys and mouse, through the table in `input/keymap`) or
//! [`View::apply`] (session events), `View::prepare` (measures the rows in the window) and `draw` (writes a buffer,
//! changes nothing). Nothing here waits for Python.

pub(in crate::tui) mod app;
mod client_order;
mod clients;
mod composer;
mod draw;
#[doc(hidden)]
pub mod fixtures;
mod fuzzy;
mod gallery;
pub(in crate::tui) mod images;
mod input;
mod layers;
mod line_numbers;
mod markdown;
mod overlays;
mod owner;
mod pager;
mod review;
mod search;
mod send;
pub mod settings;
mod terminal;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod theme;
mod transcript;
mod variables;
mod view;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use self::app::run;
pub use self::owner::{Leaving, Suspended, TerminalOwner};
#[doc(hidden)]
pub use draw::draw;
#[doc(hidden)]
pub use view::View;

use settings::Loaded;

use crate::domain::crash_store::CrashStore;
use crate::export::Archive;
use crate::session::{HistorySource, SessionHandle};

/// The dashboard's surroundings. The dashboard runs on its own thread in the session process.
pub struct Options {
    /// A private handle of the terminal, for writing.
    pub tty: File,
    /// The terminal, for reading.
    pub keyboard: OwnedFd,
    pub session: SessionHandle,
    pub owner: Arc<dyn TerminalOwner>,
    /// The dashboard closes when nobody can send a request any more.
    pub control: mpsc::UnboundedReceiver<Control>,
    /// Where the draft and the place in the transcript outlive the process.
    pub crash_store: Option<&'static CrashStore>,
    /// Inputs of other sessions.
    pub history: Arc<dyn HistorySource>,
    pub archive: OpenArchive,
    /// The person's settings, and the problems in their file.
    pub settings: Loaded,
}

/// Opens the session's whole record; `None` if the session is not, or not fully, recorded. It may be slow.
pub type OpenArchive = Arc<dyn Fn() -> Option<Box<dyn Archive>> + Send + Sync>;

/// A request of the session process to the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Restore the terminal, stop the job, and come back when the job is continued.
    Suspend,
    /// The terminal is back, after [`Suspended::Later`].
    Continued,
    /// The size of the terminal has changed.
    Resized,
    /// The session received a request to interrupt running code.
    Interrupted,
    /// The person's editor has ended, after [`TerminalOwner::edit`]. With a reason, the draft stays as it was.
    Edited(Option<String>),
}
