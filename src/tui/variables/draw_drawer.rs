//! The drawer in the lower half: all variables with all details, and the clients.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::OpenVariables;
use super::draw_sidebar::{activity, age, mark, preview, set_at, setter, value};
use super::list::{ListItem, items};
use super::order::{sort, touched};
use crate::domain::{Timestamp, Variable, units};
use crate::tui::draw::canvas::{elapsed, put, put_right, rule};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::view::View;
use crate::tui::{text, theme};

/// The number of rows in the drawer.
pub fn rows(view: &View) -> usize {
    items(view).len().max(1) + 2 + view.transcript.clients().len().max(1)
}

/// Draws all variables with all details, then the clients. Returns the position of the cursor if the list has the keys:
/// in the filter, or at the selected variable.
pub fn draw(
    view: &View,
    layout: &Layout,
    open: &OpenVariables,
    now: Timestamp,
    buffer: &mut Buffer,
) -> Option<Position> {
    let area = layout.drawer;
    Clear.render(area, buffer);
    let title = format!(" variables{} ", view.variables.sorting.label());
    let found = if view.variables.query.is_some() { format!("{} of ", view.listed().len()) } else { String::new() };
    let total = units::count(view.transcript.variables().total, "name");
    let count = format!(" {}{found}{total} ", age(view, now));
    let focus = if open.has_focus { theme::FOCUS } else { theme::DIM };
    rule(buffer, Rect { height: 1, ..area }, &[(&title, theme::BOLD)], &[(&count, theme::DIM)], focus);
    let list = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let left = list.x + layout.margin.max(1) - 1;
    let mut lines = Lines { next: 0, scroll: open.scroll, list };
    let selected = draw_variables(view, layout, left, now, &mut lines, buffer);
    lines.row();
    draw_clients(view, left, now, &mut lines, buffer);
    let filter = draw_foot(view, layout, left, &lines, buffer);
    let first = Position { x: left + 2, y: list.y };
    open.has_focus.then(|| filter.or(selected).unwrap_or(first))
}

/// The widths of the columns, so that each fits its widest cell within a share of the list.
struct DrawerColumns<'a> {
    view: &'a View,
    now: Timestamp,
    name: u16,
    kind: u16,
    shape: u16,
    setter: u16,
    size: u16,
}

impl<'a> DrawerColumns<'a> {
    fn new(view: &'a View, list: Rect, now: Timestamp) -> Self {
        let rows = view.listed();
        let width_of = |width: &dyn Fn(&Variable) -> usize, limit: usize| {
            rows.iter().map(|row| width(row)).max().unwrap_or(0).clamp(4, limit) as u16
        };
        let quarter = usize::from(list.width) / 4;
        Self {
            view,
            now,
            name: width_of(&|row| text::width(&row.name), quarter.min(24)),
            kind: width_of(&|row| text::width(sort(row)), quarter.min(20)),
            shape: width_of(&|row| text::width(&units::grouped_shape(&row.shape)), quarter.min(14)),
            setter: width_of(&|row| text::width(&set_by(view, row, now)), usize::from(list.width) / 3),
            size: width_of(&|row| size(row).len(), 9),
        }
    }

    fn draw(&self, variable: &Variable, is_compact: bool, list: Rect, left: u16, y: u16, buffer: &mut Buffer) {
        let mut x = left + 2;
        let is_selected = is_selected(self.view, variable);
        let style = if is_selected { theme::SELECTED } else { theme::PLAIN };
        put(buffer, list, x, y, &text::cut(&text::name(&variable.name), self.name.into()), style);
        x += self.name + 2;
        put(buffer, list, x, y, &text::cut(&text::name(sort(variable)), self.kind.into()), theme::DIM);
        x += self.kind + 2;
        let mut end = list.right();
        if !is_compact {
            end -= 1;
            let setter = set_by(self.view, variable, self.now);
            put_right(buffer, list, end, y, &text::cut(&setter, self.setter.into()), theme::DIM);
            end -= self.setter + 2;
            put_right(buffer, list, end, y, &size(variable), theme::DIM);
            end -= self.size + 2;
        }
        let clipped = Rect { width: end.saturating_sub(list.x), ..list };
        if !is_compact {
            put(
                buffer,
                clipped,
                x,
                y,
                &text::cut(&units::grouped_shape(&variable.shape), self.shape.into()),
                theme::PLAIN,
            );
            x += self.shape + 2;
        }
        let shown = text::name(if is_compact { value(variable) } else { preview(variable) });
        let room = usize::from(clipped.right().saturating_sub(x));
        put(buffer, clipped, x, y, &text::cut(&shown, room), theme::PLAIN);
    }
}

