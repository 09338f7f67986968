//! The report to a client on the person's review of its snippet.

use schemars::JsonSchema;
use serde::Serialize;

use super::truncate::truncate_middle;
use crate::domain::terminal_text::plain;
use crate::domain::{PERSON, RiskAnswered, Snippet, units};
use crate::session::review_diff;

/// Characters of a reason, and of a diff.
const MAX_REASON: usize = 2_000;
const MAX_DIFF: usize = 8_000;
/// Answers to risks, the last ones.
const MAX_CONSENTS: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ReviewState {
    /// The person has not decided yet.
    Waiting,
    Allowed,
    /// The person has changed the code before it ran; see `diff`.
    Edited,
    Rejected,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ReviewReport {
    pub decision: ReviewState,
    /// The person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds that the snippet waited for the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_s: Option<f64>,
    /// The person's edit, as a unified diff from the sent code to the code that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    #[serde(skip)]
    was_unattended: bool,
}

/// What the person said to risks of the code, such as `delete data.csv: denied`.
pub fn consent_phrases(snippet: &Snippet) -> Vec<String> {
    let phrase = |answered: &RiskAnswered| truncate_middle(&plain(&answered.phrase()), MAX_REASON, 0).0;
    let answers = snippet.answered_risks();
    answers[answers.len().saturating_sub(MAX_CONSENTS)..]
        .iter()
        .filter(|answered| !answered.was_unattended)
        .map(|a| phrase(a))
        .collect()
}

impl ReviewReport {
    pub fn of(snippet: &Snippet) -> Option<Self> {
        let review = snippet.review.as_ref()?;
        let Some(decision) = &review.decision else {
            let (reason, waited_s, diff) = (None, None, None);
            let waiting = Self { decision: ReviewState::Waiting, reason, waited_s, diff, was_unattended: false };
            return snippet.is_pending().then_some(waiting);
        };
        let reason = decision.reason.as_deref().map(|reason| truncate_middle(&plain(reason), MAX_REASON, 0).0);
        let diff = review_diff(snippet).map(|diff| truncate_middle(&plain(&diff), MAX_DIFF, 0).0);
        let waited_s = review.waited().map(|waited| waited.as_secs_f64());
        let state = match (decision.runs, diff.is_some()) {
            (false, _) => ReviewState::Rejected,
            (true, true) => ReviewState::Edited,
            (true, false) => ReviewState::Allowed,
        };
        Some(Self { decision: state, reason, waited_s, diff, was_unattended: decision.was_unattended })
    }

    /// Sentences for the end of the text of a result; empty where there is nothing to tell.
    pub fn text(&self) -> String {
        let waited = self.waited_s.map(std::time::Duration::from_secs_f64).map(units::duration).unwrap_or_default();
        let reason = match &self.reason {
            Some(reason) => format!(" Reason: {reason}\n"),
            None => " No reason was given. ".to_owned(),
        };
        match self.decision {
            ReviewState::Rejected if self.was_unattended => {
                "Nothing was run: code has to be allowed by the person, and no dashboard is open.".to_owned()
            }
            ReviewState::Rejected => format!(
                "{PERSON_CAPITAL} rejected this code after {waited}; nothing was run.{reason}Do not send it again \
                 unless {PERSON} asks for it."
            ),
            ReviewState::Edited => format!(
                "{PERSON_CAPITAL} edited this code before it ran (it waited {waited}):\n{}",
                self.diff.as_deref().unwrap_or_default().trim_end()
            ),
            ReviewState::Allowed if !self.was_unattended => {
                format!("{PERSON_CAPITAL} allowed this code; it waited {waited}.")
            }
            ReviewState::Allowed | ReviewState::Waiting => String::new(),
        }
    }
}

const PERSON_CAPITAL: &str = "The person";
