//! The line at the bottom for a search, a filter or a number, and the search status in the rule above the input.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::lookup::{PromptKind, SearchPrompt};
use super::matches::Search;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Draws the line in place of the status. Returns the position of the terminal's cursor.
pub fn line(view: &View, line: &SearchPrompt, layout: &Layout, buffer: &mut Buffer) -> Position {
    let margin = u16::from(layout.class != SizeClass::Compact);
    let area = Rect { x: margin, width: layout.status.width.saturating_sub(2 * margin), ..layout.status };
    let compact = layout.class == SizeClass::Compact;
    let (title, enter, tab, leave) = match line.kind {
        PromptKind::Search => ("search ", "go there", "filter", "leave"),
        PromptKind::Filter => ("filter ", "keep", "search", "clear"),
        PromptKind::GoTo => ("go to ", "go", "", "leave"),
    };
    let mut end = area.right();
    let written = line.editor.code();
    // The typed text comes before hints.
    if !compact && text::width(&written) + 56 < usize::from(area.width) {
        let hints = [(Action::Back, leave), (Action::SearchOrFilter, tab), (Action::Choose, enter)];
        for (action, what) in hints.into_iter().filter(|(_, what)| !what.is_empty()) {
            let Some(key) = view.keys.key_in(Context::Lookup, action) else { continue };
            end = put_right(buffer, area, end, area.y, &format!(" {what}"), theme::DIM);
            end = put_right(buffer, area, end, area.y, &key.to_string(), theme::KEY).saturating_sub(3);
        }
    }
    let (status_parts, style) = match (&line.fault, line.kind) {
        (Some(fault), _) => (text::name(fault).into_owned(), theme::ERROR),
        (None, PromptKind::Search) => (view.lookup.find.as_ref().map_or_else(String::new, found), theme::NOTICE),
        (None, PromptKind::Filter) if view.lookup.filter.is_none() && !compact => {
            ("author:name  status:failed  effect:write  words  -not".to_owned(), theme::DIM)
        }
        (None, PromptKind::Filter) => (shown(view).unwrap_or_default(), theme::NOTICE),
        (None, PromptKind::GoTo) => (String::new(), theme::DIM),
    };
    let x = put(buffer, area, area.x, area.y, title, theme::BOLD);
    // The typed text has at least half of the line.
    let max_width = usize::from((end.saturating_sub(x)) / 2);
    let status_parts = text::cut(&status_parts, max_width).into_owned();
    let end = if status_parts.is_empty() {
        end
    } else {
        put_right(buffer, area, end, area.y, &status_parts, style).saturating_sub(2)
    };
    let room = Rect { x, width: end.saturating_sub(x).max(1), ..area };
    typed(&written, line.editor.cursor().1, room, buffer)
}

/// The result of the search. Of a long output, memory has only the ends, and only the ends were searched.
fn found(find: &Search) -> String {
    let part = if find.is_done() && find.is_partial { " (long outputs in part)" } else { "" };
    find.position_label() + part
}

/// Draws a line of typed text with the cursor in sight. Returns the position of the cursor.
pub fn typed(written: &str, column: usize, area: Rect, buffer: &mut Buffer) -> Position {
    let written = text::name(written).into_owned();
    let room = usize::from(area.width).saturating_sub(1);
    let before: String = written.chars().take(column).collect();
    let from = text::width(&before).saturating_sub(room);
    let mut skipped = 0;
    let shown: String = written
        .chars()
        .skip_while(|c| {
            let skip = skipped < from;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect();
    put(buffer, area, area.x, area.y, &shown, theme::PLAIN);
    let column = text::width(&before).saturating_sub(from);
    Position { x: (area.x + column as u16).min(area.right().saturating_sub(1)), y: area.y }
}

/// The number of cards that the filter shows, such as `12 of 340, 3 new hidden`.
fn shown(view: &View) -> Option<String> {
    let filter = view.lookup.filter.as_ref()?;
    let entries = view.transcript.entries().len();
    let so_far = if filter.is_done() { String::new() } else { " so far".to_owned() };
    let hidden = match filter.hidden(entries) {
        0 => String::new(),
        hidden => format!(", {hidden} new hidden"),
    };
    Some(format!("{} of {entries}{so_far}{hidden}", filter.shown.len()))
}

/// The active filter and search, in at most `room` cells, for the rule above the input.
pub fn status_parts(view: &View, room: usize) -> Vec<(String, Style)> {
    let mut status_parts = Vec::new();
    let mut left = room;
    let mut tell = |what: &str, count: &str| {
        // The counts matter more than the query, which the person knows.
        let Some(for_what) = left.checked_sub(text::width(count) + 4) else { return };
        let what = text::cut(&text::name(what), for_what).into_owned();
        left -= text::width(&what) + text::width(count) + 4;
        status_parts.push(("─ ".to_owned(), theme::FOCUS));
        status_parts.push((what, theme::NOTICE));
        status_parts.push((format!(" {count} "), theme::DIM));
    };
    // The open line shows its own status.
    let typed = view.layers.search_prompt().map(|line| line.kind);
    if let (Some(filter), Some(count)) = (&view.lookup.filter, shown(view))
        && typed != Some(PromptKind::Filter)
    {
        tell(&filter.text, &count);
    }
    if let Some(find) = view.lookup.find.as_ref().filter(|_| typed != Some(PromptKind::Search)) {
        tell(&format!("/{}", find.needle.as_str()), &find.position_label());
    }
    status_parts
}
