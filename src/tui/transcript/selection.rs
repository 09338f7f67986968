//! Actions on cards. Letters act on the selected card; without one, an action takes the last suitable card in sight.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::copy;
use super::copy::Piece;
use super::viewport::Anchor;
use crate::domain::{Entry, Snippet, SnippetId, Status, Timestamp};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Chord, Context};
use crate::tui::layers::Layer;
use crate::tui::pager::Pager;
use crate::tui::view::View;

/// The notice for code that memory has only in part.
const CODE_INCOMPLETE: &str = "only the beginning of its code is kept, and the session is not recorded";

impl View {
    /// Handles keys while a card is selected: the input gets no keys.
    pub fn on_card(&mut self, key: KeyEvent, confirmed: bool, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Card, Context::Transcript, Context::Session]);
        let asked_to_rewind = self.pending.rewind.take().is_some_and(|card| self.viewport.selected == Some(card));
        match action {
            Some(Action::Rewind | Action::Open) if asked_to_rewind => return self.rewind(),
            Some(Action::Back) if asked_to_rewind => return None,
            _ => {}
        }
        let asked_to_run = self.pending.run_again.take().filter(|card| self.viewport.selected == Some(*card));
        match (action, asked_to_run) {
            (Some(Action::RunAgain | Action::Open), Some(card)) => self.run_again(card),
            (Some(Action::Back), Some(_)) => None,
            (Some(Action::Open), None) if self.only_unfolds() => {
                self.fold();
                None
            }
            (Some(Action::Open), None) => self.open_selected(),
            (Some(Action::QuitOrDelete), _) if !self.composer.editor.is_empty() => None,
            (Some(action), _) => self.act(action, key, confirmed, now),
            (None, _) => {
                if Chord::from(key).is_text() {
                    let back = self.keys.key_hint(Action::Back);
                    self.notice = Some(format!("no action on {key}; {back}: to the input", key = key.code));
                }
                None
            }
        }
    }

    /// Returns whether the selected card has nothing to open but a traceback or effects, which unfold in the card.
    pub fn only_unfolds(&self) -> bool {
        let entry = self.viewport.selected.and_then(|card| self.transcript.entries().get(card));
        let Some((entry, snippet)) = entry.and_then(|entry| Some((entry, snippet(entry)?))) else { return false };
        let has_effects = !snippet.effects.is_empty() && !copy::has(entry, Piece::Output);
        snippet.output.is_empty() && (copy::has(entry, Piece::Traceback) || has_effects)
    }

    /// Actions on cards; `None` for any other action.
    pub fn act_on_card(&mut self, action: Action) -> Option<Option<Effect>> {
        Some(match action {
            Action::ColumnsLeft | Action::ColumnsRight => {
                if let Some(card) = self.viewport.selected {
                    self.scroll_columns(card, action == Action::ColumnsRight);
                }
                None
            }
            Action::CopyCode => self.copy(Piece::Code),
            Action::CopyOutput => self.copy(Piece::Output),
            Action::CopyValue => self.copy(Piece::Value),
            Action::CopyTraceback => self.copy(Piece::Traceback),
            Action::RunAgain => {
                let card = self.meant(|entry| snippet(entry).is_some());
                self.viewport.selected = card;
                self.pending.run_again = card;
                None
            }
            Action::EditAgain => {
                self.edit_again();
                None
            }
            Action::Cancel => self.cancel_queued(),
            Action::MoveToFront => self.move_to_front(),
            Action::PutBack => self.put_back_of_card(),
            Action::Rewind => self.ask_to_rewind(),
            Action::Private => self.toggle_private_card(),
            Action::Received => {
                self.show_received();
                None
            }
            Action::SaveOutput => {
                match self.meant(|entry| copy::has(entry, Piece::Output)) {
                    Some(card) => self.open_save(card),
                    None => self.notice = Some("there is no output to save".to_owned()),
                }
                None
            }
            Action::PreviousError | Action::NextError => {
                self.go_to_error(action == Action::NextError);
                None
            }
            Action::GoToRunning => {
                match self.transcript.running().and_then(|running| self.transcript.position(running.id)) {
                    Some(card) => self.go_to(card),
                    None => self.notice = Some("nothing is running".to_owned()),
                }
                None
            }
            _ => return None,
        })
    }

    /// Returns whether an action of cards has a card to act on while none is selected.
    pub fn has_card_for(&self, action: Action) -> bool {
        let has = |piece| self.meant(|entry| copy::has(entry, piece)).is_some();
        match action {
            Action::CopyCode => has(Piece::Code),
            Action::CopyOutput | Action::SaveOutput => has(Piece::Output),
            Action::CopyValue => has(Piece::Value),
            Action::CopyTraceback => has(Piece::Traceback),
            Action::RunAgain | Action::EditAgain => self.meant(|entry| snippet(entry).is_some()).is_some(),
            _ => false,
        }
    }

    /// Lets the selected snippet run before all others that wait.
    fn move_to_front(&mut self) -> Option<Effect> {
        let selected = self.viewport.selected.and_then(|card| self.transcript.entries().get(card));
        let queue = self.transcript.queue();
        let Some(entry) = selected else { return self.offer(Action::MoveToFront, "runs {} next", *queue.last()?) };
        let queued = snippet(entry).filter(|snippet| snippet.status == Status::Queued);
        let Some(queued) = queued else {
            self.notice = Some("only a queued snippet can be moved to the front".to_owned());
            return None;
        };
        let waits = if queued.is_pending() { ", once you allow it" } else { "" };
        self.notice = Some(format!("{} of {} runs next{waits}", queued.id, queued.author.name()));
        Some(Effect::MoveToFront(queued.id))
    }

    /// Takes the selected snippet out of the queue, or the only one there.
    fn cancel_queued(&mut self) -> Option<Effect> {
        let selected = self.viewport.selected.and_then(|card| self.transcript.entries().get(card));
        let queued = match selected {
            Some(entry) => snippet(entry).filter(|snippet| snippet.status == Status::Queued),
            None => match self.transcript.queue() {
                [only] => self.transcript.snippet(*only),
                [.., last] => return self.offer(Action::Cancel, "cancels {}", *last),
                [] => None,
            },
        };
        let Some(queued) = queued else {
            let is_running = selected.and_then(snippet).is_some_and(|snippet| snippet.status == Status::Running);
            self.notice = Some(if is_running {
                format!("it runs already; {} interrupts", self.keys.key_hint(Action::Interrupt))
            } else {
                "only a queued snippet can be cancelled".to_owned()
            });
            return None;
        };
        self.notice = Some(format!("cancelled {} of {}", queued.id, queued.author.name()));
        Some(Effect::Cancel(queued.id))
    }

    /// Selects a queued snippet, for the person to choose.
    pub(in crate::tui) fn offer(&mut self, action: Action, what: &str, snippet: SnippetId) -> Option<Effect> {
        let card = self.transcript.position(snippet)?;
        self.go_to(card);
        let key = self.keys.key_in(Context::Card, action)?;
        let what = what.replace("{}", &snippet.to_string());
        self.notice = Some(format!("{key} {what}; choose another one above"));
        None
    }

    /// The selected card, or the last suitable one in sight.
    fn meant(&self, fits: impl Fn(&Entry) -> bool) -> Option<usize> {
        let fits = |card: &usize| self.transcript.entries().get(*card).is_some_and(&fits);
        match self.viewport.selected {
            Some(card) => Some(card).filter(fits),
            None => self.frame.as_ref()?.cards.keys().rev().copied().find(fits),
        }
    }

    fn copy(&mut self, piece: Piece) -> Option<Effect> {
        let spool = self.records.spool.clone();
        let card = self.meant(|entry| copy::has(entry, piece));
        let entry = card.and_then(|card| self.transcript.entries().get(card));
        let found = entry.and_then(|entry| Some((copy::of(entry, piece, spool.as_deref())?, copy::name(entry))));
        let Some((text, name)) = found else {
            self.notice = Some(format!("there is no {} to copy", piece.word()));
            return None;
        };
        match text.to_copy() {
            Ok(text) => Some(Effect::CopyPiece { text, what: format!("{} of {name}", piece.word()) }),
            Err(why) => {
                let save = self.keys.key_hint(Action::SaveOutput);
                let instead =
                    if piece == Piece::Output { format!("; {save} saves it to a file") } else { String::new() };
                self.notice = Some(format!("{why}{instead}"));
                None
            }
        }
    }

    /// Runs the code of a card again, as the person's own.
    fn run_again(&mut self, card: usize) -> Option<Effect> {
        let found = snippet(self.transcript.entries().get(card)?)?;
        let Some(code) = self.whole_code(found) else {
            self.notice = Some(CODE_INCOMPLETE.to_owned());
            return None;
        };
        self.viewport.selected = None;
        self.end_search();
        self.viewport.anchor = Anchor::Follow;
        Some(Effect::Submit(code))
    }

    /// The whole code, from the journal where memory has only the beginning.
    fn whole_code(&self, snippet: &Snippet) -> Option<Arc<str>> {
        match snippet.code_omitted {
            0 => Some(snippet.code.clone()),
            _ => self.records.spool.as_ref()?.recorded(snippet.id).map(|recorded| recorded.code),
        }
    }

    fn edit_again(&mut self) {
        let card = self.meant(|entry| snippet(entry).is_some());
        let found = card.and_then(|card| snippet(self.transcript.entries().get(card)?));
        let Some(found) = found else {
            self.notice = Some("there is no code to edit".to_owned());
            return;
        };
        let Some(code) = self.whole_code(found) else {
            self.notice = Some(CODE_INCOMPLETE.to_owned());
            return;
        };
        let had_draft = !self.composer.editor.is_empty();
        self.composer.editor.set(&code);
        self.composer.completion.close();
        self.viewport.selected = None;
        if had_draft {
            self.notice = Some(format!("{} brings the draft back", self.keys.key_hint(Action::Undo)));
        }
    }

    /// Selects the next card below or above that failed, from the selected card or the end of the window.
    fn go_to_error(&mut self, forward: bool) {
        let entries = self.transcript.entries();
        let in_sight = || self.frame.as_ref().and_then(|frame| frame.window.last()).map_or(0, |place| place.card + 1);
        let from = self.viewport.selected.unwrap_or_else(in_sight);
        let has_failed = |entry: &Entry| snippet(entry).is_some_and(|snippet| snippet.status == Status::Error);
        let found = if forward {
            entries.find_in(from + 1..entries.len(), has_failed)
        } else {
            entries.find_last_in(0..from, has_failed)
        };
        match found {
            Some(card) => self.go_to(card),
            None => self.notice = Some(format!("nothing failed {}", if forward { "below" } else { "above" })),
        }
    }

    /// Selects the snippet that set a variable last.
    pub fn go_to_setter(&mut self, variable: &str) {
        let rows = &self.transcript.variables().rows;
        let setter = rows.iter().find(|row| row.name == variable).and_then(|row| row.set_by);
        match setter.and_then(|setter| self.transcript.position(setter)) {
            Some(card) => self.go_to(card),
            None => self.notice = Some(format!("it is not known what set {variable}")),
        }
    }

    fn show_received(&mut self) {
        let answers = self.records.client_responses.clone().unwrap_or_default();
        let responses = |entry: &Entry| snippet(entry).map_or_else(Vec::new, |snippet| answers.of(snippet.id));
        let card = self.meant(|entry| !responses(entry).is_empty());
        let answers = card.and_then(|card| self.transcript.entries().get(card)).map_or_else(Vec::new, responses);
        if let Some(card) = card {
            self.layers.clear();
            self.layers.push(Layer::Pager(Box::new(self.fitted(Pager::received(card, answers)))));
            return;
        }
        let selected = self.viewport.selected.and_then(|card| snippet(self.transcript.entries().get(card)?));
        self.notice = Some(match selected {
            Some(Snippet { id, author, .. }) if author.is_you() => format!("no client received anything about {id}"),
            Some(Snippet { id, .. }) => format!("no client received anything about {id} yet, or too long ago"),
            None => "no client received anything about these cards".to_owned(),
        });
    }
}

fn snippet(entry: &Entry) -> Option<&Snippet> {
    match entry {
        Entry::Snippet(snippet) => Some(snippet),
        _ => None,
    }
}
