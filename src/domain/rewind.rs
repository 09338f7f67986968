//! Rewinds: the safe point from which Python goes on, what is taken back then, and what cannot be.

use super::lexer::only_looks;
use super::safe_point::{Rewind, SafePoint, rewind_request};
use super::{Entry, Outcome, Snippet, SnippetId, Transcript, units};

/// Sentences about effects that stay.
const MAX_REMAINS: usize = 12;

/// Returns whether a snippet may have changed variables, as far as its text and its outcome show.
#[must_use]
pub fn may_have_changed(code: &str, outcome: Option<&Outcome>) -> bool {
    !only_looks(code) || outcome.is_some_and(|outcome| !outcome.changes.is_empty())
}

/// Returns the way back to before a snippet; without a number, to before the last one that has a safe point right
/// before it. `why` tells why there are no others.
///
/// # Errors
/// If there is no safe point right before that snippet, with sentences for the person.
pub fn plan(transcript: &Transcript, before: Option<SnippetId>, why: &str) -> Result<Rewind, String> {
    let ways = ways(transcript);
    let Some(before) = before else {
        return ways
            .last()
            .copied()
            .ok_or_else(|| format!("Nothing can be taken back. {}", list(transcript, &ways, why)));
    };
    let is_right_before = |point: &&SafePoint| {
        before > point.since && !after(transcript, point.snippet).any(|found| found.id < before && has_changed(found))
    };
    // Before any other snippet, such as one that is taken back, or the rewind that did that, variables may have been as
    // no safe point has them.
    if transcript.snippet(before).is_some_and(is_effective)
        && let Some(point) = transcript.safe_points().iter().rev().find(is_right_before)
    {
        return Ok(Rewind { before, point: point.snippet });
    }
    let reason = match transcript.snippet(before) {
        None => format!("There is no snippet {before}."),
        Some(snippet) if snippet.taken_back => format!("Snippet {before} is taken back already."),
        Some(snippet) if rewind_request(&snippet.code).is_some() => {
            format!("Snippet {before} is a rewind, which cannot be taken back.")
        }
        Some(snippet) if snippet.started_at.is_none() => format!("Snippet {before} has not run."),
        Some(_) => format!("There is no safe point right before snippet {before}."),
    };
    Err(format!("{reason} {}", list(transcript, &ways, why)))
}

/// Returns the ways back that there are, the shortest last.
#[must_use]
pub fn ways(transcript: &Transcript) -> Vec<Rewind> {
    let points = transcript.safe_points().iter();
    points
        .filter_map(|SafePoint { snippet: point, .. }| {
            let first = after(transcript, *point).filter(|snippet| has_changed(snippet)).last()?;
            Some(Rewind { before: first.id, point: *point })
        })
        .collect()
}

/// Returns the way back to before a snippet, if there is one.
#[must_use]
pub fn way(transcript: &Transcript, before: SnippetId) -> Option<Rewind> {
    plan(transcript, Some(before), "").ok()
}

/// The sentence that tells which snippets Python can go back to before.
fn list(transcript: &Transcript, ways: &[Rewind], why: &str) -> String {
    let mut numbers: Vec<String> = ways.iter().map(|way| way.before.to_string()).collect();
    numbers.dedup();
    let which = match numbers.as_slice() {
        [] if transcript.safe_points().is_empty() => "There is no safe point to go back to.".to_owned(),
        [] => "Nothing has changed since the only safe point.".to_owned(),
        [only] => format!("Python can go back to before snippet {only}."),
        [rest @ .., last] => format!("Python can go back to before snippet {} or {last}.", rest.join(", ")),
    };
    if why.is_empty() { which } else { format!("{which} {why}") }
}

/// Iterates over the snippets from `first` on, the newest first.
fn from(transcript: &Transcript, first: SnippetId) -> impl Iterator<Item = &Snippet> {
    let snippets = transcript.entries().iter().rev().filter_map(|entry| match entry {
        Entry::Snippet(snippet) => Some(snippet),
        _ => None,
    });
    snippets.take_while(move |snippet| snippet.id >= first)
}

fn after(transcript: &Transcript, point: SnippetId) -> impl Iterator<Item = &Snippet> {
    from(transcript, SnippetId(point.0 + 1))
}

/// Whether it has run, and is not taken back.
fn is_effective(snippet: &Snippet) -> bool {
    snippet.started_at.is_some() && !snippet.taken_back && rewind_request(&snippet.code).is_none()
}

fn has_changed(snippet: &Snippet) -> bool {
    is_effective(snippet) && may_have_changed(&snippet.code, snippet.outcome.as_deref())
}

/// Returns the snippets that a rewind takes back.
#[must_use]
pub fn taken_back(transcript: &Transcript, before: SnippetId) -> Vec<SnippetId> {
    let mut found: Vec<_> =
        from(transcript, before).filter(|found| is_effective(found)).map(|found| found.id).collect();
    found.reverse();
    found
}

/// Returns what snippets from `first` on did to files, processes and hosts, which no safe point takes back; a phrase
/// for each snippet, such as `snippet 5 wrote a.csv`.
#[must_use]
pub fn remains(transcript: &Transcript, first: SnippetId) -> Vec<String> {
    let gate = transcript.gate();
    let mut phrases: Vec<String> = from(transcript, first)
        .filter(|found| is_effective(found))
        .filter_map(|snippet| {
            let phrases = snippet.effects.outlasting().phrases();
            // Everybody reads this.
            let is_hidden = gate.private.hides(snippet.id, &snippet.author, None);
            let what = if is_hidden { "did more that is private".to_owned() } else { phrases.join(", ") };
            (!phrases.is_empty()).then(|| format!("snippet {} {what}", snippet.id))
        })
        .collect();
    phrases.reverse();
    let more = phrases.len().saturating_sub(MAX_REMAINS);
    phrases.truncate(MAX_REMAINS);
    phrases.extend((more > 0).then(|| format!("what {} did", units::count(more, "more snippet"))));
    phrases
}

