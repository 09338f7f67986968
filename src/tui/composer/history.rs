//! Earlier inputs of all sessions: the ghost of one that goes on as this one begins, and the search through all of them.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::editor::{Editor, Inputs, Mode};
use crate::domain::{Entry, Status, Timestamp};
use crate::session::Past;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::view::View;

/// Matches that are told of at most.
const MOST: usize = 500;
/// A ghost appears once so much was typed, in characters.
const GHOST: usize = 2;

/// What is known of earlier inputs, and what is done with it.
#[derive(Debug, Default)]
pub struct History {
    /// Of other sessions, the newest first.
    pub older: Arc<[Past]>,
    load: Load,
    /// What the input would go on with, and for which input that was found.
    ghost: Option<(u64, usize, Option<String>)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Load {
    #[default]
    Never,
    Wanted,
    Done,
}

/// The search that takes the keys.
#[derive(Debug)]
pub struct HistorySearch {
    pub query: Editor,
    /// Only what the person submitted.
    pub mine: bool,
    /// All that can be found, the newest first.
    pub pool: Arc<[Past]>,
    /// Places in the pool, the best first.
    pub found: Arc<[usize]>,
    pub row: usize,
    /// Number of the last ranking that was wanted, and of the one that is under way.
    wanted: u64,
    under_way: Option<u64>,
    done: u64,
}

/// What is to be ranked, on a thread that may take its time.
#[derive(Clone, Debug)]
pub struct Ranking {
    pub number: u64,
    pool: Arc<[Past]>,
    query: String,
    mine: bool,
}

impl Ranking {
    /// Those that fit, the best first: what holds the query as it stands before what only holds its characters.
    pub fn rank(&self) -> Arc<[usize]> {
        let query = self.query.trim();
        let candidates = self.pool.iter().enumerate().filter(|(_, past)| past.mine || !self.mine);
        if query.is_empty() {
            return candidates.map(|(index, _)| index).take(MOST).collect();
        }
        let pattern = Pattern::new(query, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let exact_case = query.chars().any(char::is_uppercase);
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        for (index, past) in candidates {
            let Some(score) = pattern.score(Utf32Str::new(&past.code, &mut buffer), &mut matcher) else { continue };
            let holds = past.code.contains(query) || (!exact_case && past.code.to_lowercase().contains(query));
            // Among those that hold it, the newest is the best.
            found.push((if holds { u32::MAX } else { score }, index));
        }
        found.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        found.into_iter().map(|(_, index)| index).take(MOST).collect()
    }
}

impl HistorySearch {
    fn new(pool: Arc<[Past]>) -> Self {
        let mut search = Self {
            query: Editor::default(),
            mine: true,
            pool,
            found: Arc::default(),
            row: 0,
            wanted: 1,
            under_way: None,
            done: 0,
        };
        // The newest are there at once.
        search.found = search.ranking().rank();
        search.done = 1;
        search
    }

    fn ranking(&self) -> Ranking {
        Ranking { number: self.wanted, pool: self.pool.clone(), query: self.query.code(), mine: self.mine }
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(&text.replace(['\r', '\n'], " "));
        self.rank_again();
    }

    fn rank_again(&mut self) {
        self.wanted += 1;
        self.row = 0;
    }

    pub fn chosen(&self) -> Option<&Past> {
        self.pool.get(*self.found.get(self.row)?)
    }

    /// What is to be ranked now; one after the other.
    pub fn take_ranking(&mut self) -> Option<Ranking> {
        if self.under_way.is_some() || self.done == self.wanted {
            return None;
        }
        self.under_way = Some(self.wanted);
        Some(self.ranking())
    }

    pub fn on_ranked(&mut self, number: u64, found: Arc<[usize]>) {
        if self.under_way != Some(number) {
            return;
        }
        self.under_way = None;
        self.done = number;
        self.row = self.row.min(found.len().saturating_sub(1));
        self.found = found;
    }

    /// How many there are to choose from.
    pub fn total(&self) -> usize {
        self.pool.iter().filter(|past| past.mine || !self.mine).count()
    }
}

impl History {
    /// Whether earlier inputs are to be read now.
    pub fn take_load(&mut self) -> bool {
        let wanted = self.load == Load::Wanted;
        self.load = if wanted { Load::Done } else { self.load };
        wanted
    }

    /// Somebody types: soon an earlier input may be wanted.
    pub fn want(&mut self) {
        if self.load == Load::Never {
            self.load = Load::Wanted;
        }
    }
}

impl View {
    /// All that can be searched, the newest first.
    fn pool(&self) -> Arc<[Past]> {
        let name: Arc<str> = self.info.name.as_str().into();
        let here = self.transcript.entries().iter().rev().filter_map(|entry| match entry {
            Entry::Snippet(snippet) if snippet.code_omitted == 0 => Some(Past {
                code: snippet.code.clone(),
                author: snippet.author.name().into(),
                mine: snippet.author.is_you(),
                session: name.clone(),
                at: snippet.submitted_at,
                ok: snippet.outcome.as_ref().is_none_or(|outcome| outcome.status == Status::Ok),
            }),
            _ => None,
        });
        let mut seen = std::collections::HashSet::new();
        here.chain(self.composer.history.older.iter().cloned())
            .filter(|past| seen.insert((past.mine, past.code.clone())))
            .collect()
    }

