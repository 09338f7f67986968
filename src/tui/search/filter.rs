//! The filter of the transcript: a query such as `author:claude status:failed effect:write "read csv"` selects the
//! cards.

use std::collections::BTreeSet;
use std::time::Instant;

use super::incremental::Scan;
use super::query::Query;
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Entries, Entry, Outcome, Output, Status};

const STATUSES: &[(&str, Status)] = &[
    ("ok", Status::Ok),
    ("failed", Status::Error),
    ("error", Status::Error),
    ("running", Status::Running),
    ("queued", Status::Queued),
    ("interrupted", Status::Interrupted),
    ("cancelled", Status::Cancelled),
];

/// The conditions of a filter. One of several authors or statuses suffices; all texts must occur.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterQuery {
    authors: Vec<Query>,
    statuses: Vec<Status>,
    texts: Vec<Query>,
    /// Words of effects, such as `write`; empty for any.
    effects: Vec<String>,
    /// Conditions of which none may hold.
    not: Option<Box<FilterQuery>>,
}

impl FilterQuery {
    /// # Errors
    /// For an unknown word, a sentence for the person.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        for word in split_words(text) {
            match word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                Some(rest) => query.not.get_or_insert_default().add(rest)?,
                None => query.add(&word)?,
            }
        }
        Ok(query)
    }

    fn add(&mut self, word: &str) -> Result<(), String> {
        match word.split_once(':') {
            Some(("author" | "by", name)) => self.authors.push(Query::new(name)),
            Some(("status" | "is", "")) => {}
            Some(("status" | "is", name)) => {
                let name = name.to_lowercase();
                let fits: Vec<Status> =
                    STATUSES.iter().filter(|(word, _)| word.starts_with(&name)).map(|s| s.1).collect();
                if fits.is_empty() {
                    return Err(format!("no status {name:?}: ok, failed, running, queued, interrupted, cancelled"));
                }
                self.statuses.extend(fits);
            }
            Some(("effect" | "did", name)) => self.effects.push(name.to_lowercase()),
            _ => self.texts.push(Query::new(word)),
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fits(&self, entry: &Entry) -> bool {
        let (author, status) = match entry {
            Entry::Snippet(snippet) => (Some(&snippet.author), Some(snippet.status)),
            Entry::Reset { by, .. } => (Some(by), None),
            Entry::Restart { restart, .. } => (restart.by.as_ref(), None),
            Entry::Note { note, .. } => (Some(&note.by), None),
            Entry::Background { .. } => (None, None),
        };
        let by = |name: &Query, author: &Author| name.is_empty() || name.is_in(author.name());
        (self.authors.is_empty() || author.is_some_and(|author| self.authors.iter().any(|name| by(name, author))))
            && (self.statuses.is_empty() || status.is_some_and(|status| self.statuses.contains(&status)))
            && self.texts.iter().all(|text| mentions(entry, text))
            && (self.effects.is_empty() || self.effects.iter().any(|word| has_effect(entry, word)))
            && self.not.as_ref().is_none_or(|not| !not.is_any_of(entry, author, status))
    }

    /// Returns whether an entry meets any of the conditions.
    fn is_any_of(&self, entry: &Entry, author: Option<&Author>, status: Option<Status>) -> bool {
        author.is_some_and(|author| self.authors.iter().any(|name| !name.is_empty() && name.is_in(author.name())))
            || status.is_some_and(|status| self.statuses.contains(&status))
            || self.texts.iter().any(|text| mentions(entry, text))
            || self.effects.iter().any(|word| has_effect(entry, word))
    }
}

/// Returns whether a snippet had an effect that a word selects.
fn has_effect(entry: &Entry, word: &str) -> bool {
    matches!(entry, Entry::Snippet(snippet) if snippet.effects.matches(word))
}

/// Splits at spaces outside of quotes.
fn split_words(text: &str) -> Vec<String> {
    let (mut split_words, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => split_words.push(String::new()),
            c => split_words.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    split_words.retain(|word| !word.is_empty());
    split_words
}

/// Returns whether a text occurs in an entry: in its code, output, value, error or note.
pub fn mentions(entry: &Entry, text: &Query) -> bool {
    let in_some = |part: Option<&str>| part.is_some_and(|part| text.is_in(part));
    match entry {
        Entry::Snippet(snippet) => {
            text.is_in(&snippet.code)
                || snippet.effects.lines().iter().any(|line| text.is_in(line))
                || in_some(snippet.title.as_deref())
                || snippet.outcome.as_deref().is_some_and(|outcome| ended_with(outcome, text))
                || wrote(&snippet.output, text)
                || snippet.displays.iter().any(|display| display.text().is_some_and(|shown| text.is_in(&shown)))
        }
        Entry::Background { output, .. } => wrote(output, text),
        Entry::Reset { report, .. } => report.remains.iter().any(|line| text.is_in(line)),
        Entry::Restart { restart, .. } => text.is_in(&restart.how),
        Entry::Note { note, .. } => {
            text.is_in(&note.text) || in_some(note.answers.as_ref().map(|inquiry| &*inquiry.text))
        }
    }
}

fn ended_with(outcome: &Outcome, text: &Query) -> bool {
    outcome.result.as_ref().is_some_and(|result| text.is_in(result))
        || outcome.error.as_ref().is_some_and(|error| {
            text.is_in(&error.traceback) || text.is_in(&format!("{}: {}", error.type_name, error.message))
        })
}

fn wrote(output: &Output, text: &Query) -> bool {
    let (mut pieces, mut is_plain) = (0, true);
    for segment in output.head().chain(output.tail()) {
        if text.is_in(&segment.text) {
            return true;
        }
        pieces += 1;
        is_plain &= !segment.text.contains(['\u{1b}', '\r', '\u{8}']);
    }
    // A match may cross segments or contain escape sequences.
    (pieces > 1 || pieces == 1 && !is_plain) && text.is_in(&plain(&output.text(None)))
}

#[derive(Debug)]
pub struct Filter {
    /// The query as the person typed it.
    pub text: String,
    query: FilterQuery,
    /// The matching cards, by their places in the transcript.
    pub shown: BTreeSet<usize>,
    scan: Scan,
    /// The number of cards when the filter was set.
    since: usize,
}

impl Filter {
    pub fn new(text: &str, query: FilterQuery, entries: &Entries) -> Self {
        let (scan, since) = (Scan::new(entries.len()), entries.len());
        Self { text: text.trim().to_owned(), query, shown: BTreeSet::new(), scan, since }
    }

    /// Checks new cards and some of the others until `deadline`. Returns whether cards are left.
    pub fn advance(&mut self, entries: &Entries, deadline: Instant) -> bool {
        self.scan.begin();
        while let Some(index) = self.scan.next(entries) {
            if self.query.fits(&entries[index]) {
                self.shown.insert(index);
            } else {
                self.shown.remove(&index);
            }
            if Instant::now() >= deadline {
                return true;
            }
        }
        false
    }

    /// The number of new cards that the filter hides.
    pub fn hidden(&self, entries: usize) -> usize {
        entries.saturating_sub(self.since).saturating_sub(self.shown.range(self.since..).count())
    }

    pub fn is_done(&self) -> bool {
        self.scan.is_done()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Event, Note, SideEffect, SideEffectKind, SideEffects, SnippetId, Stream};
    use crate::tui::fixtures::{NOW, Story, client, failed, ok};

    fn story() -> Story {
        let mut story = Story::default();
        let claude = client(1, "claude-code");
        story.ran(&Author::You, "df = read_csv(1)", "48210 rows\n", ok(1));
        story.ran(&claude, "df.plot()", "", failed(1, "ValueError", "No plot", 3));
        let mixed = story.start(&client(2, "cursor"), "warn()");
        story.output(mixed, Stream::Stdout, "\u{1b}[31mre\u{1b}[0md and ").output(mixed, Stream::Stderr, "green\n");
        let mut effects = SideEffects::default();
        effects.add(SideEffect::new(SideEffectKind::Write, "data.csv"));
        story.apply(&Event::Effects { snippet: SnippetId(2), effects: effects.into() });
        let note = Note { by: Author::You, text: "look at the rows".into(), about: None, to: None, answers: None };
        story.apply(&Event::Noted { note: note.into(), at: NOW });
        story
    }

    fn shown(text: &str, story: &Story) -> Vec<usize> {
        let entries = story.transcript.entries();
        let mut filter = Filter::new(text, FilterQuery::parse(text).unwrap(), entries);
        assert!(!filter.advance(entries, Instant::now() + Duration::from_secs(60)));
        filter.shown.into_iter().collect()
    }

    #[test]
    fn cards_are_found_by_author_status_and_text() {
        let story = story();
        for (text, expected) in [
            ("author:claude", &[1][..]),
            ("by:you", &[0, 3]),
            ("author:", &[0, 1, 2, 3]),
            ("author:claude author:cursor", &[1, 2]),
            ("status:failed", &[1]),
            ("status:run status:ok", &[0, 2]),
            ("author:you status:failed", &[]),
            ("df", &[0, 1]),
            ("df plot", &[1]),
            ("ROWS", &[]),
            ("rows", &[0, 3]),
            ("\"no plot\"", &[1]),
            ("\"valueerror: no\"", &[1]),
            ("\"red and green\"", &[2]),
            ("-df", &[2, 3]),
            ("df -status:failed", &[0]),
            ("-by:you -by:cursor", &[1]),
            ("http://x", &[]),
            ("effect:write", &[1]),
            ("effect:", &[1]),
            ("effect:delete", &[]),
            ("-effect:any df", &[0]),
            ("\"wrote data\"", &[1]),
        ] {
            assert_eq!(shown(text, &story), expected, "{text}");
        }
        assert!(FilterQuery::parse("status:nice").unwrap_err().contains("no status \"nice\": ok, failed"));
        assert!(FilterQuery::parse(" \"\" status: ").unwrap().is_empty());
    }

    #[test]
    fn what_comes_later_is_shown_or_counted() {
        let mut story = story();
        let mut filter = Filter::new("green", FilterQuery::parse("green").unwrap(), story.transcript.entries());
        let all = Instant::now() + Duration::from_secs(60);
        filter.advance(story.transcript.entries(), all);
        story.ran(&Author::You, "nothing()", "", ok(1));
        let running = story.start(&Author::You, "paint()");
        filter.advance(story.transcript.entries(), all);
        assert_eq!((filter.shown.len(), filter.hidden(6)), (1, 2));
        story.output(running, Stream::Stdout, "green paint\n");
        filter.advance(story.transcript.entries(), all);
        assert_eq!((filter.shown.last(), filter.hidden(6)), (Some(&5), 1));
        assert_eq!(story.transcript.position(SnippetId(running.0)), Some(5));
    }
}
