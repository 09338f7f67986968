//! The question in front: its rows above the line that answers it, and who asks, in the rule above both.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::reply::{Asks, Reply};
use crate::domain::units;
use crate::tui::draw::canvas::put;
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::Action;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Cells before a choice: the mark of the one that Enter takes.
const MARK: usize = 2;

/// A row of a question, and the choice that it belongs to.
type QuestionRow = (Line<'static>, Option<usize>);

/// All rows of what is asked at a width. A prompt of code stands in the rule, and here only if that cuts it.
pub fn rows(reply: &Reply, width: u16) -> Vec<QuestionRow> {
    let width = usize::from(width);
    let inquiry = match &reply.asks {
        Asks::Client(inquiry) => inquiry,
        Asks::Code { request, .. } if text::width(&reply.label()) + RULE_REST > width => {
            let rows = text::wrap_words([(&*text::name(&request.prompt), theme::PLAIN)], width, 0);
            return rows.into_iter().map(|row| (row, None)).collect();
        }
        Asks::Code { .. } => return Vec::new(),
    };
    let lines = inquiry.text.lines();
    let question = lines.flat_map(|line| text::wrap_words([(&*text::name(line), theme::PLAIN)], width, 0));
    let mut rows: Vec<QuestionRow> = question.map(|row| (row, None)).collect();
    let pointed = reply.pointed();
    for (index, choice) in inquiry.choices.iter().enumerate() {
        let is_pointed = pointed == Some(index);
        let (mark, style) = if is_pointed { ("› ", theme::SELECTED) } else { ("  ", theme::PLAIN) };
        let number = format!("{} ", index + 1);
        let pieces = [(number.as_str(), theme::KEY.patch(style)), (&*text::name(choice), style)];
        for (row, line) in text::wrap_words(pieces, width.saturating_sub(MARK), number.len()).into_iter().enumerate() {
            let mark = if row == 0 { mark } else { "  " };
            let spans = std::iter::once(Span::styled(mark, theme::FOCUS)).chain(line.spans);
            rows.push((spans.collect::<Vec<_>>().into(), Some(index)));
        }
    }
    rows
}

/// Cells of the rule beside the prompt.
const RULE_REST: usize = 24;

/// The rows of the choice that Enter would take.
pub fn choice_rows(reply: &Reply, width: u16) -> Option<Range<usize>> {
    let pointed = reply.pointed()?;
    let rows = rows(reply, width);
    let first = rows.iter().position(|(_, choice)| *choice == Some(pointed))?;
    let count = rows[first..].iter().take_while(|(_, choice)| *choice == Some(pointed)).count();
    Some(first..first + count)
}

/// Draws the rows of the question that are in sight, with marks for the others.
pub fn question(view: &View, layout: &Layout, buffer: &mut Buffer) {
    let Some(reply) = view.composer.shown_reply() else { return };
    let area = layout.question;
    let (rows, height) = (rows(reply, layout.editor_text().width), usize::from(area.height));
    if height == 0 {
        return;
    }
    let hidden = rows.len().saturating_sub(height);
    let below = reply.scrolled.min(hidden);
    let above = hidden - below;
    let key = |action| view.keys.key_hint(action);
    let mark = |sign: char, count: usize, where_to: &str, action| {
        Line::styled(format!("{sign} {} {where_to}, {}", units::count(count, "line"), key(action)), theme::NOTICE)
    };
    let room = layout.editor_text();
    for (index, y) in (area.y..area.bottom()).enumerate() {
        let Some((row, _)) = rows.get(above + index) else { break };
        // A mark takes the place of a row, which is hidden too.
        let line = match index {
            0 if above > 0 => mark('▴', above + 1, "above", Action::PageUp),
            _ if index + 1 == height && below > 0 => mark('▾', below + 1, "below", Action::PageDown),
            _ => row.clone(),
        };
        put(buffer, area, area.x + layout.margin, y, "▎", view.author_style(reply.asks.by()));
        buffer.set_line(room.x, y, &line, room.width);
    }
}

/// What the rule above the input says of the reply in front, in at most `room` cells.
pub fn rule_text(view: &View, room: usize) -> Option<String> {
    let reply = view.composer.replies.current()?;
    let label = text::name(&reply.label()).into_owned();
    let back = view.keys.key_hint(Action::Back);
    let is_shown = view.composer.shown_reply().is_some();
    let text = match (&reply.asks, is_shown) {
        _ if reply.is_late => {
            let drops = format!(" ({back} drops it) ");
            format!(" {}{drops}", text::cut(&label, room.saturating_sub(text::width(&drops) + 1)))
        }
        // The question is shown below.
        (Asks::Client(inquiry), true) => {
            let waiting = view.transcript.inquiries().len().saturating_sub(1);
            let more =
                if waiting > 0 { format!(", {} after it", units::count(waiting, "question")) } else { String::new() };
            format!(" {} asks you{more} ", text::name(inquiry.by.name()))
        }
        (Asks::Code { .. }, true) => format!(" {label} "),
        (_, false) => {
            let hint = format!(" ({back} to answer) ");
            format!(" {}{hint}", text::cut(&label, room.saturating_sub(text::width(&hint) + 1)))
        }
    };
    Some(text::cut(&text, room).into_owned())
}
