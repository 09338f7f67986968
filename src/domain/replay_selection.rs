//! The choice of snippets for a replay.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, Entry, ErrorReport, Snippet, SnippetId, Status, Transcript};

/// A choice of snippets to run again. Except for [`ReplaySelection::All`], only those that ended without an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplaySelection {
    Ok,
    /// Also the failed and the interrupted ones, but not the one that killed Python.
    All,
    Mine,
    /// The snippets of the client of this name.
    Of(Arc<str>),
    /// The snippets up to this one.
    UpTo(SnippetId),
    /// The snippets that have not run again since the last replay stopped.
    Rest,
}

/// Returns the selections that are not empty, each with its number of snippets. The first is the default.
#[must_use]
pub fn choices(transcript: &Transcript, selected: Option<SnippetId>) -> Vec<(ReplaySelection, usize)> {
    let range = LostWork::of(transcript);
    let mut choices = Vec::new();
    let mut offer = |which: ReplaySelection| {
        let count = range.pick(&which).len();
        choices.push((which, count));
        count
    };
    if !range.back.is_empty() {
        offer(ReplaySelection::Rest);
    }
    let all = offer(ReplaySelection::Ok);
    if range.pick(&ReplaySelection::All).len() > all {
        offer(ReplaySelection::All);
    }
    let mut authors: Vec<&Author> = Vec::new();
    for snippet in &range.snippets {
        let author = range.author(snippet);
        if authors.iter().all(|known| known.name() != author.name()) {
            authors.push(author);
        }
    }
    if authors.len() > 1 {
        for author in authors {
            offer(match author {
                Author::You => ReplaySelection::Mine,
                Author::Client { name, .. } => ReplaySelection::Of(name.clone()),
            });
        }
    }
    if let Some(card) = selected {
        offer(ReplaySelection::UpTo(card));
    }
    choices.retain(|(_, count)| *count > 0);
    choices
}

/// Returns the selected snippets, in their order.
#[must_use]
pub fn snippets(transcript: &Transcript, which: &ReplaySelection) -> Vec<SnippetId> {
    LostWork::of(transcript).pick(which)
}

/// Returns whether a new Python has begun and nothing has run in it.
#[must_use]
pub fn is_due(transcript: &Transcript) -> bool {
    let mut before = transcript.entries().iter().rev().skip_while(|entry| matches!(entry, Entry::Background { .. }));
    matches!(before.next(), Some(Entry::Restart { restart, .. }) if restart.safe_point.is_none())
        && before.any(|entry| matches!(entry, Entry::Snippet(snippet) if snippet.status == Status::Ok))
}

/// The snippets that made the variables lost in the last restart or reset. They begin after the last deliberate restart
/// or reset whose clean namespace was used.
struct LostWork<'a> {
    /// The snippets, without those that repeated another one.
    snippets: Vec<&'a Snippet>,
    /// The original authors of repeated snippets.
    authors: HashMap<SnippetId, &'a Author>,
    /// The snippets whose repetition within the range ended well.
    well: HashSet<SnippetId>,
    /// The snippets whose repetition after the range ended well.
    back: HashSet<SnippetId>,
}

