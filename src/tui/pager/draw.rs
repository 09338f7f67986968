//! The pager's screen: a rule with the title, the rows, and a line for keys or the search.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use crate::domain::{Entry, units};
use crate::tui::composer::reply::Asks;
use crate::tui::draw::canvas::{put, put_right, rule};
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
    bottom(view, pager, area, buffer)
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
    for (line, y) in pager.window.iter().zip(area.y + 1..area.bottom() - 1) {
        buffer.set_line(area.x, y, line, area.width);
        let shown = line.to_string();
        for found in needle.all(&shown) {
            let x = area.x + text::width(&shown[..found.start]) as u16;
            let place = Rect { x, y, width: text::width(&shown[found]) as u16, height: 1 }.intersection(area);
            buffer.set_style(place, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

fn title_of_output(view: &View, pager: &Pager, area: Rect, focus: Style, buffer: &mut Buffer) {
    let title = match view.transcript.entries().get(pager.card) {
        Some(Entry::Snippet(snippet)) => format!(" output of {}, {} ", snippet.id, text::name(snippet.author.name())),
        _ => " output while nothing ran ".to_owned(),
    };
    let follows = if pager.follows { "end".to_owned() } else { format!("{} %", pager.percent()) };
    let size = format!(" {}, {follows} ", units::bytes(pager.length()));
    rule(buffer, Rect { height: 1, ..area }, &[(&title, theme::BOLD)], &[(&size, theme::DIM)], focus);
}

fn bottom(view: &View, pager: &Pager, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let y = area.bottom() - 1;
    if let Some(asking) = &pager.asking {
        let x = put(buffer, area, area.x, y, "/", theme::PLAIN);
        let line = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
        return Some(typed(&asking.code(), asking.cursor().1, line, buffer));
    }
    let back = view.keys.hints(Context::Output, &[(&[Action::Back], "")], "");
    let asks = view.composer.reply.as_ref().map(|reply| match &reply.asks {
        Asks::Code { snippet, .. } => format!("{snippet} asks for a line, {back} to answer"),
        Asks::Client(inquiry) => format!("{} asks something, {back} to answer", inquiry.by.name()),
    });
    let fault = || pager.fault.as_ref().map(|why| format!("not all of it: {why}"));
    let searching = || pager.is_searching().then(|| "searching".to_owned());
    let shown = || pager.received.page().or_else(|| pager.beside()?.received.page());
    let about = || shown().map(|page| page.about(view.transcript.snippet(page.snippet())));
    let left =
        asks.or_else(searching).or_else(|| pager.notice.clone()).or_else(about).or_else(fault).unwrap_or_default();
    let search: (&[_], &str) = (&[Action::Search], "search");
    let back: (&[_], &str) = (&[Action::Back], "back");
    let (more, ends): (&[_], &[_]) = (&[Action::SearchOn, Action::SearchBack], &[Action::Top, Action::Bottom]);
    let views: &[_] = &[Action::OtherView];
    let keys = if pager.received.is_empty() {
        &[search, (more, ""), (ends, ""), back][..]
    } else {
        &[(views, "views"), search, back]
    };
    let keys = view.keys.hints(Context::Output, keys, "  ");
    // The key for other views matters more than the details of the shown page.
    let min_width = if pager.received.is_empty() { text::width(&left) } else { text::width(&left).min(24) };
    let fits = usize::from(area.width) > min_width + text::width(&keys) + 3;
    let keys = if fits { keys } else { view.keys.hints(Context::Output, &[back], "") };
    let end = put_right(buffer, area, area.right(), y, &keys, theme::DIM);
    let room = usize::from(end.saturating_sub(area.x + 2));
    put(buffer, area, area.x, y, &text::cut(&text::name(&left), room), theme::NOTICE);
    None
}
