//! What a transcript keeps in memory, however long its session lasts: all of the newest entries, and less and less of the
//! older ones. What is left out lies in the journal and is read from there when somebody asks for it.

use std::sync::Arc;

use super::{Entry, Transcript};
use crate::domain::output::{ceil_char_boundary, floor_char_boundary};
use crate::domain::{Outcome, Output, Snippet};

/// Output that the newest entries keep together, in bytes.
pub const OUTPUT: usize = 8 << 20;
/// Bytes that the output of an older entry keeps of its beginning and of its end, ...
pub const ENDS: usize = 2 << 10;
/// ... all of these together, ...
const OLD: usize = 4 << 20;
/// ... and what each keeps of its ends beyond that.
const LEAST: usize = 200;
/// Code of all entries together; beyond it the oldest keep their beginning.
pub const CODE: usize = 8 << 20;
const CODE_HEAD: usize = 4 << 10;
/// Values and tracebacks of all entries together; beyond it the oldest keep their ends.
const OUTCOMES: usize = 8 << 20;
const OUTCOME_ENDS: usize = 1 << 10;
/// Bytes that the displays of all entries keep together; beyond it the oldest lose theirs.
pub const DISPLAYS: usize = 32 << 20;

/// Ends code that is not all there.
pub const CODE_MARK: &str = "\n# [... more of this code follows ...]";

/// Bytes of all entries, and how many of the oldest entries have been cut.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    output: usize,
    /// Of those that were cut.
    old_output: usize,
    cut_output: usize,
    least_output: usize,
    code: usize,
    cut_code: usize,
    outcomes: usize,
    cut_outcomes: usize,
    pub displays: usize,
    /// Entries before this one have none of them.
    pub displays_from: usize,
}

fn output_of(entry: &mut Entry) -> Option<&mut Output> {
    match entry {
        Entry::Snippet(Snippet { output, .. }) | Entry::Background { output, .. } => Some(output),
        Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => None,
    }
}

fn is_open(entry: &Entry) -> bool {
    matches!(entry, Entry::Snippet(snippet) if !snippet.status.is_final())
}

impl Transcript {
    /// Changes the output of an entry, and cuts what is too much.
    pub(super) fn change_output(&mut self, place: usize, change: impl FnOnce(&mut Output)) {
        let Some(output) = self.entries.get_mut(place).and_then(output_of) else { return };
        let before = output.memory();
        change(output);
        // What is written late, by a thread.
        let ends = if place < self.bounds.least_output { LEAST } else { ENDS };
        if place < self.bounds.cut_output && output.memory() > 4 * ends {
            output.shrink(ends);
        }
        let after = output.memory();
        self.bounds.output = self.bounds.output + after - before;
        if place < self.bounds.cut_output {
            self.bounds.old_output = self.bounds.old_output + after - before;
        }
        self.cut_output();
    }

    fn cut_output(&mut self) {
        let Bounds { output, old_output, cut_output, least_output, .. } = &mut self.bounds;
        while *output - *old_output > OUTPUT && *cut_output + 1 < self.entries.len() {
            let entry = &mut self.entries[*cut_output];
            if is_open(entry) {
                break;
            }
            if let Some(kept) = output_of(entry) {
                let before = kept.memory();
                kept.shrink(ENDS);
                *output = *output + kept.memory() - before;
                *old_output += kept.memory();
            }
            *cut_output += 1;
        }
        while *old_output > OLD && *least_output < *cut_output {
            if let Some(kept) = output_of(&mut self.entries[*least_output]) {
                let before = kept.memory();
                kept.shrink(LEAST);
                *output = *output + kept.memory() - before;
                *old_output = *old_output + kept.memory() - before;
            }
            *least_output += 1;
        }
    }

    /// After another entry came.
    pub(super) fn bound_code(&mut self, added: usize) {
        let Bounds { code, cut_code, .. } = &mut self.bounds;
        *code += added;
        while *code > CODE && *cut_code + 1 < self.entries.len() {
            let entry = &mut self.entries[*cut_code];
            if is_open(entry) {
                break;
            }
            if let Entry::Snippet(snippet) = entry {
                let before = snippet.code.len();
                shorten(snippet);
                *code = *code + snippet.code.len() - before;
            }
            *cut_code += 1;
        }
    }

