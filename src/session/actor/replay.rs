//! Replays: earlier snippets run once more, one by one. A replay keeps its place in the queue to its end; everything
//! that is submitted meanwhile waits behind the replay.

use std::collections::VecDeque;
use std::sync::Arc;

use super::queue::{Queued, ReplayProgress, Running, Work};
use super::state::Actor;
use crate::domain::replay::{Phase, Replay};
use crate::domain::replay_selection::{self, ReplaySelection};
use crate::domain::{Author, Event, Outcome, SnippetId, Status};
use crate::session::clock::now;
use crate::session::handle::command::SnippetCodes;
use crate::session::handle::{ReplayRefused, RunOptions};

impl Actor {
    /// Puts a replay into the queue. `codes` has the code that the transcript does not hold whole. Returns the number
    /// of snippets.
    pub(super) fn start_replay(
        &mut self,
        by: Author,
        which: &ReplaySelection,
        codes: &SnippetCodes,
    ) -> Result<usize, ReplayRefused> {
        if self.queue.replay.is_some() {
            return Err(ReplayRefused::UnderWay);
        }
        let code = |id: SnippetId| {
            let known = self.transcript.snippet(id).filter(|found| found.code_omitted == 0);
            let code = known.map(|found| found.code.clone()).or_else(|| codes.get(&id).cloned());
            code.map(|code| (id, code)).ok_or(ReplayRefused::TooLong(id))
        };
        let remaining = replay_selection::snippets(&self.transcript, which).into_iter().map(code);
        let remaining: VecDeque<(SnippetId, Arc<str>)> = remaining.collect::<Result<_, _>>()?;
        let total = remaining.len();
        if total == 0 {
            return Err(ReplayRefused::Nothing);
        }
        let status = Replay { by, done: 0, total, phase: Phase::Waiting };
        self.emit(Event::Replay(Arc::new(status.clone())));
        self.queue.replay = Some(ReplayProgress { status, remaining });
        self.queue.waiting.push_back(Queued::Replay);
        Ok(total)
    }

    /// Runs the next snippet of the replay. A replay that waits runs only if `begins`. Returns whether a snippet runs
    /// now.
    pub(super) fn run_next_of_replay(&mut self, begins: bool) -> bool {
        let Some(ReplayProgress { status, remaining }) = &mut self.queue.replay else { return false };
        if status.phase == Phase::Waiting && !begins {
            return false;
        }
        let Some((of, code)) = remaining.pop_front() else { return false };
        let snippet = SnippetId(self.queue.next_snippet);
        self.queue.next_snippet += 1;
        status.phase = Phase::Running(of, snippet);
        let (author, status) = (status.by.clone(), Arc::new(status.clone()));
        self.emit(Event::Submitted { snippet, author: author.clone(), code: code.clone(), call: None, at: now() });
        self.emit(Event::Replayed { snippet, of });
        self.emit(Event::Replay(status));
        self.emit(Event::Started { snippet, at: now() });
        self.queue.running = Some(Running::new(Work::Snippet(snippet), RunOptions::default().timeout));
        self.publisher.release();
        self.engine.run(snippet, &author, code);
        true
    }

    /// Withdraws a replay that has not begun.
    pub(super) fn withdraw_replay(&mut self) {
        let waits = |replay: &mut ReplayProgress| replay.status.phase == Phase::Waiting;
        let Some(ReplayProgress { status, .. }) = self.queue.replay.take_if(waits) else { return };
        self.queue.waiting.retain(|queued| !matches!(queued, Queued::Replay));
        self.emit(Event::Replay(Arc::new(Replay { phase: Phase::TakenBack, ..status })));
    }

    /// Goes on with the replay after its snippet has ended, or stops it if the snippet did not end as before.
    pub(super) fn advance_replay(&mut self, snippet: SnippetId, outcome: &Outcome) {
        let Some(ReplayProgress { status, remaining }) = &mut self.queue.replay else { return };
        let Phase::Running(of, running) = status.phase else { return };
        if running != snippet {
            return;
        }
        let before = self.transcript.snippet(of).map(|found| found.status);
        let goes_on = outcome.status == Status::Ok || outcome.status == Status::Error && before == Some(Status::Error);
        status.done += usize::from(goes_on);
        if goes_on && !remaining.is_empty() {
            return;
        }
        status.phase = if goes_on { Phase::Done } else { Phase::Stopped(snippet, reason(outcome).into()) };
        let status = Arc::new(status.clone());
        self.queue.replay = None;
        self.emit(Event::Replay(status));
    }
}

/// Why a replay stopped at a snippet with this outcome.
fn reason(outcome: &Outcome) -> String {
    match (&outcome.error, &outcome.stopped_by) {
        (_, Some(by)) => format!("{} by {by}", outcome.status.word()),
        (Some(error), None) => error.type_name.clone(),
        (None, None) => format!("exit code {}", outcome.returncode),
    }
}
