//! What people and clients say to one another beside the code: notes, and questions of a client to the person.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, SnippetId, Timestamp};

/// A few words from one who works in the session to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub by: Author,
    pub text: Arc<str>,
    /// The snippet that it is about.
    pub about: Option<SnippetId>,
    /// The question that it answers.
    pub answers: Option<Arc<Inquiry>>,
}

/// A question of a client to the person at the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// Counted from 1 within a process, so that no answer goes to another question than the one that was seen.
    pub number: u32,
    pub by: Author,
    /// Without escape sequences.
    pub text: Arc<str>,
    /// Answers to choose from; the person may say something else all the same.
    pub choices: Vec<Arc<str>>,
    pub at: Timestamp,
}

impl Inquiry {
    /// What somebody means who typed this: the choice of that number, or what it says.
    #[must_use]
    pub fn meant(&self, typed: &str) -> Arc<str> {
        let typed = typed.trim();
        let choice = typed.parse::<usize>().ok().and_then(|number| self.choices.get(number.checked_sub(1)?));
        choice.cloned().unwrap_or_else(|| typed.into())
    }
}

/// The lines of code that is nothing but comments, without their `#`: a note in place of code.
#[must_use]
pub fn in_comments(code: &str) -> Option<String> {
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
    use super::in_comments;

    #[test]
    fn only_code_that_is_all_comments_is_a_note() {
        assert_eq!(in_comments("# use the small table").as_deref(), Some("use the small table"));
        assert_eq!(in_comments("  ## a\n\n#b  ").as_deref(), Some("a\nb"));
        for code in ["", "\n", "#", "# \n#", "x = 1  # one", "# first\nx = 1", "'''# no'''", "#!/bin/sh"] {
            assert_eq!(in_comments(code), None, "{code:?}");
        }
    }
}
