//! What old entries of a transcript lose to take less memory: the middle of their texts, which is in the journal.

use std::sync::Arc;

use super::entry::Entry;
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Output, Snippet};

/// Bytes that an older entry keeps of its output's beginning, and as many of its end.
pub const OLD_OUTPUT_ENDS: usize = 2 << 10;
/// The ends that the oldest entries keep.
pub const OLDEST_OUTPUT_ENDS: usize = 200;
/// The beginning that older code keeps.
pub const OLD_CODE_HEAD: usize = 4 << 10;
/// The beginning that code in the oldest packed blocks keeps.
pub const OLDEST_CODE_HEAD: usize = 512;
/// The last line of code that was shortened.
pub const CODE_MARK: &str = "\n# [... more of this code follows ...]";

pub fn output_of(entry: &mut Entry) -> Option<&mut Output> {
    match entry {
        Entry::Snippet(Snippet { output, .. }) | Entry::Background { output, .. } => Some(output),
        Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => None,
    }
}

pub fn output_in(entry: &Entry) -> Option<&Output> {
    match entry {
        Entry::Snippet(Snippet { output, .. }) | Entry::Background { output, .. } => Some(output),
        Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => None,
    }
}

pub fn outcome_size(snippet: &Snippet) -> usize {
    snippet.outcome.as_ref().map_or(0, |outcome| outcome.size())
}

/// Returns the bytes of the texts of an entry, without its displays.
pub fn memory(entry: &Entry) -> usize {
    let texts = match entry {
        Entry::Snippet(snippet) => snippet.code.len() + outcome_size(snippet) + snippet.effects.size(),
        _ => 0,
    };
    output_in(entry).map_or(0, Output::memory) + texts
}

/// Keeps only the ends of the texts of an entry, if that has ended.
pub fn shorten(entry: &mut Entry) {
    if is_open(entry) {
        return;
    }
    if let Some(output) = output_of(entry) {
        output.shrink(OLDEST_OUTPUT_ENDS);
    }
    let Entry::Snippet(snippet) = entry else { return };
    shorten_code(snippet, OLDEST_CODE_HEAD);
    if let Some(cut) = snippet.outcome.as_ref().and_then(|outcome| outcome.cut()) {
        snippet.outcome = Some(Arc::new(cut));
        snippet.outcome_is_cut = true;
    }
    if !snippet.effects.is_empty() {
        snippet.effects = Arc::default();
        snippet.effects_dropped = true;
    }
}

pub fn is_open(entry: &Entry) -> bool {
    matches!(entry, Entry::Snippet(snippet) if !snippet.status.is_final())
}

pub fn shorten_code(snippet: &mut Snippet, head: usize) {
    let code = match snippet.code_omitted {
        0 => &snippet.code,
        _ => snippet.code.strip_suffix(CODE_MARK).unwrap_or(&snippet.code),
    };
    if code.len() <= 2 * head {
        return;
    }
    let cut = floor_char_boundary(code, head);
    let cut = code[..cut].rfind('\n').unwrap_or(cut);
    snippet.code_omitted += code.len() - cut;
    snippet.code = format!("{}{CODE_MARK}", &code[..cut]).into();
}
