//! The drawing of the dock: who waits, the code, what the code would touch, and the keys that decide.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::dock::Purpose;
use super::touched;
use crate::domain::{RiskRequest, Snippet, Timestamp, units};
use crate::tui::draw::canvas::{elapsed, put, rule};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Cells of a row that the code does not get: the margins and the bar.
const BESIDE_CODE: u16 = 5;
/// Rows of what the code would touch.
const MAX_TOUCHED_ROWS: usize = 3;
const MAX_TOUCHED_ROWS_WITHOUT_KEYS: usize = 2;
/// Rows of what the code is about to do, while the person decides.
const MAX_RISK_ROWS: usize = 6;

/// The width of the code on a screen of `width`.
pub fn code_width(width: u16) -> u16 {
    width.saturating_sub(BESIDE_CODE)
}

/// The rows that the dock needs: the rule, the code, what it touches, the keys. Code that is only held has one row.
pub fn needed_rows(view: &View, width: u16) -> usize {
    let Some(snippet) = front(view) else { return 0 };
    if is_only_held(view, snippet) {
        return 1;
    }
    1 + view.dock.rows().len() + touched_rows(view, snippet, width).len() + usize::from(view.is_reviewing())
}

fn front(view: &View) -> Option<&Snippet> {
    view.transcript.snippet(view.dock.front()?)
}

fn is_only_held(view: &View, snippet: &Snippet) -> bool {
    !view.is_reviewing() && snippet.is_pending() && snippet.review.as_ref().is_some_and(|review| review.is_held)
}

fn touched_rows(view: &View, snippet: &Snippet, width: u16) -> Vec<Line<'static>> {
    if let Some(risk) = view.dock.risk() {
        return risk_rows(view, snippet, risk, width);
    }
    let Some(footprint) = view.dock.footprint() else { return Vec::new() };
    let phrases = touched::phrases(&view.transcript, snippet, footprint);
    if phrases.is_empty() {
        return Vec::new();
    }
    let line = format!("at a glance: {}", phrases.join(" · "));
    let mut rows = text::wrap_words([(line.as_str(), theme::DIM)], code_width(width).into(), 2);
    rows.truncate(if view.is_reviewing() { MAX_TOUCHED_ROWS } else { MAX_TOUCHED_ROWS_WITHOUT_KEYS });
    rows
}

/// What the code is about to do, where the title has no room for all of that: nobody decides about half a path.
fn risk_rows(view: &View, snippet: &Snippet, risk: &RiskRequest, width: u16) -> Vec<Line<'static>> {
    let right = format!(" {}00:00 · {} ", more(view), head_key(view));
    if text::width(&risk_title(snippet, risk)) + text::width(&right) + 4 <= usize::from(width) {
        return Vec::new();
    }
    let line = format!("about to {}", text::name(&risk.phrase()));
    let mut rows = text::wrap_words([(line.as_str(), theme::NOTICE)], code_width(width).into(), 2);
    rows.truncate(if view.is_reviewing() { MAX_RISK_ROWS } else { MAX_TOUCHED_ROWS });
    rows
}

fn risk_title(snippet: &Snippet, risk: &RiskRequest) -> String {
    let line = risk.line.map(|line| format!("line {line}, ")).unwrap_or_default();
    format!(" {} {}, {line}is about to {} ", snippet.id, text::name(snippet.author.name()), text::name(&risk.phrase()))
}

pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) {
    let area = layout.dock;
    let Some(snippet) = front(view).filter(|_| area.height > 0) else { return };
    head(view, snippet, area, now, buffer);
    if is_only_held(view, snippet) {
        return;
    }
    let has_keys = view.is_reviewing();
    let mut rows = area.height - 1;
    if has_keys && rows > 0 {
        rows -= 1;
        let row = Rect { y: area.bottom() - 1, height: 1, ..area };
        put(buffer, row, area.x + layout.margin + 2, row.y, &keys_row(view, snippet, area.width, now), theme::KEY);
    }
    let code = view.dock.rows();
    let mut touched = touched_rows(view, snippet, area.width);
    // The code comes first where room is short, but for a row or two of what it is about to do.
    let least = if view.dock.risk().is_some() { rows.saturating_sub(1) } else { rows / 3 };
    touched.truncate(usize::from(rows).saturating_sub(code.len()).max(usize::from(least)));
    let height = usize::from(rows) - touched.len();
    let above = view.dock.scroll.min(code.len().saturating_sub(height));
    let below = code.len().saturating_sub(above + height);
    let left = area.x + layout.margin;
    let room = Rect { x: left + 2, width: area.width.saturating_sub(layout.margin + 2), ..area };
    for (index, y) in (area.y + 1..area.bottom()).take(height).enumerate() {
        let Some(row) = code.get(above + index) else { break };
        if view.dock.risky_row() == Some(above + index) {
            put(buffer, area, left, y, "›", theme::NOTICE);
        } else {
            put(buffer, area, left, y, "▎", view.author_style(&snippet.author));
        }
        let mark = match index {
            0 if above > 0 => Some(('▴', above + 1, "above", Action::PageUp)),
            _ if index + 1 == height && below > 0 => Some(('▾', below + 1, "below", Action::PageDown)),
            _ => None,
        };
        match mark {
            Some((sign, count, side, action)) => {
                let key = if has_keys { action } else { Action::Review };
                let key = view.keys.key_in(Context::Review, key).map(|key| key.to_string()).unwrap_or_default();
                let line = format!("{sign} {} {side}, {key}", units::count(count, "line"));
                put(buffer, room, room.x, y, &line, theme::NOTICE);
            }
            None => drop(buffer.set_line(room.x, y, row, room.width)),
        }
    }
    let top = area.y + 1 + height.min(code.len()) as u16;
    for (line, y) in touched.iter().zip(top..) {
        buffer.set_line(room.x, y, line, room.width);
    }
}

