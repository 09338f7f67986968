//! The gallery's screen: a rule with the figure's description, the picture, and a line for keys or a file name.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use crate::domain::{Display, Entry, units};
use crate::tui::draw::canvas::{put, put_right, rule};
use crate::tui::draw::hints::{self, Hint};
use crate::tui::draw::layout::Layout;
use crate::tui::gallery::Gallery;
use crate::tui::images::{Picture, picture_of};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::search::draw::typed;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Draws the gallery. Returns the position of the cursor.
pub fn draw(view: &View, gallery: &Gallery, layout: &Layout, buffer: &mut Buffer) -> Option<Position> {
    let area = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.bottom() };
    Clear.render(area, buffer);
    let snippet = match view.transcript.entries().get(gallery.card) {
        Some(Entry::Snippet(snippet)) => format!("{}, {}", snippet.id, text::name(snippet.author.name())),
        _ => String::new(),
    };
    let current = gallery.current(&view.transcript);
    let (place, count) = current.as_ref().map_or((0, 0), |(place, count, _)| (place + 1, *count));
    let title = match count {
        0 | 1 => format!(" figure of {snippet} "),
        _ => format!(" figure {place}/{count} of {snippet} "),
    };
    let size = current.as_ref().map(|(.., display)| caption(display)).unwrap_or_default();
    rule(buffer, Rect { height: 1, ..area }, &[(&title, theme::BOLD)], &[(&size, theme::DIM)], theme::FOCUS);
    let inside = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    match &current {
        Some((.., display)) => picture(view, gallery, display, inside, buffer),
        None => {
            put(buffer, inside, inside.x + 2, inside.y + 1, "it was taken back by its code", theme::DIM);
        }
    }
    bottom(view, gallery, layout, area, buffer)
}

/// Describes a display, such as ` 640×480 PNG, 31 kB `.
fn caption(display: &Display) -> String {
    let Some(form) = display.forms.first() else { return String::new() };
    let kind = form.mime.rsplit('/').next().unwrap_or_default().trim_end_matches("+xml").to_uppercase();
    let pixels = form.pixels().map(|(width, height)| format!("{width}×{height} ")).unwrap_or_default();
    format!(" {pixels}{kind}, {} ", units::bytes(form.size))
}

fn picture(view: &View, gallery: &Gallery, display: &Display, area: Rect, buffer: &mut Buffer) {
    let shown = gallery.shown.as_ref().map(|request| (request, view.figures.get(request)));
    let saves = view.keys.hints(Context::Figures, &[(&[Action::SaveFigure], "saves it")], "");
    let words = match shown {
        Some((request, Some(Ok(picture)))) => {
            let place = Rect {
                x: area.x + area.width.saturating_sub(request.size.width) / 2,
                y: area.y + area.height.saturating_sub(request.size.height) / 2,
                width: request.size.width.min(area.width),
                height: request.size.height.min(area.height),
            };
            match picture {
                Picture::Graphic(graphic) => graphic.draw(place, buffer),
                Picture::Blocks(blocks) => {
                    for row in 0..place.height {
                        blocks.draw_row(row, Rect { y: place.y + row, height: 1, ..place }, buffer);
                    }
                }
            }
            return;
        }
        Some((_, Some(Err(why)))) => why.clone(),
        Some((_, None)) => "…".to_owned(),
        None => match (picture_of(display), display.text()) {
            (Some(Err(why)), _) => why,
            (Some(Ok(_)), _) => format!("this terminal shows no pictures; {saves}"),
            (None, Some(text)) => text.into_owned(),
            (None, None) => format!("not shown in a terminal; {saves}"),
        },
    };
    let lines = words.lines().flat_map(|line| text::wrap_words([(line, theme::PLAIN)], usize::from(area.width) - 4, 0));
    for (line, y) in lines.zip(area.y + 1..area.bottom()) {
        buffer.set_line(area.x + 2, y, &line, area.width - 4);
    }
}

fn bottom(view: &View, gallery: &Gallery, layout: &Layout, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let y = area.bottom() - 1;
    if let Some(naming) = &gallery.naming {
        let hint = || view.keys.hints(Context::Prompt, &[(&[Action::Choose], "saves"), (&[Action::Back], "")], "  ");
        let caption = gallery.notice.clone().unwrap_or_else(hint);
        let style = if gallery.notice.is_some() { theme::NOTICE } else { theme::DIM };
        let caption = text::name(&caption);
        let caption = text::cut_front(&caption, usize::from(area.width) / 2);
        let end = put_right(buffer, area, area.right(), y, &caption, style);
        let x = put(buffer, area, area.x, y, "save as: ", theme::BOLD);
        let line = Rect { x, y, width: end.saturating_sub(x + 1), height: 1 };
        return Some(typed(&naming.code(), naming.cursor().1, line, buffer));
    }
    let hints = hints(view, gallery, layout);
    let end = hints.last().map_or(area.right(), |(place, _)| place.x);
    for (place, hint) in &hints {
        hint.draw(*place, buffer);
    }
    let room = usize::from(end.saturating_sub(area.x + 2));
    let caption = gallery.notice.as_deref().unwrap_or_default();
    put(buffer, area, area.x, y, &text::cut_front(&text::name(caption), room), theme::NOTICE);
    None
}

/// The hints of the last row and their places, the most needed first. A click on a hint is a press of its key.
pub fn hints(view: &View, gallery: &Gallery, layout: &Layout) -> Vec<(Rect, Hint)> {
    if gallery.naming.is_some() {
        return Vec::new();
    }
    let row = Rect { x: 0, width: layout.status.right(), ..layout.status };
    let hint = |actions: &[Action], what: &str| Hint::of(view, Context::Figures, actions, what);
    let is_one = gallery.current(&view.transcript).is_none_or(|(_, count, _)| count < 2);
    let hints = [
        hint(&[Action::Back], "back"),
        hint(&[Action::Help], "help"),
        hint(&[Action::SaveFigure], "save as"),
        hint(&[Action::PreviousFigure, Action::NextFigure], "turn").filter(|_| !is_one),
        hint(&[Action::CopyPath], "copy path"),
        hint(&[Action::Output], "output"),
    ];
    // A path is cut in front, so its end stays in sight.
    let caption = gallery.notice.as_deref().map_or(0, text::width).min(usize::from(row.width) / 2);
    hints::placed(hints.into_iter().flatten().collect(), row, caption as u16, row.right())
}
