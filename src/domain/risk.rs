//! Risks: what code is about to do to files, processes and hosts, and the rules that say whether the person is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What running code is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskKind {
    /// Delete a file or a folder that was there before the session.
    Delete,
    /// Rename or move a file or a folder that was there before the session.
    Rename,
    /// Write into a file that was there before the session.
    Overwrite,
    /// Write outside of the working directory and the temporary folder.
    WriteOutside,
    Start,
    Install,
    /// Contact a host other than this one.
    Connect,
    /// Send a signal to another process.
    Signal,
    /// Load a library by `ctypes`.
    LoadLibrary,
}

impl RiskKind {
    pub const ALL: [Self; 9] = [
        Self::Delete,
        Self::Rename,
        Self::Overwrite,
        Self::WriteOutside,
        Self::Start,
        Self::Install,
        Self::Connect,
        Self::Signal,
        Self::LoadLibrary,
    ];

    /// The name in `config.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Overwrite => "overwrite",
            Self::WriteOutside => "write-outside",
            Self::Start => "start",
            Self::Install => "install",
            Self::Connect => "connect",
            Self::Signal => "signal",
            Self::LoadLibrary => "load-library",
        }
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What code does, before the target: `delete data.csv`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Overwrite => "overwrite",
            Self::WriteOutside => "write outside of the folder, to",
            Self::Start => "start",
            Self::Install => "install",
            Self::Connect => "connect to",
            Self::Signal => "send",
            Self::LoadLibrary => "load the library",
        }
    }

    /// What code does, without a target: `delete files`.
    #[must_use]
    pub fn deed(self) -> &'static str {
        match self {
            Self::Delete => "delete files",
            Self::Rename => "rename files",
            Self::Overwrite => "overwrite files",
            Self::WriteOutside => "write outside of the folder",
            Self::Start => "start processes",
            Self::Install => "install packages",
            Self::Connect => "connect to hosts",
            Self::Signal => "send signals",
            Self::LoadLibrary => "load libraries",
        }
    }
}

/// The answer of a rule to a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAnswer {
    Allow,
    Ask,
    Deny,
}

impl RuleAnswer {
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}

/// A rule of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskRule {
    /// `None` for every kind.
    pub event: Option<RiskKind>,
    /// The path, command or host, with `*` for any text and `?` for any character; `None` for every one.
    pub pattern: Option<String>,
    pub answer: RuleAnswer,
}

/// The person's rules. The first that fits decides; without one, the defaults do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskRules(pub Vec<RiskRule>);

/// Programs that only print facts.
const HARMLESS: [&str; 16] = [
    "arch", "cat", "date", "df", "du", "file", "head", "hostname", "id", "ldconfig", "ls", "nproc", "pwd", "tail",
    "uname", "whoami",
];
/// Characters by which a shell does more than to start one program.
const SHELL: [char; 9] = [';', '|', '&', '>', '<', '`', '$', '(', '\n'];

impl RiskRules {
    /// `of_system` tells whether the program that is to be started is one of the system.
    #[must_use]
    pub fn answer(&self, kind: RiskKind, target: &str, of_system: bool) -> RuleAnswer {
        let fits = |rule: &&RiskRule| {
            rule.event.is_none_or(|event| event == kind)
                && rule.pattern.as_deref().is_none_or(|pattern| {
                    matches(pattern, target) && !(rule.answer == RuleAnswer::Allow && does_more(kind, target, pattern))
                })
        };
        self.0.iter().find(fits).map_or_else(|| default_answer(kind, target, of_system), |rule| rule.answer)
    }
}

/// Whether a command line does more than the pattern says: `git *` does not mean `git log; rm x`.
fn does_more(kind: RiskKind, target: &str, pattern: &str) -> bool {
    kind == RiskKind::Start
        && !pattern.trim_matches('*').is_empty()
        && target.contains(SHELL)
        && !pattern.contains(SHELL)
}

fn default_answer(kind: RiskKind, target: &str, of_system: bool) -> RuleAnswer {
    let is_harmless = match kind {
        RiskKind::Start => {
            let program = target.split(' ').next().unwrap_or_default();
            of_system && HARMLESS.contains(&program) && !target.contains(SHELL)
        }
        RiskKind::WriteOutside => target.contains("/.cache/"),
        _ => false,
    };
    if is_harmless { RuleAnswer::Allow } else { RuleAnswer::Ask }
}

