//! A scan over the entries of the transcript in small steps, newest first, with a second look at entries that change: a
//! hundred thousand cards must not delay a key.

use crate::domain::{Entries, Entry, Status};

/// The part of an entry that may change.
type Revision = (Option<Status>, u64);

#[derive(Debug, Default)]
pub struct Scan {
    /// Entries before this index have not been visited.
    below: usize,
    /// Entries from this index on are new.
    end: usize,
    /// Visited entries that may still change, with their revision at that time.
    open: Vec<(usize, Revision)>,
    /// The index in `open` of the next entry to compare.
    turn: usize,
}

impl Scan {
    /// Starts a scan of a transcript with that many entries.
    pub fn new(entries: usize) -> Self {
        Self { below: entries, end: entries, ..Self::default() }
    }

    /// Returns whether all initial entries have been visited.
    pub fn is_done(&self) -> bool {
        self.below == 0
    }

    /// Begins a round of calls to [`Scan::next`].
    pub fn begin(&mut self) {
        self.turn = 0;
    }

    /// Returns the next entry to visit, changed and new entries first; `None` at the end of the round.
    pub fn next(&mut self, entries: &Entries) -> Option<usize> {
        while let Some((index, known)) = self.open.get_mut(self.turn) {
            let index = *index;
            let Some(entry) = entries.get(index) else {
                self.open.remove(self.turn);
                continue;
            };
            let now = revision(entry);
            let changed = std::mem::replace(known, now) != now;
            if is_settled(entries, index) {
                self.open.remove(self.turn);
            } else {
                self.turn += 1;
            }
            if changed {
                return Some(index);
            }
        }
        let index = if self.end < entries.len() {
            self.end += 1;
            self.end - 1
        } else {
            self.below = self.below.checked_sub(1)?;
            self.below
        };
        if !is_settled(entries, index) {
            self.open.push((index, revision(&entries[index])));
            self.turn = self.open.len();
        }
        Some(index)
    }
}

fn revision(entry: &Entry) -> Revision {
    match entry {
        Entry::Snippet(snippet) => (Some(snippet.status), snippet.output.total() + snippet.next_display() as u64),
        Entry::Background { output, .. } => (None, output.total()),
        Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => (None, 0),
    }
}

fn is_settled(entries: &Entries, index: usize) -> bool {
    match &entries[index] {
        Entry::Snippet(snippet) => snippet.status.is_final(),
        Entry::Background { .. } => index + 1 < entries.len(),
        Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Stream};
    use crate::tui::fixtures::{Story, ok};

    fn round(scan: &mut Scan, story: &Story) -> Vec<usize> {
        scan.begin();
        std::iter::from_fn(|| scan.next(story.transcript.entries())).collect()
    }

    #[test]
    fn what_is_new_or_changed_is_looked_at_again() {
        let mut story = Story::default();
        for _ in 0..3 {
            story.ran(&Author::You, "x", "", ok(1));
        }
        let mut scan = Scan::new(3);
        assert_eq!(round(&mut scan, &story), [2, 1, 0]);
        assert!(scan.is_done() && round(&mut scan, &story).is_empty());
        let running = story.start(&Author::You, "y");
        let waiting = story.submit(&Author::You, "z");
        assert_eq!(round(&mut scan, &story), [3, 4]);
        assert!(round(&mut scan, &story).is_empty());
        story.output(running, Stream::Stdout, "more");
        assert_eq!(round(&mut scan, &story), [3]);
        story.finish(running, ok(1));
        story.finish(waiting, ok(1));
        assert_eq!(round(&mut scan, &story), [3, 4]);
        assert!(round(&mut scan, &story).is_empty() && scan.open.is_empty());
    }
}
