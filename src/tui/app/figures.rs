//! The loop's part in showing figures: pictures are made on another thread, and erased once they are out of sight.

use std::io;

use ratatui::layout::Size;

use super::Dashboard;
use super::task_result::TaskResult;
use crate::session::in_background;
use crate::tui::gallery::saving::{Saving, write};
use crate::tui::images::make;
use crate::tui::images::terminal::FigureTerminal;

impl Dashboard {
    pub(in crate::tui::app) fn save_display(&self, saving: Saving) {
        let results = self.task_results.clone();
        let (cwd, home) = (self.view.info.cwd.clone(), self.view.home.clone());
        let own = self.session.spool().folder();
        drop(in_background(move || {
            let written = write(&saving, &cwd, home.as_deref(), own);
            let _ = results.send(TaskResult::DisplaySaved { written, copies: saving.file.is_none() });
        }));
    }

    /// Starts making the next picture on another thread.
    pub(in crate::tui::app) fn make_figure(&mut self) {
        let Some(job) = self.view.figures.next_job() else { return };
        let results = self.task_results.clone();
        tokio::task::spawn_local(async move {
            let request = job.request();
            let made = in_background(move || make(&job)).await;
            let picture = made.unwrap_or_else(|| Err("cannot be shown".to_owned()));
            let _ = results.send(TaskResult::Figure((request, picture)));
        });
    }

    /// Finds out which pictures the terminal can show, and the size of its cells.
    pub(in crate::tui::app) fn measure(&mut self) {
        let terminal = FigureTerminal::guess(|name| self.owner.variable(name), self.view.figures.way);
        let pair = |size: Size| (size.width, size.height);
        let window = self.screen.window_size().ok();
        let terminal = window.map_or(terminal, |size| terminal.with_window(pair(size.columns_rows), pair(size.pixels)));
        self.view.figures.set_terminal(terminal);
    }

    /// Draws every cell, even if the size is as before: after one resize and another back, the terminal has cut off
    /// what stood outside in between.
    pub(in crate::tui::app) fn resized(&mut self) -> io::Result<()> {
        self.measure();
        self.view.figures.forget_full();
        self.screen.redraw()
    }

    /// Erases a graphic that is no longer shown; drawing text over it would not remove it.
    pub(in crate::tui::app) fn erase_figure(&mut self) {
        let graphic = self.view.graphic().map(|(request, forget)| (request.clone(), forget));
        if let Some((_, forget)) = self.graphic.take_if(|shown| Some(&*shown) != graphic.as_ref()) {
            let _ = self.screen.erase(&forget);
            self.view.figures.forget_full();
            self.redraw.due = true;
        } else {
            self.graphic = graphic;
        }
    }
}
