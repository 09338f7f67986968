//! The dashboard: a pure drawing of a view that folds the session's events, on a terminal handle of its own.
//!
//! Way of an event: `run` (the loop) → `update` (keys, through the table in `keymap`) or [`View::apply`] (session) →
//! `View::prepare` (measures what crosses the window) → `draw` (writes a buffer, changes nothing). Nothing here waits
//! for Python, and nothing is drawn but on request.

pub(in crate::tui) mod app;
mod composer;
mod draw;
#[doc(hidden)]
pub mod fixtures;
mod gallery;
pub(in crate::tui) mod images;
mod input;
mod layers;
mod overlays;
mod pager;
mod search;
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
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use self::app::run;
#[doc(hidden)]
pub use draw::draw;
#[doc(hidden)]
pub use view::View;

use settings::Loaded;

use crate::domain::crash_store::CrashStore;
use crate::export::Archive;
use crate::session::{HistorySource, SessionHandle};

/// What the dashboard needs. It runs on a thread of its own in the session process.
pub struct Options {
    /// A private handle of the terminal, to write to. Keys come through crossterm, from /dev/tty.
    pub tty: File,
    pub session: SessionHandle,
    /// Called with `true` when the terminal is in raw mode and shows the alternate screen, with `false` when it has
    /// been given back.
    pub on_terminal: Box<dyn Fn(bool) + Send + Sync>,
    /// Opens a file in the person's editor, on the terminal that has been given back. [`Control::Edited`] tells the end.
    pub edit: Box<dyn Fn(&Path) + Send>,
    pub control: mpsc::UnboundedReceiver<Control>,
    /// Where the draft and the place in the transcript outlive the process.
    pub keepsake: Option<&'static CrashStore>,
    /// What was run before, in other sessions.
    pub history: Arc<dyn HistorySource>,
    pub archive: OpenArchive,
    /// As the person's file has them, and what is wrong with it.
    pub settings: Loaded,
}

/// Opens all that is kept of this session; `None` if it is not, or not all, recorded. It may take a while.
pub type OpenArchive = Arc<dyn Fn() -> Option<Box<dyn Archive>> + Send + Sync>;

/// What the session process asks of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Give the terminal back, stop this process (SIGSTOP), and come back when it is continued.
    Suspend,
    /// The terminal has another size.
    Resized,
    /// The session was asked to interrupt what runs.
    Interrupted,
    /// The person's editor has ended, after [`Options::edit`]; with why nothing is to be taken over.
    Edited(Option<String>),
}
