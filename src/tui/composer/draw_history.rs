//! The search through earlier inputs: what is chosen in full, the list with the best match next to the query, the query.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};

use super::history::{HistorySearch, ago};
use crate::domain::Timestamp;
use crate::domain::terminal_text::visible;
use crate::tui::draw::layout::{Class, Layout};
use crate::tui::draw::{put, put_right};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame;
use crate::tui::transcript::card::highlight;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Rows of the list at most.
pub const ROWS: usize = 10;
const WIDEST: u16 = 110;

/// Returns where the cursor belongs.
pub fn draw(view: &View, search: &HistorySearch, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Position {
    let compact = layout.class == Class::Compact;
    let width = WIDEST.min(layout.rule.width);
    let room = usize::from(layout.rule.y - layout.transcript.y.min(layout.rule.y));
    let code = search.chosen().map(|past| past.code.clone()).unwrap_or_default();
    let lines = visible(&code).trim_end().lines().count();
    // The frame and the query take three rows; a preview also takes a rule.
    let left = room.saturating_sub(3).max(1);
    let rows = search.found.len().clamp(1, if compact { 3 } else { ROWS }).min(left);
    let most = match layout.class {
        Class::Compact => 3,
        Class::Medium => 6,
        Class::Wide => 10,
    };
    let preview = if lines > 1 { lines.min(most).min((left - rows).saturating_sub(1)) } else { 0 };
    let height = (rows + 3 + if preview > 0 { preview + 1 } else { 0 }) as u16;
    let area = Rect { x: 0, y: layout.rule.y.saturating_sub(height), width, height };
    Clear.render(area, buffer);
    frame::frame(area, " history ", buffer);
    let inside = Rect { x: area.x + 2, y: area.y + 1, width: width - 4, height: height - 2 };

    let mut y = inside.y;
    if preview > 0 {
        for (index, line) in highlight(&visible(&code)).iter().take(preview).enumerate() {
            let mut x = put(buffer, inside, inside.x, y, "▎ ", theme::DIM);
            for (piece, style) in line {
                x = put(buffer, inside, x, y, &text::name(piece), *style);
            }
            if index + 1 == preview && lines > preview {
                let more = format!(" … {} more lines ", lines - preview);
                put_right(buffer, inside, inside.right(), y, &more, theme::DIM);
            }
            y += 1;
        }
        for x in area.x + 1..area.right() - 1 {
            buffer[(x, y)].set_symbol("─").set_style(theme::DIM);
        }
        y += 1;
    }
    let first = (search.row + 1).saturating_sub(rows);
    for row in (first..first + rows).rev() {
        if let Some(past) = search.found.get(row).and_then(|index| search.pool.get(*index)) {
            let chosen = row == search.row;
            let who = if past.mine { String::new() } else { format!("{}  ", text::name(&past.author)) };
            let who = if compact { String::new() } else { who };
            let session = if compact { String::new() } else { format!("{}  ", text::name(&past.session)) };
            let failed = if past.ok { "" } else { "✗  " };
            let about = format!("  {failed}{who}{session}{:>7}", ago(past.at, now));
            let end = put_right(buffer, inside, inside.right(), y, &text::cut(&about, 40), theme::DIM);
            put(buffer, inside, inside.x, y, if chosen { "›" } else { " " }, theme::FOCUS);
            let mut lines = past.code.trim_end().lines().map(str::trim_end).skip_while(|line| line.is_empty());
            let line = lines.next().unwrap_or_default().trim_start();
            let more = if lines.next().is_some() { " …" } else { "" };
            let code = Rect { width: end.saturating_sub(inside.x), ..inside };
            let room = usize::from(code.width).saturating_sub(2);
            let shown = text::cut(&format!("{}{more}", text::name(line)), room).into_owned();
            let style = if chosen { theme::SELECTED } else { theme::PLAIN };
            put(buffer, code, inside.x + 2, y, &shown, style);
            mark(&shown, &search.query.code(), inside.x + 2, y, buffer);
        } else if row == 0 {
            let key = view.keys.key_in(Context::History, Action::SearchWhose).filter(|_| search.mine);
            let more = key.map(|key| format!("; {key} looks at what clients ran too")).unwrap_or_default();
            put(buffer, inside, inside.x + 2, y, &format!("nothing found{more}"), theme::DIM);
        }
        y += 1;
    }
    put(buffer, inside, inside.x, y, "› ", theme::FOCUS);
    let query = search.query.code();
    let filter = if search.mine { "mine" } else { "all" };
    let count = format!("{filter}  {} of {}", search.found.len(), search.total());
    let end = put_right(buffer, inside, inside.right(), y, &count, theme::DIM);
    let line = Rect { width: end.saturating_sub(inside.x + 1), ..inside };
    let before = query.chars().take(search.query.cursor().1).collect::<String>();
    let room = usize::from(line.width).saturating_sub(3);
    let shown = text::name(&before);
    let shown = text::cut_front(&shown, room);
    let x = put(buffer, line, inside.x + 2, y, &shown, theme::PLAIN);
    put(buffer, line, x, y, &text::name(&query[before.len()..]), theme::PLAIN);
    let other = if search.mine { "all" } else { "mine" };
    let (takes, back) = if compact { ("", "") } else { ("takes it", "back") };
    let hints: [(&[_], &str); 3] =
        [(&[Action::Choose], takes), (&[Action::SearchWhose], other), (&[Action::Back], back)];
    let hint = format!(" {} ", view.keys.hints(Context::History, &hints, ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
    Position { x: x.min(inside.right()), y }
}

/// Words of the query that stand there as they are stand out.
fn mark(shown: &str, query: &str, x: u16, y: u16, buffer: &mut Buffer) {
    let lower = shown.to_lowercase();
    // Where small letters are as long as great ones.
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
