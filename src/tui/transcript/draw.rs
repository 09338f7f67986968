//! The transcript pane: the rows in the window, with the headers of cards.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::card::Row;
use crate::domain::{Author, Entry, Snippet, Status, Timestamp, units};
use crate::tui::draw::canvas::{elapsed, put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::images::Picture;
use crate::tui::view::View;
use crate::tui::{line_numbers, text, theme};

pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) {
    let Some(frame) = &view.frame else { return };
    let area = layout.transcript;
    if frame.window.is_empty() {
        let words = if view.lookup.is_busy { "looking for what fits …" } else { "no card fits the filter" };
        put(buffer, area, area.x + layout.margin, area.y, words, theme::DIM);
    }
    for (place, y) in frame.window.iter().zip(area.y..area.bottom()) {
        let Some(entry) = view.transcript.entries().get(place.card) else { continue };
        let Some(card) = frame.cards.get(&place.card) else { continue };
        let Some(row) = card.rows.get(place.row) else { continue };
        let bar_x = area.x + layout.margin;
        let gutter = if matches!(row, Row::Code(..)) { card.gutter } else { 0 };
        match row {
            Row::Head => head(view, layout, entry, place.card, y, now, buffer),
            Row::Code(line, number) => {
                if let Entry::Snippet(snippet) = entry {
                    put(buffer, area, bar_x, y, "▎", view.author_style(&snippet.author));
                }
                if let Some(number) = number {
                    put(buffer, area, bar_x + 2, y, &line_numbers::label(*number, gutter), theme::DIM);
                }
                buffer.set_line(bar_x + 2 + gutter, y, line, layout.card_text() - gutter);
            }
            Row::Text(line) => {
                buffer.set_line(bar_x + 2, y, line, layout.card_text());
            }
            Row::Picture(request, row) => {
                let area = Rect { x: bar_x + 2, y, width: layout.card_text(), height: 1 };
                match view.figures.get(request) {
                    Some(Ok(Picture::Blocks(blocks))) => blocks.draw_row(*row, area, buffer),
                    None if *row == 0 => {
                        put(buffer, area, area.x, y, "…", theme::DIM);
                    }
                    _ => {}
                }
            }
            Row::Space => {}
        }
        if view.viewport.selected == Some(place.card) && layout.margin > 0 && !matches!(row, Row::Space) {
            put(buffer, area, area.x, y, if matches!(row, Row::Head) { "›" } else { "│" }, theme::FOCUS);
        }
        let marks = view.lookup.marks.get(&place.card).into_iter().flat_map(|marks| marks.iter());
        for mark in marks.filter(|mark| mark.row == place.row) {
            let is_shown = view.lookup.find.as_ref().is_some_and(|find| find.at == Some((place.card, mark.number)));
            let cells = Rect {
                x: bar_x + 2 + gutter + mark.cells.start,
                y,
                width: mark.cells.end - mark.cells.start,
                height: 1,
            };
            buffer.set_style(cells.intersection(area), if is_shown { theme::FOUND } else { theme::SELECTED });
        }
    }
}

/// The position of the cursor while a card is selected: at its header, if that is in sight.
pub fn cursor(view: &View, layout: &Layout) -> Option<Position> {
    let window = &view.frame.as_ref()?.window;
    let row = window.iter().position(|place| view.viewport.selected == Some(place.card))?;
    Some(Position { x: layout.transcript.x, y: layout.transcript.y + row as u16 })
}