/// Whether `text` fits a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[place] => {
                at += 1;
                place += 1;
            }
            // The last star takes one more character.
            _ => match &mut star {
                Some((star_at, taken)) => {
                    *taken += 1;
                    (at, place) = (*star_at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// An action before which running code has stopped, until the person allows or denies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskRequest {
    /// Counted from 1 within a process. An answer names it, so that it cannot go to another.
    pub number: u32,
    pub kind: RiskKind,
    /// The path, command or host.
    pub target: Arc<str>,
    /// The line of the snippet, from 1.
    pub line: Option<u32>,
    pub at: Timestamp,
}

impl RiskRequest {
    /// A phrase such as `delete data/raw.csv`.
    #[must_use]
    pub fn phrase(&self) -> String {
        format!("{} {}", self.kind.verb(), self.target)
    }
}

/// What the person says to a risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RiskVerdict {
    Allow,
    /// This, and the same kind in the rest of the snippet.
    AllowInSnippet,
    /// This, and the same kind in all code of the client.
    AlwaysAllow,
    /// The code gets a `PermissionError` with these words.
    Deny(Option<Arc<str>>),
    /// This, and the same kind in the rest of the snippet.
    DenyInSnippet(Option<Arc<str>>),
}

/// A risk that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskAnswered {
    pub request: Arc<RiskRequest>,
    pub verdict: RiskVerdict,
    /// Whether a setting answered, because no dashboard was open.
    #[serde(default)]
    pub was_unattended: bool,
    pub at: Timestamp,
}

impl RiskAnswered {
    /// A phrase such as `delete data/raw.csv: denied (not that one)`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let how = match &self.verdict {
            RiskVerdict::Allow => "allowed".to_owned(),
            RiskVerdict::AllowInSnippet => "allowed in this snippet".to_owned(),
            RiskVerdict::AlwaysAllow => "allowed from now on".to_owned(),
            RiskVerdict::Deny(None) => "denied".to_owned(),
            RiskVerdict::Deny(Some(reason)) => format!("denied ({reason})"),
            RiskVerdict::DenyInSnippet(None) => "denied in this snippet".to_owned(),
            RiskVerdict::DenyInSnippet(Some(reason)) => format!("denied in this snippet ({reason})"),
        };
        format!("{}: {how}", self.request.phrase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides_and_then_the_defaults() {
        let rule = |event, pattern: Option<&str>, answer| RiskRule { event, pattern: pattern.map(Into::into), answer };
        let rules = RiskRules(vec![
            rule(Some(RiskKind::Delete), Some("build/*"), RuleAnswer::Allow),
            rule(Some(RiskKind::Connect), Some("*.example.org:443*"), RuleAnswer::Allow),
            rule(Some(RiskKind::Start), Some("git *"), RuleAnswer::Allow),
            rule(None, Some("*secret*"), RuleAnswer::Deny),
        ]);
        for (kind, target, answer) in [
            (RiskKind::Delete, "build/a/b.o", RuleAnswer::Allow),
            (RiskKind::Delete, "data/raw.csv", RuleAnswer::Ask),
            (RiskKind::Delete, "build/secret", RuleAnswer::Allow),
            (RiskKind::Overwrite, "my secret.txt", RuleAnswer::Deny),
            (RiskKind::Connect, "api.example.org:443", RuleAnswer::Allow),
            (RiskKind::Connect, "api.example.org:80", RuleAnswer::Ask),
            (RiskKind::Start, "uname -a", RuleAnswer::Allow),
            (RiskKind::Start, "ls; rm -r x", RuleAnswer::Ask),
            (RiskKind::Start, "git push", RuleAnswer::Allow),
            (RiskKind::Start, "git log; rm x", RuleAnswer::Ask),
            (RiskKind::Start, "make", RuleAnswer::Ask),
            (RiskKind::WriteOutside, "/home/a/.cache/x", RuleAnswer::Allow),
            (RiskKind::WriteOutside, "/home/a/x", RuleAnswer::Ask),
        ] {
            assert_eq!(rules.answer(kind, target, true), answer, "{kind:?} {target}");
        }
        assert_eq!(rules.answer(RiskKind::Start, "uname -a", false), RuleAnswer::Ask, "another program of that name");
    }

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.csv", "data/a.csv", true),
            ("**x", "yyx", true),
            ("", "a", false),
            ("é*", "été", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
