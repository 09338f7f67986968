//! The help: all keys by context, in two columns where there is room; then the marks, and this session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::frame::frame;
use crate::tui::draw::canvas::put_right;
use crate::tui::draw::layout::{Class, Layout};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;
use crate::tui::{text, theme};

const KEYS_WIDTH: usize = 18;
const COLUMN_WIDTH: usize = 58;
/// The width of a help text in two columns.
#[cfg(test)]
const HELP_WIDTH: usize = 36;
/// The width of a help text in the smallest layout.
const COMPACT_HELP_WIDTH: usize = 32;

/// The help at a width: one column, or two where there is room.
fn rows(view: &View, class: Class) -> Vec<Line<'static>> {
    let group = |context: Context| {
        let mut rows = vec![Line::from(Span::styled(context.title(), theme::BOLD))];
        rows.extend(view.keys.lines(context).iter().flat_map(|(keys, help, _)| key_rows(keys, help, class)));
        if context == Context::Input {
            rows.extend(key_rows("Right, Alt-F", "take the grey text, or a word of it", class));
            rows.extend(key_rows("Ctrl-A E K U W Y …", "as in emacs", class));
            rows.extend(key_rows("# and words", "a note to the assistants, not run", class));
        }
        rows.push(Line::default());
        rows
    };
    // The contexts of the moment come first.
    let here = view.contexts_below_help();
    let (now, others): (Vec<_>, Vec<_>) = Context::ALL.into_iter().partition(|context| here.contains(context));
    let parts = [now.into_iter().map(group).collect(), others.into_iter().map(group).chain([marks(class)]).collect()];
    let mut rows: Vec<Line<'static>> = parts
        .into_iter()
        .flat_map(|groups: Vec<_>| if class == Class::Wide { columns(groups) } else { groups.concat() })
        .collect();
    rows.push(Line::from(Span::styled("this session", theme::BOLD)));
    let info = &view.info;
    for (what, value) in [
        ("name", info.name.clone()),
        ("Python", format!("{}  {}", info.python_version, info.python.display())),
        ("folder", info.cwd.display().to_string()),
        ("process", info.pid.to_string()),
        ("clients", format!("fourhands bridge --session {}", info.name)),
    ] {
        rows.extend(key_rows(what, &text::name(&value), class));
    }
    rows
}

/// Keys, with their help text beside them, or below them in the smallest layout.
fn key_rows(keys: &str, help: &str, class: Class) -> Vec<Line<'static>> {
    if class == Class::Compact {
        let mut rows = vec![Line::from(Span::styled(format!("  {keys}"), theme::KEY))];
        rows.extend(text::fill(help, COMPACT_HELP_WIDTH).into_iter().map(|line| Line::from(format!("    {line}"))));
        return rows;
    }
    vec![Line::from(vec![Span::styled(format!("  {keys:<KEYS_WIDTH$}"), theme::KEY), Span::raw(format!(" {help}"))])]
}

fn marks(class: Class) -> Vec<Line<'static>> {
    let mut rows = vec![Line::from(Span::styled("marks", theme::BOLD))];
    for (glyph, meaning) in [
        ("✓ ✗", "ended well; by an error"),
        ("⠹ ◌", "running; waiting for its turn"),
        ("■ ⊘", "interrupted; never begun"),
        ("•", "touched by the last snippet"),
    ] {
        rows.extend(key_rows(glyph, meaning, class));
    }
    rows.push(Line::default());
    rows
}

/// Divides the groups into two columns of nearly equal length. No group is split.
fn columns(groups: Vec<Vec<Line<'static>>>) -> Vec<Line<'static>> {
    let half = groups.iter().map(Vec::len).sum::<usize>().div_ceil(2);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for group in groups {
        let fits = right.is_empty() && left.len() + group.len() / 2 <= half;
        if fits { &mut left } else { &mut right }.extend(group);
    }
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| {
        let mut line: Line<'static> = left.next().unwrap_or_default();
        let gap = COLUMN_WIDTH.saturating_sub(line.width());
        line.spans.push(Span::raw(" ".repeat(gap)));
        line.spans.extend(right.next().unwrap_or_default().spans);
        line
    };
    (0..rows).map(row).collect()
}

/// The area of the help, including its border.
fn area(layout: &Layout, rows: usize) -> Rect {
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.bottom() };
    let width = if layout.class == Class::Wide { 118.min(screen.width) } else { 70.min(screen.width) };
    let height = (rows as u16 + 2).min(screen.height - 1);
    Rect { x: (screen.width - width) / 2, y: (screen.height - 1 - height) / 2, width, height }
}

/// The number of rows that do not fit.
pub fn hidden(view: &View, layout: &Layout) -> usize {
    let rows = rows(view, layout.class).len();
    rows.saturating_sub(usize::from(area(layout, rows).height) - 2)
}

pub fn draw(view: &View, layout: &Layout, scroll: usize, buffer: &mut Buffer) {
    let rows = rows(view, layout.class);
    let area = area(layout, rows.len());
    Clear.render(area, buffer);
    frame(area, " help ", buffer);
    let inside = usize::from(area.height - 2);
    for (line, y) in rows.iter().skip(scroll).zip(area.y + 1..area.bottom() - 1) {
        buffer.set_line(area.x + 2, y, line, area.width - 4);
    }
    if rows.len() > scroll + inside {
        let key = view.keys.hints(Context::Help, &[(&[Action::PageDown], "")], "");
        let more = format!(" {key}, {} more ", rows.len() - scroll - inside);
        put_right(buffer, area, area.right() - 2, area.bottom() - 1, &more, theme::DIM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::keymap::Keymap;

    #[test]
    fn what_keys_do_is_told_in_one_column() {
        for context in Context::ALL {
            for (keys, help, _) in Keymap::default().lines(context) {
                assert!(text::width(&keys) <= KEYS_WIDTH && text::width(help) <= HELP_WIDTH, "{keys}: {help}");
            }
        }
    }
}
