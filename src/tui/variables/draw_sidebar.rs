//! The sidebar beside the transcript: variables and clients.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::order::{sort, touched};
use crate::domain::{Author, Client, Entry, Status, Timestamp, Variable, units};
use crate::tui::draw::canvas::{elapsed, put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::Action;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// While code is running, an older list of variables shows its age.
const STALE_DELAY: Duration = Duration::from_secs(2);

/// Draws the sidebar. Returns the column of the hairline.
pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Option<u16> {
    let area = layout.side?;
    let hairline = layout.hairline()?;
    for y in area.top()..area.bottom() {
        buffer[(hairline, y)].set_symbol("│").set_style(theme::DIM);
    }
    let split = split(view, area);
    variables(view, layout, now, buffer);
    if view.is_side_focused(layout) {
        for y in area.top()..split {
            buffer[(hairline, y)].set_style(theme::FOCUS.remove_modifier(Modifier::DIM));
        }
    }
    clients_table(view, Rect { y: split, height: area.bottom() - split, ..area }, now, buffer);
    Some(hairline)
}

/// The row where the clients begin.
fn split(view: &View, area: Rect) -> u16 {
    let client_rows = (view.transcript.clients().len().max(1) as u16).min(area.height / 3);
    area.bottom().saturating_sub(client_rows + 3).max(area.y)
}

/// The area of the variables, below their title.
fn list_area(view: &View, layout: &Layout) -> Option<Rect> {
    let side = layout.side?;
    let height = split(view, side) - side.y;
    Some(Rect { y: side.y + 2, height: height.checked_sub(2).filter(|height| *height > 0)?, ..side })
}

/// Returns whether the list has no room for all variables.
pub fn is_cut(view: &View, layout: &Layout) -> bool {
    list_area(view, layout).is_some_and(|area| view.transcript.variables().total >= usize::from(area.height))
}

/// The variables in sight, and the numbers of hidden ones above and below.
pub struct Listed<'a> {
    pub area: Rect,
    pub rows: Vec<&'a Variable>,
    pub above: usize,
    below: usize,
}

impl<'a> Listed<'a> {
    pub fn is_cut(&self) -> bool {
        self.above > 0 || self.below > 0
    }

    /// The row of the filter, counted from the first of the list.
    fn filter_row(&self) -> u16 {
        self.area.height.saturating_sub(2)
    }

    /// Returns `None` if the list is not shown, or has no room. See also [`View::side_rows`].
    pub fn of(view: &'a View, layout: &Layout) -> Option<Self> {
        let area = list_area(view, layout)?;
        let is_filtered = view.variables.query.is_some() && view.is_side_focused(layout);
        let mut rows = view.side_rows(layout);
        let total = if is_filtered { rows.len() } else { view.transcript.variables().total };
        let fit = usize::from(area.height) - 1;
        if total <= fit && !is_filtered {
            return Some(Self { area, rows, above: 0, below: 0 });
        }
        // The last row has the number of hidden variables, or the filter.
        let fit = fit.saturating_sub(1);
        let above = view.variables.sidebar_scroll.min(rows.len().saturating_sub(fit));
        rows.drain(..above);
        rows.truncate(fit);
        let below = total.saturating_sub(above + rows.len());
        Some(Self { area, rows, above, below })
    }
}

fn title(buffer: &mut Buffer, area: Rect, what: &str, count: usize, style: Style) {
    put(buffer, area, area.x, area.y, what, style);
    put_right(buffer, area, area.right(), area.y, &count.to_string(), theme::DIM);
}

/// The position of the cursor while the list at the side has the keys: in the filter, or at the selected variable.
pub fn cursor(view: &View, layout: &Layout) -> Option<Position> {
    let listed = Listed::of(view, layout).filter(|_| view.is_side_focused(layout))?;
    if let Some(query) = &view.variables.query {
        let before = text::width(&text::name(&query.before_cursor())) as u16;
        let (x, y) = (listed.area.x + 2 + before, listed.area.y + listed.filter_row());
        return Some(Position { x: x.min(listed.area.right()), y });
    }
    let selected = listed.rows.iter().position(|row| Some(&row.name) == view.variables.selected.as_ref());
    Some(Position { x: listed.area.x + 2, y: listed.area.y + selected.unwrap_or(0) as u16 })
}

/// The age of the list, while running code may have changed the variables.
pub fn age(view: &View, now: Timestamp) -> String {
    let taken_at = view.transcript.variables().taken_at;
    let Some(running) = view.transcript.running().filter(|_| taken_at != 0) else { return String::new() };
    // An unchanged list is not sent again, so it was true until the code began.
    let age = elapsed(taken_at.max(running.started_at.unwrap_or_default()), now);
    if age < STALE_DELAY { String::new() } else { format!("{} old  ", seconds(age)) }
}

/// The age, below a minute in seconds, because it says whether the list is current.
pub fn seconds(age: Duration) -> String {
    if age.as_secs() < 60 { format!("{} s", age.as_secs()) } else { units::age(age) }
}