    /// After a snippet has ended.
    pub(super) fn bound_outcomes(&mut self, added: usize) {
        let Bounds { outcomes, cut_outcomes, .. } = &mut self.bounds;
        *outcomes += added;
        while *outcomes > OUTCOMES && *cut_outcomes + 1 < self.entries.len() {
            let entry = &mut self.entries[*cut_outcomes];
            if is_open(entry) {
                break;
            }
            if let Entry::Snippet(snippet) = entry
                && let Some(outcome) = &snippet.outcome
                && let Some(cut) = outcome.cut()
            {
                *outcomes = *outcomes + cut.size() - outcome.size();
                snippet.outcome = Some(Arc::new(cut));
                snippet.outcome_is_cut = true;
            }
            *cut_outcomes += 1;
        }
    }

    /// Drops the bytes of the oldest displays beyond [`DISPLAYS`].
    pub(super) fn drop_old_displays(&mut self) {
        let Bounds { displays: kept, displays_from, .. } = &mut self.bounds;
        while *kept > DISPLAYS && *displays_from < self.entries.len() {
            if let Entry::Snippet(Snippet { displays, .. }) = &mut self.entries[*displays_from] {
                for display in displays.iter_mut().filter(|display| display.bytes_kept() > 0) {
                    *kept -= display.bytes_kept();
                    *display = Arc::new(display.dropped());
                    if *kept <= DISPLAYS {
                        return;
                    }
                }
            }
            *displays_from += 1;
        }
    }
}

fn shorten(snippet: &mut Snippet) {
    let code = &snippet.code;
    if code.len() <= 2 * CODE_HEAD || snippet.code_omitted > 0 {
        return;
    }
    let cut = floor_char_boundary(code, CODE_HEAD);
    let cut = code[..cut].rfind('\n').unwrap_or(cut);
    snippet.code_omitted = code.len() - cut;
    snippet.code = format!("{}{CODE_MARK}", &code[..cut]).into();
}

impl Outcome {
    /// Stands for whoever ended a snippet whose end could not be recorded.
    pub const UNRECORDED: &str = "an end that could not be recorded";

    /// Memory that it takes beside itself, roughly and in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let error = self.error.as_ref().map_or(0, |error| error.message.len() + error.traceback.len());
        let frames = self.frames.iter().map(|frame| frame.frame.size()).sum::<usize>();
        let changes = [&self.changes.added, &self.changes.changed, &self.changes.removed];
        let changes = changes.into_iter().flatten().map(|name| name.len() + 32).sum::<usize>();
        self.result.as_ref().map_or(0, String::len)
            + error
            + self.frame.as_ref().map_or(0, |frame| frame.size())
            + frames
            + changes
    }

    /// The same with the ends of its value, its message and its traceback, if it is large.
    #[must_use]
    pub fn cut(&self) -> Option<Self> {
        if self.size() <= 4 * OUTCOME_ENDS {
            return None;
        }
        let mut cut = Self { frame: None, frames: Vec::new(), ..self.clone() };
        if let Some(error) = &mut cut.error {
            ends(&mut error.message);
            ends(&mut error.traceback);
        }
        cut.result.iter_mut().for_each(ends);
        for names in [&mut cut.changes.added, &mut cut.changes.changed, &mut cut.changes.removed] {
            names.truncate(NAMES);
            names.shrink_to_fit();
        }
        Some(cut)
    }
}

/// Names of changed variables that are left of an outcome that was cut.
const NAMES: usize = 20;

fn ends(text: &mut String) {
    if text.len() <= 2 * OUTCOME_ENDS + 100 {
        return;
    }
    let (head, tail) = (floor_char_boundary(text, OUTCOME_ENDS), ceil_char_boundary(text, text.len() - OUTCOME_ENDS));
    *text = format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..]);
}
