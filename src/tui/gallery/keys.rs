//! Opening the gallery, its keys, and requests for the figures of a frame.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::domain::{Entry, Timestamp};
use crate::tui::composer::editor::Editor;
use crate::tui::draw::layout::Layout;
use crate::tui::gallery::saving::{Saving, ending};
use crate::tui::gallery::{Gallery, displays, has_pictures};
use crate::tui::images::blocks::Colours;
use crate::tui::images::{FigureRequest, Picture};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::overlays::export::Refused;
use crate::tui::pager::Pager;
use crate::tui::transcript::card::{Card, FigureOptions, Row};
use crate::tui::transcript::viewport::RowIndex;
use crate::tui::view::View;

/// The least number of rows of a figure in a card.
const MIN_FIGURE_ROWS: u16 = 5;

impl View {
    /// Opens the figures of a card, at the last one. Returns whether the card has any.
    pub fn open_gallery(&mut self, card: usize) -> bool {
        if !has_pictures(&self.transcript, card) {
            return false;
        }
        self.layers.clear();
        let number = displays(&self.transcript, card).last().map_or(1, |(number, _)| *number);
        self.layers.push(Layer::Gallery(Gallery::new(card, number)));
        true
    }

    /// Handles keys while the gallery is open.
    pub fn on_gallery(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        if self.layers.gallery()?.naming.is_some() {
            return self.on_naming(key, now);
        }
        let action = self.keys.find(key, &[Context::Figures, Context::Session])?;
        let gallery = self.layers.gallery_mut()?;
        gallery.notice = None;
        match action {
            Action::NextFigure => gallery.turn(1, &self.transcript),
            Action::PreviousFigure => gallery.turn(-1, &self.transcript),
            Action::Top => gallery.turn(isize::MIN, &self.transcript),
            Action::Bottom => gallery.turn(isize::MAX, &self.transcript),
            Action::SaveFigure => {
                let name = self.file_name();
                if let Some(gallery) = self.layers.gallery_mut() {
                    gallery.naming = name.map(|name| Editor::with_text(&name));
                }
            }
            Action::CopyPath => return self.save(None, false),
            Action::Back => drop(self.layers.pop()),
            Action::Output => {
                let card = gallery.card;
                if Pager::output(&self.transcript, card).is_some_and(|output| !output.is_empty()) {
                    self.layers.pop();
                    self.layers.push(Layer::Pager(Box::new(Pager::new(card))));
                } else {
                    gallery.notice = Some("it wrote no output".to_owned());
                }
            }
            action => return self.beside(action, key, now),
        }
        None
    }

    /// Handles the actions that leave the input behind the gallery as it is.
    fn beside(&mut self, action: Action, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        match action {
            Action::Suspend | Action::Redraw | Action::Mouse => self.act(action, key, false, now),
            _ => None,
        }
    }

    /// Handles keys while the person types a file name.
    fn on_naming(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Prompt, Context::Session]);
        let gallery = self.layers.gallery_mut()?;
        match action {
            Some(Action::Choose) => {
                let file = gallery.naming.as_ref().map(Editor::code).filter(|file| !file.trim().is_empty())?;
                let replaces = gallery.existing.as_ref() == Some(&file);
                return self.save(Some(file), replaces);
            }
            Some(Action::Back) => gallery.leave_naming(),
            None | Some(Action::QuitOrDelete) => {
                gallery.notice = None;
                if let Some(naming) = &mut gallery.naming {
                    naming.key(key);
                }
            }
            Some(action) => return self.beside(action, key, now),
        }
        None
    }

    /// Proposes a file name, such as `sales-18-1.png`.
    fn file_name(&self) -> Option<String> {
        let gallery = self.layers.gallery()?;
        let (_, _, display) = gallery.current(&self.transcript)?;
        let Some(Entry::Snippet(snippet)) = self.transcript.entries().get(gallery.card) else { return None };
        let ending = ending(&display.forms.first()?.mime);
        Some(format!("{}-{}-{}.{ending}", self.info.name.replace('/', "-"), snippet.id, gallery.number))
    }

    fn save(&mut self, file: Option<String>, replaces: bool) -> Option<Effect> {
        let name = self.file_name()?;
        let gallery = self.layers.gallery_mut()?;
        let (_, _, display) = gallery.current(&self.transcript)?;
        if display.forms.first().is_none_or(crate::domain::Form::is_dropped) {
            gallery.notice = Some("its bytes are no longer kept".to_owned());
            return None;
        }
        Some(Effect::SaveDisplay(Saving { display: display.clone(), file, name, replaces }))
    }

    /// Shows whether the file was written, and whether its path is in the clipboard.
    pub fn on_display_saved(&mut self, written: Result<&Path, Refused>, copied: bool) {
        let notice = match &written {
            Ok(path) if copied => format!("path copied: {}", path.display()),
            Ok(path) => format!("saved as {}", path.display()),
            Err(refused) if refused.exists => {
                let hint = self.keys.hints(Context::Prompt, &[(&[Action::Choose], "replaces it")], "");
                format!("{}; {hint}", refused.why)
            }
            Err(refused) => refused.why.clone(),
        };
        match self.layers.gallery_mut() {
            Some(gallery) => {
                gallery.existing = written
                    .is_err_and(|refused| refused.exists)
                    .then(|| gallery.naming.as_ref().map(Editor::code))
                    .flatten();
                if gallery.existing.is_none() {
                    gallery.naming = None;
                }
                gallery.notice = Some(notice);
            }
            None => self.notice = Some(notice),
        }
    }

    /// Requests the pictures that are in sight.
    pub(in crate::tui) fn request_figures(
        &mut self,
        area: Rect,
        window: &[RowIndex],
        cards: &BTreeMap<usize, Rc<Card>>,
    ) {
        self.figures.begin();
        if let Some(gallery) = self.layers.gallery_mut() {
            gallery.recall(&self.transcript, self.records.spool.as_deref());
            return gallery.prepare(area, &self.transcript, &mut self.figures);
        }
        for place in window {
            let row = cards.get(&place.card).and_then(|card| card.rows.get(place.row));
            if let Some(Row::Picture(request, _)) = row {
                self.figures.request(request);
            }
        }
    }

    /// The size of figures in cards: a third of the screen, where that is enough to see something.
    pub(in crate::tui) fn figured(&self, layout: &Layout) -> FigureOptions {
        let terminal = self.figures.terminal;
        let rows = layout.status.bottom() / 3;
        let shown = rows >= MIN_FIGURE_ROWS && terminal.colours != Colours::None;
        FigureOptions { rows: if shown { rows } else { 0 }, cell: terminal.cell, failures: self.figures.failures() }
    }

    /// The graphic on the screen, and the sequence that makes the terminal forget it. It must be erased once it is out
    /// of sight.
    pub fn graphic(&self) -> Option<(&FigureRequest, String)> {
        let request = self.layers.gallery()?.shown.as_ref()?;
        match self.figures.get(request) {
            Some(Ok(Picture::Graphic(graphic))) => Some((request, graphic.forget())),
            _ => None,
        }
    }
}
