//! Why a call has no result, and what its caller is told then.

use crate::domain::CallState;
use crate::mcp::tools::schema;
use crate::session::Closed;

/// Why a call has no result.
#[derive(Debug)]
pub enum Failure {
    /// In words for the model.
    Told(String),
    /// The session ended before the call was answered, when it had come so far.
    Ended(CallState),
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Told(text)
    }
}

pub fn refused<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Told(why.into()))
}

/// The session has ended, and had not taken what this call asked of it.
pub fn ended(_: Closed) -> Failure {
    Failure::Ended(CallState::NotReceived)
}

/// The session has ended, and may have taken what this call asked of it.
pub fn ended_meanwhile(_: Closed) -> Failure {
    Failure::Ended(CallState::Unknown)
}

/// What the caller of a tool is told of a call that has no answer: `what` happened, what is known of the call, and what to
/// do. Only what has not begun is said to be repeatable.
#[must_use]
pub fn left_without_answer(tool: &str, state: CallState, what: &str, advice: &str) -> String {
    let known = match state {
        _ if schema::only_reads(tool) => "This call changes nothing, so it may be repeated.",
        CallState::NotReceived | CallState::Queued => match tool {
            schema::RUN => "Nothing was run, so this call may be repeated.",
            schema::ANSWER => "Nothing was entered.",
            schema::RESET => "Nothing was reset by it.",
            schema::INTERRUPT => "Nothing was interrupted by it.",
            schema::ASK => "The person was not asked.",
            _ => "Nothing was done.",
        },
        CallState::Begun => match tool {
            schema::RUN => {
                "The code of this call had begun. How far it came is not known: look at what is there before you \
                           repeat any of it."
            }
            _ => "This call had begun. How far it came is not known: look at what is there before you repeat it.",
        },
        CallState::Ended => "This call was carried out, and its result is lost: do not repeat it.",
        CallState::Unknown => match tool {
            schema::RUN => {
                "Whether the code of this call began, and whether it ran to its end, is not known: look at what \
                           is there before you repeat any of it."
            }
            schema::ANSWER => "Whether the line was entered is not known: look at what is there before you repeat it.",
            schema::RESET => "Whether anything was reset is not known: look at what is there before you repeat it.",
            schema::ASK => "Whether the person was asked is not known.",
            _ => "Whether this call did anything is not known: look at what is there before you repeat it.",
        },
    };
    [what, known, advice].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [CallState; 5] =
        [CallState::NotReceived, CallState::Queued, CallState::Begun, CallState::Ended, CallState::Unknown];

    #[test]
    fn only_what_has_not_begun_may_be_repeated() {
        for tool in schema::list(true).into_iter().map(|tool| tool.name).chain(["another".into()]) {
            for state in STATES {
                let told = left_without_answer(&tool, state, "What.", "Advice.");
                assert!(told.starts_with("What. ") && told.ends_with(" Advice."), "{told}");
                let may = told.contains("may be repeated");
                assert!(!may || state.may_be_repeated() || schema::only_reads(&tool), "{tool} {state:?}: {told}");
                let says_nothing_was = told.contains("Nothing was") || told.contains("was not asked");
                assert!(!says_nothing_was || state.may_be_repeated(), "{tool} {state:?}: {told}");
            }
        }
    }
}
