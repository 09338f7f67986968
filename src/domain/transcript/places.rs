//! The places of snippets among the entries.

use std::collections::HashMap;

use crate::domain::SnippetId;

/// Snippets whose numbers and places follow one another.
#[derive(Clone, Copy, Debug)]
struct ConsecutiveSnippets {
    first: u32,
    place: usize,
    length: u32,
}

/// Finds the place of a snippet. A million snippets one after another take the room of one.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// With ascending numbers.
    runs: Vec<ConsecutiveSnippets>,
    /// Snippets whose numbers are below an earlier one.
    others: HashMap<SnippetId, usize>,
}

impl Places {
    pub fn add(&mut self, id: SnippetId, place: usize) {
        let Some(run) = self.runs.last_mut() else {
            return self.runs.push(ConsecutiveSnippets { first: id.0, place, length: 1 });
        };
        match id.0.checked_sub(run.first) {
            Some(after) if after == run.length && place == run.place + after as usize => run.length += 1,
            Some(after) if after >= run.length => self.runs.push(ConsecutiveSnippets { first: id.0, place, length: 1 }),
            _ => drop(self.others.insert(id, place)),
        }
    }

    /// Returns the highest number.
    pub fn last(&self) -> Option<SnippetId> {
        self.runs.last().map(|run| SnippetId(run.first + (run.length - 1)))
    }

    pub fn get(&self, id: SnippetId) -> Option<usize> {
        if let Some(place) = self.others.get(&id) {
            return Some(*place);
        }
        let run = self.runs[..self.runs.partition_point(|run| run.first <= id.0)].last()?;
        let after = id.0 - run.first;
        (after < run.length).then(|| run.place + after as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_found_whatever_stands_between_them() {
        let mut places = Places::default();
        let all = [(1, 0), (2, 1), (3, 3), (4, 4), (7, 5), (2, 6), (8, 7), (9, 8), (9, 9)];
        for (id, place) in all {
            places.add(SnippetId(id), place);
        }
        assert_eq!(places.last(), Some(SnippetId(9)));
        let found = (0..=10).map(|id| places.get(SnippetId(id)));
        let expected = [None, Some(0), Some(6), Some(3), Some(4), None, None, Some(5), Some(7), Some(9), None];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
