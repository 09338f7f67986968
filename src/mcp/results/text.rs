//! The result of a snippet as text for a model: the output, the value or the traceback, then one status line.

use std::borrow::Cow;
use std::time::Duration;

use super::clashes::clash_phrases;
use super::displays;
use super::effects::effect_phrases;
use super::images::AttachedImages;
use super::report::{Parts, cut_notice, elapsed_s};
use super::review::{ReviewReport, consent_phrases};
use super::status::stopped_by;
use super::truncate::{length_of_beginning, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{Snippet, Timestamp, units};

/// A text of about `max` characters at most. The snippet's output begins at the position `from`. Also returns whether
/// anything was left out.
pub fn run(
    snippet: &Snippet,
    from: u64,
    now: Timestamp,
    notice: Option<&str>,
    max: usize,
    images: &AttachedImages,
) -> (String, bool) {
    let outcome = snippet.outcome.as_deref();
    let parts = Parts::of(outcome, max);
    let shown = displays::output(snippet, images);
    let (mut text, output_cut) = truncate_middle(&shown, parts.room, snippet.output.omitted());
    // The offset where the text was cut is only known without escape sequences and displays.
    let is_long = shown.chars().nth(parts.room).is_some();
    let exact = is_long && snippet.displays.is_empty() && matches!(plain(&snippet.output.text(None)), Cow::Borrowed(_));
    let goes_on = exact.then(|| from as usize + length_of_beginning(&shown, parts.room));
    let mut block = |part: &str| {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(part);
        text.push('\n');
    };
    if let Some(result) = &parts.result {
        let gap = if result.contains('\n') { "\n" } else { " " };
        block(&format!("Result:{gap}{result}"));
    }
    if let Some(error) = &parts.error {
        block(&error.traceback);
    }
    if text.is_empty() {
        text.push_str(if outcome.is_some() { "(no output)\n" } else { "(no output so far)\n" });
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&status_line(snippet, now));
    for (what, names) in [
        ("New names", &parts.variables.added),
        ("Changed names", &parts.variables.changed),
        ("Removed names", &parts.variables.removed),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("\n{what}: {}", names.join(", ")));
        }
    }
    let clashes = outcome.map(|outcome| clash_phrases(&outcome.changes)).unwrap_or_default();
    if !clashes.is_empty() {
        text.push_str(&format!("\nNames of others, who are told: {}", clashes.join("; ")));
    }
    let effects = effect_phrases(&snippet.effects.surprising());
    if !effects.is_empty() {
        text.push_str(&format!("\nEffects: {}", effects.join("; ")));
    }
    if let Some(review) = ReviewReport::of(snippet).map(|review| review.text()).filter(|text| !text.is_empty()) {
        text.push_str(&format!("\n{review}"));
    }
    for answered in consent_phrases(snippet) {
        text.push_str(&format!("\nThe person was asked whether the code may {answered}"));
    }
    let cut = cut_notice(snippet, &parts, output_cut, goes_on);
    let is_cut = cut.is_some();
    if let Some(cut) = cut {
        text.push_str(&format!("\n{cut}"));
    }
    if let Some(notice) = notice {
        text.push_str(&format!("\n{notice}"));
    }
    (text, is_cut)
}

fn status_line(snippet: &Snippet, now: Timestamp) -> String {
    let elapsed = units::duration(Duration::from_secs_f64(elapsed_s(snippet, now)));
    let word = snippet.status.word();
    let id = match snippet.replay_of {
        Some(of) => format!("{}, replay of {of}", snippet.id),
        None => snippet.id.to_string(),
    };
    if let Some(input) = &snippet.input {
        let hidden = if input.hidden { "hidden " } else { "" };
        return format!("[snippet {id}: waiting for {hidden}input, prompt {:?}]", input.prompt);
    }
    if snippet.is_pending() {
        return format!("[snippet {id}: waiting for the person, who decides whether it runs]");
    }
    if let Some(risk) = snippet.open_risks().first() {
        let what = plain(&risk.phrase()).into_owned();
        return format!("[snippet {id}: waiting for the person, who decides whether it may {what}]");
    }
    let Some(outcome) = &snippet.outcome else {
        return if snippet.started_at.is_some() {
            format!("[snippet {id}: {word} for {elapsed}]")
        } else {
            format!("[snippet {id}: {word}]")
        };
    };
    if snippet.is_rejected() {
        return format!("[snippet {id}: rejected by the person]");
    }
    let by = stopped_by(outcome).map(|by| format!(" by {by}")).unwrap_or_default();
    format!("[snippet {id}: {word}{by}, return code {}, {elapsed}]", outcome.returncode)
}