    pub fn inputs(&self) -> Inputs<'_> {
        Inputs { transcript: &self.transcript, older: &self.composer.history.older }
    }

    pub fn on_past(&mut self, older: Result<Vec<Past>, String>) {
        match older {
            Ok(older) => self.composer.history.older = older.into(),
            Err(why) => self.notice = Some(format!("earlier sessions cannot be searched: {why}")),
        }
        self.composer.history.ghost = None;
        if self.layers.history_search().is_some() {
            let pool = self.pool();
            if let Some(search) = self.layers.history_search_mut() {
                let row = search.row;
                search.pool = pool;
                search.rank_again();
                search.row = row;
                // What is shown belongs to the pool before.
                search.found = search.found.iter().copied().filter(|index| *index < search.pool.len()).collect();
                search.under_way = None;
            }
        }
    }

    pub fn open_search(&mut self) {
        self.composer.completion.close();
        self.composer.history.load = Load::Wanted;
        let search = HistorySearch::new(self.pool());
        self.layers.push(Layer::HistorySearch(search));
    }

    /// Keys while earlier inputs are searched; `false` leaves one to the rest.
    pub fn on_search(&mut self, key: KeyEvent) -> bool {
        let action = self.keys.find(key, &[Context::History, Context::Session]);
        let Some(search) = self.layers.history_search_mut() else { return false };
        let last = search.found.len().saturating_sub(1);
        let page = crate::tui::draw::SEARCH_ROWS;
        match action {
            Some(Action::ItemUp) => search.row = (search.row + 1).min(last),
            Some(Action::ItemDown) => search.row = search.row.saturating_sub(1),
            Some(Action::PageUp) => search.row = (search.row + page).min(last),
            Some(Action::PageDown) => search.row = search.row.saturating_sub(page),
            Some(Action::SearchWhose) => {
                search.mine = !search.mine;
                search.rank_again();
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
                    search.rank_again();
                }
            }
            // What else covers the screen or changes the input comes after it.
            Some(Action::Suspend | Action::Redraw | Action::Mouse) => return false,
            Some(_) => {
                self.layers.pop();
                return false;
            }
        }
        true
    }

    /// What the input would go on with, as it was submitted before.
    pub fn ghost(&self) -> Option<&str> {
        let (revision, _, ghost) = self.composer.history.ghost.as_ref()?;
        let editor = &self.composer.editor;
        let is_free = self.composer.completion.popup.is_none()
            && self.layers.history_search().is_none()
            && editor.mode() == Mode::Insert
            && editor.is_at_end()
            && *revision == editor.buffer.revision();
        ghost.as_deref().filter(|_| is_free)
    }

    /// Looks for it again where something changed.
    pub fn find_ghost(&mut self) {
        let (revision, entries) = (self.composer.editor.buffer.revision(), self.transcript.entries().len());
        if self
            .composer
            .history
            .ghost
            .as_ref()
            .is_some_and(|(for_text, for_entries, _)| (*for_text, *for_entries) == (revision, entries))
        {
            return;
        }
        let is_short = self.composer.editor.buffer.lines().len() <= MOST;
        let ghost = is_short
            .then(|| self.composer.editor.code())
            .filter(|code| code.trim().chars().count() >= GHOST)
            .and_then(|code| {
                let found = self.inputs().beginning_with(&code)?;
                Some(found[code.len()..].trim_end().to_owned()).filter(|rest| !rest.is_empty())
            });
        self.composer.history.ghost = Some((revision, entries, ghost));
    }

    /// Takes the ghost in: all of it, or its next word. `false` if there is none, or the key is for something else.
    pub fn accept_ghost(&mut self, key: KeyEvent) -> bool {
        self.find_ghost();
        let Some(ghost) = self.ghost() else { return false };
        let (control, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        let length = match (key.code, key.modifiers) {
            (KeyCode::Right | KeyCode::End, KeyModifiers::NONE) | (KeyCode::Char('e' | 'f'), KeyModifiers::CONTROL) => {
                ghost.len()
            }
            (KeyCode::Char('f'), m) if m == alt => word(ghost),
            (KeyCode::Right, m) if m == alt || m == control => word(ghost),
            _ => return false,
        };
        let taken = ghost[..length].to_owned();
        self.composer.editor.buffer.step();
        self.composer.editor.buffer.insert(&taken);
        self.composer.editor.buffer.step();
        true
    }
}

/// Where the first word ends.
fn word(text: &str) -> usize {
    let is_word = super::editor::is_word;
    let begin = text.find(is_word).unwrap_or(text.len());
    text[begin..].find(|c| !is_word(c)).map_or(text.len(), |end| begin + end)
}

/// How long ago, in few words.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    crate::domain::units::age(std::time::Duration::from_millis(now.saturating_sub(at)))
}