/// The part of the preview that name and type do not already show: nothing of `<Axes>`, and of `<class 'Path'>` only
/// the name, if the variable has another one.
pub fn preview(variable: &Variable) -> &str {
    let preview = variable.preview.as_str();
    let Some(inside) = preview.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return preview };
    if inside == variable.type_name {
        return "";
    }
    match inside.strip_prefix("class '").or_else(|| inside.strip_prefix("module '")) {
        Some(name) => Some(name.trim_end_matches('\'')).filter(|name| *name != variable.name).unwrap_or_default(),
        None => preview,
    }
}

/// The value in a few characters: small values themselves, large ones as their shape.
pub fn value(variable: &Variable) -> &str {
    let small =
        matches!(variable.type_name.as_str(), "int" | "float" | "complex" | "bool" | "str" | "bytes" | "NoneType");
    if variable.shape.is_empty() || (small && !variable.preview.is_empty()) {
        preview(variable)
    } else {
        &variable.shape
    }
}

fn variables(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) {
    let (Some(area), Some(listed)) = (layout.side, Listed::of(view, layout)) else { return };
    let total = view.transcript.variables().total;
    let is_focused = view.is_side_focused(layout);
    let style = if is_focused { theme::BOLD.patch(theme::FOCUS) } else { theme::BOLD };
    title(buffer, area, &format!("variables{}", view.variables.sorting.label()), total, style);
    let right = area.right() - text::width(&total.to_string()) as u16;
    put_right(buffer, area, right, area.y, &age(view, now), theme::NOTICE);
    let query = view.variables.query.as_ref().filter(|_| is_focused);
    if let Some(query) = query {
        let y = listed.area.y + listed.filter_row();
        let count = format!("{} of {total}", listed.above + listed.rows.len() + listed.below);
        let end = put_right(buffer, listed.area, listed.area.right(), y, &count, theme::DIM);
        let line = Rect { width: end.saturating_sub(listed.area.x + 1), ..listed.area };
        let x = put(buffer, line, line.x, y, "/ ", theme::FOCUS);
        put(buffer, line, x, y, &text::name(&query.code()), theme::PLAIN);
    }
    let Listed { area: list, rows, above, below } = listed;
    if rows.is_empty() {
        let none = if query.is_some() { "no name or type like that" } else { "none yet" };
        put(buffer, list, list.x + 2, list.y, none, theme::DIM);
        return;
    }
    let touched = touched(view);
    let columns = SidebarColumns::of(&rows, list.width);
    let mut y = list.y;
    for variable in &rows {
        let is_selected = is_focused && view.variables.selected.as_ref() == Some(&variable.name);
        let mark = mark(view, variable, touched.contains(variable.name.as_str()));
        columns.draw(variable, mark, is_selected, list, y, buffer);
        y += 1;
    }
    if query.is_some() {
        return;
    }
    let key = view.keys.key_hint(Action::Variables);
    let more = match (above, below) {
        (0, 0) => return,
        (0, below) => format!("… {below} more, {key}"),
        (above, 0) => format!("▴ {above} above, {key}"),
        (above, below) => format!("▴ {above} above, {below} more, {key}"),
    };
    put(buffer, list, list.x + 2, y, &more, theme::DIM);
}

/// The least width of a column; narrower columns would move with every new name.
const MIN_COLUMN_WIDTH: usize = 7;
/// Enough for `function`.
const MIN_KIND_WIDTH: usize = 8;

/// Widths of name and type; the value gets the rest.
struct SidebarColumns {
    name: usize,
    kind: usize,
}

impl SidebarColumns {
    /// If there is too little room, the type is cut first, then the name. Room left over goes to the name.
    fn of(rows: &[&Variable], width: u16) -> Self {
        let widest = |text: fn(&Variable) -> &str| {
            rows.iter().map(|row| text::width(&text::name(text(row)))).max().unwrap_or(0).max(MIN_COLUMN_WIDTH)
        };
        let (name, kind, value) = (widest(|row| &row.name), widest(sort), widest(value));
        let room = usize::from(width).saturating_sub(5);
        let max_width = (room * 2 / 5).max(MIN_COLUMN_WIDTH);
        let value = value.min(max_width);
        let kind = kind.min(room.saturating_sub(name.min(max_width) + value).max(MIN_KIND_WIDTH));
        let name = name.min(room.saturating_sub(kind + value).max(MIN_COLUMN_WIDTH));
        Self { name, kind }
    }

