//! The drawer in the lower half: all variables with all details, and the clients.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::draw_sidebar::{activity, age, preview, set_at, setter, sort, touched, value};
use super::drawer::{Item, items};
use crate::domain::{Timestamp, Variable, units};
use crate::tui::draw::canvas::{elapsed, put, put_right, rule};
use crate::tui::draw::layout::{Class, Layout};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;
use crate::tui::{text, theme};

const INSPECT_HINT: &str = "look into it";

/// The number of rows in the drawer.
pub fn rows(view: &View) -> usize {
    items(view).len().max(1) + 2 + view.transcript.clients().len().max(1)
}

/// Draws all variables with all details, then the clients. Returns the position of the cursor while the person types a
/// filter.
pub fn draw(view: &View, layout: &Layout, scroll: usize, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let area = layout.drawer;
    Clear.render(area, buffer);
    let table = view.transcript.variables();
    let title = format!(" variables{} ", view.variables.sorting.label());
    let title = [(title.as_str(), theme::BOLD)];
    let found = if view.variables.query.is_some() { format!("{} of ", view.listed().count()) } else { String::new() };
    let count = format!(" {}{found}{} ", age(view, now), units::count(table.total, "name"));
    rule(buffer, Rect { height: 1, ..area }, &title, &[(&count, theme::DIM)], theme::DIM);
    let list = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let left = list.x + layout.margin.max(1) - 1;
    let touched = touched(view);
    let items = items(view);
    let rows: Vec<&Variable> = view.listed().collect();
    let width_of = |pick: &dyn Fn(&Variable) -> usize, max_width: usize| {
        rows.iter().map(|row| pick(row)).max().unwrap_or(0).clamp(4, max_width) as u16
    };
    let quarter = usize::from(list.width) / 4;
    let name_width = width_of(&|row| text::width(&row.name), quarter.min(24));
    let kind_width = width_of(&|row| text::width(sort(row)), quarter.min(20));
    let shape_width = width_of(&|row| text::width(&row.shape), quarter.min(14));
    let setter_text = |row: &Variable| match (setter(view, row), set_at(view, row)) {
        (by, Some(at)) => format!("{by}, {} ago", units::age(elapsed(at, now))),
        (by, None) => by,
    };
    let by_width = width_of(&|row| text::width(&setter_text(row)), usize::from(list.width) / 3);
    // Small sizes are not shown.
    let size = |row: &Variable| row.size.filter(|size| *size >= 1_000).map(units::bytes).unwrap_or_default();
    let size_width = width_of(&|row| size(row).len(), 9);
    let mut lines = Lines { next: 0, scroll, list };
    if rows.is_empty()
        && let Some(y) = lines.row()
    {
        let none = if view.variables.query.is_some() { "no name is like that" } else { "no variables yet" };
        put(buffer, list, left + 2, y, none, theme::DIM);
    }
    for item in items {
        let Some(y) = lines.row() else { continue };
        let variable = match item {
            Item::Variable(variable) => variable,
            Item::Group(name, count) => {
                put(buffer, list, left, y, &format!("{name}  {count}"), theme::DIM);
                continue;
            }
        };
        if touched.contains(variable.name.as_str()) {
            put(buffer, list, left, y, "•", theme::TOUCHED);
        }
        let mut x = left + 2;
        let is_chosen = view.variables.selected.as_ref() == Some(&variable.name);
        let style = if is_chosen { theme::SELECTED } else { theme::PLAIN };
        put(buffer, list, x, y, &text::cut(&text::name(&variable.name), name_width.into()), style);
        x += name_width + 2;
        put(buffer, list, x, y, &text::cut(&text::name(sort(variable)), kind_width.into()), theme::DIM);
        x += kind_width + 2;
        let by = setter_text(variable);
        let size = size(variable);
        let end = if layout.class == Class::Compact {
            list.right()
        } else {
            let by_end = list.right() - 1;
            put_right(buffer, list, by_end, y, &text::cut(&by, by_width.into()), theme::DIM);
            let size_end = by_end - by_width - 2;
            put_right(buffer, list, size_end, y, &size, theme::DIM);
            size_end - size_width - 2
        };
        let clipped = Rect { width: end.saturating_sub(list.x), ..list };
        if layout.class != Class::Compact {
            put(buffer, clipped, x, y, &text::cut(&variable.shape, shape_width.into()), theme::PLAIN);
            x += shape_width + 2;
        }
        let shown = text::name(if layout.class == Class::Compact { value(variable) } else { preview(variable) });
        let room = usize::from(clipped.right().saturating_sub(x));
        put(buffer, clipped, x, y, &text::cut(&shown, room), theme::PLAIN);
    }
    lines.row();
    let clients = view.transcript.clients();
    if let Some(y) = lines.row() {
        put(buffer, list, left + 2, y, &format!("clients  {}", clients.len()), theme::BOLD);
    }
    if clients.is_empty()
        && let Some(y) = lines.row()
    {
        let room = usize::from(list.right().saturating_sub(left + 2));
        put(buffer, list, left + 2, y, &text::cut("none yet; they run: fourhands bridge", room), theme::DIM);
    }
    let widest = clients.iter().map(|client| text::width(&text::name(&client.name))).max().unwrap_or(0);
    for client in clients {
        let Some(y) = lines.row() else { continue };
        let (what, style) = activity(view, client, now, usize::MAX);
        let name = text::name(&client.name);
        put(buffer, list, left + 2, y, &text::cut(&name, quarter * 2), theme::PLAIN);
        put(buffer, list, left + 4 + widest.min(quarter * 2) as u16, y, &what, style);
    }
    let bottom = list.bottom();
    if let Some(query) = &view.variables.query {
        let compact = layout.class == Class::Compact;
        let inspect =
            view.keys.hints(Context::Variables, &[(&[Action::Choose], if compact { "" } else { INSPECT_HINT })], "");
        let all = view.keys.key_hint(Action::Back);
        let hint = format!("{inspect}{}{all} all", if compact { ", " } else { "   " });
        let end = put_right(buffer, area, list.right() - 1, bottom, &hint, theme::DIM);
        let line = Rect { width: end.saturating_sub(area.x + 1), ..area };
        let x = put(buffer, line, left, bottom, "/ ", theme::FOCUS);
        let query = query.before_cursor();
        let query = text::name(&query);
        let x = put(buffer, line, x, bottom, &text::cut_front(&query, usize::from(line.right() - x)), theme::PLAIN);
        return Some(Position { x, y: bottom });
    }
    if lines.more_below() {
        let more = format!("… {} for more", view.keys.key_hint(Action::PageDown));
        put(buffer, area, left + 2, bottom, &more, theme::DIM);
    }
    if !table.rows.is_empty() && view.composer.editor.is_empty() {
        let (inspect, sort, down, filter): (&[_], &[_], &[_], &[_]) =
            (&[Action::Choose], &[Action::SortVariables], &[Action::ItemDown], &[Action::FilterVariables]);
        let (hints, between) = match (view.variables.selected.is_some(), layout.class) {
            (true, Class::Compact) => (&[(inspect, ""), (sort, ""), (filter, "")][..], "  "),
            (true, _) => (&[(inspect, INSPECT_HINT), (sort, "sort"), (filter, "filter")][..], "   "),
            (false, Class::Compact) => (&[(down, ""), (filter, "")][..], ", "),
            (false, _) => (&[(down, "choose"), (filter, "filter")][..], "   "),
        };
        let hint = view.keys.hints(Context::Variables, hints, between);
        put_right(buffer, area, list.right() - 1, bottom, &hint, theme::DIM);
    }
    None
}

/// The visible rows of a scrolled list, one after the other; `None` for hidden rows.
struct Lines {
    next: usize,
    scroll: usize,
    list: Rect,
}

impl Lines {
    /// Returns whether rows are hidden below.
    fn more_below(&self) -> bool {
        self.next > self.scroll + usize::from(self.list.height)
    }

    fn row(&mut self) -> Option<u16> {
        let row = self.next.checked_sub(self.scroll);
        self.next += 1;
        let row = row.filter(|row| *row < usize::from(self.list.height))?;
        Some(self.list.y + row as u16)
    }
}
