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
    /// The client that the note is for; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Arc<str>>,
    /// The question that the note answers.
    pub answers: Option<Arc<Inquiry>>,
}

impl Note {
    /// A note of the person, to one client or to all.
    #[must_use]
    pub fn of_person(text: Arc<str>, to: Option<Arc<str>>) -> Self {
        Self { by: Author::You, text, about: None, to, answers: None }
    }

    /// Returns whether `reader` may read the note.
    #[must_use]
    pub fn is_for(&self, reader: &Author) -> bool {
        reader.is_you() || self.by == *reader || self.to.as_ref().is_none_or(|to| **to == *reader.name())
    }

    /// A note that the person does not want to answer a question. It has no text.
    #[must_use]
    pub fn declining(inquiry: Arc<Inquiry>) -> Self {
        Self { by: Author::You, text: "".into(), about: None, to: None, answers: Some(inquiry) }
    }

    /// Returns the question that the person declined to answer.
    #[must_use]
    pub fn declined(&self) -> Option<&Arc<Inquiry>> {
        self.answers.as_ref().filter(|_| self.text.is_empty())
    }
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
    /// Returns the answer that `typed` stands for: the choice of that number, or the text itself. `None` if it is the
    /// number of no choice.
    #[must_use]
    pub fn meant(&self, typed: &str) -> Option<Arc<str>> {
        let typed = typed.trim();
        match typed.parse::<i64>() {
            Ok(number) if !self.choices.is_empty() => {
                self.choices.get(usize::try_from(number).ok()?.checked_sub(1)?).cloned()
            }
            _ => Some(typed.into()),
        }
    }

    /// Returns what the person may type, as a hint after a number that is no choice's.
    #[must_use]
    pub fn numbers(&self) -> String {
        match self.choices.len() {
            1 => "1, or words".to_owned(),
            count => format!("1 to {count}, or words"),
        }
    }
}

/// Whom a note is for, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressed<'a> {
    ToAll,
    To {
        client: Arc<str>,
        text: &'a str,
    },
    /// `to NAME: …` with a name that is no client's, or may be that of several.
    Unknown {
        name: &'a str,
    },
}

/// Returns whom the note `to NAME: …` is for. The beginning of a name is enough if only one client has it.
#[must_use]
pub fn addressed<'a>(text: &'a str, clients: &[Arc<str>]) -> Addressed<'a> {
    let first = text.lines().next().unwrap_or_default();
    let rest = first.get(..3).filter(|word| word.eq_ignore_ascii_case("to ")).and_then(|_| first.get(3..));
    let Some((name, _)) = rest.and_then(|rest| rest.split_once(':')) else { return Addressed::ToAll };
    let meant = name.trim().to_lowercase();
    let named: Vec<(&Arc<str>, String)> = clients.iter().map(|client| (client, client.to_lowercase())).collect();
    let begins: Vec<_> = named.iter().filter(|(_, known)| !meant.is_empty() && known.starts_with(&meant)).collect();
    let found = named.iter().find(|(_, known)| *known == meant).or(match &begins[..] {
        [only] => Some(*only),
        _ => None,
    });
    let name = name.trim();
    let text = text.split_once(':').map_or("", |(_, text)| text.trim());
    found.map_or(Addressed::Unknown { name }, |(client, _)| Addressed::To { client: Arc::clone(client), text })
}

/// Why a note has no addressee, as a phrase.
#[must_use]
pub fn no_addressee(name: &str, clients: &[Arc<str>]) -> String {
    match clients {
        [] => "no client is connected".to_owned(),
        _ => format!("no single client is called {name}; there are {}", clients.join(", ")),
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
    use std::sync::Arc;

    use super::{Addressed, Author, Inquiry, addressed, note_in_comments};

    #[test]
    fn a_number_is_a_choice_or_nothing() {
        let choices = vec!["all of it".into(), "the last year".into()];
        let inquiry = Inquiry { number: 1, by: Author::You, text: "?".into(), choices, at: 0 };
        let meant = |typed: &str| inquiry.meant(typed);
        assert_eq!(meant(" 2 "), Some("the last year".into()));
        for typed in ["0", "3", "-1", "99999999999999"] {
            assert_eq!(meant(typed), None, "{typed}");
        }
        assert_eq!(meant("3 rows"), Some("3 rows".into()));
        assert_eq!(inquiry.numbers(), "1 to 2, or words");
        let open = Inquiry { choices: Vec::new(), ..inquiry.clone() };
        assert_eq!(open.meant("3"), Some(Arc::from("3")), "without choices a number is an answer");
    }

    #[test]
    fn a_note_to_a_name_is_for_that_client_or_for_nobody() {
        let clients: Vec<Arc<str>> = ["claude-code", "cursor", "cursor 2"].map(Into::into).into();
        let of = |text| addressed(text, &clients);
        let to = |client: &str, text| Addressed::To { client: client.into(), text };
        assert_eq!(of("to claude: use df: it is whole\nand fast"), to("claude-code", "use df: it is whole\nand fast"));
        assert_eq!(of("To Cursor: stop"), to("cursor", "stop"), "a whole name comes before longer ones");
        assert_eq!(of("to cursor 2: stop"), to("cursor 2", "stop"));
        assert_eq!(of("to cur: stop"), Addressed::Unknown { name: "cur" }, "two may be meant");
        assert_eq!(of("to codex: stop"), Addressed::Unknown { name: "codex" });
        assert_eq!(of("to : stop"), Addressed::Unknown { name: "" });
        for all in ["use the small table", "tomorrow: more", "to be or not", "see\nto claude: no"] {
            assert_eq!(of(all), Addressed::ToAll, "{all}");
        }
    }

    #[test]
    fn only_code_that_is_all_comments_is_a_note() {
        assert_eq!(note_in_comments("# use the small table").as_deref(), Some("use the small table"));
        assert_eq!(note_in_comments("  ## a\n\n#b  ").as_deref(), Some("a\nb"));
        for code in ["", "\n", "#", "# \n#", "x = 1  # one", "# first\nx = 1", "'''# no'''", "#!/bin/sh"] {
            assert_eq!(note_in_comments(code), None, "{code:?}");
        }
    }
}
