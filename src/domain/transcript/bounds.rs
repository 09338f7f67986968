//! The memory bounds of a transcript: the newest entries stay whole, older ones are shortened more and more.
//!
//! What is left out of memory is in the journal.

use std::ops::Range;
use std::sync::Arc;

use super::entries::Entries;
use super::entry::Entry;
use super::shortening::{
    OLD_CODE_HEAD, OLD_OUTPUT_ENDS, OLDEST_OUTPUT_ENDS, is_open, outcome_size, output_in, output_of, shorten_code,
};
use crate::domain::{Output, Snippet};

/// Bytes of output that the newest entries keep together.
pub const MAX_OUTPUT: usize = 8 << 20;
/// Bytes of output that the older entries keep together.
const MAX_OLD_OUTPUT: usize = 4 << 20;
/// Bytes of code of all entries together. Beyond it the oldest keep their beginning.
const MAX_CODE: usize = 8 << 20;
/// Bytes of values and tracebacks of all entries together. Beyond it the oldest keep their ends.
const MAX_OUTCOMES: usize = 8 << 20;
/// Bytes of effects of all entries together. Beyond it the oldest lose theirs.
const MAX_EFFECTS: usize = 4 << 20;
/// Bytes of displays of all entries together. Beyond it the oldest lose theirs.
pub const MAX_DISPLAYS: usize = 32 << 20;

/// The bytes that all entries take, and how many of the oldest entries have been shortened.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    output: usize,
    /// The part of `output` that belongs to old entries.
    old_output: usize,
    /// Entries before this index are old, and their output is cut to [`OLD_OUTPUT_ENDS`].
    old_until: usize,
    /// Entries before this index have their output cut to [`OLDEST_OUTPUT_ENDS`].
    oldest_until: usize,
    code: usize,
    code_cut_until: usize,
    outcomes: usize,
    outcomes_cut_until: usize,
    effects: usize,
    /// Entries before this index have no effects.
    effects_from: usize,
    pub displays: usize,
    /// Entries before this index have no displays.
    pub displays_from: usize,
}

impl Bounds {
    /// Changes the output of the entry at `index`, and shortens old outputs where the bound is exceeded.
    pub fn change_output(&mut self, entries: &mut Entries, index: usize, change: impl FnOnce(&mut Output)) {
        let is_packed = index < entries.packed_len();
        let Some(output) = entries.get_mut(index).and_then(output_of) else { return };
        let before = output.memory();
        change(output);
        // A thread can still write to an entry that is old already.
        let ends = if index < self.oldest_until { OLDEST_OUTPUT_ENDS } else { OLD_OUTPUT_ENDS };
        if index < self.old_until && output.memory() > 4 * ends {
            output.shrink(ends);
        }
        if is_packed {
            return;
        }
        let after = output.memory();
        self.output = self.output + after - before;
        if index < self.old_until {
            self.old_output = self.old_output + after - before;
        }
        self.cut_output(entries);
    }

    fn cut_output(&mut self, entries: &mut Entries) {
        while self.output - self.old_output > MAX_OUTPUT && self.old_until + 1 < entries.len() {
            let Some(entry) = entries.get_mut(self.old_until).filter(|entry| !is_open(entry)) else { break };
            if let Some(output) = output_of(entry) {
                let before = output.memory();
                output.shrink(OLD_OUTPUT_ENDS);
                self.output = self.output + output.memory() - before;
                self.old_output += output.memory();
            }
            self.old_until += 1;
        }
        while self.old_output > MAX_OLD_OUTPUT && self.oldest_until < self.old_until {
            if let Some(output) = entries.get_mut(self.oldest_until).and_then(output_of) {
                let before = output.memory();
                output.shrink(OLDEST_OUTPUT_ENDS);
                self.output = self.output + output.memory() - before;
                self.old_output = self.old_output + output.memory() - before;
            }
            self.oldest_until += 1;
        }
    }

