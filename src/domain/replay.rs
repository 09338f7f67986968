//! Running again what ran before a Python ended: which snippets those are, and how far it has come.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, Entry, Snippet, SnippetId, Status, Transcript};

/// Which snippets are to be run again. But for [`Which::All`], only those that ended without an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    Ok,
    /// Also those that failed or were interrupted, but not what killed Python.
    All,
    Mine,
    /// Of the client of that name.
    Of(Arc<str>),
    /// Up to this one.
    UpTo(SnippetId),
    /// What is not yet back since the last replay stopped.
    Rest,
}

/// A replay, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Who started it, and is the author of what it runs.
    pub by: Author,
    /// How many have been run again.
    pub done: usize,
    pub total: usize,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It waits for its turn.
    Waiting,
    /// The second of these runs, which is the first again.
    Running(SnippetId, SnippetId),
    Done,
    /// At the snippet of this number, for that reason.
    Stopped(SnippetId, Arc<str>),
    /// Before its turn came.
    TakenBack,
}

impl Replay {
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Stopped(..) | Phase::TakenBack)
    }
}

/// As one line.
impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, total, .. } = self;
        match &self.phase {
            Phase::Waiting => write!(f, "{total} to replay"),
            Phase::Running(..) => write!(f, "replaying {} of {total}", done + 1),
            Phase::Done => write!(f, "replayed all {total}"),
            Phase::TakenBack => write!(f, "the replay was taken back before it began"),
            Phase::Stopped(at, why) => {
                write!(f, "the replay stopped at {at}: {why}")?;
                match total - done {
                    0 | 1 => Ok(()),
                    left => write!(f, "; {} not run", left - 1),
                }
            }
        }
    }
}

/// What can be chosen, each with how many snippets it means; never none. The first is what most will want.
#[must_use]
pub fn choices(transcript: &Transcript, selected: Option<SnippetId>) -> Vec<(Which, usize)> {
    let range = Range::of(transcript);
    let mut choices = Vec::new();
    let mut offer = |which: Which| {
        let count = range.pick(&which).len();
        choices.push((which, count));
        count
    };
    if !range.back.is_empty() {
        offer(Which::Rest);
    }
    let all = offer(Which::Ok);
    if range.pick(&Which::All).len() > all {
        offer(Which::All);
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
                Author::You => Which::Mine,
                Author::Client { name, .. } => Which::Of(name.clone()),
            });
        }
    }
    if let Some(card) = selected {
        offer(Which::UpTo(card));
    }
    choices.retain(|(_, count)| *count > 0);
    choices
}

/// The snippets to run, in their order.
#[must_use]
pub fn snippets(transcript: &Transcript, which: &Which) -> Vec<SnippetId> {
    Range::of(transcript).pick(which)
}

/// Whether a new Python has begun and nothing has run in it.
#[must_use]
pub fn is_due(transcript: &Transcript) -> bool {
    let mut before = transcript.entries().iter().rev().skip_while(|entry| matches!(entry, Entry::Background { .. }));
    matches!(before.next(), Some(Entry::Restart { .. }))
        && before.any(|entry| matches!(entry, Entry::Snippet(snippet) if snippet.status == Status::Ok))
}

/// What made the variables that were lost when Python, or the namespace, was restarted or reset the last time: all snippets before
/// that, back to the time before when somebody wanted a clean beginning and went on from there.
struct Range<'a> {
    /// Without those that only ran another one again.
    snippets: Vec<&'a Snippet>,
    /// Who wrote what ran again, if that was another.
    authors: HashMap<SnippetId, &'a Author>,
    /// Which of them ended well when they ran again in that time.
    well: HashSet<SnippetId>,
    /// Which of them have run again well since.
    back: HashSet<SnippetId>,
}

