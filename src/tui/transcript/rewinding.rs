//! Going back to before a card: the key asks first and says what is taken back, and what is not.

use crate::domain::rewind::{brief, way, ways};
use crate::domain::{Entry, SnippetId};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::transcript::viewport::Anchor;
use crate::tui::view::View;

impl View {
    /// Asks whether to go back to before the selected card. Without one, selects the last card with a safe point before
    /// it.
    pub(in crate::tui) fn ask_to_rewind(&mut self) -> Option<Effect> {
        if self.viewport.selected.is_none()
            && let Some(last) = ways(&self.transcript).last()
        {
            return self.offer(Action::Rewind, "goes back to before {}", last.before);
        }
        let selected = self.viewport.selected;
        match self.selected_snippet().filter(|snippet| way(&self.transcript, *snippet).is_some()) {
            Some(_) if self.composer.pace.is_burst() => {
                self.notice = Some("too soon to go back; nothing was done".to_owned());
            }
            Some(_) => self.pending.rewind = selected,
            None => self.notice = Some(self.no_way_back()),
        }
        None
    }

    fn selected_snippet(&self) -> Option<SnippetId> {
        match self.transcript.entries().get(self.viewport.selected?)? {
            Entry::Snippet(snippet) => Some(snippet.id),
            _ => None,
        }
    }

    fn no_way_back(&self) -> String {
        let mut numbers: Vec<String> = ways(&self.transcript).iter().map(|way| way.before.to_string()).collect();
        numbers.dedup();
        match numbers.as_slice() {
            [] => "there is no safe point to go back to; %safepoint says why".to_owned(),
            _ => format!("there is no safe point right before it; there is one before {}", numbers.join(", ")),
        }
    }

    /// Goes back to before a card, after the question.
    pub(in crate::tui) fn rewind(&mut self) -> Option<Effect> {
        let before = self.selected_snippet()?;
        self.viewport.selected = None;
        self.end_search();
        self.viewport.anchor = Anchor::Follow;
        Some(Effect::Submit(format!("%rewind {before}").into()))
    }

    /// The question, as the status row shows it: the whole text, and a shorter one.
    pub(in crate::tui) fn rewind_question(&self) -> Option<[String; 2]> {
        self.pending.rewind?;
        let before = self.selected_snippet()?;
        let key = self.keys.key_in(Context::Card, Action::Rewind).map(|key| key.to_string()).unwrap_or_default();
        let [question, stays] = brief(&self.transcript, before);
        let question = format!("{key} again: {question}");
        Some([format!("{question}{stays} · any other key: cancel"), format!("{question} · any other key: cancel")])
    }
}
