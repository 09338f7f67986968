//! The pager's screen: a rule with the title, the rows, and a line for keys or the search.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use crate::domain::{Entry, units};
use crate::tui::composer::reply::Asks;
use crate::tui::draw::canvas::{put, rule};
use crate::tui::draw::hints::{self, Hint};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::pager::{Pager, SPLIT_GAP};
use crate::tui::search::draw::typed;
use crate::tui::search::query::Query;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Draws the pager. Returns the position of the cursor.
pub fn draw(view: &View, pager: &Pager, layout: &Layout, buffer: &mut Buffer) -> Option<Position> {
    let area = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.bottom() };
    Clear.render(area, buffer);
    if let Some(other) = pager.beside() {
        pane(view, other, &pager.needle, theme::DIM, buffer);
        let x = pager.area.x.max(other.area.x).saturating_sub(SPLIT_GAP - 1);
        for y in area.y..area.bottom() - 1 {
            buffer[(x, y)].set_symbol("│").set_style(theme::DIM);
        }
    }
    pane(view, pager, &pager.needle, theme::FOCUS, buffer);
    bottom(view, pager, layout, area, buffer)
}

/// Draws the title and the rows of one pane.
fn pane(view: &View, pager: &Pager, needle: &Query, focus: Style, buffer: &mut Buffer) {
    let area = pager.area;
    if let Some(page) = pager.received.page() {
        let position = pager.received.position();
        let size = format!(" {}, {position} ", page.size(area.width.into()));
        let room = usize::from(area.width).saturating_sub(text::width(&size) + 4);
        let title = page.title(room);
        rule(buffer, Rect { height: 1, ..area }, &[(&title, theme::BOLD)], &[(&size, theme::DIM)], focus);
    } else {
        title_of_output(view, pager, area, focus, buffer);
    }
    let width = usize::from(area.width);
    for (line, y) in pager.window.iter().zip(area.y + 1..area.bottom() - 1) {
        if pager.wraps {
            buffer.set_line(area.x, y, line, area.width);
        } else {
            buffer.set_line(area.x, y, &text::part(line, pager.left, width), area.width);
        }
        let shown = line.to_string();
        for found in needle.all(&shown) {
            let start = text::width(&shown[..found.start]);
            let end = start + text::width(&shown[found]);
            let (start, end) = (start.saturating_sub(pager.left).min(width), end.saturating_sub(pager.left).min(width));
            let place = Rect { x: area.x + start as u16, y, width: (end - start) as u16, height: 1 };
            buffer.set_style(place, Style::new().add_modifier(Modifier::REVERSED));
        }
        if !pager.wraps && line.width() > pager.left + width {
            put(buffer, area, area.right() - 1, y, "›", theme::DIM);
        }
    }
}

fn title_of_output(view: &View, pager: &Pager, area: Rect, focus: Style, buffer: &mut Buffer) {
    let title = match view.transcript.entries().get(pager.card) {
        Some(Entry::Snippet(snippet)) => format!(" output of {}, {} ", snippet.id, text::name(snippet.author.name())),
        _ => " output while nothing ran ".to_owned(),
    };
    let follows = if pager.follows { "end".to_owned() } else { format!("{} %", pager.percent()) };
    let column = if pager.left > 0 { format!(", from column {}", pager.left + 1) } else { String::new() };
    let size = format!(" {}, {follows}{column} ", units::bytes(pager.length()));
    rule(buffer, Rect { height: 1, ..area }, &[(&title, theme::BOLD)], &[(&size, theme::DIM)], focus);
}

fn bottom(view: &View, pager: &Pager, layout: &Layout, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let y = area.bottom() - 1;
    if let Some(asking) = &pager.asking {
        let x = put(buffer, area, area.x, y, "/", theme::PLAIN);
        let line = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
        return Some(typed(&asking.code(), asking.cursor().1, line, buffer));
    }
    let hints = hints(view, pager, layout);
    let end = hints.last().map_or(area.right(), |(place, _)| place.x);
    for (place, hint) in &hints {
        hint.draw(*place, buffer);
    }
    let room = usize::from(end.saturating_sub(area.x + 2));
    put(buffer, area, area.x, y, &text::cut(&text::name(&message(view, pager)), room), theme::NOTICE);
    None
}

/// The message at the left of the last row.
fn message(view: &View, pager: &Pager) -> String {
    let back = view.keys.hints(Context::Output, &[(&[Action::Back], "")], "");
    let asks = view.composer.replies.current().map(|reply| match &reply.asks {
        Asks::Code { snippet, .. } => format!("{snippet} wants input, {back} to answer"),
        Asks::Client(inquiry) => format!("{} asks something, {back} to answer", inquiry.by.name()),
    });
    let fault = || pager.fault.as_ref().map(|why| format!("incomplete: {why}"));
    let searching = || pager.is_searching().then(|| "searching".to_owned());
    let shown = || pager.received.page().or_else(|| pager.beside()?.received.page());
    let about = || shown().map(|page| page.about(view.transcript.snippet(page.snippet())));
    asks.or_else(searching).or_else(|| pager.notice.clone()).or_else(about).or_else(fault).unwrap_or_default()
}

/// The hints of the last row and their places, the most needed first. A click on a hint is a press of its key.
pub fn hints(view: &View, pager: &Pager, layout: &Layout) -> Vec<(Rect, Hint)> {
    if pager.is_asking() {
        return Vec::new();
    }
    let row = Rect { x: 0, width: layout.status.right(), ..layout.status };
    let hint = |actions: &[Action], what: &str| Hint::of(view, Context::Output, actions, what);
    let (wrap, views) = (if pager.wraps { "unwrap" } else { "wrap" }, !pager.received.is_empty());
    let hints = [
        hint(&[Action::Back], "back"),
        hint(&[Action::Help], "help"),
        hint(&[Action::OtherView], "views").filter(|_| views),
        hint(&[Action::Search], "search"),
        hint(&[Action::SearchOn, Action::SearchBack], "next").filter(|_| !pager.needle.is_empty()),
        hint(&[Action::Wrap], wrap),
        hint(&[Action::ColumnsLeft, Action::ColumnsRight], "scroll").filter(|_| !pager.wraps),
    ];
    // The way back and the other views matter more than the details of the message.
    let message = text::width(&message(view, pager)).min(if views { 24 } else { usize::from(row.width) / 2 });
    hints::placed(hints.into_iter().flatten().collect(), row, message as u16, row.right())
}
