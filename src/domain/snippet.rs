//! A snippet: one submitted piece of code, and its results.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Author, CallState, Display, InputRequest, Outcome, Output, Review, RiskAnswered, RiskRequest, SideEffects,
    SnippetId, Status, Timestamp,
};

/// Running code that does not respond to an interrupt, because Python is inside a call of C code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The code has been in the call at least since then.
    pub since: Timestamp,
    /// Python's stack, innermost frame first; empty if it is unknown.
    pub stack: Vec<String>,
}

impl Stuck {
    /// Returns the innermost frame, such as `"<snippet 3>", line 1 in f`.
    #[must_use]
    pub fn innermost_frame(&self) -> Option<&str> {
        let line = self.stack.first()?.trim();
        Some(line.strip_prefix("File ").unwrap_or(line))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snippet {
    pub id: SnippetId,
    pub author: Author,
    pub code: Arc<str>,
    /// The number of bytes missing from `code`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub code_omitted: usize,
    /// The snippet whose code it repeats.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replay_of: Option<SnippetId>,
    /// The title that its author gave.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: Option<Arc<str>>,
    pub status: Status,
    /// The person's review of it, if there is one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub review: Option<Arc<Review>>,
    pub submitted_at: Timestamp,
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Output::is_empty")]
    pub output: Output,
    /// In the order shown; [`Display::after`] is the position in `output`.
    #[serde(skip)]
    pub displays: Vec<Arc<Display>>,
    /// The number of earlier displays, which were dropped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub displays_dropped: usize,
    /// The risks that the person was asked about; few snippets have any.
    #[serde(skip)]
    pub risks: Option<Box<SnippetRisks>>,
    /// What it did beyond Python's variables.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effects: Arc<SideEffects>,
    /// Whether the effects are only in the journal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effects_dropped: bool,
    /// Set while the code runs and does not respond to an interrupt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stuck: Option<Arc<Stuck>>,
    /// Set while the code waits for input.
    #[serde(default, skip_serializing_if = "is_default")]
    pub input: Option<Arc<InputRequest>>,
    /// Set exactly when `status` is final.
    pub outcome: Option<Arc<Outcome>>,
    /// Whether the outcome has lost parts of its value or its traceback.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome_is_cut: bool,
    /// Whether later ones have begun before it, or may.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overtaken: bool,
    /// Whether what it did to the variables is taken back: Python went on from an earlier safe point.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taken_back: bool,
}

/// Serialized snippets leave out what says nothing.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The risks of a snippet: actions that the person allows or denies while it runs.
#[derive(Clone, Debug, Default)]
pub struct SnippetRisks {
    /// Those that wait for an answer.
    pub open: Vec<Arc<RiskRequest>>,
    /// The last answers.
    pub answered: Vec<Arc<RiskAnswered>>,
}

impl Snippet {
    /// Returns a snippet that has just been submitted.
    #[must_use]
    pub fn queued(id: SnippetId, author: Author, code: Arc<str>, at: Timestamp) -> Self {
        Self {
            id,
            author,
            code,
            code_omitted: 0,
            replay_of: None,
            title: None,
            status: Status::Queued,
            review: None,
            risks: None,
            submitted_at: at,
            started_at: None,
            output: Output::default(),
            displays: Vec::new(),
            displays_dropped: 0,
            effects: Arc::default(),
            effects_dropped: false,
            stuck: None,
            input: None,
            outcome: None,
            outcome_is_cut: false,
            overtaken: false,
            taken_back: false,
        }
    }

    /// Returns the risks that wait for the person's answer.
    #[must_use]
    pub fn open_risks(&self) -> &[Arc<RiskRequest>] {
        self.risks.as_ref().map_or(&[], |risks| &risks.open)
    }

    /// Returns the risks that the person answered last.
    #[must_use]
    pub fn answered_risks(&self) -> &[Arc<RiskAnswered>] {
        self.risks.as_ref().map_or(&[], |risks| &risks.answered)
    }

    /// Returns whether memory holds all of the snippet. Otherwise the rest is in the journal.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.code_omitted == 0
            && !self.outcome_is_cut
            && !self.effects_dropped
            && self.output.omitted() == 0
            && self.displays_dropped == 0
            && self.displays.iter().all(|display| display.forms.iter().all(|form| !form.is_dropped()))
    }

    /// Returns whether it waits for the person's decision.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == Status::Queued && self.review.as_ref().is_some_and(|review| review.decision.is_none())
    }

    /// Returns whether it has not begun because of the person's decision. Later ones may have run before it.
    #[must_use]
    pub fn awaits_its_turn(&self) -> bool {
        self.status == Status::Queued && (self.review.is_some() || self.overtaken)
    }

    /// Returns whether the person decided that it does not run.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.rejection().is_some())
    }

    /// How it stands, in a word: that of its status, or `rejected`.
    #[must_use]
    pub fn status_word(&self) -> &'static str {
        if self.is_rejected() { "rejected" } else { self.status.word() }
    }

    /// Iterates over the displays in memory with their numbers, counted from 1 in the order shown.
    pub fn numbered_displays(&self) -> impl DoubleEndedIterator<Item = (usize, &Arc<Display>)> {
        self.displays.iter().enumerate().map(|(index, display)| (self.displays_dropped + index + 1, display))
    }

    /// Returns the state of the call that submitted it.
    #[must_use]
    pub fn call_state(&self) -> CallState {
        match self.status {
            Status::Queued | Status::Cancelled => CallState::Queued,
            Status::Running => CallState::Begun,
            Status::Ok | Status::Error | Status::Interrupted => CallState::Ended,
        }
    }

    /// Returns the number of the next display.
    #[must_use]
    pub fn next_display(&self) -> usize {
        self.displays_dropped + self.displays.len() + 1
    }
}