    /// Counts the code of a new entry, and shortens the code of the oldest ones.
    pub fn add_code(&mut self, entries: &mut Entries, added: usize) {
        self.code += added;
        while self.code > MAX_CODE && self.code_cut_until + 1 < entries.len() {
            let Some(entry) = entries.get_mut(self.code_cut_until).filter(|entry| !is_open(entry)) else { break };
            if let Entry::Snippet(snippet) = entry {
                let before = snippet.code.len();
                shorten_code(snippet, OLD_CODE_HEAD);
                self.code = self.code + snippet.code.len() - before;
            }
            self.code_cut_until += 1;
        }
    }

    /// Counts code that was edited.
    pub fn change_code(&mut self, before: usize, after: usize) {
        self.code = self.code + after - before;
    }

    /// Counts the outcome of a snippet that has ended, and shortens the oldest outcomes.
    pub fn add_outcome(&mut self, entries: &mut Entries, added: usize) {
        self.outcomes += added;
        while self.outcomes > MAX_OUTCOMES && self.outcomes_cut_until + 1 < entries.len() {
            let Some(entry) = entries.get_mut(self.outcomes_cut_until).filter(|entry| !is_open(entry)) else { break };
            if let Entry::Snippet(snippet) = entry
                && let Some(outcome) = &snippet.outcome
                && let Some(cut) = outcome.cut()
            {
                self.outcomes = self.outcomes + cut.size() - outcome.size();
                snippet.outcome = Some(Arc::new(cut));
                snippet.outcome_is_cut = true;
            }
            self.outcomes_cut_until += 1;
        }
    }

    /// Counts effects that have grown, and drops those of the oldest entries.
    pub fn change_effects(&mut self, entries: &mut Entries, before: usize, after: usize) {
        self.effects = self.effects + after - before;
        while self.effects > MAX_EFFECTS && self.effects_from + 1 < entries.len() {
            if let Some(Entry::Snippet(snippet)) = entries.get_mut(self.effects_from)
                && !snippet.effects.is_empty()
            {
                self.effects -= snippet.effects.size();
                snippet.effects = Arc::default();
                snippet.effects_dropped = true;
            }
            self.effects_from += 1;
        }
    }

    /// No longer counts entries that are about to be packed, which has a bound of its own. Displays stay counted.
    pub fn leave(&mut self, places: Range<usize>, entries: &[Entry]) {
        for (place, entry) in places.clone().zip(entries) {
            if let Some(output) = output_in(entry) {
                self.output = self.output.saturating_sub(output.memory());
                if place < self.old_until {
                    self.old_output = self.old_output.saturating_sub(output.memory());
                }
            }
            if let Entry::Snippet(snippet) = entry {
                self.code = self.code.saturating_sub(snippet.code.len());
                self.outcomes = self.outcomes.saturating_sub(outcome_size(snippet));
                self.effects = self.effects.saturating_sub(snippet.effects.size());
            }
        }
        let cursors = [
            &mut self.old_until,
            &mut self.oldest_until,
            &mut self.code_cut_until,
            &mut self.outcomes_cut_until,
            &mut self.effects_from,
        ];
        for cursor in cursors {
            *cursor = places.end.max(*cursor);
        }
    }

    /// Drops the bytes of the oldest displays beyond [`MAX_DISPLAYS`].
    pub fn drop_old_displays(&mut self, entries: &mut Entries) {
        while self.displays > MAX_DISPLAYS && self.displays_from < entries.len() {
            if let Some(Entry::Snippet(Snippet { displays, .. })) = entries.loose_mut(self.displays_from) {
                for display in displays.iter_mut().filter(|display| display.bytes_kept() > 0) {
                    self.displays -= display.bytes_kept();
                    *display = Arc::new(display.dropped());
                    if self.displays <= MAX_DISPLAYS {
                        return;
                    }
                }
            }
            self.displays_from += 1;
        }
    }
}
