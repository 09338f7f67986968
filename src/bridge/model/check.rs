//! The conditions that must hold at the end of every run.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::calls::{Ask, Call};
use super::claims::{Claim, beginning, claim};
use super::world::World;
use crate::domain::{SnippetId, Status};

/// The kind of a violation.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViolationKind {
    /// Code or an entered line had its effect more than once.
    DoneTwice,
    /// A request has no answer although there was time for all answers.
    Unanswered,
    AnsweredTwice,
    /// The answer says that the call did not begin, or may be repeated, but the call had begun.
    SaysRepeatable,
    /// The answer says something that is not so.
    Untrue,
    /// The answer says that the state is unknown, although it could be known.
    Unknown,
    /// The answer says that the call was cancelled, although nobody cancelled it.
    SaysCancelled,
    /// An answer that nobody expects.
    Strange,
    /// A process was asked to end and does not.
    DoesNotEnd,
}

#[derive(Clone, Debug)]
pub struct Violation {
    pub kind: ViolationKind,
    pub what: String,
    /// The beginning of the answer, for a survey.
    pub answer: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// How many processes may end before the bridge gives up a call.
const MAX_ENDS: usize = 3;
/// Milliseconds that a session has for its first line.
const HANDSHAKE_TIMEOUT: u64 = 3_000;

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
        Some(Violation { kind, what, answer: call.answers.last().map(beginning).unwrap_or_default() })
    });
    found.next().or_else(|| shared_snippet(world))
}

fn of_call(world: &World, number: usize, call: &Call, connected: bool) -> Option<(ViolationKind, String)> {
    let entered = world.entered.get(&number).copied().unwrap_or_default();
    if call.begun > 1 || call.marks > 1 || entered > 1 {
        return Some((ViolationKind::DoneTwice, "it was done more than once".to_owned()));
    }
    // A client that reuses the id of a cancelled call cannot tell a late answer to that call from its own.
    let most = 1 + usize::from(call.reuses.is_some());
    if call.answers.len() > most {
        return Some((ViolationKind::AnsweredTwice, format!("it has {} answers", call.answers.len())));
    }
    let Some(answer) = call.answers.last() else {
        let is_due = connected && !call.cancelled;
        return is_due.then(|| (ViolationKind::Unanswered, "it has no answer".to_owned()));
    };
    untruth(world, call, entered, &claim(answer))
}

fn untruth(world: &World, call: &Call, entered: usize, claim: &Claim) -> Option<(ViolationKind, String)> {
    let is_run = matches!(call.ask, Ask::Run(_));
    let wrong = |kind: ViolationKind, what: &str| Some((kind, format!("its answer says {claim:?}, but {what}")));
    match claim {
        Claim::Strange => wrong(ViolationKind::Strange, "nobody expects that"),
        Claim::Cancelled if !call.cancelled => wrong(ViolationKind::SaysCancelled, "nobody cancelled it"),
        Claim::NotBegun if is_run && call.begun > 0 => wrong(ViolationKind::SaysRepeatable, "it had begun"),
        Claim::NotBegun if entered > 0 => wrong(ViolationKind::SaysRepeatable, "its line was entered"),
        Claim::Refused if is_run && call.begun > 0 => wrong(ViolationKind::Untrue, "it had begun"),
        Claim::Begun if is_run && !call.was_cut && call.finished.is_none() => {
            wrong(ViolationKind::Untrue, "nothing says that it began")
        }
        Claim::Silent if world.happened.passed < HANDSHAKE_TIMEOUT => {
            wrong(ViolationKind::Untrue, "no such time has passed")
        }
        Claim::Unknown | Claim::Begun if is_run && !is_excused(call) => {
            wrong(ViolationKind::Unknown, "that could be known")
        }
        Claim::Stands { snippet, status, python_died } if is_run => {
            let Some((session, id)) = call.snippets.iter().find(|(_, id)| id.0 == *snippet) else {
                return wrong(ViolationKind::Untrue, "that is not its snippet");
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
                wrong(ViolationKind::Untrue, "it came to something else")
            } else if !is_open && recorded.is_none_or(|recorded| recorded.word() != status) {
                wrong(ViolationKind::Untrue, "the journal has something else")
            } else {
                None
            }
        }
        Claim::Stands { snippet, status, .. } => {
            let is_open = matches!(status.as_str(), "queued" | "running" | "waiting_for_input");
            let of_that =
                |((_, id), recorded): (&(u32, SnippetId), &Status)| id.0 == *snippet && recorded.word() == status;
            (!is_open && !world.recorded.iter().any(of_that))
                .then(|| (ViolationKind::Untrue, format!("its answer says {claim:?}, and the journal does not")))
        }
        Claim::Reset { done: true } if call.ask == Ask::Restart || call.ask == Ask::Reset => {
            let now = world.happened;
            let before = call.sent_at;
            let happened = now.process_ends > before.process_ends || now.resets > before.resets;
            if happened { None } else { wrong(ViolationKind::Untrue, "nothing was reset since") }
        }
        _ if is_run && matches!(claim, Claim::Other | Claim::Reset { .. }) => {
            wrong(ViolationKind::Strange, "that is of no run")
        }
        _ => None,
    }
}

/// Returns whether the state of a call may be unknown: a session ended for good, too many processes died, or a silence
/// was longer than the bridge waits.
fn is_excused(call: &Call) -> bool {
    let (before, after) = (call.sent_at, call.answered_at.unwrap_or_default());
    let ends = after.process_ends - before.process_ends;
    after.session_ends > 0 || ends >= MAX_ENDS || after.long_silences > before.long_silences
}

/// Checks that no two runs get answers about one snippet.
fn shared_snippet(world: &World) -> Option<Violation> {
    let mut answered: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (number, call) in world.calls.iter().enumerate().filter(|(_, call)| matches!(call.ask, Ask::Run(_))) {
        for answer in &call.answers {
            let Claim::Stands { snippet, .. } = claim(answer) else { continue };
            let session = call.snippets.first().map_or(0, |(session, _)| *session);
            if let Some(other) = answered.insert((session, snippet), number)
                && other != number
            {
                let what = format!("calls {other} and {number} both have answers about snippet {snippet}");
                return Some(Violation { kind: ViolationKind::Untrue, what, answer: String::new() });
            }
        }
    }
    None
}
