//! The drawing of the help: all keys by context, in two columns where there is room, the marks, and the facts about the
//! session.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::frame::frame;
use super::help::{AnswerRecipient, Help};
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::search::draw::typed;
use crate::tui::view::View;
use crate::tui::{text, theme};

const KEYS_WIDTH: usize = 18;
const COLUMN_WIDTH: usize = 58;
/// The width of a help text in two columns.
#[cfg(test)]
const HELP_WIDTH: usize = 36;
/// The width of a help text in the smallest layout.
const COMPACT_HELP_WIDTH: usize = 32;

/// A heading, and rows of keys with their help texts.
type HelpGroup = (&'static str, Vec<(String, String)>);

/// All groups: the contexts of the moment, then the others, the marks and the session.
fn groups(view: &View, help: &Help) -> (Vec<HelpGroup>, Vec<HelpGroup>) {
    let group = |context: Context| {
        let lines = view.keys.lines(context).into_iter();
        let mut rows: Vec<_> = lines.map(|(keys, help, _)| (keys, help.to_owned())).collect();
        if context == Context::Input {
            let more = [
                ("Right, Alt-F", "accept the grey text, or a word of it"),
                ("Ctrl-A E K U W Y …", "as in emacs"),
                ("# and words", "a note to the assistants, not run"),
            ];
            rows.extend(more.map(|(keys, help)| (keys.to_owned(), help.to_owned())));
        }
        (context.title(), rows)
    };
    let here = view.contexts_below_help();
    let mut now: Vec<Context> = here.iter().copied().filter(|context| Context::ALL.contains(context)).collect();
    let others: Vec<Context> = Context::ALL.into_iter().filter(|context| !now.contains(context)).collect();
    // The keys that hold everywhere come after the keys of the place.
    now.sort_by_key(|context| *context == Context::Session);
    let others = others.into_iter().map(group).chain([marks()]).collect();
    (help.answering.map(|asker| answering(view, asker)).into_iter().chain(now.into_iter().map(group)).collect(), others)
}

/// The keys while the person answers.
fn answering(view: &View, recipient: AnswerRecipient) -> HelpGroup {
    let (title, end) = match recipient {
        AnswerRecipient::Client => ("answering a question", "decline"),
        AnswerRecipient::Code => ("answering a prompt", "end of input, if the line is empty"),
    };
    let meanings = [
        (Context::Input, Action::Enter, "answer"),
        (Context::Transcript, Action::Back, "answer later: to the input, and back"),
        (Context::Session, Action::QuitOrDelete, end),
    ];
    let rows = meanings
        .into_iter()
        .filter_map(|(context, action, what)| Some((view.keys.key_in(context, action)?.to_string(), what.to_owned())));
    let number = ("1, 2, 3 …".to_owned(), "the choice of that number".to_owned());
    (title, rows.chain((recipient == AnswerRecipient::Client).then_some(number)).collect())
}

/// The help at a width: one column, or two where there is room. A query leaves only the rows that have all its words.
fn rows(view: &View, help: &Help, class: SizeClass) -> Vec<Line<'static>> {
    let query = help.query.code().to_lowercase();
    let fits = |title: &str, (keys, what): &(String, String)| {
        let row = format!("{title} {keys} {what}").to_lowercase();
        query.split_whitespace().all(|word| row.contains(word))
    };
    let render = |(title, rows): HelpGroup| {
        let rows: Vec<_> = rows.iter().filter(|row| fits(title, row)).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Line::from(Span::styled(title, theme::BOLD))];
        lines.extend(rows.into_iter().flat_map(|(keys, what)| key_rows(keys, what, class)));
        lines.push(Line::default());
        lines
    };
    let (now, others) = groups(view, help);
    let mut lines = Vec::new();
    for groups in [now, others] {
        let groups: Vec<_> = groups.into_iter().map(render).collect();
        lines.extend(if class == SizeClass::Wide { columns(groups) } else { groups.concat() });
    }
    lines.extend(render(session(view)));
    lines.pop_if(|last| last.width() == 0);
    lines
}

fn session(view: &View) -> HelpGroup {
    let info = &view.info;
    let facts = [
        ("name", info.name.clone()),
        ("Python", format!("{}  {}", info.python_version, info.python.display())),
        ("folder", info.cwd.display().to_string()),
        ("process", info.pid.to_string()),
        ("clients", format!("fourhands bridge --session {}", info.name)),
    ];
    ("this session", facts.map(|(what, value)| (what.to_owned(), text::name(&value).into_owned())).to_vec())
}