/// Draws number and author on the left, status and duration on the right.
fn head(view: &View, layout: &Layout, entry: &Entry, index: usize, y: u16, now: Timestamp, buffer: &mut Buffer) {
    let area = layout.transcript;
    let selected = view.viewport.selected == Some(index);
    let right = area.right() - u16::from(layout.class != SizeClass::Compact);
    let digits = view.next_number().max(10).ilog10() as usize + 1;
    let (number, name, name_style, end) = match entry {
        Entry::Snippet(snippet) => (
            snippet.id.to_string(),
            match snippet.replay_of {
                None => text::name(snippet.author.name()).into_owned(),
                Some(of) => format!("{} ↻ {of}", text::name(snippet.author.name())),
            } + if snippet.taken_back { "  taken back" } else { "" },
            theme::BOLD.patch(view.author_style(&snippet.author)),
            Some(snippet),
        ),
        Entry::Background { .. } => (String::new(), "output while nothing ran".to_owned(), theme::DIM, None),
        Entry::Reset { by, report, .. } => {
            let who = if matches!(by, Author::You) { "you".into() } else { text::name(by.name()) };
            let what = format!("{who} cleared the namespace, {}", units::count(report.cleared, "name"));
            (String::new(), what, theme::DIM, None)
        }
        Entry::Restart { restart, .. } => {
            let what = match &restart.by {
                Some(by) => {
                    let by = if by.is_you() { "you".into() } else { text::name(by.name()) };
                    match restart.before {
                        Some(before) => format!("{by} took Python back to before {before}"),
                        None => format!("{by} restarted Python"),
                    }
                }
                None if restart.resumed => "resumed".to_owned(),
                None if restart.safe_point.is_some() => "a copy of Python has taken over".to_owned(),
                None => "a new Python has taken over".to_owned(),
            };
            (String::new(), what, theme::NOTICE, None)
        }
        Entry::Note { note, .. } => {
            let what = match (&note.answers, note.about) {
                (Some(inquiry), _) => {
                    let did = if note.declined().is_some() { "declined to answer" } else { "answered" };
                    format!("{} {did} {}", text::name(note.by.name()), text::name(inquiry.by.name()))
                }
                (None, Some(snippet)) => format!("note by {} on {snippet}", text::name(note.by.name())),
                (None, None) => {
                    let to = note.to.as_ref().map(|to| format!(" to {}", text::name(to))).unwrap_or_default();
                    format!("note by {}{to}", text::name(note.by.name()))
                }
            };
            (String::new(), what, view.author_style(&note.by), None)
        }
    };
    let end_x = end.map_or(right, |snippet| status(layout, snippet, right, y, now, buffer));
    let left = Rect { width: (end_x - area.x).saturating_sub(1), ..area };
    let mut x = area.x + layout.margin;
    let number_style = if selected { theme::SELECTED } else { theme::DIM };
    if !number.is_empty() {
        // The numbers of all cards are right-aligned; the smallest layout has no room for that.
        let shown = if layout.class == SizeClass::Compact { number } else { format!("{number:>digits$}") };
        x = put(buffer, left, x, y, &shown, number_style);
        x += if layout.class == SizeClass::Compact { 1 } else { 2 };
    } else if selected {
        x = put(buffer, left, x, y, " ", theme::SELECTED) + 1;
    }
    let room = usize::from(left.right().saturating_sub(x));
    put(buffer, left, x, y, &text::cut(&name, room), name_style);
}

/// Draws the status. Returns the column where it begins.
fn status(layout: &Layout, snippet: &Snippet, right: u16, y: u16, now: Timestamp, buffer: &mut Buffer) -> u16 {
    let time = match (&snippet.outcome, snippet.status) {
        (_, Status::Running) => units::clock(elapsed(snippet.started_at.unwrap_or(now), now)),
        _ if snippet.is_pending() => "waits for you".to_owned(),
        _ if snippet.is_rejected() => "rejected".to_owned(),
        (Some(outcome), status) if status != Status::Cancelled => units::duration(outcome.elapsed),
        (_, status) => status.word().to_owned(),
    };
    let time_style = if snippet.status == Status::Running { Style::new() } else { theme::DIM };
    // The glyphs are in one column, except in the smallest layout.
    let room = if layout.class == SizeClass::Compact { 0 } else { 8 };
    let x = put_right(buffer, layout.transcript, right, y, &time, time_style);
    let glyph_x = x.saturating_sub(2).min(right.saturating_sub(room + 1));
    let (glyph, style) = if snippet.is_pending() {
        ("?", theme::NOTICE)
    } else {
        (theme::glyph(snippet.status, now), theme::status(snippet.status))
    };
    put(buffer, layout.transcript, glyph_x, y, glyph, style);
    glyph_x
}
