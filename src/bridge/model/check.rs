//! What must hold at the end of a run, whatever happened in it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::claims::{Claim, claim, said};
use super::world::{Ask, Call, World};
use crate::domain::{SnippetId, Status};

/// What is wrong, as a kind.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Code or an entered line had its effect more than once.
    DoneTwice,
    /// A request has no answer although all had time to come.
    Unanswered,
    AnsweredTwice,
    /// It is told that it did not begin, or to repeat it, and it had begun.
    ToldToRepeat,
    /// The answer tells of something that this call did not come to.
    Untrue,
    /// It is told that what became of it is not known, where that could be known.
    Unknown,
    /// A call that nobody cancelled is told that it was.
    ToldCancelled,
    /// An answer that nobody expects.
    Strange,
    /// A process does not end although it was asked to.
    DoesNotEnd,
}

#[derive(Clone, Debug)]
pub struct Violation {
    pub kind: Kind,
    pub what: String,
    /// The beginning of the answer, for those who count.
    pub said: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// Ends of a process after which the bridge gives a call up.
const MOST_ENDS: usize = 3;
/// Milliseconds that a session has for its first word.
const HELLO: u64 = 3_000;

pub fn violation(world: &World, connected: impl Fn(usize) -> bool) -> Option<Violation> {
    let calls = world.calls.iter().enumerate();
    let mut found = calls.filter_map(|(number, call)| {
        let (kind, what) = of_call(world, number, call, connected(call.client))?;
        let what = format!(
            "{what}: call {number} of client {}, id {}, {:?}, begun {}, marks {}, snippets {:?}, cancelled {}, answers {}",
            call.client,
            call.id,
            call.ask,
            call.begun,
            call.marks,
            call.snippets,
            call.cancelled,
            Value::from(call.answers.clone())
        );
        Some(Violation { kind, what, said: call.answers.last().map(said).unwrap_or_default() })
    });
    found.next().or_else(|| told_of_others(world))
}

fn of_call(world: &World, number: usize, call: &Call, connected: bool) -> Option<(Kind, String)> {
    let entered = world.entered.get(&number).copied().unwrap_or_default();
    if call.begun > 1 || call.marks > 1 || entered > 1 {
        return Some((Kind::DoneTwice, "it was done more than once".to_owned()));
    }
    // Whoever uses the id of a call that it has cancelled cannot tell an answer that crosses the cancellation from its own.
    let most = 1 + usize::from(call.reuses.is_some());
    if call.answers.len() > most {
        return Some((Kind::AnsweredTwice, format!("it has {} answers", call.answers.len())));
    }
    let Some(answer) = call.answers.last() else {
        let is_due = connected && !call.cancelled;
        return is_due.then(|| (Kind::Unanswered, "it has no answer".to_owned()));
    };
    untruth(world, call, entered, &claim(answer))
}

fn untruth(world: &World, call: &Call, entered: usize, claim: &Claim) -> Option<(Kind, String)> {
    let is_run = matches!(call.ask, Ask::Run(_));
    let wrong = |kind: Kind, what: &str| Some((kind, format!("it is told {claim:?}, but {what}")));
    match claim {
        Claim::Strange => wrong(Kind::Strange, "nobody expects that"),
        Claim::Cancelled if !call.cancelled => wrong(Kind::ToldCancelled, "nobody cancelled it"),
        Claim::NotBegun if is_run && call.begun > 0 => wrong(Kind::ToldToRepeat, "it had begun"),
        Claim::NotBegun if entered > 0 => wrong(Kind::ToldToRepeat, "its line was entered"),
        Claim::Refused if is_run && call.begun > 0 => wrong(Kind::Untrue, "it had begun"),
        Claim::Begun if is_run && !call.was_cut && call.finished.is_none() => {
            wrong(Kind::Untrue, "nothing says that it began")
        }
        Claim::Silent if world.happened.passed < HELLO => wrong(Kind::Untrue, "no such time has passed"),
        Claim::Unknown | Claim::Begun if is_run && !is_excused(call) => wrong(Kind::Unknown, "that could be known"),
        Claim::Stands { snippet, status, python_died } if is_run => {
            let Some((session, id)) = call.snippets.iter().find(|(_, id)| id.0 == *snippet) else {
                return wrong(Kind::Untrue, "that is not its snippet");
            };
            let recorded = world.recorded.get(&(*session, *id));
            let holds = match status.as_str() {
                "ok" => call.finished == Some(Status::Ok) && call.marks == 1,
                "error" if *python_died => call.was_cut,
                "error" => call.finished == Some(Status::Error),
                "interrupted" => call.finished == Some(Status::Interrupted) || call.was_cut,
                "cancelled" => call.begun == 0,
                _ => true,
            };
            let is_open = matches!(status.as_str(), "queued" | "running" | "waiting_for_input");
            if !holds {
                wrong(Kind::Untrue, "it came to something else")
            } else if !is_open && recorded.is_none_or(|recorded| recorded.word() != status) {
                wrong(Kind::Untrue, "the journal has something else")
            } else {
                None
            }
        }
        Claim::Stands { snippet, status, .. } => {
            let is_open = matches!(status.as_str(), "queued" | "running" | "waiting_for_input");
            let of_that =
                |((_, id), recorded): (&(u32, SnippetId), &Status)| id.0 == *snippet && recorded.word() == status;
            (!is_open && !world.recorded.iter().any(of_that))
                .then(|| (Kind::Untrue, format!("it is told {claim:?}, and the journal has nothing of that")))
        }
        Claim::Reset { done: true } if call.ask == Ask::Restart || call.ask == Ask::Reset => {
            let now = world.happened;
            let before = call.sent_at;
            let happened = now.process_ends > before.process_ends || now.resets > before.resets;
            if happened { None } else { wrong(Kind::Untrue, "nothing was reset since") }
        }
        _ if is_run && matches!(claim, Claim::Other | Claim::Reset { .. }) => wrong(Kind::Strange, "that is of no run"),
        _ => None,
    }
}

/// Whether what became of a call may be unknown: a session ended for good, too many processes of it died, or nothing
/// was heard for longer than the bridge waits.
fn is_excused(call: &Call) -> bool {
    let (before, after) = (call.sent_at, call.answered_at.unwrap_or_default());
    let ends = after.process_ends - before.process_ends;
    after.session_ends > 0 || ends >= MOST_ENDS || after.long_silences > before.long_silences
}

/// No two runs are told of one snippet.
fn told_of_others(world: &World) -> Option<Violation> {
    let mut told: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (number, call) in world.calls.iter().enumerate().filter(|(_, call)| matches!(call.ask, Ask::Run(_))) {
        for answer in &call.answers {
            let Claim::Stands { snippet, .. } = claim(answer) else { continue };
            let session = call.snippets.first().map_or(0, |(session, _)| *session);
            if let Some(other) = told.insert((session, snippet), number)
                && other != number
            {
                let what = format!("calls {other} and {number} are both told of snippet {snippet}");
                return Some(Violation { kind: Kind::Untrue, what, said: String::new() });
            }
        }
    }
    None
}
