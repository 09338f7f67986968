//! What a card displays, one figure after the other over the whole screen; and saving it to a file.

pub(in crate::tui) mod draw;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Rect, Size};

use super::draw::layout::Layout;
use super::images::blocks::Colours;
use super::images::{FigureRequest, Figures, Picture, picture_of, size};
use super::input::effect::Effect;
use super::input::keymap::{Action, Context};
use super::layers::Layer;
use super::overlays::export::Refused;
use super::pager::Pager;
use super::transcript::card::{Card, FigureOptions, Row};
use super::transcript::viewport::Place;
use super::view::View;
use crate::domain::{Display, Entry, Timestamp, Transcript};
use crate::session::Spool;

/// Rows that a figure in a card needs at least.
const LEAST_ROWS: u16 = 5;
/// Larger than its pixels, over the whole screen.
const ENLARGED: u32 = 64;

#[derive(Debug)]
pub struct Gallery {
    /// Which entry of the transcript it belongs to.
    pub card: usize,
    /// Of the display that is shown, as its snippet numbers them.
    pub number: usize,
    /// What is drawn, and where it would stand at the top left.
    pub shown: Option<FigureRequest>,
    /// The file name that is being typed.
    pub naming: Option<String>,
    /// That file is there already; the same name once more means it.
    there: Option<String>,
    pub told: Option<String>,
    /// A display that memory has no longer, by its number, as it was recorded.
    recorded: Option<(usize, Option<Arc<Display>>)>,
}

/// A display that must be written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    pub display: Arc<Display>,
    /// As the person typed it; `None` is a file among those that do not last.
    pub file: Option<String>,
    /// What it is called there.
    pub name: String,
    pub replaces: bool,
}

/// All that a card displays, with the numbers.
pub fn displays(transcript: &Transcript, card: usize) -> Vec<(usize, &Arc<Display>)> {
    match transcript.entries().get(card) {
        Some(Entry::Snippet(snippet)) => snippet.numbered_displays().collect(),
        _ => Vec::new(),
    }
}

/// Whether there is a picture among them.
pub fn has_pictures(transcript: &Transcript, card: usize) -> bool {
    displays(transcript, card)
        .iter()
        .any(|(_, display)| display.forms.first().is_some_and(|form| form.is_image() || form.mime == "image/svg+xml"))
}

impl Gallery {
    pub fn new(card: usize, number: usize) -> Self {
        Self { card, number, shown: None, naming: None, there: None, told: None, recorded: None }
    }

    /// The display that is shown, its place among all and how many there are. If it has gone, the next one is shown.
    pub fn current(&self, transcript: &Transcript) -> Option<(usize, usize, Arc<Display>)> {
        let all = displays(transcript, self.card);
        let place = all.iter().position(|(number, _)| *number >= self.number).or(all.len().checked_sub(1))?;
        let (number, display) = all[place];
        let recorded = self.recorded.as_ref().filter(|(of, _)| *of == number).and_then(|(_, found)| found.clone());
        Some((place, all.len(), recorded.unwrap_or_else(|| display.clone())))
    }

    /// Reads what memory has no longer.
    fn recall(&mut self, transcript: &Transcript, spool: Option<&Spool>) {
        let Some((place, _, display)) = self.current(transcript) else { return };
        let all = displays(transcript, self.card);
        let (Some((number, _)), Some(Entry::Snippet(snippet))) = (all.get(place), transcript.entries().get(self.card))
        else {
            return;
        };
        let is_gone = display.forms.first().is_some_and(crate::domain::Form::is_dropped);
        if is_gone && self.recorded.as_ref().is_none_or(|(of, _)| of != number) {
            let found = spool.and_then(|spool| spool.display(snippet.id, *number));
            self.recorded = Some((*number, found.map(Arc::new)));
        }
    }

