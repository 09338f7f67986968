//! What happened lately, in a form that costs nothing to look at: for those who are told on their next result.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Author, Event, Note, Outcome, ResetReport, Restart, SnippetId, Transcript};

/// Happenings kept. Whoever comes back after more of them is told how many.
const KEPT: usize = 500;
/// Bytes kept of long code.
const CODE: usize = 2 << 10;

#[derive(Clone, Debug)]
pub enum Activity {
    Ended { snippet: SnippetId, author: Author, code: Arc<str>, title: Option<Arc<str>>, outcome: Arc<Outcome> },
    Reset { by: Author, report: Arc<ResetReport> },
    Restarted(Arc<Restart>),
    Noted(Arc<Note>),
}

/// As much of code as anybody is told of it here.
fn beginning(code: &Arc<str>) -> Arc<str> {
    if code.len() <= 2 * CODE { code.clone() } else { code[..floor_char_boundary(code, CODE)].into() }
}

/// The actor writes it; anybody may read.
#[derive(Debug, Default)]
pub struct ActivityLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Happenings before the first of `latest`.
    gone: u64,
    latest: VecDeque<Activity>,
}

impl ActivityLog {
    /// `transcript` has the event already.
    pub(super) fn event(&self, event: &Event, transcript: &Transcript) {
        let happening = match event {
            Event::Finished { snippet, outcome, .. } => {
                let Some(found) = transcript.snippet(*snippet) else { return };
                Activity::Ended {
                    snippet: *snippet,
                    author: found.author.clone(),
                    code: beginning(&found.code),
                    title: found.title.clone(),
                    // Of a large value the ends are told.
                    outcome: outcome.cut().map_or_else(|| outcome.clone(), Arc::new),
                }
            }
            Event::Reset { by, report, .. } => Activity::Reset { by: by.clone(), report: report.clone() },
            Event::Restarted { restart, .. } => Activity::Restarted(restart.clone()),
            Event::Noted { note, .. } => Activity::Noted(note.clone()),
            _ => return,
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.latest.len() >= KEPT {
            kept.latest.pop_front();
            kept.gone += 1;
        }
        kept.latest.push_back(happening);
    }

    /// How many happenings there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.gone + kept.latest.len() as u64
    }

    /// What happened from `position` on, how many before that are no longer kept, and the position after it.
    #[must_use]
    pub fn since(&self, position: u64) -> (Vec<Activity>, u64, u64) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = kept.gone + kept.latest.len() as u64;
        let lost = kept.gone.saturating_sub(position);
        let skip = position.saturating_sub(kept.gone) as usize;
        (kept.latest.iter().skip(skip).cloned().collect(), lost, end)
    }
}
