//! Drawing: a pure function that writes the prepared view, at a given time, into a buffer.

pub(in crate::tui) mod canvas;
pub(in crate::tui) mod hints;
pub(in crate::tui) mod layout;
mod prepare;
pub(in crate::tui) mod status;
mod welcome;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use self::canvas::{elapsed, put, put_right, rule};
use self::layout::{Layout, MIN_SCREEN, SizeClass};
use super::clients::draw as draw_clients;
use super::composer::draw_completion;
use super::composer::draw_history;
use super::composer::draw_reply;
use super::input::keymap::Action;
use super::layers::Layer;
use super::overlays::draw_config_problems;
use super::overlays::draw_export;
use super::overlays::draw_help;
use super::overlays::draw_palette;
use super::overlays::draw_replay;
use super::review::draw_dock;
use super::review::draw_gate;
use super::variables::draw_drawer;
use super::variables::draw_inspector;
use super::variables::draw_sidebar;
use super::view::View;
use super::{text, theme};
use crate::domain::{Timestamp, units};

/// Draws the view as [`View::prepare`] measured it. Returns the position of the terminal's cursor.
pub fn draw(view: &View, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let cursor = draw_roles(view, now, buffer);
    view.theme.paint(buffer);
    cursor
}

/// Draws with roles in place of colours.
fn draw_roles(view: &View, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let frame = view.frame.as_ref()?;
    let Some(layout) = &frame.layout else {
        too_small(frame.area, buffer);
        return None;
    };
    let hidden = view.layers.iter().rposition(Layer::fills_screen);
    let mut cursor = if hidden.is_none() { draw_base(view, layout, now, buffer) } else { None };
    for layer in view.layers.iter().skip(hidden.unwrap_or_default()) {
        cursor = draw_layer(view, layer, cursor, layout, now, buffer);
    }
    cursor
}

/// The header, the transcript, the variables and the input.
fn draw_base(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    if let Some(area) = layout.header {
        header(view, area, now, buffer);
    }
    if view.transcript.entries().is_empty() {
        welcome::draw(view, layout, buffer);
    } else {
        super::transcript::draw::draw(view, layout, now, buffer);
    }
    let hairline = draw_sidebar::draw(view, layout, now, buffer);
    draw_dock::draw(view, layout, now, buffer);
    rule_above_input(view, layout, hairline, buffer);
    let cursor = super::composer::draw::draw(view, layout, now, buffer);
    if view.layers.search_prompt().is_none() {
        status::draw(view, layout, now, buffer);
    }
    draw_completion::popup(view, layout, cursor, buffer);
    if view.viewport.selected.is_some() { super::transcript::draw::cursor(view, layout) } else { Some(cursor) }
}

/// Draws a layer. Returns the position of the cursor; `below` is that position without the layer.
fn draw_layer(
    view: &View,
    layer: &Layer,
    below: Option<Position>,
    layout: &Layout,
    now: Timestamp,
    buffer: &mut Buffer,
) -> Option<Position> {
    match layer {
        Layer::ConfigProblems(problems) => draw_config_problems::draw(view, problems, layout, buffer),
        Layer::Variables(list) if list.is_drawer(layout) => {
            return draw_drawer::draw(view, layout, list, now, buffer).or(below);
        }
        Layer::Variables(_) => return draw_sidebar::cursor(view, layout).or(below),
        Layer::HistorySearch(search) => return Some(draw_history::draw(view, search, layout, now, buffer)),
        Layer::Help(help) => return draw_help::draw(view, layout, help, buffer),
        Layer::Inspector { scroll } => {
            return draw_inspector::draw(view, layout, *scroll, now, buffer);
        }
        Layer::Replay { row } => {
            draw_replay::draw(view, layout, *row, buffer);
            return None;
        }
        Layer::Review if view.dock.writing.is_some() => {}
        Layer::Review => return draw_dock::cursor(layout).or(below),
        Layer::Gate { selected } => {
            draw_gate::draw(view, layout, selected, buffer);
            return None;
        }
        Layer::Send(menu) => {
            super::send::draw::draw(view, layout, menu, buffer);
            return None;
        }
        Layer::Clients(clients) => {
            draw_clients::draw(view, layout, clients, now, buffer);
            return None;
        }
        Layer::SearchPrompt(prompt) => return Some(super::search::draw::line(view, prompt, layout, buffer)),
        Layer::Export(prompt) => return Some(draw_export::draw(view, prompt, layout, buffer)),
        Layer::Pager(pager) => return super::pager::draw::draw(view, pager, layout, buffer),
        Layer::Gallery(gallery) => return super::gallery::draw::draw(view, gallery, layout, buffer),
        Layer::Palette(palette) => return Some(draw_palette::draw(view, palette, layout, buffer)),
    }
    below
}

