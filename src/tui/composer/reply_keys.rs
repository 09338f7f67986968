//! Keys while code or a client asks: the answer, the way between answer and input, and the question's rows.

use crossterm::event::KeyEvent;

use super::editor::{PastInputs, RecallOutcome};
use super::reply::Asks;
use crate::domain::{InputAnswer, Timestamp, Transcript};
use crate::tui::composer::completion::Trigger;
use crate::tui::composer::draw_reply;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;

impl View {
    /// Handles Esc where it has nothing to close: turns to the question in front, or back to the input. Returns whether
    /// there was a question.
    pub fn turn_to_question(&mut self, now: Timestamp) -> bool {
        let is_open = self.composer.open_reply(now).is_some();
        let is_free = self.layers.is_empty()
            && self.viewport.selected.is_none()
            && self.composer.completion.popup.is_none()
            && (is_open || !self.is_vi_busy())
            && self.lookup.find.is_none()
            && self.lookup.filter.is_none();
        let Some(reply) = self.composer.replies.current().filter(|_| is_free) else { return false };
        if reply.is_late {
            self.composer.replies.take(!self.composer.editor.is_empty());
        } else {
            self.composer.replies.turn(!is_open);
        }
        true
    }

    /// Handles a key that goes to the input while something may be asked. Returns whether the key had no other effect.
    pub fn shield_input(&mut self, action: Option<Action>, now: Timestamp) -> bool {
        let acts = action.is_some_and(|action| action.is_of(Context::Input) || action == Action::QuitOrDelete);
        let composer = &mut self.composer;
        if acts && composer.is_shielded(now) {
            composer.swallowed(now);
            return true;
        }
        if action == Some(Action::Enter) && composer.take_doubt() {
            let (enter, back) = (self.keys.key_hint(Action::Enter), self.keys.key_hint(Action::Back));
            self.notice = Some(match self.composer.replies.current() {
                Some(reply) => {
                    format!("{enter} again runs this as Python; {back} turns to {}", reply.asks.by().name())
                }
                None => format!("the question is gone; {enter} again runs this as Python"),
            });
            return true;
        }
        if action.is_none_or(|action| action.is_of(Context::Input)) {
            composer.before_writing(now);
        }
        false
    }

    /// Handles keys while a reply has them.
    pub fn reply(&mut self, action: Option<Action>, key: KeyEvent, confirmed: bool, now: Timestamp) -> Option<Effect> {
        if self.complete_command(action, key) {
            return None;
        }
        let effect = self.reply_key(action, key, confirmed, now);
        if self.composer.completion.at_debugger {
            let (completion, editor) = self.composer.assisted();
            completion.follow(editor);
        }
        effect
    }

    /// Completes a command of the debugger. Returns whether the key was for that.
    fn complete_command(&mut self, action: Option<Action>, key: KeyEvent) -> bool {
        if !self.composer.completion.at_debugger {
            return false;
        }
        if self.composer.completion.popup.is_some() && self.on_popup(action, key) {
            return true;
        }
        if !matches!(action, Some(Action::Tab | Action::Complete)) {
            return false;
        }
        let (completion, editor) = self.composer.assisted();
        completion.complete(editor, Trigger::Key);
        true
    }

