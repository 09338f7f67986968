//! Events of the terminal change the view, and may ask something of the session.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::keymap::{Action, Context, WRITING};
use crate::domain::ReplaySelection;
use crate::domain::{InputAnswer, Insight, InspectRequest, SnippetId, Timestamp};
use crate::tui::composer::completion::{Outcome, Why};
use crate::tui::composer::reply::Asks;
use crate::tui::gallery::Saving;
use crate::tui::pager::Pager;
use crate::tui::search::prompt::PromptKind;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::view::{Overlay, View};

/// What a key asks of the world outside of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Submit(Arc<str>),
    /// To the prompt of that number.
    Answer {
        snippet: SnippetId,
        number: u32,
        answer: InputAnswer,
    },
    /// To the question of a client of that number; `None` declines.
    Reply {
        inquiry: u32,
        text: Option<Arc<str>>,
    },
    /// Whatever runs.
    Interrupt,
    /// A new Python process on the same session.
    Restart,
    /// The same once all variables have been saved; then they are brought back.
    SaveAndRestart,
    /// Run these again.
    Replay(ReplaySelection),
    /// The answer goes to [`View::on_inspected`] with that number.
    Inspect {
        asked: InspectRequest,
        number: u32,
    },
    /// Write the transcript to this file, as the person wrote it. The answer goes to [`View::on_exported`].
    Export {
        file: String,
        replaces: bool,
    },
    /// Write a display to a file; a name that nobody chose is copied. The answer goes to [`View::on_display_saved`].
    SaveDisplay(Saving),
    /// To the clipboard of the person's terminal.
    Copy(String),
    /// The input in the person's editor. The answer goes to [`View::on_edited`].
    EditOutside,
    /// The same, and tell what it was, such as `code of 14`.
    CopyPiece {
        text: String,
        what: String,
    },
    /// Write the output of a card to this file; answered as [`Effect::Export`].
    Save {
        card: usize,
        file: String,
        replaces: bool,
    },
    Quit,
    Suspend,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// The whole screen, redrawn.
    Redraw,
}

