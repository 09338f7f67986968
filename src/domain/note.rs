//! Messages beside the code: notes, and questions of clients to the person.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, SnippetId, Timestamp};

/// A message from the person or a client to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub by: Author,
    pub text: Arc<str>,
    /// The snippet that the note is about.
    pub about: Option<SnippetId>,
    /// The question that the note answers.
    pub answers: Option<Arc<Inquiry>>,
}

/// A question of a client to the person at the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// Counted from 1 within a process. An answer names it, so that it cannot go to another question.
    pub number: u32,
    pub by: Author,
    /// The question without escape sequences.
    pub text: Arc<str>,
    /// Answers to choose from. The person may give another one.
    pub choices: Vec<Arc<str>>,
    pub at: Timestamp,
}

impl Inquiry {
    /// Returns the answer that `typed` stands for: the choice of that number, or the text itself.
    #[must_use]
    pub fn meant(&self, typed: &str) -> Arc<str> {
        let typed = typed.trim();
        let choice = typed.parse::<usize>().ok().and_then(|number| self.choices.get(number.checked_sub(1)?));
        choice.cloned().unwrap_or_else(|| typed.into())
    }
}

/// Returns the text of code that consists of comments only, without the `#`. Such code is a note.
#[must_use]
pub fn note_in_comments(code: &str) -> Option<String> {
    let lines: Option<Vec<&str>> = code
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with('!')).map(|rest| rest.trim_start_matches('#').trim())
        })
        .collect();
    lines.map(|lines| lines.join("\n")).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::note_in_comments;

    #[test]
    fn only_code_that_is_all_comments_is_a_note() {
        assert_eq!(note_in_comments("# use the small table").as_deref(), Some("use the small table"));
        assert_eq!(note_in_comments("  ## a\n\n#b  ").as_deref(), Some("a\nb"));
        for code in ["", "\n", "#", "# \n#", "x = 1  # one", "# first\nx = 1", "'''# no'''", "#!/bin/sh"] {
            assert_eq!(note_in_comments(code), None, "{code:?}");
        }
    }
}