    fn reply_key(&mut self, action: Option<Action>, key: KeyEvent, confirmed: bool, now: Timestamp) -> Option<Effect> {
        let reply = self.composer.replies.current_mut()?;
        match action {
            Some(Action::Enter | Action::QuitOrDelete) if action == Some(Action::Enter) || reply.editor.is_empty() => {
                let is_own = reply.is_own();
                let effect = if action == Some(Action::Enter) { self.send_reply() } else { self.decline() };
                if effect.is_some() && !is_own {
                    // The next question of a client must not get the same key, which may be held down.
                    self.composer.pace.spend(key, now);
                }
                return effect;
            }
            Some(Action::HistoryBack | Action::HistoryForward) => {
                let back = action == Some(Action::HistoryBack);
                self.recall_or_choose(back, key);
            }
            None | Some(Action::QuitOrDelete) => {
                reply.choice = None;
                reply.editor.key(key);
            }
            Some(Action::Undo) => reply.editor.undo(),
            Some(Action::Redo) => reply.editor.redo(),
            Some(Action::PageUp) if self.scroll_question(-1, true) => {}
            Some(Action::PageDown) if self.scroll_question(1, true) => {}
            Some(Action::LineUp) if self.scroll_question(-1, false) => {}
            Some(Action::LineDown) if self.scroll_question(1, false) => {}
            Some(action) if action.is_of(Context::Input) => {}
            Some(action) => return self.act(action, key, confirmed, now),
        }
        None
    }

    /// Sends what is written, or chosen. A burst of keys answers nothing.
    fn send_reply(&mut self) -> Option<Effect> {
        let is_burst = self.composer.pace.is_burst();
        let reply = self.composer.replies.current()?;
        let line = reply.line();
        let is_blank = line.trim().is_empty();
        let choice = reply.pointed().and_then(|index| reply.inquiry()?.choices.get(index).cloned());
        if is_blank && choice.is_none() && reply.inquiry().is_some() {
            return None;
        }
        if is_burst {
            self.notice = Some(format!("{} again sends the answer", self.keys.key_hint(Action::Enter)));
            return None;
        }
        if reply.is_late {
            return self.send_late();
        }
        let effect = match &reply.asks {
            Asks::Code { snippet, request, .. } => {
                let effect =
                    Effect::Answer { snippet: *snippet, number: request.number, answer: InputAnswer::Line(line) };
                self.remember_answer();
                effect
            }
            Asks::Client(inquiry) => {
                let Some(text) = choice.or_else(|| inquiry.meant(&line)) else {
                    self.notice = Some(inquiry.numbers());
                    return None;
                };
                Effect::Reply { inquiry: inquiry.number, text: Some(text) }
            }
        };
        self.end_reply();
        Some(effect)
    }

    /// Ends the input of code, or declines to answer a client.
    fn decline(&mut self) -> Option<Effect> {
        if self.composer.pace.is_burst() {
            return None;
        }
        let reply = self.composer.replies.current()?;
        let effect = match &reply.asks {
            _ if reply.is_late => None,
            Asks::Code { snippet, request, .. } => {
                Some(Effect::Answer { snippet: *snippet, number: request.number, answer: InputAnswer::Eof })
            }
            Asks::Client(inquiry) => Some(Effect::Reply { inquiry: inquiry.number, text: None }),
        };
        self.end_reply();
        effect
    }

    /// Gives an answer that came too late to the clients as a note.
    fn send_late(&mut self) -> Option<Effect> {
        let reply = self.composer.replies.take(!self.composer.editor.is_empty())?;
        let Asks::Client(inquiry) = &reply.asks else {
            self.notice = Some("not sent: nobody waits for this line any more".to_owned());
            return None;
        };
        let text = inquiry.meant(&reply.line()).unwrap_or_else(|| reply.line().into());
        let question = inquiry.text.lines().next().unwrap_or_default();
        Some(Effect::Note(format!("late answer to {} (\"{question}\"): {text}", inquiry.by.name()).into()))
    }

    fn end_reply(&mut self) {
        let reply = self.composer.replies.take(!self.composer.editor.is_empty());
        if let Some(Asks::Code { snippet, .. }) = reply.map(|reply| reply.asks) {
            self.composer.last_answered = Some(snippet);
        }
        self.composer.completion.close();
    }