impl<'a> LostWork<'a> {
    fn of(transcript: &'a Transcript) -> Self {
        let entries = transcript.entries();
        // Without a restart or reset, all snippets are selected.
        let end = entries.iter().rposition(is_mark).unwrap_or(entries.len());
        let is_wanted = |(place, entry): (usize, &Entry)| match entry {
            _ if brought_back(entries.range(place + 1..end)) => false,
            Entry::Reset { .. } => true,
            Entry::Restart { restart, .. } => restart.by.is_some() && restart.safe_point.is_none(),
            _ => false,
        };
        let ran_well = |entry: &Entry| matches!(entry, Entry::Snippet(snippet) if snippet.status == Status::Ok);
        let last_well = entries.range(0..end).rposition(ran_well).unwrap_or(0);
        let start = entries.range(0..last_well).enumerate().rposition(is_wanted).map_or(0, |mark| mark + 1);
        let snippet = |entry: &'a Entry| match entry {
            Entry::Snippet(snippet) => Some(snippet),
            _ => None,
        };
        let all: HashMap<SnippetId, &Snippet> =
            entries.range(start..end).filter_map(snippet).map(|snippet| (snippet.id, snippet)).collect();
        let mut authors = HashMap::new();
        for found in all.values() {
            let mut origin = *found;
            while let Some(before) = origin.replay_of.and_then(|id| transcript.snippet(id)).filter(|b| b.id < origin.id)
            {
                origin = before;
            }
            authors.insert(found.id, &origin.author);
        }
        let of_range = |snippet: &Snippet| snippet.replay_of.filter(|of| *of < snippet.id && all.contains_key(of));
        let first_of = |snippet: &Snippet| {
            let mut of = of_range(snippet)?;
            while let Some(before) = of_range(all.get(&of)?) {
                of = before;
            }
            Some(of)
        };
        let snippets = entries
            .range(start..end)
            .filter_map(snippet)
            .filter(|snippet| of_range(snippet).is_none() && !snippet.taken_back)
            .collect();
        let ran_well_again = |range: Range<usize>| -> HashSet<SnippetId> {
            let well = entries.range(range).filter_map(snippet).filter(|snippet| snippet.status == Status::Ok);
            well.filter_map(first_of).collect()
        };
        let (well, back) = (ran_well_again(start..end), ran_well_again(end..entries.len()));
        Self { snippets, authors, well, back }
    }

    fn author(&self, snippet: &'a Snippet) -> &'a Author {
        self.authors.get(&snippet.id).copied().unwrap_or(&snippet.author)
    }

    fn pick(&self, which: &ReplaySelection) -> Vec<SnippetId> {
        let ok = |snippet: &Snippet| snippet.status == Status::Ok || self.well.contains(&snippet.id);
        let is_of_checkpoint = |snippet: &Snippet| {
            ["%checkpoint", "%restore", "%rewind"].into_iter().any(|magic| is_magic(snippet, magic))
        };
        let fits = |snippet: &Snippet, author: &Author| match which {
            ReplaySelection::Ok => ok(snippet),
            ReplaySelection::All => {
                let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
                snippet.status.is_final()
                    && snippet.status != Status::Cancelled
                    && !error.is_some_and(ErrorReport::is_python_death)
            }
            ReplaySelection::Mine => ok(snippet) && author.is_you(),
            ReplaySelection::Of(name) => ok(snippet) && !author.is_you() && author.name() == &**name,
            ReplaySelection::UpTo(last) => ok(snippet) && snippet.id <= *last,
            ReplaySelection::Rest => ok(snippet) && !self.back.contains(&snippet.id),
        };
        // Code that saves a checkpoint would overwrite it with incomplete variables. A checkpoint may be newer than the
        // code that restored it, and all that it saved is made again.
        let candidates = self.snippets.iter().filter(|found| !is_of_checkpoint(found));
        candidates.filter(|found| fits(found, self.author(found))).map(|found| found.id).collect()
    }
}

fn is_magic(snippet: &Snippet, magic: &str) -> bool {
    snippet.code.split_whitespace().next() == Some(magic)
}

/// Returns whether all variables were lost at an entry.
fn is_mark(entry: &Entry) -> bool {
    match entry {
        Entry::Restart { restart, .. } => restart.safe_point.is_none(),
        Entry::Reset { .. } => true,
        _ => false,
    }
}