/// Keys, with their help text beside them, or below them in the smallest layout.
fn key_rows(keys: &str, help: &str, class: SizeClass) -> Vec<Line<'static>> {
    if class == SizeClass::Compact {
        let mut rows = vec![Line::from(Span::styled(format!("  {keys}"), theme::KEY))];
        rows.extend(text::fill(help, COMPACT_HELP_WIDTH).into_iter().map(|line| Line::from(format!("    {line}"))));
        return rows;
    }
    vec![Line::from(vec![Span::styled(format!("  {keys:<KEYS_WIDTH$}"), theme::KEY), Span::raw(format!(" {help}"))])]
}

fn marks() -> HelpGroup {
    let marks = [
        ("✓ ✗", "succeeded; failed"),
        ("⠹ ◌", "running; waiting"),
        ("■ ⊘", "interrupted; never started"),
        ("•", "changed by the last snippet"),
    ];
    ("marks", marks.map(|(glyph, meaning)| (glyph.to_owned(), meaning.to_owned())).to_vec())
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
    let width = if layout.class == SizeClass::Wide { 118.min(screen.width) } else { 70.min(screen.width) };
    let height = (rows as u16 + 2).min(screen.height - 1);
    Rect { x: (screen.width - width) / 2, y: (screen.height - 1 - height) / 2, width, height }
}

/// The number of rows that do not fit.
pub fn hidden(view: &View, layout: &Layout) -> usize {
    let Some(help) = view.layers.help() else { return 0 };
    let rows = rows(view, help, layout.class).len();
    rows.saturating_sub(usize::from(box_area(view, layout).height) - 2)
}

/// The area of the help. It does not depend on the query, so that the box stays in place.
fn box_area(view: &View, layout: &Layout) -> Rect {
    let all = Help { answering: view.layers.help().and_then(|help| help.answering), ..Help::default() };
    area(layout, rows(view, &all, layout.class).len())
}

/// Draws the help. Returns the position of the cursor while the person types the query.
pub fn draw(view: &View, layout: &Layout, help: &Help, buffer: &mut Buffer) -> Option<Position> {
    let rows = rows(view, help, layout.class);
    let area = box_area(view, layout);
    Clear.render(area, buffer);
    frame(area, " help ", buffer);
    let inside = usize::from(area.height - 2);
    for (line, y) in rows.iter().skip(help.scroll).zip(area.y + 1..area.bottom() - 1) {
        buffer.set_line(area.x + 2, y, line, area.width - 4);
    }
    if rows.is_empty() {
        put(buffer, area, area.x + 4, area.y + 1, "no key or action like that", theme::DIM);
    }
    let bottom = area.bottom() - 1;
    let last = rows.len().min(help.scroll + inside);
    let place =
        if rows.len() > inside { format!(" {}–{last} of {} ", help.scroll + 1, rows.len()) } else { String::new() };
    let end = put_right(buffer, area, area.right() - 2, bottom, &place, theme::DIM);
    let (page, search, back): (&[_], &[_], &[_]) = (&[Action::PageDown], &[Action::Search], &[Action::Back]);
    let hints = match (layout.class, rows.len() > last) {
        (SizeClass::Compact, _) => &[(search, ""), (back, "")][..],
        (_, true) => &[(page, "more"), (search, "search"), (back, "close")],
        (_, false) => &[(search, "search"), (back, "close")],
    };
    let hints = format!(" {} ", view.keys.hints(Context::Help, hints, "   "));
    let left = Rect { width: end.saturating_sub(area.x), ..area };
    put(buffer, left, area.x + 2, bottom, &hints, theme::DIM);
    query(help, area, buffer)
}

/// Draws the query in the upper border.
fn query(help: &Help, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if !help.is_typing && help.query.is_empty() {
        return None;
    }
    let room = Rect { width: area.width.saturating_sub(3), ..area };
    let x = put(buffer, room, area.x + 9, area.y, " / ", theme::FOCUS);
    let line = Rect { x, y: area.y, width: room.right().saturating_sub(x + 1), height: 1 };
    let written = help.query.code();
    let cursor = typed(&written, help.query.cursor().1, line, buffer);
    let end = x + (text::width(&text::name(&written)) as u16).min(line.width);
    put(buffer, room, end, area.y, " ", theme::PLAIN);
    help.is_typing.then_some(cursor)
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