    fn recall_or_choose(&mut self, back: bool, key: KeyEvent) {
        let Some(reply) = self.composer.replies.current_mut() else { return };
        let Some(inquiry) = reply.inquiry() else { return self.recall_answer(back, key) };
        let count = inquiry.choices.len();
        let typed = reply.line();
        // A number is the other way to point to a choice, and gives way to the arrows.
        if count == 0 || !(typed.is_empty() || typed.trim().parse::<usize>().is_ok()) {
            return reply.editor.key(key);
        }
        let pointed = reply.pointed();
        reply.editor.clear();
        reply.choice = Some(match (pointed, back) {
            (None, true) => count - 1,
            (None, false) => 0,
            (Some(choice), true) => choice.checked_sub(1).unwrap_or(count - 1),
            (Some(choice), false) => (choice + 1) % count,
        });
        self.show_choice();
    }

    /// Points to the choice in a row of the question, as the arrows do. A click takes none.
    pub fn point_at_choice(&mut self, row: u16) {
        let Some((rows, height)) = self.question_size() else { return };
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let Some(reply) = self.composer.replies.current_mut().filter(|reply| reply.editor.is_empty()) else { return };
        let hidden = rows.saturating_sub(height);
        let index = hidden - reply.scrolled.min(hidden) + usize::from(row);
        let shown = draw_reply::rows(reply, layout.editor_text().width);
        if let Some((_, Some(choice))) = shown.get(index) {
            reply.choice = Some(*choice);
        }
    }

    /// Scrolls the question by rows or pages. Returns `false` if all of it is shown.
    pub fn scroll_question(&mut self, by: isize, pages: bool) -> bool {
        let Some((rows, height)) = self.question_size().filter(|(rows, height)| rows > height) else { return false };
        let by = if pages { by * (height as isize - 2).max(1) } else { by };
        if let Some(reply) = self.composer.replies.current_mut() {
            reply.scrolled = reply.scrolled.saturating_add_signed(-by).min(rows - height);
        }
        true
    }

    /// Scrolls the question to the choice that the arrows point to.
    fn show_choice(&mut self) {
        let Some((rows, height)) = self.question_size().filter(|(rows, height)| rows > height) else { return };
        let width = self.frame.as_ref().and_then(|frame| frame.layout).map_or(0, |layout| layout.editor_text().width);
        let Some(reply) = self.composer.replies.current_mut() else { return };
        let Some(range) = draw_reply::choice_rows(reply, width) else { return };
        // The first and the last row may be marks of what is hidden.
        let first_shown = (rows - height - reply.scrolled.min(rows - height)).min(range.start.saturating_sub(1));
        let first_shown = first_shown.max((range.end + 1).saturating_sub(height)).min(rows - height);
        reply.scrolled = rows - height - first_shown;
    }

    /// The rows of the question, and how many of them are on the screen.
    fn question_size(&self) -> Option<(usize, usize)> {
        let layout = self.frame.as_ref()?.layout?;
        let reply = self.composer.shown_reply()?;
        Some((draw_reply::rows(reply, layout.editor_text().width).len(), layout.question.height.into()))
    }

    /// Keeps the answer that is about to be sent, unless it is hidden.
    fn remember_answer(&mut self) {
        let Some(reply) = self.composer.replies.current() else { return };
        if let Asks::Code { request, .. } = &reply.asks
            && !request.hidden
        {
            self.composer.answers.add(&request.prompt, &reply.line());
        }
    }

    /// Shows an earlier or a later answer to the same prompt.
    fn recall_answer(&mut self, back: bool, key: KeyEvent) {
        let Some(reply) = self.composer.replies.current_mut() else { return };
        let Asks::Code { request, .. } = &reply.asks else { return };
        let given = if request.hidden { Vec::new() } else { self.composer.answers.to(&request.prompt) };
        let none = Transcript::default();
        let inputs = PastInputs { transcript: &none, older: &given };
        if back {
            if reply.editor.history_back(inputs) == RecallOutcome::NotHere {
                reply.editor.key(key);
            }
        } else if !reply.editor.history_forward(inputs) {
            reply.editor.key(key);
        }
    }
}
