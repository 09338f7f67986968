//! The rows of a card with the person's decisions about its snippet.

use super::card::{Card, CardLayout};
use crate::domain::Snippet;
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
}