fn too_small(area: Rect, buffer: &mut Buffer) {
    let needed = format!("needs {}×{}, is {}×{}", MIN_SCREEN.0, MIN_SCREEN.1, area.width, area.height);
    for (row, line) in ["fourhands: too small", &needed, "the session goes on"].iter().enumerate() {
        if row < usize::from(area.height) {
            put(buffer, area, area.x, area.y + row as u16, line, theme::PLAIN);
        }
    }
}

fn header(view: &View, area: Rect, now: Timestamp, buffer: &mut Buffer) {
    let info = &view.info;
    let right = area.right() - 1;
    let age = units::age(elapsed(info.started_at, now));
    let name = text::name(&info.name);
    let session = format!("session {}, {age}", text::cut(&name, usize::from(area.width / 3)));
    let end = put_right(buffer, area, right, area.y, &session, theme::DIM);
    let left = Rect { width: (end - area.x).saturating_sub(2), ..area };
    let mut x = put(buffer, left, area.x + 1, area.y, &format!("Python {}", info.python_version), theme::BOLD) + 2;
    let venv = info.venv.as_ref().and_then(|venv| venv.file_name()).map(|name| name.to_string_lossy().into_owned());
    let venv = venv.map(|venv| text::name(&venv).into_owned()).unwrap_or_default();
    let path = view.short_cwd();
    let room = usize::from(left.right().saturating_sub(x)).saturating_sub(text::width(&venv) + 2);
    x = put(buffer, left, x, area.y, &text::cut_front(&path, room), theme::PLAIN) + 2;
    put(buffer, left, x, area.y, &venv, theme::DIM);
}

fn rule_above_input(view: &View, layout: &Layout, hairline: Option<u16>, buffer: &mut Buffer) {
    let number = view.next_number().to_string();
    let below = match view.below() {
        None => String::new(),
        Some(0) => " ▾ more below ".to_owned(),
        Some(new) => format!(" ▾ {new} new below "),
    };
    let back = view.keys.key_hint(Action::Back);
    let hint = if below.is_empty() { String::new() } else { format!("{back} ") };
    let asks = draw_dock::rule_text(view)
        .or_else(|| draw_reply::rule_text(view, usize::from(layout.rule.width).saturating_sub(8)));
    // The keys do not go to the input.
    let is_elsewhere = view.viewport.selected.is_some() || view.has_layer_for_keys();
    let focus = if is_elsewhere { theme::DIM } else { theme::FOCUS };
    let left = [(" ", focus), (&*number, theme::DIM), (" ", focus), ("you", theme::BOLD.patch(focus)), (" ", focus)];
    let lines = lines_in_sight(view, layout);
    let right = [(&*lines, theme::DIM), (&*below, theme::NOTICE), (&*hint, theme::DIM)];
    let used: usize = left.iter().chain(&right).map(|(text, _)| text::width(text)).sum();
    let mut room = usize::from(layout.rule.width).saturating_sub(used + 4);
    let looked_up = super::search::draw::status_parts(view, room);
    room -= looked_up.iter().map(|(text, _)| text::width(text)).sum::<usize>().min(room);
    let signature = draw_completion::signature(view, room);
    let looked_up = borrowed(&looked_up);
    if let Some(asks) = &asks {
        let right: Vec<_> = looked_up.into_iter().chain(right).collect();
        rule(buffer, layout.rule, &[(asks, theme::NOTICE)], &right, focus);
    } else {
        let before = Some(("─ ", focus)).filter(|_| !signature.is_empty());
        let left: Vec<_> = left.into_iter().chain(looked_up).chain(before).chain(borrowed(&signature)).collect();
        rule(buffer, layout.rule, &left, &right, focus);
    }
    if let Some(x) = hairline {
        let y = if layout.dock.height > 0 { layout.dock.y } else { layout.rule.y };
        let cell = &mut buffer[(x, y)];
        if cell.symbol() == "─" {
            cell.set_symbol("┴");
        }
    }
}

/// The lines of the input in sight, if they are not all: ` lines 238–250 of 250 `.
fn lines_in_sight(view: &View, layout: &Layout) -> String {
    let (input, area) = (&view.composer.editor, layout.editor_text());
    let rows = input.visible(area.height.into());
    match (rows.first(), rows.last()) {
        (Some(first), Some(last))
            if input.rows(area.width) > rows.len() && view.composer.replies.current().is_none() =>
        {
            let word = if layout.class == SizeClass::Compact { "" } else { "lines " };
            format!(" {word}{}–{} of {} ", first.line + 1, last.line + 1, input.buffer.lines().len())
        }
        _ => String::new(),
    }
}

fn borrowed(words: &[(String, Style)]) -> Vec<(&str, Style)> {
    words.iter().map(|(text, style)| (text.as_str(), *style)).collect()
}
