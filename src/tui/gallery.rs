//! The gallery: the figures of a card, one at a time over the whole screen.

pub(in crate::tui) mod draw;
mod keys;
pub(in crate::tui) mod saving;

use std::sync::Arc;

use ratatui::layout::{Rect, Size};

use super::composer::editor::Editor;
use super::images::{FigureRequest, Figures, picture_of, size};
use crate::domain::{Display, Entry, Transcript};
use crate::session::Spool;

/// How many times larger than its pixels a figure may be shown.
const MAX_ENLARGEMENT: u32 = 64;

#[derive(Debug)]
pub struct Gallery {
    /// The figure's entry of the transcript.
    pub card: usize,
    /// The number of the shown display within its snippet.
    pub number: usize,
    /// The requested picture, with its size.
    pub shown: Option<FigureRequest>,
    /// The file name while the person types it.
    pub naming: Option<Editor>,
    /// An existing file with that name; entering the name again replaces the file.
    existing: Option<String>,
    pub notice: Option<String>,
    /// The number of a display that memory no longer has, and the display as the journal recorded it.
    recorded: Option<(usize, Option<Arc<Display>>)>,
}

/// All displays of a card, with their numbers.
pub fn displays(transcript: &Transcript, card: usize) -> Vec<(usize, &Arc<Display>)> {
    match transcript.entries().get(card) {
        Some(Entry::Snippet(snippet)) => snippet.numbered_displays().collect(),
        _ => Vec::new(),
    }
}

/// Returns whether a display of the card is a picture.
pub fn has_pictures(transcript: &Transcript, card: usize) -> bool {
    displays(transcript, card)
        .iter()
        .any(|(_, display)| display.forms.first().is_some_and(|form| form.is_image() || form.mime == "image/svg+xml"))
}

impl Gallery {
    pub fn new(card: usize, number: usize) -> Self {
        Self { card, number, shown: None, naming: None, existing: None, notice: None, recorded: None }
    }

    /// Returns the shown display, its index and the number of displays. If the display is gone, returns the next one.
    pub fn current(&self, transcript: &Transcript) -> Option<(usize, usize, Arc<Display>)> {
        let all = displays(transcript, self.card);
        let place = all.iter().position(|(number, _)| *number >= self.number).or(all.len().checked_sub(1))?;
        let (number, display) = all[place];
        let recorded = self.recorded.as_ref().filter(|(of, _)| *of == number).and_then(|(_, found)| found.clone());
        Some((place, all.len(), recorded.unwrap_or_else(|| display.clone())))
    }

    /// Reads a display that memory no longer has from the journal.
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

    /// Determines the figure to show, and requests its picture.
    pub fn prepare(&mut self, area: Rect, transcript: &Transcript, figures: &mut Figures) {
        self.shown = None;
        let Some((_, _, display)) = self.current(transcript) else { return };
        let Some(Ok((_, (width, height)))) = picture_of(&display) else { return };
        if !figures.terminal.shows_pictures() || area.height < 3 {
            return;
        }
        let room = Size { width: area.width, height: area.height - 2 };
        let pixels = (width.saturating_mul(MAX_ENLARGEMENT), height.saturating_mul(MAX_ENLARGEMENT));
        let request = FigureRequest::new(&display, size::fit(pixels, room, figures.terminal.cell), true);
        figures.request(&request);
        self.shown = Some(request);
    }

    fn turn(&mut self, by: isize, transcript: &Transcript) {
        let all = displays(transcript, self.card);
        let place = self.current(transcript).map_or(0, |(place, ..)| place);
        let next = place.saturating_add_signed(by).min(all.len().saturating_sub(1));
        if let Some((number, _)) = all.get(next) {
            self.number = *number;
        }
    }

    /// Closes the prompt for a file name.
    pub fn leave_naming(&mut self) {
        (self.naming, self.notice) = (None, None);
    }

    pub fn paste(&mut self, text: &str) {
        if let Some(naming) = &mut self.naming {
            naming.paste_line(text);
        }
    }
}
