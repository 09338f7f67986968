//! Keys at the dock: deciding about code that waits, editing it first, and writing why it is rejected.

use crossterm::event::KeyEvent;

use super::dock::{Purpose, Writing};
use crate::domain::{RiskVerdict, Snippet, SnippetId, Timestamp, Verdict};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context, WRITING};
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// Whether the dock has the keys, or a layer above it.
    pub fn is_reviewing(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Review))
    }

    /// Whether keys are shown that decide something, once they do.
    pub fn shows_keys_that_decide(&self) -> bool {
        self.is_reviewing() || matches!(self.layers.top(), Some(Layer::Clients(_)))
    }

    /// What the person writes at the dock, in the place of the input.
    pub fn review_writing(&self) -> Option<&Writing> {
        self.dock.writing.as_ref().filter(|_| self.is_reviewing())
    }

    /// Lets the dock follow the snippets that wait.
    pub(in crate::tui) fn follow_reviews(&mut self) {
        self.dock.follow(&self.transcript, self.is_reviewing(), self.composer.replies.clock);
        if self.dock.front().is_none() {
            self.layers.close(|layer| matches!(layer, Layer::Review));
        }
    }

    /// Turns to the code that waits.
    pub(in crate::tui) fn open_review(&mut self, now: Timestamp) {
        if self.dock.front().is_none() {
            let gate = self.keys.key_hint(Action::Gate);
            self.notice = Some(format!("no code waits for you; {gate} opens the gate"));
            return;
        }
        self.composer.completion.close();
        self.viewport.selected = None;
        self.dock.rest(now);
        self.layers.push(Layer::Review);
    }

    /// Handles keys while the dock has them.
    pub(in crate::tui) fn on_review(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        self.notice = None;
        if self.dock.writing.is_some() {
            return self.write_review(key, now);
        }
        let verdict = match self.keys.find(key, &[Context::Review, Context::Session]) {
            Some(Action::ReviewRun) => Verdict::Run(None),
            Some(Action::ReviewAlwaysClient) => Verdict::AlwaysRunClient,
            Some(Action::ReviewSnippet) if self.dock.risk().is_some() => {
                return self.decide_risk(RiskVerdict::AllowInSnippet, now);
            }
            Some(Action::ReviewDeny) if self.dock.risk().is_some() => {
                self.begin_review_writing(Purpose::ReasonForSnippet, now);
                return None;
            }
            Some(Action::ReviewEdit | Action::ReviewAlwaysCode) if self.dock.risk().is_some() => {
                self.dock.rest(now);
                return None;
            }
            Some(Action::ReviewAlwaysCode) => Verdict::AlwaysRunCode,
            Some(Action::ReviewEdit) => {
                self.begin_review_writing(Purpose::Edit, now);
                return None;
            }
            Some(Action::ReviewReject) => {
                self.begin_review_writing(Purpose::Reason, now);
                return None;
            }
            Some(action) => return self.move_in_review(action, key, now),
            None => {
                self.dock.rest(now);
                return None;
            }
        };
        match (&verdict, self.dock.risk()) {
            (_, None) => self.decide_review(verdict, now),
            (Verdict::AlwaysRunClient, Some(_)) => self.decide_risk(RiskVerdict::AlwaysAllow, now),
            (_, Some(_)) => self.decide_risk(RiskVerdict::Allow, now),
        }
    }

    fn decide_risk(&mut self, verdict: RiskVerdict, now: Timestamp) -> Option<Effect> {
        let number = self.dock.risk()?.number;
        if !self.may_decide(now) {
            return None;
        }
        self.dock.hold_back(now);
        Some(Effect::DecideRisk { number, verdict })
    }

    /// How much waits for the person.
    pub fn waiting_count(&self) -> usize {
        self.transcript.pending().count() + self.transcript.risks().count()
    }

    /// Whether a snippet waits for the person, with this risk if it runs already.
    pub fn is_waiting(&self, snippet: SnippetId, risk: Option<u32>) -> bool {
        match risk {
            Some(number) => self.transcript.risk(number).is_some(),
            None => self.transcript.snippet(snippet).is_some_and(Snippet::is_pending),
        }
    }

    fn move_in_review(&mut self, action: Action, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let page = self.frame.as_ref().and_then(|frame| frame.layout).map_or(1, |layout| layout.dock.height.max(4) - 3);
        let rows = self.dock.rows().len();
        let scroll = &mut self.dock.scroll;
        match action {
            Action::LineUp => *scroll = scroll.saturating_sub(1),
            Action::LineDown => *scroll = (*scroll + 1).min(rows),
            Action::PageUp => *scroll = scroll.saturating_sub(page.into()),
            Action::PageDown => *scroll = (*scroll + usize::from(page)).min(rows),
            Action::ReviewNext => self.dock.turn(&self.transcript, now),
            Action::Back | Action::Review => {
                self.layers.pop();
                self.follow_reviews();
            }
            Action::Gate => self.open_gate(now),
            Action::Suspend | Action::Redraw | Action::Mouse => return self.act(action, key, false, now),
            _ => self.dock.rest(now),
        }
        None
    }

    fn begin_review_writing(&mut self, purpose: Purpose, now: Timestamp) {
        if !self.may_decide(now) {
            return;
        }
        self.dock.begin_writing(&self.transcript, purpose);
        self.dock.rest(now);
    }

    /// Whether a key decides now. If not, the first moment begins again.
    fn may_decide(&mut self, now: Timestamp) -> bool {
        let may = self.dock.may_decide(now) && !self.composer.pace.is_burst();
        if !may {
            self.dock.rest(now);
            self.notice = Some("too soon to decide; nothing was done".to_owned());
        }
        may
    }

    fn decide_review(&mut self, verdict: Verdict, now: Timestamp) -> Option<Effect> {
        let snippet = self.dock.front()?;
        if !self.may_decide(now) {
            return None;
        }
        // A second press must not meet the next snippet.
        self.dock.hold_back(now);
        Some(Effect::Decide { snippet, verdict })
    }

    fn write_review(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &WRITING);
        let writing = self.dock.writing.as_ref()?;
        let (id, risk, purpose) = (writing.snippet, writing.risk, writing.purpose);
        match action {
            Some(Action::Back | Action::Review) => {
                self.leave_review_writing();
                return None;
            }
            Some(Action::Enter) if !self.is_waiting(id, risk) => {
                self.notice = Some(format!("{id} no longer waits for you; nothing was decided"));
                return None;
            }
            Some(Action::Enter) if !self.may_decide(now) => return None,
            _ => {}
        }
        let writing = self.dock.writing.as_mut()?;
        let verdict = match (action, purpose) {
            (Some(Action::Enter), Purpose::Reason | Purpose::ReasonForSnippet) => {
                let reason = writing.editor.code();
                Verdict::Reject(Some(reason.trim()).filter(|reason| !reason.is_empty()).map(Into::into))
            }
            (Some(Action::Enter), Purpose::Edit) => Verdict::Run(Some(writing.editor.enter()?)),
            (Some(Action::NewLine), Purpose::Edit) => {
                writing.editor.new_line();
                return None;
            }
            (Some(Action::Tab), Purpose::Edit) => {
                writing.editor.tab();
                return None;
            }
            (Some(Action::Undo), _) => {
                writing.editor.undo();
                return None;
            }
            (Some(Action::Redo), _) => {
                writing.editor.redo();
                return None;
            }
            (Some(Action::SelectAll), _) => {
                writing.editor.select_all();
                return None;
            }
            (Some(Action::CopySelection), _) => return writing.editor.copy().map(Effect::Copy),
            (Some(Action::CutSelection), _) => return writing.editor.cut().map(Effect::Copy),
            (None | Some(Action::HistoryBack | Action::HistoryForward | Action::QuitOrDelete), _) => {
                writing.editor.key(key);
                return None;
            }
            (Some(action @ (Action::Suspend | Action::Redraw | Action::Mouse)), _) => {
                return self.act(action, key, false, now);
            }
            _ => return None,
        };
        self.dock.writing = None;
        self.dock.hold_back(now);
        Some(match (risk, verdict) {
            (Some(number), Verdict::Reject(reason)) if purpose == Purpose::ReasonForSnippet => {
                Effect::DecideRisk { number, verdict: RiskVerdict::DenyInSnippet(reason) }
            }
            (Some(number), Verdict::Reject(reason)) => {
                Effect::DecideRisk { number, verdict: RiskVerdict::Deny(reason) }
            }
            (_, verdict) => Effect::Decide { snippet: id, verdict },
        })
    }

    /// Goes back from writing to deciding. The same key goes on with the text.
    pub(in crate::tui) fn leave_review_writing(&mut self) {
        self.dock.leave_writing();
        self.follow_reviews();
    }

    /// Pastes text into what is written at the dock. Pasted text decides nothing.
    pub(in crate::tui) fn paste_in_review(&mut self, text: &str, now: Timestamp) {
        match &mut self.dock.writing {
            Some(Writing { purpose: Purpose::Edit, editor, .. }) => editor.paste(text),
            Some(Writing { editor, .. }) => editor.paste_line(text),
            None => self.dock.rest(now),
        }
    }
}
