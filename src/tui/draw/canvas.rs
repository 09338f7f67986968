//! Text, rules and ages, as all parts of the dashboard write them into a buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::Timestamp;
use crate::tui::text;

/// Writes text from `x` on, up to the right end of `area`. Returns the column after the text.
pub(in crate::tui) fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    if y >= area.bottom() || x >= area.right() {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(area.right() - x), style).0
}

/// Writes text that ends before the column `right`. Returns the column where the text begins.
pub(in crate::tui) fn put_right(buffer: &mut Buffer, area: Rect, right: u16, y: u16, text: &str, style: Style) -> u16 {
    let x = right.saturating_sub(text::width(text) as u16).max(area.x);
    put(buffer, Rect { width: right.saturating_sub(area.x), ..area }, x, y, text, style);
    x
}

/// A rule with words in it: `─ 17 you ──────── 12 new below ─`. Where room is short, the right words are dropped.
pub(in crate::tui) fn rule(
    buffer: &mut Buffer,
    area: Rect,
    left: &[(&str, Style)],
    right: &[(&str, Style)],
    style: Style,
) {
    for x in area.left()..area.right() {
        buffer[(x, area.y)].set_symbol("─").set_style(style);
    }
    let mut x = area.x + 1;
    for (text, style) in left {
        x = put(buffer, area, x, area.y, text, *style);
    }
    let width: usize = right.iter().map(|(text, _)| text::width(text)).sum();
    let mut from = (area.right() - 1).saturating_sub(width as u16);
    if from > x {
        for (text, style) in right {
            from = put(buffer, area, from, area.y, text, *style);
        }
    }
}

pub(in crate::tui) fn elapsed(since: Timestamp, now: Timestamp) -> std::time::Duration {
    std::time::Duration::from_millis(now.saturating_sub(since))
}
