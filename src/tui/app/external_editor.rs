//! Work outside the dashboard: reading earlier inputs, the person's own editor, and the shell's job control.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::sys::signal::{Signal, raise};
use nix::unistd::getppid;

use super::task_result::TaskResult;
use super::{Dashboard, Flow};
use crate::session::discovery::paths::Paths;
use crate::session::in_background;
use crate::tui::composer::history::HistorySearch;
use crate::tui::view::View;

impl Dashboard {
    /// Reads and ranks earlier inputs on other threads, because both may be slow.
    pub(in crate::tui::app) fn rank_history(&mut self) {
        if self.view.composer.history.take_load() {
            let (history, results) = (self.history.clone(), self.task_results.clone());
            drop(in_background(move || results.send(TaskResult::Past(history.past()))));
        }
        if let Some(ranking) = self.view.layers.history_search_mut().and_then(HistorySearch::take_ranking) {
            let results = self.task_results.clone();
            drop(in_background(move || {
                results.send(TaskResult::Ranked { number: ranking.number, found: ranking.rank() })
            }));
        }
    }

    pub(in crate::tui::app) fn suspend(&mut self) -> io::Result<Flow> {
        self.screen.leave();
        self.view.figures.forget_full();
        let parent = getppid();
        // The signal goes to this thread, so the call returns only after the process has stopped and continued.
        raise(Signal::SIGSTOP)?;
        if getppid() != parent {
            // Nobody is left to hand the terminal to this process; the terminal is the shell's.
            return Ok(Flow::End);
        }
        self.screen.enter()?;
        self.dirty = true;
        Ok(Flow::GoOn)
    }

    /// Opens the draft in the person's editor, which gets the terminal.
    pub(in crate::tui::app) fn edit_outside(&mut self) {
        match write(&self.view.composer.editor.code()) {
            Ok(file) => {
                self.view.composer.external_edit = Some(file.clone());
                self.save_snapshot();
                // Keys from now on are for the editor, so the dashboard does not poll them.
                self.screen.leave();
                (self.edit)(&file);
            }
            Err(why) => self.view.notice = Some(format!("the input cannot be edited outside: {why}")),
        }
    }

    /// Takes the terminal back after the editor has ended.
    pub(in crate::tui::app) fn edited(&mut self, refusal: Option<String>) -> io::Result<()> {
        if self.view.composer.external_edit.is_none() {
            return Ok(());
        }
        read_back(&mut self.view, refusal);
        self.screen.enter()?;
        self.measure();
        self.dirty = true;
        self.send_questions();
        Ok(())
    }
}

/// Writes the draft to a file that only the person can read.
fn write(code: &str) -> Result<PathBuf, String> {
    let folder = Paths::of_this_process().state().map_err(|error| error.to_string())?;
    let file = folder.join(format!("input-{}.py", std::process::id()));
    let written = || {
        let _ = fs::remove_file(&file);
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        opened.write_all(code.as_bytes())?;
        if code.ends_with('\n') { Ok(()) } else { opened.write_all(b"\n") }
    };
    written().map_err(|error: io::Error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// Reads the draft back from the editor's file, also when an earlier process opened the editor.
pub(in crate::tui::app) fn read_back(view: &mut View, refusal: Option<String>) {
    let Some(file) = view.composer.external_edit.take() else { return };
    view.on_edited(match refusal {
        Some(why) => Err(why),
        None => fs::read(&file)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| format!("what was edited cannot be read: {}: {error}", file.display())),
    });
    let _ = fs::remove_file(&file);
}