/// Returns whether a checkpoint brought the variables back that a restart or reset had cleared; `after` is what
/// followed it.
fn brought_back<'a>(after: impl Iterator<Item = &'a Entry>) -> bool {
    after.take_while(|entry| !is_mark(entry)).any(
        |entry| matches!(entry, Entry::Snippet(snippet) if snippet.status.is_final() && is_magic(snippet, "%restore")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClientId, Event, Outcome, ResetReport, Restart, VariableChanges};

    /// Builds a transcript from words: `y1` is the person's code that ended well, `c` a client's; `!` failed, `#`
    /// killed Python; `=3` ran 3 again. `R` is a crash, `F` a requested restart, `0` a reset.
    fn transcript(story: &str) -> Transcript {
        let mut transcript = Transcript::default();
        let mut number = 0;
        for word in story.split_whitespace() {
            let restart = |by| Restart { by, ..Restart::default() };
            match word {
                "R" => transcript.apply(&Event::Restarted { restart: restart(None).into(), at: 0 }),
                "F" => transcript.apply(&Event::Restarted { restart: restart(Some(Author::You)).into(), at: 0 }),
                "0" => {
                    transcript.apply(&Event::Reset { by: Author::You, report: ResetReport::default().into(), at: 0 });
                }
                _ => {
                    number += 1;
                    let snippet = SnippetId(number);
                    let author = match word.as_bytes()[0] {
                        b'c' => Author::Client { id: ClientId(number), name: "claude".into() },
                        _ => Author::You,
                    };
                    transcript.apply(&Event::Submitted {
                        snippet,
                        author,
                        code: word.trim_end_matches('!').into(),
                        call: None,
                        at: 0,
                    });
                    if let Some((_, of)) = word.split_once('=') {
                        transcript.apply(&Event::Replayed {
                            snippet,
                            of: SnippetId(of.trim_end_matches('!').parse().unwrap()),
                        });
                    }
                    transcript.apply(&Event::Started { snippet, at: 0 });
                    let type_name = if word.contains('#') { ErrorReport::PYTHON_DIED } else { "ValueError" };
                    let error = ErrorReport {
                        type_name: type_name.to_owned(),
                        message: String::new(),
                        traceback: String::new(),
                    };
                    let failed = word.contains(['!', '#']);
                    let outcome = Outcome {
                        status: if failed { Status::Error } else { Status::Ok },
                        returncode: 0,
                        result: None,
                        frame: None,
                        frames: Vec::new(),
                        error: failed.then_some(error),
                        stopped_by: None,
                        elapsed: std::time::Duration::ZERO,
                        changes: VariableChanges::default(),
                    };
                    transcript.apply(&Event::Finished { snippet, outcome: outcome.into(), at: 0 });
                }
            }
        }
        transcript
    }

    fn picked(story: &str, which: &ReplaySelection) -> Vec<u32> {
        snippets(&transcript(story), which).into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn the_snippets_that_made_the_lost_variables_are_selected() {
        for (story, expected) in [
            ("y y! c R", &[1, 3][..]),
            ("y y", &[1, 2]),
            ("y F", &[1]),
            // Code that already ran in the new Python is not repeated.
            ("y R y", &[1]),
            // Nobody asked for these restarts.
            ("y y R y R", &[1, 2, 3]),
            // Somebody asked for a clean namespace, and used it.
            ("y F y R", &[2]),
            ("y 0 y R", &[2]),
            ("y 0 R", &[1]),
            ("y F y! R", &[1]),
            // Each snippet once, however often it ran again.
            ("y y R y=1 y=2 y R", &[1, 2, 5]),
            ("y y R y=1 y=2 R y=3 y=4 R", &[1, 2]),
            ("y y F y=1 y=2 y R", &[3, 4, 5]),
            ("y F y=1 R y=2 R", &[2]),
            // A snippet that ended well the second time.
            ("y! y R y=1 y=2! R", &[1, 2]),
        ] {
            assert_eq!(picked(story, &ReplaySelection::Ok), expected, "{story}");
        }
    }

    #[test]
    fn selections_filter_by_outcome_author_and_number() {
        let story = "y c! y c c# R";
        assert_eq!(picked(story, &ReplaySelection::All), [1, 2, 3, 4], "not what killed Python");
        assert_eq!(picked(story, &ReplaySelection::Mine), [1, 3]);
        assert_eq!(picked(story, &ReplaySelection::Of("claude".into())), [4]);
        assert_eq!(picked(story, &ReplaySelection::UpTo(SnippetId(3))), [1, 3]);
        assert_eq!(picked("c y F y=1 y R", &ReplaySelection::Of("claude".into())), [3], "it was the client's before");
        assert_eq!(picked("c y F y=1 y R", &ReplaySelection::Mine), [4]);
    }

    #[test]
    fn checkpoints_are_not_repeated() {
        assert_eq!(picked("%checkpoint y R", &ReplaySelection::All), [2]);
        assert_eq!(picked("%restore y R", &ReplaySelection::All), [2]);
    }

    #[test]
    fn code_before_a_restart_that_kept_the_variables_is_selected() {
        for (story, expected) in [
            ("y y F %restore", &[1, 2][..]),
            ("y y F %restore R", &[1, 2]),
            ("y y F %restore! R", &[1, 2]),
            ("y F %restore y F %restore y R", &[1, 3, 5]),
            ("y F y F %restore y R", &[2, 4]),
            ("y 0 %restore y R", &[1, 3]),
            ("y F y R %restore R", &[2]),
            ("%restored R", &[1]),
        ] {
            assert_eq!(picked(story, &ReplaySelection::Ok), expected, "{story}");
        }
    }

    #[test]
    fn a_stopped_replay_can_continue() {
        let story = "y y y R y=1 y=2!";
        assert_eq!(picked(story, &ReplaySelection::Rest), [2, 3]);
        let offered = choices(&transcript(story), Some(SnippetId(2)));
        assert_eq!(
            offered,
            [(ReplaySelection::Rest, 2), (ReplaySelection::Ok, 3), (ReplaySelection::UpTo(SnippetId(2)), 2)]
        );
        assert_eq!(choices(&transcript("y! R"), None), [(ReplaySelection::All, 1)]);
        assert_eq!(choices(&transcript("R"), None), []);
        assert!(is_due(&transcript("y R")) && !is_due(&transcript("y R y")) && !is_due(&transcript("R")));
    }
}