    /// Finds what is to be drawn, and asks for it.
    pub fn prepare(&mut self, area: Rect, transcript: &Transcript, figures: &mut Figures) {
        self.shown = None;
        let Some((_, _, display)) = self.current(transcript) else { return };
        let Some(Ok((_, (width, height)))) = picture_of(&display) else { return };
        if !figures.terminal.shows_pictures() || area.height < 3 {
            return;
        }
        let room = Size { width: area.width, height: area.height - 2 };
        let pixels = (width.saturating_mul(ENLARGED), height.saturating_mul(ENLARGED));
        let wanted = FigureRequest::new(&display, size::fit(pixels, room, figures.terminal.cell), true);
        figures.want(&wanted);
        self.shown = Some(wanted);
    }

    fn turn(&mut self, by: isize, transcript: &Transcript) {
        let all = displays(transcript, self.card);
        let place = self.current(transcript).map_or(0, |(place, ..)| place);
        let next = place.saturating_add_signed(by).min(all.len().saturating_sub(1));
        if let Some((number, _)) = all.get(next) {
            self.number = *number;
        }
    }

    /// Stops asking for a file name.
    pub fn leave_naming(&mut self) {
        (self.naming, self.told) = (None, None);
    }

    /// Text typed or pasted.
    pub fn typed(&mut self, text: &str) {
        if let Some(naming) = &mut self.naming {
            naming.extend(text.chars().filter(|c| !c.is_control()).take(500));
        }
    }
}

impl View {
    /// Opens the figures of a card, at the last one. Answers whether it has any.
    pub fn open_gallery(&mut self, card: usize) -> bool {
        if !has_pictures(&self.transcript, card) {
            return false;
        }
        self.layers.clear();
        let number = displays(&self.transcript, card).last().map_or(1, |(number, _)| *number);
        self.layers.push(Layer::Gallery(Gallery::new(card, number)));
        true
    }

    /// Keys while figures are over the whole screen.
    pub fn on_gallery(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        if self.layers.gallery()?.naming.is_some() {
            return self.on_naming(key, now);
        }
        let action = self.keys.find(key, &[Context::Figures, Context::Session])?;
        let gallery = self.layers.gallery_mut()?;
        gallery.told = None;
        match action {
            Action::NextFigure => gallery.turn(1, &self.transcript),
            Action::PreviousFigure => gallery.turn(-1, &self.transcript),
            Action::Top => gallery.turn(isize::MIN, &self.transcript),
            Action::Bottom => gallery.turn(isize::MAX, &self.transcript),
            Action::SaveFigure => {
                let name = self.file_name();
                if let Some(gallery) = self.layers.gallery_mut() {
                    gallery.naming = name;
                }
            }
            Action::CopyPath => return self.save(None, false),
            Action::Back => drop(self.layers.pop()),
            Action::Output => {
                let card = gallery.card;
                if Pager::output(&self.transcript, card).is_some_and(|output| !output.is_empty()) {
                    self.layers.pop();
                    self.layers.push(Layer::Pager(Pager::new(card)));
                } else {
                    gallery.told = Some("it wrote no output".to_owned());
                }
            }
            action => return self.beside(action, key, now),
        }
        None
    }

    /// What does not change the input behind it.
    fn beside(&mut self, action: Action, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        match action {
            Action::Suspend | Action::Redraw | Action::Mouse => self.act(action, key, false, now),
            _ => None,
        }
    }