impl View {
    pub fn on_terminal(&mut self, event: &Event, now: Timestamp) -> Option<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.on_key(*key, now),
            Event::Mouse(mouse) => self.on_mouse(*mouse, now),
            Event::FocusGained | Event::FocusLost => {
                self.mouse.on_focus(*event == Event::FocusGained, now);
                None
            }
            Event::Paste(text) if self.palette.is_some() => {
                if let Some(palette) = &mut self.palette {
                    palette.paste(text);
                }
                None
            }
            Event::Paste(text) if self.pager.is_some() => {
                if let Some(pager) = &mut self.pager {
                    pager.typed(text);
                }
                None
            }
            Event::Paste(text) if self.gallery.is_some() => {
                if let Some(gallery) = &mut self.gallery {
                    gallery.typed(text);
                }
                None
            }
            Event::Paste(text) if self.export.is_some() => {
                if let Some(prompt) = &mut self.export {
                    prompt.paste(text);
                }
                None
            }
            Event::Paste(text) if self.paste_into_search(text) || self.paste_to_narrow(text) => None,
            Event::Paste(text) if self.lookup.line.is_some() => {
                self.paste_in_line(text);
                None
            }
            Event::Paste(text) => {
                self.selected = None;
                self.overlays.retain(|overlay| matches!(overlay, Overlay::Drawer { .. }));
                self.typed_at = now;
                match &mut self.reply {
                    Some(reply) if reply.is_open(&self.editor, now) => reply.paste(text),
                    closed => {
                        self.editor.paste(text);
                        self.assist.close();
                        self.assist.follow(&self.editor);
                        if let Some(reply) = closed {
                            reply.put_off(now);
                        }
                    }
                }
                self.answered = None;
                None
            }
            _ => None,
        }
    }

    pub(in crate::tui) fn on_key(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        // Whatever the terminal says, or no longer said.
        self.mouse.focused = true;
        if let Some(complaints) = self.complaints.as_mut().filter(|complaints| complaints.shown) {
            complaints.shown = false;
            if key.code == KeyCode::Esc {
                return None;
            }
        }
        if self.palette.is_some() {
            return self.on_palette(key, now);
        }
        let typed = self.pager.as_ref().is_some_and(Pager::is_asking);
        if !typed && self.keys.find(key, &self.contexts(now)) == Some(Action::Palette) {
            self.toggle_palette();
            return None;
        }
        if self.pager.is_some() {
            return self.on_pager(key, now);
        }
        if self.gallery.is_some() {
            return self.on_gallery(key, now);
        }
        if self.export.is_some() {
            return self.on_export(key, now);
        }
        if self.lookup.line.is_some() {
            return self.on_line(key, now);
        }
        let action = self.keys.find(key, &WRITING);
        self.notice = None;
        let asked = std::mem::take(&mut self.asking_to_quit);
        let asked_to_restart = std::mem::take(&mut self.asking_to_restart);
        if action == Some(Action::Restart) {
            return self.restart(asked_to_restart);
        }
        let saving = self.keys.find(key, &[Context::Restarting]) == Some(Action::RestartSaving);
        if asked_to_restart && saving && self.has_variables() {
            return Some(Effect::SaveAndRestart);
        }
        if (asked || asked_to_restart) && matches!(action, Some(Action::Back)) {
            return None;
        }
        // These cover the input, so nothing may be typed or run unseen.
        let covering = match self.overlays.last() {
            Some(Overlay::Help { .. }) => Some(Context::Help),
            Some(Overlay::Inspector { .. }) => Some(Context::Inspector),
            Some(Overlay::Replay { .. }) => Some(Context::Menu),
            Some(Overlay::Drawer { .. }) | None => None,
        };
        if let Some(context) = covering {
            let action = self.keys.find(key, &[context, Context::Session])?;
            let taken = match context {
                Context::Inspector => self.on_inspector(action),
                Context::Menu => self.on_replay(action),
                _ => None,
            };
            return taken.unwrap_or_else(|| self.act(action, key, asked, now));
        }
        self.answered = None;
        self.typed_at = now;
        if self.pasts.search.is_some() && self.on_search(key) {
            return None;
        }
        if let Some(effect) = self.on_narrowing(key) {
            return effect;
        }
        if action == Some(Action::Back) && !self.is_vi_busy() && self.turns_to_question(now) {
            return None;
        }
        if self.selected.is_some() {
            let in_drawer = self.keys.find(key, &[Context::Variables]).and_then(|action| self.on_drawer(action));
            return in_drawer.unwrap_or_else(|| self.on_card(key, asked, now));
        }
        if let Some(reply) = &mut self.reply {
            if reply.is_open(&self.editor, now) {
                return self.reply(action, key, asked, now);
            }
            reply.put_off(now);
            // What was meant for the draft would run behind the code that asks.
            if action == Some(Action::Enter) && reply.inquiry().is_none() {
                return None;
            }
        }
        if self.assist.popup.is_some() && self.on_popup(action, key) {
            return None;
        }
        if let Some(action) = self.keys.find(key, &[Context::Variables])
            && let Some(effect) = self.on_drawer(action)
        {
            return effect;
        }
        self.pasts.want();
        let effect = if self.on_vi(key) || self.accept_ghost(key) {
            None
        } else if let Some(action) = action {
            self.act(action, key, asked, now)
        } else {
            self.editor.key(key);
            None
        };
        self.assist.follow(&self.editor);
        if key.code == KeyCode::Char('.') && action.is_none() && self.assist.popup.is_none() {
            self.assist.complete(&self.editor, Why::Dot);
        }
        effect
    }

    /// With nothing else to close, Esc takes up the question of a client, or leaves it for later.
    fn turns_to_question(&mut self, now: Timestamp) -> bool {
        let is_free = self.overlays.is_empty()
            && self.selected.is_none()
            && self.assist.popup.is_none()
            && self.lookup.find.is_none()
            && self.lookup.filter.is_none();
        let Some(reply) = self.reply.as_mut().filter(|reply| is_free && reply.inquiry().is_some()) else {
            return false;
        };
        let is_open = reply.is_open(&self.editor, now);
        reply.want(!is_open);
        true
    }

    /// Keys that the candidates take.
    fn on_popup(&mut self, action: Option<Action>, key: KeyEvent) -> bool {
        let chosen = self.assist.popup.as_ref().is_some_and(|popup| popup.selected.is_some());
        let page = crate::tui::composer::completion::ROWS as isize;
        match self.keys.find(key, &[Context::Completion]) {
            Some(Action::Accept) => return self.assist.accept(&mut self.editor),
            Some(Action::Choose) if chosen => return self.assist.accept(&mut self.editor),
            Some(Action::ItemUp) => self.assist.move_by(-1, &self.editor),
            Some(Action::ItemDown) => self.assist.move_by(1, &self.editor),
            Some(Action::PageUp) if chosen => self.assist.move_by(-page, &self.editor),
            Some(Action::PageDown) if chosen => self.assist.move_by(page, &self.editor),
            Some(Action::Back) => self.assist.close(),
            _ => {
                // A run, the other overlays and the rest are as ever, without it.
                if !matches!(action, Some(Action::QuitOrDelete | Action::Interrupt | Action::Complete) | None) {
                    self.assist.close();
                }
                return false;
            }
        }
        true
    }

    /// What the session says to a question; `None` if it gave no answer in time.
    pub fn on_insight(&mut self, id: u64, insight: Option<Insight>) {
        let variables = self.transcript.variables().clone();
        if self.assist.answer(id, insight, &mut self.editor, &variables) == Outcome::None {
            self.notice = Some("nothing to complete here".to_owned());
        }
    }

    /// All variables are lost by it, so it is asked for twice.
    fn restart(&mut self, asked: bool) -> Option<Effect> {
        if self.quitting {
            return None;
        }
        self.asking_to_restart = !asked;
        self.quitting = asked;
        asked.then_some(Effect::Restart)
    }

    /// Keys while code asks for a line.
    fn reply(&mut self, action: Option<Action>, key: KeyEvent, asked: bool, now: Timestamp) -> Option<Effect> {
        let reply = self.reply.as_mut()?;
        let answer = match action {
            Some(Action::Enter) if reply.inquiry().is_some() && reply.line().trim().is_empty() => return None,
            Some(Action::Enter) => InputAnswer::Line(reply.line()),
            Some(Action::QuitOrDelete) if reply.editor.is_empty() => InputAnswer::Eof,
            Some(Action::Interrupt) if reply.inquiry().is_some() && self.transcript.running().is_none() => {
                reply.editor.clear();
                return None;
            }
            None | Some(Action::QuitOrDelete) => {
                reply.editor.key(key);
                return None;
            }
            Some(Action::Undo) => {
                reply.editor.undo();
                return None;
            }
            Some(Action::Redo) => {
                reply.editor.redo();
                return None;
            }
            Some(action) if action.is_of(Context::Input) => return None,
            Some(action) => return self.act(action, key, asked, now),
        };
        let effect = match &reply.asks {
            Asks::Code { snippet, request } => {
                self.answered = Some(*snippet);
                Effect::Answer { snippet: *snippet, number: request.number, answer }
            }
            Asks::Client(inquiry) => {
                let text = if let InputAnswer::Line(line) = answer { Some(inquiry.meant(&line)) } else { None };
                Effect::Reply { inquiry: inquiry.number, text }
            }
        };
        self.reply = None;
        Some(effect)
    }

    /// The whole output of a card covers everything: what is typed is for it.
    fn on_pager(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let pager = self.pager.as_mut()?;
        if pager.is_asking() {
            let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            match key.code {
                KeyCode::Char(c) if plain => {
                    pager.typed(c.encode_utf8(&mut [0; 4]));
                    return None;
                }
                KeyCode::Backspace | KeyCode::Enter | KeyCode::Esc => {
                    pager.edit(key.code);
                    return None;
                }
                _ => {}
            }
        }
        match self.keys.find(key, &[Context::Output, Context::Session])? {
            Action::LineUp => pager.move_by(-1),
            Action::LineDown => pager.move_by(1),
            Action::PageUp => pager.move_by(-pager.page()),
            Action::PageDown => pager.move_by(pager.page()),
            Action::Top => pager.go_to_top(),
            Action::Bottom => pager.follow(),
            Action::Search => pager.ask(),
            Action::SearchOn => pager.search_again(true),
            Action::SearchBack => pager.search_again(false),
            Action::Back => self.pager = None,
            Action::OtherView => pager.turn(1),
            Action::OtherViewBack => pager.turn(-1),
            // Not what would change the input behind it.
            Action::Interrupt if self.transcript.running().is_some() => {
                return self.act(Action::Interrupt, key, false, now);
            }
            action @ (Action::Suspend | Action::Redraw | Action::Mouse) => return self.act(action, key, false, now),
            _ => {}
        }
        None
    }

    pub(in crate::tui) fn act(&mut self, action: Action, key: KeyEvent, asked: bool, now: Timestamp) -> Option<Effect> {
        match action {
            Action::Enter => {
                let code = self.editor.enter()?;
                self.assist.close();
                self.anchor = Anchor::Follow;
                self.selected = None;
                return Some(Effect::Submit(code));
            }
            Action::NewLine => self.editor.new_line(),
            Action::Tab if self.editor.is_in_indentation() || self.editor.buffer.selection().is_some() => {
                self.editor.tab();
            }
            Action::Tab | Action::Complete => self.assist.complete(&self.editor, Why::Key),
            Action::HistoryBack => self.history_back(key),
            Action::HistoryForward => self.history_forward(key),
            Action::SearchHistory => self.open_search(),
            Action::Undo => self.editor.undo(),
            Action::Redo => self.editor.redo(),
            Action::SelectAll => self.editor.select_all(),
            Action::CopySelection => return self.editor.copy().map(Effect::Copy),
            Action::CutSelection => return self.editor.cut().map(Effect::Copy),
            Action::EditOutside => return Some(Effect::EditOutside),
            Action::Interrupt => {
                if let Some(running) = self.transcript.running() {
                    self.interrupting = Some((running.id, now));
                    return Some(Effect::Interrupt);
                }
                if let Some(copied) = self.editor.copy() {
                    return Some(Effect::Copy(copied));
                }
                self.editor.clear();
                self.assist.close();
            }
            Action::QuitOrDelete if !self.editor.is_empty() => self.editor.key(key),
            Action::QuitOrDelete => {
                if self.is_busy() && !asked && !self.quitting {
                    self.asking_to_quit = true;
                } else {
                    self.quitting = true;
                    return Some(Effect::Quit);
                }
            }
            Action::Suspend => return Some(Effect::Suspend),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Mouse => return Some(self.toggle_mouse()),
            Action::Help => self.toggle(Overlay::Help { scroll: 0 }),
            Action::Export => self.open_export(now),
            Action::Replay => self.open_replay(),
            Action::Variables => self.toggle_drawer(),
            Action::PageUp => self.page_by(-1),
            Action::PageDown => self.page_by(1),
            Action::LineUp => self.move_by(-1),
            Action::LineDown => self.move_by(1),
            Action::Top => {
                self.overlays.clear();
                self.jump(0);
            }
            Action::Bottom => {
                self.overlays.clear();
                self.anchor = Anchor::Follow;
            }
            Action::SelectUp => self.select(true),
            Action::SelectDown => self.select(false),
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::Find => self.open_line(PromptKind::Search),
            Action::Filter => self.open_line(PromptKind::Filter),
            Action::GoTo => self.open_line(PromptKind::GoTo),
            Action::SearchOn => self.search_on(true),
            Action::SearchBack => self.search_on(false),
            Action::Output => self.open_pager(),
            Action::Back => {
                self.assist.close();
                if self.overlays.pop().is_some() {
                } else if self.lookup.find.is_some() {
                    self.end_search();
                } else if self.selected.is_some() {
                    self.selected = None;
                } else if self.lookup.filter.is_some() {
                    self.clear_filter();
                } else {
                    self.anchor = Anchor::Follow;
                }
            }
            // The rest is taken before by what it belongs to.
            action => return self.act_on_card(action).flatten(),
        }
        None
    }

    pub(in crate::tui) fn toggle(&mut self, overlay: Overlay) {
        let kind = std::mem::discriminant(&overlay);
        let open = self.overlays.len();
        self.overlays.retain(|shown| std::mem::discriminant(shown) != kind);
        if self.overlays.len() == open {
            self.overlays.push(overlay);
        }
    }

    fn page_by(&mut self, pages: isize) {
        let page = self.page() as isize;
        self.move_by(pages * (page - 2).max(1));
    }

    /// Scrolls what lies on top.
    pub(in crate::tui) fn move_by(&mut self, rows: isize) {
        match self.overlays.last_mut() {
            Some(Overlay::Help { scroll } | Overlay::Drawer { scroll } | Overlay::Inspector { scroll }) => {
                *scroll = scroll.saturating_add_signed(rows);
            }
            Some(Overlay::Replay { .. }) => {}
            None => self.scroll(rows),
        }
    }
}
