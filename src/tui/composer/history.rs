//! Earlier inputs of all sessions, and the search through them.

use std::sync::Arc;

use super::editor::Editor;
use crate::session::Past;
use crate::tui::fuzzy::Fuzzy;

/// Matches that a search finds at most.
const MAX_MATCHES: usize = 500;
/// Rows of the list of matches at most.
pub const SEARCH_ROWS: usize = 10;

/// Earlier inputs, and what is done with them.
#[derive(Debug, Default)]
pub struct InputHistory {
    /// Inputs of other sessions, the newest first.
    pub older: Arc<[Past]>,
    load: LoadState,
    pub suggestion: Option<Suggestion>,
}

/// Whether the inputs of other sessions were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LoadState {
    #[default]
    NotNeeded,
    Needed,
    Requested,
}

/// The rest of an earlier input that begins like the input does.
#[derive(Debug)]
pub struct Suggestion {
    /// Revision of the input, and number of entries in the transcript.
    pub key: (u64, usize),
    /// `None` if no earlier input begins like this.
    pub rest: Option<String>,
}

/// The search through earlier inputs.
#[derive(Debug)]
pub struct HistorySearch {
    pub query: Editor,
    /// Only inputs of the person.
    pub mine: bool,
    /// All inputs that can be found, the newest first.
    pub pool: Arc<[Past]>,
    /// Indices in the pool, the best match first.
    pub found: Arc<[usize]>,
    pub row: usize,
    /// Number of the newest ranking.
    newest: u64,
    /// Number of the ranking that a thread computes.
    under_way: Option<u64>,
    /// Number of the ranking that is shown.
    done: u64,
}

/// A ranking to compute, on a thread that may take its time.
#[derive(Clone, Debug)]
pub struct Ranking {
    pub number: u64,
    pool: Arc<[Past]>,
    query: String,
    mine: bool,
}

impl Ranking {
    /// Returns the matches, the best first. Inputs that contain the query come before those that contain its letters.
    pub fn rank(&self) -> Arc<[usize]> {
        let query = self.query.trim();
        let candidates = self.pool.iter().enumerate().filter(|(_, past)| past.mine || !self.mine);
        if query.is_empty() {
            return candidates.map(|(index, _)| index).take(MAX_MATCHES).collect();
        }
        let mut fuzzy = Fuzzy::new(query);
        let is_case_exact = query.chars().any(char::is_uppercase);
        let mut found = Vec::new();
        for (index, past) in candidates {
            let Some(score) = fuzzy.score(&past.code) else { continue };
            let contains = past.code.contains(query) || (!is_case_exact && past.code.to_lowercase().contains(query));
            // Among the inputs that contain the query, the newest is the best.
            found.push((if contains { u32::MAX } else { score }, index));
        }
        found.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        found.into_iter().map(|(_, index)| index).take(MAX_MATCHES).collect()
    }
}

impl HistorySearch {
    pub fn new(pool: Arc<[Past]>) -> Self {
        let mut search = Self {
            query: Editor::default(),
            mine: true,
            pool,
            found: Arc::default(),
            row: 0,
            newest: 1,
            under_way: None,
            done: 0,
        };
        // Without a query, the ranking takes no time.
        search.found = search.ranking().rank();
        search.done = 1;
        search
    }

    fn ranking(&self) -> Ranking {
        Ranking { number: self.newest, pool: self.pool.clone(), query: self.query.code(), mine: self.mine }
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(&text.replace(['\r', '\n'], " "));
        self.rerank();
    }

    /// Requests another ranking, after a change of the query or the filter.
    pub fn rerank(&mut self) {
        self.newest += 1;
        self.row = 0;
    }

    /// Takes another pool. The chosen row stays.
    pub fn set_pool(&mut self, pool: Arc<[Past]>) {
        let row = self.row;
        self.pool = pool;
        self.rerank();
        self.row = row;
        // The indices belong to the old pool.
        self.found = self.found.iter().copied().filter(|index| *index < self.pool.len()).collect();
        self.under_way = None;
    }

    /// Returns the ranking to compute now, if none is under way.
    pub fn take_ranking(&mut self) -> Option<Ranking> {
        if self.under_way.is_some() || self.done == self.newest {
            return None;
        }
        self.under_way = Some(self.newest);
        Some(self.ranking())
    }

    /// Takes a ranking that was computed.
    pub fn on_ranked(&mut self, number: u64, found: Arc<[usize]>) {
        if self.under_way != Some(number) {
            return;
        }
        self.under_way = None;
        self.done = number;
        self.row = self.row.min(found.len().saturating_sub(1));
        self.found = found;
    }

    pub fn chosen(&self) -> Option<&Past> {
        self.pool.get(*self.found.get(self.row)?)
    }

    /// Counts the inputs that the filter lets through.
    pub fn total(&self) -> usize {
        self.pool.iter().filter(|past| past.mine || !self.mine).count()
    }
}

impl InputHistory {
    /// Returns whether the inputs of other sessions must be read now.
    pub fn take_load(&mut self) -> bool {
        let is_needed = self.load == LoadState::Needed;
        if is_needed {
            self.load = LoadState::Requested;
        }
        is_needed
    }

    /// Requests the inputs of other sessions when the person begins to type, unless they were requested.
    pub fn want(&mut self) {
        if self.load == LoadState::NotNeeded {
            self.load = LoadState::Needed;
        }
    }

    /// Requests them once more, because a search was opened.
    pub fn reload(&mut self) {
        self.load = LoadState::Needed;
    }
}
