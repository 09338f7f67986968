//! Replays: snippets of before are run again one by one. A replay holds its place in the queue to its end; whatever else
//! is submitted meanwhile waits behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Actor, RunOptions, Running, Waiting, Work};
use crate::domain::replay::{Phase, Replay};
use crate::domain::replay_selection::{self, ReplaySelection};
use crate::domain::{Author, Event, Outcome, SnippetId, Status};
use crate::session::ReplayRefused;
use crate::session::clock::now;

/// Code of snippets.
pub type Codes = HashMap<SnippetId, Arc<str>>;

/// The replay that waits or runs.
pub(super) struct UnderWay {
    told: Replay,
    /// With their code, which the transcript may keep no longer when their turn comes.
    left: VecDeque<(SnippetId, Arc<str>)>,
}

impl Actor {
    /// Puts a replay into the queue. `codes` has the code of snippets of which the transcript has only the beginning.
    /// Answers how many snippets it has.
    pub(super) fn replay(
        &mut self,
        by: Author,
        which: &ReplaySelection,
        codes: &Codes,
    ) -> Result<usize, ReplayRefused> {
        if self.replay.is_some() {
            return Err(ReplayRefused::UnderWay);
        }
        let code = |id: SnippetId| {
            let known = self.transcript.snippet(id).filter(|found| found.code_omitted == 0);
            let code = known.map(|found| found.code.clone()).or_else(|| codes.get(&id).cloned());
            code.map(|code| (id, code)).ok_or(ReplayRefused::TooLong(id))
        };
        let left = replay_selection::snippets(&self.transcript, which).into_iter().map(code);
        let left: VecDeque<(SnippetId, Arc<str>)> = left.collect::<Result<_, _>>()?;
        let total = left.len();
        if total == 0 {
            return Err(ReplayRefused::Nothing);
        }
        let told = Replay { by, done: 0, total, phase: Phase::Waiting };
        self.emit(Event::Replay(Arc::new(told.clone())));
        self.replay = Some(UnderWay { told, left });
        self.waiting.push_back(Waiting::Replay);
        Ok(total)
    }

    /// Runs the next snippet of the replay that has begun. `false` if there is none.
    pub(super) fn replay_next(&mut self, begins: bool) -> bool {
        let Some(UnderWay { told, left }) = &mut self.replay else { return false };
        if told.phase == Phase::Waiting && !begins {
            return false;
        }
        let Some((of, code)) = left.pop_front() else { return false };
        let snippet = SnippetId(self.next_snippet);
        self.next_snippet += 1;
        told.phase = Phase::Running(of, snippet);
        let (author, told) = (told.by.clone(), Arc::new(told.clone()));
        self.emit(Event::Submitted { snippet, author: author.clone(), code: code.clone(), call: None, at: now() });
        self.emit(Event::Replayed { snippet, of });
        self.emit(Event::Replay(told));
        self.emit(Event::Started { snippet, at: now() });
        self.running = Some(Running::new(Work::Snippet(snippet), RunOptions::default().timeout));
        self.engine.run(snippet, &author, code);
        true
    }

    /// Takes back a replay that has not begun.
    pub(super) fn take_back_replay(&mut self) {
        let waits = |replay: &mut UnderWay| replay.told.phase == Phase::Waiting;
        let Some(UnderWay { told, .. }) = self.replay.take_if(waits) else { return };
        self.waiting.retain(|waiting| !matches!(waiting, Waiting::Replay));
        self.emit(Event::Replay(Arc::new(Replay { phase: Phase::TakenBack, ..told })));
    }

    /// After `snippet` has ended: goes on, or stops if that was of the replay and does not end as it did before.
    pub(super) fn on_replayed(&mut self, snippet: SnippetId, outcome: &Outcome) {
        let Some(UnderWay { told, left }) = &mut self.replay else { return };
        let Phase::Running(of, running) = told.phase else { return };
        if running != snippet {
            return;
        }
        let before = self.transcript.snippet(of).map(|found| found.status);
        let goes_on = outcome.status == Status::Ok || outcome.status == Status::Error && before == Some(Status::Error);
        told.done += usize::from(goes_on);
        if goes_on && !left.is_empty() {
            return;
        }
        told.phase = if goes_on { Phase::Done } else { Phase::Stopped(snippet, why(outcome).into()) };
        let told = Arc::new(told.clone());
        self.replay = None;
        self.emit(Event::Replay(told));
    }
}

fn why(outcome: &Outcome) -> String {
    match (&outcome.error, &outcome.stopped_by) {
        (_, Some(by)) => format!("{} by {by}", outcome.status.word()),
        (Some(error), None) => error.type_name.clone(),
        (None, None) => format!("exit code {}", outcome.returncode),
    }
}