impl<'a> Range<'a> {
    fn of(transcript: &'a Transcript) -> Self {
        let entries = transcript.entries();
        let is_mark = |entry: &Entry| matches!(entry, Entry::Restart { .. } | Entry::Reset { .. });
        // Where none was restarted, everything is to be run a second time.
        let end = entries.iter().rposition(is_mark).unwrap_or(entries.len());
        let is_wanted = |entry: &Entry| match entry {
            Entry::Reset { .. } => true,
            Entry::Restart { restart, .. } => restart.by.is_some(),
            _ => false,
        };
        let ran_well = |entry: &Entry| matches!(entry, Entry::Snippet(snippet) if snippet.status == Status::Ok);
        let last_well = entries[..end].iter().rposition(ran_well).unwrap_or(0);
        let start = entries[..last_well].iter().rposition(is_wanted).map_or(0, |mark| mark + 1);
        let snippet = |entry: &'a Entry| match entry {
            Entry::Snippet(snippet) => Some(snippet),
            _ => None,
        };
        let all: HashMap<SnippetId, &Snippet> =
            entries[start..end].iter().filter_map(snippet).map(|snippet| (snippet.id, snippet)).collect();
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
        let snippets =
            entries[start..end].iter().filter_map(snippet).filter(|snippet| of_range(snippet).is_none()).collect();
        let ran_well_again = |range: &'a [Entry]| -> HashSet<SnippetId> {
            let well = range.iter().filter_map(snippet).filter(|snippet| snippet.status == Status::Ok);
            well.filter_map(first_of).collect()
        };
        let (well, back) = (ran_well_again(&entries[start..end]), ran_well_again(&entries[end..]));
        Self { snippets, authors, well, back }
    }

    fn author(&self, snippet: &'a Snippet) -> &'a Author {
        self.authors.get(&snippet.id).copied().unwrap_or(&snippet.author)
    }

    fn pick(&self, which: &Which) -> Vec<SnippetId> {
        let ok = |snippet: &Snippet| snippet.status == Status::Ok || self.well.contains(&snippet.id);
        let saves = |snippet: &Snippet| snippet.code.trim_start().starts_with("%checkpoint");
        let fits = |snippet: &Snippet, author: &Author| match which {
            Which::Ok => ok(snippet),
            Which::All => {
                let killed = |error: &super::ErrorReport| error.type_name == super::ErrorReport::PYTHON_DIED;
                let outcome = snippet.outcome.as_ref();
                snippet.status.is_final()
                    && snippet.status != Status::Cancelled
                    && !outcome.and_then(|outcome| outcome.error.as_ref()).is_some_and(killed)
            }
            Which::Mine => ok(snippet) && author.is_you(),
            Which::Of(name) => ok(snippet) && !author.is_you() && author.name() == &**name,
            Which::UpTo(last) => ok(snippet) && snippet.id <= *last,
            Which::Rest => ok(snippet) && !self.back.contains(&snippet.id),
        };
        // What a part of all made must not take the place of what was saved.
        let wanted = self.snippets.iter().filter(|found| !saves(found));
        wanted.filter(|found| fits(found, self.author(found))).map(|found| found.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClientId, ErrorReport, Event, Outcome, ResetReport, Restart, VariableChanges};

    /// `y1` is code of yours that ended well, `c` of a client; `!` failed, `#` killed Python; `=3` ran 3 again.
    /// `R` is a crash, `F` a restart on request, `0` a reset.
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
                    transcript.apply(&Event::Submitted { snippet, author, code: word.into(), call: None, at: 0 });
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

    fn picked(story: &str, which: &Which) -> Vec<u32> {
        snippets(&transcript(story), which).into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn what_made_the_lost_variables_is_run_again() {
        for (story, expected) in [
            ("y y! c R", &[1, 3][..]),
            ("y y", &[1, 2]),
            ("y F", &[1]),
            // What runs already in the new Python is there.
            ("y R y", &[1]),
            // Nobody wanted these to be lost.
            ("y y R y R", &[1, 2, 3]),
            // Somebody wanted a clean beginning, and used it.
            ("y F y R", &[2]),
            ("y 0 y R", &[2]),
            ("y 0 R", &[1]),
            ("y F y! R", &[1]),
            // Once each, however often they were run again.
            ("y y R y=1 y=2 y R", &[1, 2, 5]),
            ("y y R y=1 y=2 R y=3 y=4 R", &[1, 2]),
            ("y y F y=1 y=2 y R", &[3, 4, 5]),
            ("y F y=1 R y=2 R", &[2]),
            // What ended well the second time.
            ("y! y R y=1 y=2! R", &[1, 2]),
        ] {
            assert_eq!(picked(story, &Which::Ok), expected, "{story}");
        }
    }

    #[test]
    fn chosen_ones() {
        let story = "y c! y c c# R";
        assert_eq!(picked(story, &Which::All), [1, 2, 3, 4], "not what killed Python");
        assert_eq!(picked(story, &Which::Mine), [1, 3]);
        assert_eq!(picked(story, &Which::Of("claude".into())), [4]);
        assert_eq!(picked(story, &Which::UpTo(SnippetId(3))), [1, 3]);
        assert_eq!(picked("c y F y=1 y R", &Which::Of("claude".into())), [3], "it was the client's before");
        assert_eq!(picked("c y F y=1 y R", &Which::Mine), [4]);
    }

    #[test]
    fn what_was_saved_stays() {
        assert_eq!(picked("%checkpoint y R", &Which::All), [2]);
    }

    #[test]
    fn after_a_stop_it_goes_on() {
        let story = "y y y R y=1 y=2!";
        assert_eq!(picked(story, &Which::Rest), [2, 3]);
        let offered = choices(&transcript(story), Some(SnippetId(2)));
        assert_eq!(offered, [(Which::Rest, 2), (Which::Ok, 3), (Which::UpTo(SnippetId(2)), 2)]);
        assert_eq!(choices(&transcript("y! R"), None), [(Which::All, 1)]);
        assert_eq!(choices(&transcript("R"), None), []);
        assert!(is_due(&transcript("y R")) && !is_due(&transcript("y R y")) && !is_due(&transcript("R")));
    }

    #[test]
    fn told_in_a_line() {
        let replay = |done, phase| Replay { by: Author::You, done, total: 12, phase }.to_string();
        assert_eq!(replay(4, Phase::Running(SnippetId(5), SnippetId(20))), "replaying 5 of 12");
        assert_eq!(replay(12, Phase::Done), "replayed all 12");
        let stopped = Phase::Stopped(SnippetId(20), "ZeroDivisionError".into());
        assert_eq!(replay(4, stopped), "the replay stopped at 20: ZeroDivisionError; 7 not run");
    }
}