    fn draw(
        &self,
        variable: &Variable,
        mark: Option<(&str, Style)>,
        selected: bool,
        area: Rect,
        y: u16,
        buffer: &mut Buffer,
    ) {
        let name_x = area.x + 2;
        let kind_x = name_x + self.name as u16 + 2;
        let value_x = kind_x + self.kind as u16 + 1;
        if let Some((mark, style)) = mark {
            put(buffer, area, area.x, y, mark, style);
        }
        let style = if selected { theme::SELECTED } else { theme::PLAIN };
        put(buffer, area, name_x, y, &text::cut(&text::name(&variable.name), self.name), style);
        put(buffer, area, kind_x, y, &text::cut(&text::name(sort(variable)), self.kind), theme::DIM);
        let shown = text::name(value(variable));
        let room = usize::from(area.right().saturating_sub(value_x));
        put_right(buffer, area, area.right(), y, &text::cut(&shown, room), theme::PLAIN);
    }
}

/// The mark before a variable: taken from another author or although it is locked, locked, private, or touched by the
/// last snippet.
pub fn mark(view: &View, variable: &Variable, touched: bool) -> Option<(&'static str, Style)> {
    if view.transcript.taken().by(&variable.name).is_some() {
        Some(("!", theme::NOTICE))
    } else if view.is_locked(&variable.name) {
        Some(("■", theme::FOCUS))
    } else if view.transcript.gate().private.names.contains(variable.name.as_str()) {
        Some(("p", theme::FOCUS))
    } else {
        touched.then_some(("•", theme::TOUCHED))
    }
}

/// The activity of a client, in `room` cells where possible.
pub fn activity(view: &View, client: &Client, now: Timestamp, room: usize) -> (String, Style) {
    let is_its = |author: &Author| matches!(author, Author::Client { id, .. } if *id == client.id);
    let running = view.transcript.running().filter(|snippet| is_its(&snippet.author));
    let queued = view.transcript.queue().iter().filter_map(|id| view.transcript.snippet(*id));
    let queued = queued.filter(|snippet| is_its(&snippet.author)).count();
    let idle = elapsed(client.last_active, now);
    let (doing, style) = if view.transcript.gate().away.contains(&client.name) {
        return ("disconnected by you".to_owned(), theme::NOTICE);
    } else if let Some(snippet) = running {
        (format!("{} running", snippet.id), theme::status(Status::Running))
    } else if queued > 0 {
        (format!("{queued} queued"), theme::PLAIN)
    } else if idle.as_secs() >= 60 {
        (format!("idle {}", units::age(idle)), theme::DIM)
    } else if client.runs == 0 {
        ("connected".to_owned(), theme::DIM)
    } else {
        (String::new(), theme::DIM)
    };
    let ran = (client.runs as usize).saturating_sub(queued);
    let runs = units::count(ran, "run");
    let both = format!("{runs}, {doing}");
    match (ran, doing.is_empty()) {
        (0, _) => (doing, style),
        (_, true) => (runs, style),
        _ if text::width(&both) <= room => (both, style),
        _ => (doing, style),
    }
}

fn clients_table(view: &View, area: Rect, now: Timestamp, buffer: &mut Buffer) {
    let clients = view.transcript.clients();
    if area.height < 3 {
        return;
    }
    title(buffer, area, "clients", clients.len(), theme::BOLD);
    let list = Rect { y: area.y + 2, height: area.height - 3, ..area };
    if clients.is_empty() {
        let none = if view.client_order.names().next().is_some() { "none now" } else { "none yet" };
        put(buffer, list, list.x + 2, list.y, none, theme::DIM);
    }
    let fit = usize::from(list.height);
    let hidden = if clients.len() > fit { clients.len() - fit.saturating_sub(1) } else { 0 };
    if hidden > 0 {
        put(
            buffer,
            list,
            list.x + 2,
            list.bottom() - 1,
            &format!("… {hidden} more, {}", view.keys.key_hint(Action::Variables)),
            theme::DIM,
        );
    }
    for (client, y) in clients.iter().skip(hidden).zip(list.y..list.bottom()) {
        let room = usize::from(list.width).saturating_sub(text::width(&text::name(&client.name)) + 5);
        let (what, style) = activity(view, client, now, room);
        let x = put_right(buffer, list, list.right(), y, &what, style);
        let room = usize::from(x.saturating_sub(list.x + 3));
        let style = view.client_style(&client.name);
        put(buffer, list, list.x + 2, y, &text::cut(&text::name(&client.name), room), style);
    }
}

/// The author of the snippet that set a variable.
pub fn setter(view: &View, variable: &Variable) -> String {
    let Some(id) = variable.set_by else { return String::new() };
    let name = view.transcript.position(id).and_then(|place| match &view.transcript.entries()[place] {
        Entry::Snippet(snippet) => Some(text::name(snippet.author.name()).into_owned()),
        _ => None,
    });
    name.map_or_else(|| id.to_string(), |name| format!("{id} {name}"))
}

/// The time when the snippet that set a variable ended.
pub fn set_at(view: &View, variable: &Variable) -> Option<Timestamp> {
    let place = view.transcript.position(variable.set_by?)?;
    let Entry::Snippet(snippet) = &view.transcript.entries()[place] else { return None };
    let took = snippet.outcome.as_ref()?.elapsed;
    Some(snippet.started_at? + took.as_millis() as Timestamp)
}
