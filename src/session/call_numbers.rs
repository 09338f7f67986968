//! Numbers that belong to calls, in little room: a million calls of one bridge, one after another, take that of one.

use std::collections::HashMap;

use crate::domain::{CallId, SnippetId};

/// Consecutive calls whose numbers are consecutive, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ConsecutiveCalls {
    call: u64,
    number: u32,
    length: u32,
}

/// A number for each of some calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Runs(HashMap<u128, Vec<ConsecutiveCalls>>);

impl Runs {
    fn get(&self, call: CallId) -> Option<u32> {
        let runs = self.0.get(&call.bridge)?;
        let run = runs[..runs.partition_point(|run| run.call <= call.number)].last()?;
        let after = u32::try_from(call.number - run.call).ok().filter(|after| *after < run.length)?;
        Some(run.number + after)
    }

    /// Adds a call. Returns `false` if it has a number already, which stays.
    fn insert(&mut self, call: CallId, number: u32) -> bool {
        if self.get(call).is_some() {
            return false;
        }
        let runs = self.0.entry(call.bridge).or_default();
        let place = runs.partition_point(|run| run.call <= call.number);
        let continues = |run: &&mut ConsecutiveCalls| {
            run.call.checked_add(run.length.into()) == Some(call.number)
                && run.number.checked_add(run.length) == Some(number)
        };
        match runs[..place].last_mut().filter(continues) {
            Some(run) => run.length += 1,
            None => runs.insert(place, ConsecutiveCalls { call: call.number, number, length: 1 }),
        }
        true
    }
}

/// The snippet that each call submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSnippets(Runs);

impl CallSnippets {
    #[must_use]
    pub fn get(&self, call: CallId) -> Option<SnippetId> {
        self.0.get(call).map(SnippetId)
    }

    /// Adds the snippet of a call. A call submits one snippet, so the first one stays.
    pub fn insert(&mut self, call: CallId, snippet: SnippetId) {
        self.0.insert(call, snippet.0);
    }
}

impl FromIterator<(CallId, SnippetId)> for CallSnippets {
    fn from_iter<I: IntoIterator<Item = (CallId, SnippetId)>>(calls: I) -> Self {
        let mut snippets = Self::default();
        calls.into_iter().for_each(|(call, snippet)| snippets.insert(call, snippet));
        snippets
    }
}

/// A set of calls.
#[derive(Debug, Default)]
pub struct CallSet(Runs);

impl CallSet {
    #[must_use]
    pub fn contains(&self, call: CallId) -> bool {
        self.0.get(call).is_some()
    }

    /// Adds a call. Returns `false` if it is there already.
    pub fn insert(&mut self, call: CallId) -> bool {
        // Any number that grows with the calls.
        self.0.insert(call, call.number as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_keep_their_snippets_in_any_order_and_little_room() {
        let call = |bridge, number| CallId { bridge, number };
        let all = [(1, 1, 1), (1, 2, 2), (2, 1, 3), (1, 3, 4), (1, 4, 5), (1, 9, 6), (1, 7, 7), (1, 8, 8), (1, 5, 6)];
        let each = all.map(|(bridge, number, snippet)| (call(bridge, number), SnippetId(snippet)));
        let snippets: CallSnippets = each.into_iter().chain(each.map(|(call, _)| (call, SnippetId(99)))).collect();
        for (bridge, number, snippet) in all {
            assert_eq!(snippets.get(call(bridge, number)), Some(SnippetId(snippet)));
        }
        for absent in [call(1, 0), call(1, 6), call(1, 10), call(2, 2), call(3, 1), call(1, u64::MAX)] {
            assert_eq!(snippets.get(absent), None);
        }
        let mut set = CallSet::default();
        for number in (1..=1_000).chain(u64::MAX - 1..=u64::MAX) {
            assert!(set.insert(call(1, number)) && !set.insert(call(1, number)) && set.contains(call(1, number)));
        }
        assert!(!set.contains(call(1, 1_001)) && set.0.0[&1].len() == 2);
    }
}