/// Returns what a rewind does, in a phrase such as `back to before 5, taking back 5 to 9`, and what it cannot take
/// back.
#[must_use]
pub fn brief(transcript: &Transcript, before: SnippetId) -> [String; 2] {
    let back = match taken_back(transcript, before).as_slice() {
        [first, .., last] => format!(", taking back {first} to {last}"),
        _ => String::new(),
    };
    let remains = remains(transcript, before);
    let stays = if remains.is_empty() { String::new() } else { format!(" (not: {})", remains.join("; ")) };
    [format!("back to before {before}{back}"), stays]
}

/// Returns what a rewind does, in sentences.
#[must_use]
pub fn describe(transcript: &Transcript, rewind: Rewind) -> String {
    let Rewind { before, .. } = rewind;
    let back = taken_back(transcript, before);
    let what = match back.as_slice() {
        [] => String::new(),
        [only] => format!(" What snippet {only} did to variables is taken back."),
        [first, .., last] => format!(" What snippets {first} to {last} did to variables is taken back."),
    };
    let remains = remains(transcript, before);
    let stays = if remains.is_empty() { String::new() } else { format!(" Not taken back: {}.", remains.join("; ")) };
    format!("Python goes back to before snippet {before}.{what}{stays}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Author, Event, Restart, SideEffect, SideEffectKind, SideEffects};

    fn id(number: u32) -> SnippetId {
        SnippetId(number)
    }

    /// A transcript of snippets that ran, and safe points as first and last snippet.
    fn story(codes: &[&str], points: &[(u32, u32)]) -> Transcript {
        let mut transcript = Transcript::default();
        for (index, code) in codes.iter().enumerate() {
            let snippet = id(index as u32 + 1);
            let (author, code) = (Author::You, Arc::from(*code));
            transcript.apply(&Event::Submitted { snippet, author, code, call: None, at: 0 });
            transcript.apply(&Event::Started { snippet, at: 0 });
        }
        let points = points.iter().map(|(since, last)| SafePoint { since: id(*since), snippet: id(*last) });
        transcript.apply(&Event::SafePoints(points.collect()));
        transcript
    }

    fn planned(transcript: &Transcript, before: Option<u32>) -> Result<(u32, u32), String> {
        plan(transcript, before.map(id), "Why.").map(|way| (way.before.0, way.point.0))
    }

    #[test]
    fn the_safe_point_right_before_is_found() {
        let transcript = story(&["a = 1", "b = 2", "c = 3", "c", "d = 4"], &[(1, 1), (3, 4), (5, 5)]);
        assert_eq!(planned(&transcript, None), Ok((5, 4)), "the newest has nothing to take back");
        assert_eq!(planned(&transcript, Some(5)), Ok((5, 4)));
        assert_eq!(planned(&transcript, Some(4)), Ok((4, 4)), "it only looked");
        assert_eq!(planned(&transcript, Some(2)), Ok((2, 1)));
        let refused = planned(&transcript, Some(3)).unwrap_err();
        assert_eq!(
            refused,
            "There is no safe point right before snippet 3. Python can go back to before snippet 2 or 5. Why."
        );
        assert!(planned(&transcript, Some(9)).unwrap_err().starts_with("There is no snippet 9."));
        let none = story(&["a = 1"], &[]);
        assert_eq!(
            planned(&none, None).unwrap_err(),
            "Nothing can be taken back. There is no safe point to go back to. Why."
        );
    }

    #[test]
    fn what_is_taken_back_is_no_more_in_the_way() {
        let mut transcript = story(&["a = 1", "b = 2", "c = 3", "%rewind 2"], &[(1, 1)]);
        let restart =
            Restart { by: Some(Author::You), before: Some(id(2)), safe_point: Some(id(1)), ..Restart::default() };
        transcript.apply(&Event::Restarted { restart: restart.into(), at: 0 });
        assert!(transcript.safe_points().is_empty(), "another process tells of them anew");
        transcript.apply(&Event::SafePoints([SafePoint { since: id(1), snippet: id(1) }].into()));
        assert!(planned(&transcript, None).unwrap_err().starts_with("Nothing can be taken back."));
        assert!(planned(&transcript, Some(3)).unwrap_err().starts_with("Snippet 3 is taken back already."));
        let snippet = id(5);
        transcript.apply(&Event::Submitted { snippet, author: Author::You, code: "e = 5".into(), call: None, at: 0 });
        transcript.apply(&Event::Started { snippet, at: 0 });
        assert_eq!(planned(&transcript, None), Ok((5, 1)));
        // Before the rewind, variables were as snippet 3 had left them.
        let refused = planned(&transcript, Some(4)).unwrap_err();
        assert!(refused.starts_with("Snippet 4 is a rewind, which cannot be taken back."), "{refused}");
    }

    #[test]
    fn what_stays_is_named() {
        let mut transcript = story(&["a = 1", "b = 2", "c = 3"], &[(1, 1)]);
        let mut effects = SideEffects::default();
        effects.add(SideEffect::new(SideEffectKind::Write, "out.csv"));
        effects.add(SideEffect::new(SideEffectKind::SetVariable, "PATH"));
        transcript.apply(&Event::Effects { snippet: id(3), effects: effects.into() });
        let text = describe(&transcript, plan(&transcript, None, "").unwrap());
        assert_eq!(
            text,
            "Python goes back to before snippet 2. What snippets 2 to 3 did to variables is taken back. Not taken back: \
             snippet 3 wrote out.csv."
        );
    }
}