/// Returns whether a variable is selected in the list that has the keys.
fn is_selected(view: &View, variable: &Variable) -> bool {
    let has_focus = view.layers.list().is_some_and(|list| list.has_focus);
    has_focus && view.variables.selected.as_ref() == Some(&variable.name)
}

/// Who set a variable last, and how long ago.
fn set_by(view: &View, variable: &Variable, now: Timestamp) -> String {
    match (setter(view, variable), set_at(view, variable)) {
        (by, Some(at)) => format!("{by}, {} ago", units::age(elapsed(at, now))),
        (by, None) => by,
    }
}

/// Empty for small values.
fn size(variable: &Variable) -> String {
    variable.size.filter(|size| *size >= 1_000).map(units::bytes).unwrap_or_default()
}

/// Returns the position of the selected variable.
fn draw_variables(
    view: &View,
    layout: &Layout,
    left: u16,
    now: Timestamp,
    lines: &mut Lines,
    buffer: &mut Buffer,
) -> Option<Position> {
    let list = lines.list;
    let (columns, touched, items) = (DrawerColumns::new(view, list, now), touched(view), items(view));
    if items.is_empty()
        && let Some(y) = lines.row()
    {
        let none = if view.variables.query.is_some() { "no name or type like that" } else { "no variables yet" };
        put(buffer, list, left + 2, y, none, theme::DIM);
    }
    let mut selected = None;
    for item in items {
        let Some(y) = lines.row() else { continue };
        match item {
            ListItem::Variable(variable) => {
                if let Some((mark, style)) = mark(view, variable, touched.contains(variable.name.as_str())) {
                    put(buffer, list, left, y, mark, style);
                }
                columns.draw(variable, layout.class == SizeClass::Compact, list, left, y, buffer);
                if is_selected(view, variable) {
                    selected = Some(Position { x: left + 2, y });
                }
            }
            ListItem::Group(name, count) => {
                put(buffer, list, left, y, &format!("{name}  {count}"), theme::DIM);
            }
        }
    }
    selected
}

fn draw_clients(view: &View, left: u16, now: Timestamp, lines: &mut Lines, buffer: &mut Buffer) {
    let (list, clients) = (lines.list, view.transcript.clients());
    if let Some(y) = lines.row() {
        put(buffer, list, left + 2, y, &format!("clients  {}", clients.len()), theme::BOLD);
    }
    if clients.is_empty()
        && let Some(y) = lines.row()
    {
        let room = usize::from(list.right().saturating_sub(left + 2));
        put(buffer, list, left + 2, y, &text::cut("none yet; connect one by: fourhands setup", room), theme::DIM);
    }
    let half = usize::from(list.width) / 4 * 2;
    let widest = clients.iter().map(|client| text::width(&text::name(&client.name))).max().unwrap_or(0);
    for client in clients {
        let Some(y) = lines.row() else { continue };
        let (what, style) = activity(view, client, now, usize::MAX);
        put(buffer, list, left + 2, y, &text::cut(&text::name(&client.name), half), view.client_style(&client.name));
        put(buffer, list, left + 4 + widest.min(half) as u16, y, &what, style);
    }
}

/// The last row: the filter, or how to see more. Returns where the cursor belongs in the filter.
fn draw_foot(view: &View, layout: &Layout, left: u16, lines: &Lines, buffer: &mut Buffer) -> Option<Position> {
    let (area, list) = (layout.drawer, lines.list);
    let bottom = list.bottom();
    if let Some(query) = &view.variables.query {
        let line = Rect { width: list.width - 1, ..area };
        let x = put(buffer, line, left, bottom, "/ ", theme::FOCUS);
        let query = query.before_cursor();
        let query = text::name(&query);
        let x = put(buffer, line, x, bottom, &text::cut_front(&query, usize::from(line.right() - x)), theme::PLAIN);
        return Some(Position { x, y: bottom });
    }
    if lines.more_below() {
        let more = format!("… {} more", lines.next - lines.scroll - usize::from(list.height));
        put(buffer, area, left + 2, bottom, &more, theme::DIM);
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