/// The rule with the author, the title, and how long the code waits.
fn head(view: &View, snippet: &Snippet, area: Rect, now: Timestamp, buffer: &mut Buffer) {
    let review = snippet.review.as_deref();
    let name = text::name(snippet.author.name());
    let what = match (snippet.is_pending(), review.is_some_and(|review| review.is_held)) {
        (false, _) => "no longer waits",
        (true, true) => "is held",
        (true, false) => "asks to run this",
    };
    let has_left = matches!(&snippet.author, crate::domain::Author::Client { id, .. }
        if !view.transcript.clients().iter().any(|client| client.id == *id));
    let gone = if has_left { ", and has left" } else { "" };
    let title = snippet.title.as_ref().map(|title| format!(": {}", text::name(title))).unwrap_or_default();
    let left = match view.dock.risk() {
        Some(risk) => risk_title(snippet, risk),
        None => format!(" {} {name} {what}{gone}{title} ", snippet.id),
    };
    let since = view.dock.risk().map(|risk| risk.at).or(review.map(|review| review.at));
    let clock = units::clock(elapsed(since.unwrap_or(now), now));
    let right = format!(" {}{clock} · {} ", more(view), head_key(view));
    let style = if view.is_reviewing() { theme::FOCUS } else { theme::DIM };
    let room = usize::from(area.width).saturating_sub(text::width(&right) + 4);
    rule(buffer, area, &[(&text::cut(&left, room), theme::NOTICE)], &[(&right, theme::DIM)], style);
}

/// Which of those that wait is shown, if more than one does.
fn more(view: &View) -> String {
    let waiting = view.waiting_count();
    match view.dock.place(&view.transcript) {
        _ if waiting < 2 => String::new(),
        Some(place) => format!("{place} of {waiting} · "),
        None => format!("{waiting} wait · "),
    }
}

/// The key that goes to the dock, or away from it.
fn head_key(view: &View) -> String {
    if !view.is_reviewing() {
        return format!("{} to decide", view.keys.key_hint(Action::Review));
    }
    let back = view.keys.key_in(Context::Review, Action::Back).map(|key| key.to_string()).unwrap_or_default();
    format!("{back} later")
}

/// The keys that decide, as many as there is room for, once they do.
fn keys_row(view: &View, snippet: &Snippet, width: u16, now: Timestamp) -> String {
    if !snippet.is_pending() && view.dock.risk().is_none() {
        return String::new();
    }
    if !view.dock.may_decide(now) {
        return "a moment …".to_owned();
    }
    let always = format!("always {}", text::name(snippet.author.name()));
    if let Some(risk) = view.dock.risk() {
        let always = format!("always {}: {}", text::name(snippet.author.name()), risk.kind.name());
        let mut keys: Vec<(&[_], &str)> = vec![
            (&[Action::ReviewRun], "allow"),
            (&[Action::ReviewReject], "deny"),
            (&[Action::ReviewSnippet], "allow in this snippet"),
            (&[Action::ReviewDeny], "deny in this snippet"),
            (&[Action::ReviewAlwaysClient], &always),
        ];
        if view.waiting_count() > 1 {
            keys.insert(2, (&[Action::ReviewNext], "next"));
        }
        return fitting(view, &keys, width);
    }
    let all: [(&[_], &str); 7] = [
        (&[Action::ReviewRun], "run"),
        (&[Action::ReviewEdit], "edit, then run"),
        (&[Action::ReviewReject], "reject"),
        (&[Action::ReviewAlwaysClient], &always),
        (&[Action::ReviewAlwaysCode], "always this code"),
        (&[Action::Gate], "gate"),
        (&[Action::ReviewNext], "next"),
    ];
    let is_gated = view.transcript.gate().mode_of(&snippet.author).waits();
    let keys: Vec<(&[_], &str)> = all
        .into_iter()
        .filter(|(actions, _)| match actions[0] {
            // Code that waits for a lock alone is allowed once, or this very code always.
            Action::ReviewAlwaysClient => is_gated,
            Action::ReviewNext => view.waiting_count() > 1,
            _ => true,
        })
        .collect();
    fitting(view, &keys, width)
}

/// As many of these hints as there is room for.
fn fitting(view: &View, hints: &[(&[Action], &str)], width: u16) -> String {
    let mut shown = hints.len();
    loop {
        let row = view.keys.hints(Context::Review, &hints[..shown], "   ");
        if text::width(&row) <= usize::from(code_width(width)) || shown == 1 {
            return row;
        }
        shown -= 1;
    }
}

/// What the rule above the input says while the person writes there about the code.
pub fn rule_text(view: &View) -> Option<String> {
    let writing = view.review_writing()?;
    let snippet = view.transcript.snippet(writing.snippet)?;
    let (enter, back) = (view.keys.key_hint(Action::Enter), view.keys.key_hint(Action::Back));
    let (does, done) = if writing.risk.is_some() { ("denies it", "denied") } else { ("rejects it", "rejected") };
    Some(match writing.purpose {
        _ if !view.is_waiting(writing.snippet, writing.risk) => {
            format!(" {} no longer waits ({back} drops this) ", snippet.id)
        }
        Purpose::Edit => format!(" your edit of {} ({enter} runs it, {back} back) ", snippet.id),
        Purpose::Reason | Purpose::ReasonForSnippet => {
            format!(" why {} is {done} ({enter} {does}, {back} back) ", snippet.id)
        }
    })
}

/// Where the cursor stands while the dock has the keys.
pub fn cursor(layout: &Layout) -> Option<Position> {
    let area = layout.dock;
    (area.height > 0).then(|| Position { x: area.x + layout.margin, y: area.y })
}
