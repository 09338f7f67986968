//! The rows of a card with the person's decisions about its snippet, and with what it did beyond them.

use super::card::{Card, CardLayout, Row};
use super::lines::note;
use crate::domain::{Author, Outcome, Snippet, side_effects};
use crate::session::review_diff;
use crate::tui::{text, theme};

impl Card {
    /// What the person decided about the code.
    pub(super) fn decisions(&mut self, snippet: &Snippet, shape: CardLayout) {
        for risk in snippet.open_risks() {
            let line = risk.line.map(|line| format!("line {line} ")).unwrap_or_default();
            let line = format!("{line}waits for you: about to {}", text::name(&risk.phrase()));
            self.wrapped(&line, theme::NOTICE, shape);
        }
        for answered in snippet.answered_risks() {
            self.wrapped(&text::name(&answered.phrase()), theme::DIM, shape);
        }
        let Some(review) = &snippet.review else { return };
        if let Some(diff) = review_diff(snippet) {
            self.foldable = true;
            self.wrapped("you edited this before it ran", theme::NOTICE, shape);
            // Without the names of the two sides.
            for line in diff.lines().skip(2).filter(|_| shape.open) {
                self.wrapped(&text::name(line), theme::DIM, shape);
            }
        }
        if let Some(rejection) = review.rejection() {
            let by = if rejection.was_unattended { "the gate, without a dashboard" } else { "you" };
            let reason = rejection.reason.as_ref().map(|reason| format!(": {}", text::name(reason)));
            self.wrapped(&format!("rejected by {by}{}", reason.unwrap_or_default()), theme::NOTICE, shape);
        }
    }

    /// The effects on one line, or all of them if the card is open.
    pub(super) fn effects(&mut self, snippet: &Snippet, shape: CardLayout) {
        if snippet.effects.is_empty() {
            return;
        }
        self.foldable = true;
        if shape.open {
            for line in snippet.effects.lines().iter().map(String::as_str).chain([side_effects::LIMITS]) {
                self.wrapped(&text::name(line), theme::DIM, shape);
            }
        } else {
            let line = snippet.effects.phrases().join(" · ");
            self.rows.push(Row::Text(note(text::cut(&text::name(&line), shape.width.into()).into_owned())));
        }
    }

    /// What the snippet did to names: all of a client's on one quiet line, and what was locked or another author's.
    pub(super) fn names(&mut self, snippet: &Snippet, outcome: &Outcome, shape: CardLayout) {
        let (changes, is_client) = (&outcome.changes, !snippet.author.is_you());
        if is_client && !changes.locked.is_empty() {
            let names: Vec<_> = changes.locked.iter().map(|name| text::name(name)).collect();
            self.wrapped(&format!("rebound though locked: {}", names.join(", ")), theme::NOTICE, shape);
        }
        let clashes = changes.clash_phrases().into_iter().map(|(owner, phrase)| match owner {
            Author::You => format!("{phrase} of yours"),
            Author::Client { name, .. } => format!("{phrase} of {name}"),
        });
        let clashes: Vec<String> = clashes.collect();
        if !clashes.is_empty() {
            let style = if is_client { theme::NOTICE } else { theme::DIM };
            self.wrapped(&format!("clash: {}", text::name(&clashes.join(" · "))), style, shape);
        }
        if !is_client || changes.is_empty() {
            return;
        }
        let fates = changes.by_fate().into_iter();
        let line = fates.map(|(fate, names)| format!("{fate} {}", names.join(", "))).collect::<Vec<_>>().join(" · ");
        let line = text::name(&line);
        let width = usize::from(shape.width);
        if shape.open {
            self.wrapped(&line, theme::DIM, shape);
        } else {
            self.foldable |= text::width(&line) > width;
            self.rows.push(Row::Text(note(text::cut(&line, width).into_owned())));
        }
    }
}
