//! Keys while earlier inputs are searched.

use std::collections::HashSet;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::editor::PastInputs;
use super::history::{HistorySearch, SEARCH_ROWS};
use crate::domain::{Entry, Status};
use crate::session::Past;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// The inputs that a search can find, the newest first.
    fn searchable_inputs(&self) -> Arc<[Past]> {
        let name: Arc<str> = self.info.name.as_str().into();
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        self.transcript.entries().visit_backwards(|entry| {
            let Entry::Snippet(snippet) = entry else { return };
            let mine = snippet.author.is_you();
            if snippet.code_omitted == 0 && seen.insert((mine, snippet.code.clone())) {
                found.push(Past {
                    code: snippet.code.clone(),
                    author: snippet.author.name().into(),
                    mine,
                    session: name.clone(),
                    at: snippet.submitted_at,
                    ok: snippet.outcome.as_ref().is_none_or(|outcome| outcome.status == Status::Ok),
                });
            }
        });
        let older = self.composer.history.older.iter().filter(|past| seen.insert((past.mine, past.code.clone())));
        found.extend(older.cloned());
        found.into()
    }

    pub fn inputs(&self) -> PastInputs<'_> {
        PastInputs { transcript: &self.transcript, older: &self.composer.history.older }
    }

    /// Takes the inputs of other sessions, or the reason why they cannot be read.
    pub fn on_past(&mut self, older: Result<Vec<Past>, String>) {
        match older {
            Ok(older) => self.composer.history.older = older.into(),
            Err(why) => self.notice = Some(format!("earlier sessions cannot be searched: {why}")),
        }
        self.composer.history.suggestion = None;
        if self.layers.history_search().is_some() {
            let pool = self.searchable_inputs();
            if let Some(search) = self.layers.history_search_mut() {
                search.set_pool(pool);
            }
        }
    }

    pub fn open_search(&mut self) {
        self.composer.completion.close();
        self.composer.history.reload();
        let search = HistorySearch::new(self.searchable_inputs());
        self.layers.push(Layer::HistorySearch(search));
    }

    /// Returns whether the search took the key.
    pub fn on_search(&mut self, key: KeyEvent) -> bool {
        let action = self.keys.find(key, &[Context::History, Context::Session]);
        let Some(search) = self.layers.history_search_mut() else { return false };
        let last = search.found.len().saturating_sub(1);
        match action {
            Some(Action::ItemUp) => search.row = (search.row + 1).min(last),
            Some(Action::ItemDown) => search.row = search.row.saturating_sub(1),
            Some(Action::PageUp) => search.row = (search.row + SEARCH_ROWS).min(last),
            Some(Action::PageDown) => search.row = search.row.saturating_sub(SEARCH_ROWS),
            Some(Action::SearchWhose) => {
                search.mine = !search.mine;
                search.rerank();
            }
            Some(Action::Choose) => {
                if let Some(code) = search.chosen().map(|past| past.code.clone()) {
                    self.composer.editor.set(&code);
                    self.layers.pop();
                    self.composer.completion.follow(&self.composer.editor);
                }
            }
            Some(Action::Back) => drop(self.layers.pop()),
            None | Some(Action::QuitOrDelete) => {
                let before = search.query.buffer.revision();
                search.query.key(key);
                if search.query.buffer.revision() != before {
                    search.rerank();
                }
            }
            Some(Action::Suspend | Action::Redraw | Action::Mouse) => return false,
            // Other actions cover the screen or change the input, so they end the search.
            Some(_) => {
                self.layers.pop();
                return false;
            }
        }
        true
    }
}
