//! The result of a snippet as structured content: everything that a program needs, or a model that sees nothing else.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::activity_since::ActivityDigest;
use super::clashes::clash_phrases;
use super::displays;
use super::displays::DisplayReport;
use super::effects::effect_phrases;
use super::images::AttachedImages;
use super::review::{ReviewReport, consent_phrases};
use super::status::{RunStatus, stopped_by};
use super::truncate::{PART_DIVISOR, one_line, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{Outcome, Snippet, Stream, Stuck, Timestamp, VariableChanges, units};

/// Names of one kind of change, and characters of a name.
const MAX_NAMES: usize = 40;
const MAX_NAME: usize = 100;
/// Characters of the type of an error, and of its message.
const MAX_ERROR_TYPE: usize = 200;
const MAX_ERROR_MESSAGE: usize = 2_000;

#[derive(Debug, Serialize, JsonSchema)]
pub struct RunReport {
    /// Number of the snippet in the session.
    pub snippet: u32,
    /// The snippet that this one replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<u32>,
    pub status: RunStatus,
    /// 0; the code of a `SystemExit`; 1 after any other exception; 130 after an interrupt; null until the snippet has
    /// ended.
    pub returncode: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// repr of the last expression, if it had a value other than None.
    pub result: Option<String>,
    /// The exception that ended the code.
    pub error: Option<RunError>,
    /// Run time in seconds; so far, while the code runs.
    pub elapsed_s: f64,
    /// Who or what stopped the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// The prompt, while the code waits for input; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_prompt: Option<String>,
    /// What the person decided about the code, if it had to be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewReport>,
    /// What the person was asked about while the code ran, and their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    /// Figures, pictures and documents that the code displayed, in order.
    pub displays: Vec<DisplayReport>,
    /// Names that the code bound, rebound or removed.
    pub variables: NameChanges,
    /// Names that another author had set and the code rebound, changed or deleted. Their owners are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clashes: Vec<String>,
    /// Effects beyond Python's variables that may surprise: deletions, files outside of the session's folder, processes
    /// that are still running. `session_history` has the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<String>,
    /// Whether anything was left out of this result; the texts say what.
    pub truncated: bool,
    /// What others did in the session since this client's last result, and how its own code ended that it did not wait
    /// for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_your_last_call: Option<ActivityDigest>,
    /// What to know or do next, such as how to continue waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct RunError {
    /// Such as `ValueError`.
    #[serde(rename = "type")]
    pub type_name: String,
    pub message: String,
    pub traceback: String,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct NameChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl NameChanges {
    /// Also returns whether names are missing.
    fn of(changes: &VariableChanges) -> (Self, bool) {
        let names = |all: &[String]| all.iter().take(MAX_NAMES).map(|name| one_line(name, MAX_NAME)).collect();
        let all = [&changes.added, &changes.changed, &changes.removed];
        let shown =
            Self { added: names(&changes.added), changed: names(&changes.changed), removed: names(&changes.removed) };
        (shown, all.iter().any(|names| names.len() > MAX_NAMES))
    }
}

/// The parts that the structured and the text form share, made to fit.
pub struct Parts {
    pub result: Option<String>,
    pub error: Option<RunError>,
    pub variables: NameChanges,
    /// For each part that was cut: what a model can do about that.
    pub cuts: Vec<&'static str>,
    /// Characters that are left for the output.
    pub room: usize,
}

impl Parts {
    /// The parts of a result of `whole` characters.
    pub fn of(outcome: Option<&Outcome>, whole: usize) -> Self {
        let mut cuts = Vec::new();
        let mut room = whole;
        let max = whole / PART_DIVISOR;
        let mut fit = |text: &str, hint: &'static str| {
            let (text, was_cut) = truncate_middle(&plain(text), max, 0);
            cuts.extend(was_cut.then_some(hint));
            room -= text.len().min(max);
            text
        };
        let result = outcome.and_then(|outcome| outcome.result.as_deref());
        let result = result
            .map(|text| fit(text, "The result was truncated. Ask for less at a time: a slice, .head(), a summary."));
        let error = outcome.and_then(|outcome| outcome.error.as_ref()).map(|error| RunError {
            type_name: one_line(&error.type_name, MAX_ERROR_TYPE),
            message: truncate_middle(&plain(&error.message), MAX_ERROR_MESSAGE, 0).0,
            traceback: fit(&error.traceback, "The traceback was truncated: its beginning and end are shown."),
        });
        let (variables, names_cut) = outcome.map(|outcome| NameChanges::of(&outcome.changes)).unwrap_or_default();
        cuts.extend(names_cut.then_some("Not all names are listed here: see list_defined_variables."));
        Self { result, error, variables, cuts, room }
    }
}

/// Seconds that a snippet has run by `now`.
pub fn elapsed_s(snippet: &Snippet, now: Timestamp) -> f64 {
    match (&snippet.outcome, snippet.started_at) {
        (Some(outcome), _) => outcome.elapsed.as_secs_f64(),
        (None, Some(started)) => now.saturating_sub(started) as f64 / 1000.0,
        (None, None) => 0.0,
    }
}

/// The notice about a snippet that no interrupt reaches.
pub fn stuck_notice(stuck: &Stuck, now: Timestamp) -> String {
    let elapsed = units::duration(Duration::from_millis(now.saturating_sub(stuck.since)));
    let place = match &stuck.stack[..] {
        [] => String::new(),
        frames => format!(" Python stack, innermost first:\n{}\n", frames.join("\n")),
    };
    let sentence = format!(
        "The code was interrupted, but it has been inside a C call for {elapsed}, where no interrupt reaches \
         it.{place}"
    );
    let gap = if place.is_empty() { " " } else { "" };
    format!(
        "{sentence}{gap}It stops when that call returns. If that takes too long, only a restart helps: \
         reset_python_environment with mode=\"restart\". A restart loses all variables, so ask the person first."
    )
}

/// The notice about parts that were cut: what to do, and how to read the rest of the output, from `offset` on.
pub fn cut_notice(snippet: &Snippet, parts: &Parts, output_cut: bool, offset: Option<usize>) -> Option<String> {
    let mut sentences: Vec<String> = parts.cuts.iter().map(|hint| (*hint).to_owned()).collect();
    sentences.extend(output_cut.then(|| output_notice(snippet, offset)));
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn output_notice(snippet: &Snippet, offset: Option<usize>) -> String {
    let (id, total) = (snippet.id, units::bytes(snippet.output.total()));
    let call = match offset {
        Some(offset) => format!("read_output with snippet={id}, offset={offset} continues at the cut"),
        None => format!("read_output with snippet={id} reads the whole output, page by page"),
    };
    format!("The output was truncated; the code wrote {total}. {call}; grep=\"...\" finds lines.")
}

impl RunReport {
    /// Bytes of the texts.
    pub fn bytes(&self) -> usize {
        let error = self.error.as_ref().map_or(0, |error| error.message.len() + error.traceback.len());
        self.stdout.len() + self.stderr.len() + self.result.as_ref().map_or(0, String::len) + error
    }

    pub fn new(
        snippet: &Snippet,
        now: Timestamp,
        notice: Option<String>,
        max: usize,
        images: &AttachedImages,
        since: Option<ActivityDigest>,
    ) -> Self {
        let outcome = snippet.outcome.as_deref();
        let parts = Parts::of(outcome, max);
        let output = &snippet.output;
        let stream = |stream, max| {
            let text = output.text(Some(stream));
            truncate_middle(&plain(&text), max, output.omitted())
        };
        let (stderr, stderr_cut) = stream(Stream::Stderr, max / PART_DIVISOR);
        let (stdout, stdout_cut) =
            stream(Stream::Stdout, parts.room.saturating_sub(stderr.len()).max(max / PART_DIVISOR));
        let output_cut = stderr_cut | stdout_cut;
        let cut_notice = cut_notice(snippet, &parts, output_cut, None);
        let truncated = cut_notice.is_some();
        let notice = match (cut_notice, notice) {
            (Some(cut), Some(notice)) => Some(format!("{notice} {cut}")),
            (cut, notice) => cut.or(notice),
        };
        Self {
            snippet: snippet.id.0,
            replay_of: snippet.replay_of.map(|of| of.0),
            status: RunStatus::of(snippet),
            returncode: outcome.map(|outcome| outcome.returncode),
            stdout,
            stderr,
            result: parts.result,
            error: parts.error,
            elapsed_s: (elapsed_s(snippet, now) * 1e6).round() / 1e6,
            stopped_by: outcome.and_then(stopped_by).map(Cow::into_owned),
            input_prompt: snippet.input.as_ref().map(|input| input.prompt.to_string()),
            review: ReviewReport::of(snippet),
            consents: consent_phrases(snippet),
            displays: displays::reports(snippet, images),
            variables: parts.variables,
            clashes: outcome.map(|outcome| clash_phrases(&outcome.changes)).unwrap_or_default(),
            effects: effect_phrases(&snippet.effects.surprising()),
            truncated,
            since_your_last_call: since,
            notice,
        }
    }
}