    /// Keys while a file name is typed.
    fn on_naming(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Prompt, Context::Session]);
        let gallery = self.layers.gallery_mut()?;
        match (action, key.code) {
            (Some(Action::Choose), _) => {
                let file = gallery.naming.clone().filter(|file| !file.trim().is_empty())?;
                let replaces = gallery.there.as_ref() == Some(&file);
                return self.save(Some(file), replaces);
            }
            (Some(Action::Back), _) => gallery.leave_naming(),
            (Some(action), _) => return self.beside(action, key, now),
            (None, KeyCode::Backspace) => {
                if let Some(naming) = &mut gallery.naming {
                    naming.pop();
                }
                gallery.told = None;
            }
            (None, KeyCode::Char('u')) if key.modifiers == KeyModifiers::CONTROL => {
                gallery.naming = Some(String::new());
            }
            (None, KeyCode::Char(c)) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                gallery.told = None;
                gallery.typed(c.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        None
    }

    /// Such as `sales-18-1.png`.
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
            gallery.told = Some("its bytes are no longer kept".to_owned());
            return None;
        }
        Some(Effect::SaveDisplay(Saving { display: display.clone(), file, name, replaces }))
    }

    /// What became of a file, and whether its path is in the clipboard.
    pub fn on_display_saved(&mut self, written: Result<&Path, Refused>, copied: bool) {
        let told = match &written {
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
                gallery.there = written.is_err_and(|refused| refused.exists).then(|| gallery.naming.clone()).flatten();
                if gallery.there.is_none() {
                    gallery.naming = None;
                }
                gallery.told = Some(told);
            }
            None => self.notice = Some(told),
        }
    }

    /// Asks for the pictures that are in sight.
    pub(super) fn want_figures(&mut self, area: Rect, window: &[Place], cards: &BTreeMap<usize, Rc<Card>>) {
        self.figures.begin();
        if let Some(gallery) = self.layers.gallery_mut() {
            gallery.recall(&self.transcript, self.records.spool.as_deref());
            return gallery.prepare(area, &self.transcript, &mut self.figures);
        }
        for place in window {
            let row = cards.get(&place.card).and_then(|card| card.rows.get(place.row));
            if let Some(Row::Picture(wanted, _)) = row {
                self.figures.want(wanted);
            }
        }
    }

    /// A third of the screen for a figure in a card, where that is enough to see something.
    pub(super) fn figured(&self, layout: &Layout) -> FigureOptions {
        let terminal = self.figures.terminal;
        let rows = layout.status.bottom() / 3;
        let shown = rows >= LEAST_ROWS && terminal.colours != Colours::None;
        FigureOptions { rows: if shown { rows } else { 0 }, cell: terminal.cell, failures: self.figures.failures() }
    }

    /// The picture on the screen that is no text, and how the terminal is made to forget it. It must be erased when it
    /// is there no more.
    pub fn graphic(&self) -> Option<(&FigureRequest, String)> {
        let wanted = self.layers.gallery()?.shown.as_ref()?;
        match self.figures.get(wanted) {
            Some(Ok(Picture::Graphic(graphic))) => Some((wanted, graphic.forget())),
            _ => None,
        }
    }
}

fn ending(mime: &str) -> &str {
    match mime {
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "text/markdown" => "md",
        "text/latex" => "tex",
        "text/plain" => "txt",
        "image/png" | "image/gif" | "image/webp" | "text/html" | "application/json" => {
            mime.rsplit('/').next().unwrap_or_default()
        }
        _ => "bin",
    }
}

/// Writes a display to its file. To be called on another thread than the loop's.
pub fn write(saving: &Saving, cwd: &Path, home: Option<&str>) -> Result<PathBuf, Refused> {
    let refused = |why| Refused { why, exists: false };
    let Some(form) = saving.display.forms.first() else { return Err(refused("nothing to save".to_owned())) };
    let temporary = std::env::temp_dir();
    let path = match &saving.file {
        None => temporary.join(&saving.name),
        Some(file) => match (file.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => cwd.join(file),
        },
    };
    // A path that is only to be copied leads to a file of its own, whatever stands there.
    let others = (2..100).map(|n| temporary.join(format!("{n}-{}", saving.name)));
    for path in std::iter::once(path).chain(others) {
        let mut options = OpenOptions::new();
        options.write(true).mode(if saving.file.is_some() { 0o666 } else { 0o600 });
        if saving.replaces {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let written = options.open(&path).and_then(|mut file| file.write_all(&form.data));
        return match written {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && saving.file.is_none() => continue,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Refused { why: format!("{} is there already", path.display()), exists: true })
            }
            Err(error) => Err(refused(format!("{} cannot be written: {error}", path.display()))),
        };
    }
    Err(refused(format!("{} holds too many files called {}", temporary.display(), saving.name)))
}
