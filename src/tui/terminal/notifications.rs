//! Signs outside of the screen: the title, the progress in the tab, and a notice while the person looks elsewhere.

use std::time::Duration;

use super::osc::Progress;
use crate::domain::{Event, Snippet, Timestamp, units};
use crate::tui::text;
use crate::tui::view::View;

/// Shorter runs do not show in title and tab; in milliseconds.
const SIGN_DELAY: Timestamp = 500;
/// Runs of at least this duration send a notice at their end.
const MIN_NOTICE_DURATION: Duration = Duration::from_secs(10);
/// The most cells of a title and of a notice.
const MAX_TITLE_WIDTH: usize = 60;
const MAX_NOTICE_WIDTH: usize = 120;

/// The title of the terminal: who waits for the person, the running snippet, and the session.
pub fn title(view: &View, now: Timestamp) -> String {
    let name = text::name(&view.info.name);
    let state = if let Some(asks) = asks(view) {
        format!("? {asks} · ")
    } else if let Some(running) = view.transcript.running().filter(|_| is_at_work(view, now)) {
        format!("▶ {} {} · ", running.id, text::name(running.author.name()))
    } else {
        String::new()
    };
    text::cut(&format!("{state}{name} · fourhands"), MAX_TITLE_WIDTH).into_owned()
}

pub fn progress(view: &View, now: Timestamp) -> Progress {
    match (is_at_work(view, now), asks(view)) {
        (_, Some(_)) => Progress::Waiting,
        (true, None) => Progress::Working,
        (false, None) => Progress::None,
    }
}

fn is_at_work(view: &View, now: Timestamp) -> bool {
    let since = view.transcript.running().and_then(|running| running.started_at);
    since.is_some_and(|since| now.saturating_sub(since) >= SIGN_DELAY)
}

/// Who waits for an answer.
fn asks(view: &View) -> Option<String> {
    if let Some(running) = view.transcript.running().filter(|running| running.input.is_some()) {
        return Some(format!("{} wants input", running.id));
    }
    if let Some((snippet, risk)) = view.transcript.risks().next() {
        return Some(format!("{snippet} wants to {}", text::name(&risk.phrase())));
    }
    let is_asked = |snippet: &&Snippet| snippet.review.as_ref().is_some_and(|review| !review.is_held);
    if let Some(pending) = view.transcript.pending().find(is_asked) {
        return Some(format!("{} asks to run {}", text::name(pending.author.name()), pending.id));
    }
    let inquiry = view.transcript.inquiries().first()?;
    Some(format!("{} asks", text::name(inquiry.by.name())))
}

/// The notice of an event for a person who looks elsewhere. `view` is the view before the event.
pub fn notice(event: &Event, view: &View) -> Option<String> {
    if view.mouse.focused {
        return None;
    }
    let gate = view.transcript.gate();
    let author = match event {
        Event::Finished { snippet, .. }
        | Event::InputRequested { snippet, .. }
        | Event::Review { snippet, .. }
        | Event::RiskAsked { snippet, .. } => view.transcript.snippet(*snippet).map(|snippet| &snippet.author),
        Event::Inquired(inquiry) => Some(&inquiry.by),
        _ => None,
    };
    if author.is_some_and(|author| gate.is_muted(author)) {
        return None;
    }
    let notice = match event {
        Event::Finished { snippet, outcome, .. } if outcome.elapsed >= MIN_NOTICE_DURATION => {
            let author = view.transcript.snippet(*snippet).map_or("", |snippet| snippet.author.name());
            format!("{snippet} {author}: {} after {}", outcome.status.word(), units::duration(outcome.elapsed))
        }
        Event::InputRequested { snippet, request } => format!("{snippet} wants input: {}", request.prompt),
        Event::Review { snippet, review, .. } if review.decision.is_none() && !review.is_held => {
            let author = view.transcript.snippet(*snippet).map_or("", |snippet| snippet.author.name());
            format!("{author} asks to run {snippet}")
        }
        Event::RiskAsked { snippet, request } => format!("{snippet} wants to {}", request.phrase()),
        Event::Inquired(inquiry) => format!("{} asks: {}", inquiry.by.name(), inquiry.text),
        _ => return None,
    };
    Some(text::cut(&text::name(&notice), MAX_NOTICE_WIDTH).into_owned())
}
