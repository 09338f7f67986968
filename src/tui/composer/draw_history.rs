//! The drawing of the search through earlier inputs: the chosen input in full, the list with the best match next to the
//! query, and the query.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};

use super::history::{HistorySearch, SEARCH_ROWS};
use crate::domain::terminal_text::visible;
use crate::domain::{Timestamp, units};
use crate::session::Past;
use crate::tui::draw::canvas::{elapsed, put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame;
use crate::tui::text;
use crate::tui::theme;
use crate::tui::transcript::lines::highlight;
use crate::tui::view::View;

const MAX_WIDTH: u16 = 110;
/// Rows of the frame and of the query.
const FIXED_ROWS: usize = 3;
/// Cells that author, session and age of an input take at most.
const MAX_ABOUT: usize = 40;

/// How many rows each part gets.
struct PanelRows {
    preview: usize,
    list: usize,
}

impl PanelRows {
    fn of(search: &HistorySearch, lines: usize, layout: &Layout) -> Self {
        let room = usize::from(layout.rule.y - layout.transcript.y.min(layout.rule.y));
        let left = room.saturating_sub(FIXED_ROWS).max(1);
        let (max_list, max_preview) = match layout.class {
            SizeClass::Compact => (3, 3),
            SizeClass::Medium => (SEARCH_ROWS, 6),
            SizeClass::Wide => (SEARCH_ROWS, 10),
        };
        let list = search.found.len().clamp(1, max_list).min(left);
        // A preview also takes a rule.
        let preview = if lines > 1 { lines.min(max_preview).min((left - list).saturating_sub(1)) } else { 0 };
        Self { preview, list }
    }

    fn height(&self) -> usize {
        self.list + FIXED_ROWS + if self.preview > 0 { self.preview + 1 } else { 0 }
    }
}

/// The code of the chosen input.
fn chosen(search: &HistorySearch) -> String {
    search.chosen().map(|past| visible(&past.code).into_owned()).unwrap_or_default()
}

/// The box, and the rows of its parts.
fn panel(search: &HistorySearch, code: &str, layout: &Layout) -> (Rect, PanelRows) {
    let rows = PanelRows::of(search, code.trim_end().lines().count(), layout);
    let (width, height) = (MAX_WIDTH.min(layout.rule.width), rows.height() as u16);
    (Rect { x: 0, y: layout.rule.y.saturating_sub(height), width, height }, rows)
}

/// The found input at a position of the screen.
pub fn row_at(search: &HistorySearch, layout: &Layout, at: Position) -> Option<usize> {
    let (area, rows) = panel(search, &chosen(search), layout);
    let above = if rows.preview > 0 { rows.preview + 1 } else { 0 };
    let line = usize::from(at.y).checked_sub(usize::from(area.y) + 1 + above).filter(|line| *line < rows.list)?;
    // The best match is the lowest.
    let row = (search.row + 1).saturating_sub(rows.list) + rows.list - 1 - line;
    (area.contains(at) && row < search.found.len()).then_some(row)
}

/// Returns where the terminal's cursor belongs.
pub fn draw(view: &View, search: &HistorySearch, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Position {
    let code = chosen(search);
    let lines = code.trim_end().lines().count();
    let (area, rows) = panel(search, &code, layout);
    let (width, height) = (area.width, area.height);
    Clear.render(area, buffer);
    frame::frame(area, " history ", buffer);
    let inside = Rect { x: area.x + 2, y: area.y + 1, width: width - 4, height: height - 2 };

    let mut y = inside.y;
    if rows.preview > 0 {
        y = preview(&code, rows.preview, lines, inside, buffer);
        for x in area.x + 1..area.right() - 1 {
            buffer[(x, y)].set_symbol("─").set_style(theme::DIM);
        }
        y += 1;
    }
    let first = (search.row + 1).saturating_sub(rows.list);
    for row in (first..first + rows.list).rev() {
        let line = Rect { y, height: 1, ..inside };
        if let Some(past) = search.found.get(row).and_then(|index| search.pool.get(*index)) {
            list_row(past, row == search.row, search, layout.class, now, line, buffer);
        } else if row == 0 {
            let key = view.keys.key_in(Context::History, Action::SearchWhose).filter(|_| search.mine);
            let more = key.map(|key| format!("; {key} looks at what clients ran too")).unwrap_or_default();
            put(buffer, inside, inside.x + 2, y, &format!("nothing found{more}"), theme::DIM);
        }
        y += 1;
    }
    let cursor = query(search, Rect { y, height: 1, ..inside }, buffer);
    hints(view, search, layout.class, area, buffer);
    cursor
}

/// Draws the first rows of the chosen code. Returns the row below.
fn preview(code: &str, rows: usize, lines: usize, area: Rect, buffer: &mut Buffer) -> u16 {
    let mut y = area.y;
    for (index, line) in highlight(code).iter().take(rows).enumerate() {
        let mut x = put(buffer, area, area.x, y, "▎ ", theme::DIM);
        for (piece, style) in line {
            x = put(buffer, area, x, y, &text::name(piece), *style);
        }
        if index + 1 == rows && lines > rows {
            let more = format!(" … {} more lines ", lines - rows);
            put_right(buffer, area, area.right(), y, &more, theme::DIM);
        }
        y += 1;
    }
    y
}

/// Draws an input of the list: its first line, author, session and age.
fn list_row(
    past: &Past,
    is_chosen: bool,
    search: &HistorySearch,
    class: SizeClass,
    now: Timestamp,
    area: Rect,
    buffer: &mut Buffer,
) {
    let y = area.y;
    let (mut author, mut session) = (String::new(), String::new());
    if class != SizeClass::Compact {
        if !past.mine {
            author = format!("{}  ", text::name(&past.author));
        }
        session = format!("{}  ", text::name(&past.session));
    }
    let failed = if past.ok { "" } else { "✗  " };
    let about = format!("  {failed}{author}{session}{:>7}", units::age(elapsed(past.at, now)));
    let end = put_right(buffer, area, area.right(), y, &text::cut(&about, MAX_ABOUT), theme::DIM);
    put(buffer, area, area.x, y, if is_chosen { "›" } else { " " }, theme::FOCUS);
    let mut lines = past.code.trim_end().lines().map(str::trim_end).skip_while(|line| line.is_empty());
    let line = lines.next().unwrap_or_default().trim_start();
    let more = if lines.next().is_some() { " …" } else { "" };
    let code = Rect { width: end.saturating_sub(area.x), ..area };
    let room = usize::from(code.width).saturating_sub(2);
    let shown = text::cut(&format!("{}{more}", text::name(line)), room).into_owned();
    let style = if is_chosen { theme::SELECTED } else { theme::PLAIN };
    put(buffer, code, area.x + 2, y, &shown, style);
    mark_matches(&shown, &search.query.code(), area.x + 2, y, buffer);
}

/// Draws the query and how much was found. Returns where the cursor belongs.
fn query(search: &HistorySearch, area: Rect, buffer: &mut Buffer) -> Position {
    let y = area.y;
    put(buffer, area, area.x, y, "› ", theme::FOCUS);
    let query = search.query.code();
    let filter = if search.mine { "mine" } else { "all" };
    let count = format!("{filter}  {} of {}", search.found.len(), search.total());
    let end = put_right(buffer, area, area.right(), y, &count, theme::DIM);
    let line = Rect { width: end.saturating_sub(area.x + 1), ..area };
    let before = search.query.before_cursor();
    let room = usize::from(line.width).saturating_sub(3);
    let shown = text::name(&before);
    let shown = text::cut_front(&shown, room);
    let x = put(buffer, line, area.x + 2, y, &shown, theme::PLAIN);
    put(buffer, line, x, y, &text::name(&query[before.len()..]), theme::PLAIN);
    Position { x: x.min(area.right()), y }
}

fn hints(view: &View, search: &HistorySearch, class: SizeClass, area: Rect, buffer: &mut Buffer) {
    let other = if search.mine { "all" } else { "mine" };
    let (takes, back) = if class == SizeClass::Compact { ("", "") } else { ("takes it", "back") };
    let hints: [(&[_], &str); 3] =
        [(&[Action::Choose], takes), (&[Action::SearchWhose], other), (&[Action::Back], back)];
    let hint = format!(" {} ", view.keys.hints(Context::History, &hints, ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}

/// Underlines the words of the query where the line contains them.
fn mark_matches(shown: &str, query: &str, x: u16, y: u16, buffer: &mut Buffer) {
    let lower = shown.to_lowercase();
    // Otherwise places in the lower-case line are not places in the line.
    if lower.len() != shown.len() {
        return;
    }
    for word in query.split_whitespace() {
        if let Some(place) = lower.find(&word.to_lowercase()) {
            let begin = x + text::width(&shown[..place]) as u16;
            let end = begin + text::width(&shown[place..(place + word.len()).min(shown.len())]) as u16;
            for x in begin..end {
                let cell = &mut buffer[(x, y)];
                cell.set_style(cell.style().add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
            }
        }
    }
}
