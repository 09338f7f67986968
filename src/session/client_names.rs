//! Names of clients. A client chooses its own name. The session cleans the name for the screen, and marks a name that a
//! reader could take for the person or for another client.
//!
//! The mark is part of the name in the session, so that it appears wherever the name does: `client "you"`, or
//! `client "cIaude-code" (not "claude-code")`. Letters of another alphabet within a Latin word are spelled:
//! `claude-c⟨U+043E⟩de`. No client can choose a name of such a form, because quotes and these brackets are removed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use crate::domain::{Author, Client, Transcript, terminal_text};

/// The name of a client that gives none.
pub const NAMELESS: &str = "client";
/// Characters of a name.
const MAX_LENGTH: usize = 40;
/// Characters of a name with spelled letters.
const MAX_SPELLED_LENGTH: usize = 80;
/// Names that are remembered for comparison.
const MAX_REMEMBERED: usize = 10_000;

/// Words for the person. A name that contains such a word is marked.
const PERSON: [&str; 9] = ["you", "yourself", "person", "persons", "human", "humans", "user", "users", "theperson"];
/// Words for the person only if they are the whole name.
const PERSON_AS_WHOLE_NAME: [&str; 11] = [
    "me",
    "myself",
    "owner",
    "operator",
    "admin",
    "administrator",
    "dashboard",
    "thedashboard",
    "theowner",
    "theoperator",
    "terminal",
];
/// Words for the person anywhere in a name, whatever stands between the letters.
const PERSON_ANYWHERE: [&str; 3] = ["theperson", "thehuman", "theuser"];

/// Returns the name that a client gave, cleaned for the screen: on one line, without invisible characters, not too
/// long.
#[must_use]
pub fn cleaned(given: &str) -> String {
    let line = given.replace(char::is_whitespace, " ");
    let visible: String = line.chars().filter(|c| !terminal_text::is_invisible(*c) || c.is_control()).collect();
    // Also removes whole escape sequences.
    let composed = terminal_text::plain(&visible).nfkc().collect::<String>();
    let allowed: String = composed.chars().filter(|c| is_allowed(*c)).collect();
    let words: Vec<&str> = allowed.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(MAX_LENGTH).collect();
    let name = name.trim_end();
    if name.chars().any(char::is_alphanumeric) { spelled(name) } else { NAMELESS.to_owned() }
}

/// Allows letters, digits and some punctuation, but no blank letters and no pictures of letters.
fn is_allowed(c: char) -> bool {
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let is_picture = matches!(c, '\u{1f100}'..='\u{1f1ff}');
    // Signs that belong to the letter before, in scripts that need them.
    let is_sign = is_combining_mark(c) && !matches!(c, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..);
    ((c.is_alphanumeric() || is_sign) && !is_blank && !is_picture) || " ._-/@+:()".contains(c)
}

/// Replaces letters that look like Latin ones by their code points, in words that contain Latin letters.
fn spelled(name: &str) -> String {
    let mut out = String::new();
    for word in name.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let is_latin = word.contains(|c: char| c.is_ascii_alphabetic());
        for c in word.chars() {
            let mut alone = [0; 4];
            let deceives = c > '\u{24f}' && skeleton(c.encode_utf8(&mut alone)).all(|c| c.is_ascii());
            if is_latin && deceives { out.push_str(&terminal_text::escaped(c)) } else { out.push(c) }
        }
    }
    if out.chars().count() > MAX_SPELLED_LENGTH {
        out = out.chars().take(MAX_SPELLED_LENGTH - 1).chain(['…']).collect();
    }
    out
}

/// Undoes [`spelled`].
fn unspelled(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("⟨U+") {
        out.push_str(before);
        let end = after.find('⟩').unwrap_or(after.len());
        out.extend(u32::from_str_radix(&after[..end], 16).ok().and_then(char::from_u32));
        rest = after[end..].trim_start_matches('⟩');
    }
    out + rest
}

/// Returns the name without its mark.
#[must_use]
pub fn unmarked(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("client \"") else { return name };
    rest.split('"').next().unwrap_or(rest)
}

/// Returns a name with everything that looks alike made equal: once with its capitals, because `I` looks like `l`, and
/// once in lower case.
fn folds(name: &str) -> [String; 2] {
    let bare = |text: &str| -> String {
        let skeleton: String = skeleton(text).collect();
        skeleton.nfkd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() && !is_combining_mark(*c)).collect()
    };
    // Marks on letters make no difference.
    let letters: String = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    [bare(&letters), bare(&letters.to_lowercase())]
}

/// Returns whether a reader could take a name for the person. `login` has the names of the person on this machine.
fn stands_for_person(name: &str, login: &[String]) -> bool {
    let name = unspelled(name);
    // With and without a number.
    let forms = |text: &str| {
        let bare = text.trim_matches(|c: char| !c.is_alphabetic());
        [folds(text), folds(bare)].concat()
    };
    let is_one_of = |text: &str, words: &[&str]| {
        let forms = forms(text);
        words.iter().any(|word| folds(word).iter().any(|word| forms.contains(word)))
    };
    let whole = folds(&name);
    is_one_of(&name, &PERSON)
        || is_one_of(&name, &PERSON_AS_WHOLE_NAME)
        || login.iter().any(|login| is_one_of(&name, &[login.as_str()]))
        || PERSON_ANYWHERE
            .iter()
            .any(|word| folds(word).iter().any(|word| whole.iter().any(|name| name.contains(word.as_str()))))
        || words(&name).iter().any(|word| is_one_of(word, &PERSON))
}

/// Splits a name into words at characters that are no letters, and before capitals.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        let is_letter = c.is_alphanumeric() || is_combining_mark(c);
        if !is_letter || was_small && c.is_uppercase() {
            words.push(String::new());
        }
        was_small = c.is_lowercase();
        if is_letter && let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    // "yOu" counts as one word, too.
    words.extend(name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned));
    words
}

/// Returns the names of the person on this machine, as far as the environment has them.
fn logins() -> &'static [String] {
    static LOGINS: OnceLock<Vec<String>> = OnceLock::new();
    LOGINS.get_or_init(|| {
        let home = std::env::var("HOME").ok();
        let home = home.as_deref().and_then(|home| home.rsplit('/').find(|part| !part.is_empty())).map(str::to_owned);
        let mut logins: Vec<String> = ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok()).collect();
        logins.extend(home.filter(|name| name != "home"));
        logins.retain(|login| login.chars().any(char::is_alphanumeric));
        logins
    })
}

/// The names of present and past clients of a session.
#[derive(Default)]
pub struct ClientNames {
    /// The first name of each look, by its folds.
    known: HashMap<String, String>,
}

impl ClientNames {
    #[must_use]
    pub fn of(transcript: &Transcript, former: &[Client]) -> Self {
        let mut names = Self::default();
        let mut last = &Author::You;
        for author in transcript.entries().authors() {
            if std::mem::replace(&mut last, author) != author
                && let Author::Client { name, .. } = author
            {
                names.remember(unmarked(name));
            }
        }
        for client in former {
            names.remember(unmarked(&client.name));
        }
        names
    }

    /// Remembers a name. A spelled name looks like no other.
    fn remember(&mut self, name: &str) {
        if name.contains('⟨') || self.known.len() >= MAX_REMEMBERED || self.known.values().any(|known| known == name)
        {
            return;
        }
        for fold in folds(name) {
            self.known.entry(fold).or_insert_with(|| name.to_owned());
        }
    }

    /// Returns the name that a client gets if it wants this one: with a number if the name is taken, and marked if it
    /// deceives.
    pub fn choose(&mut self, desired: &str, is_taken: impl Fn(&str) -> bool) -> Arc<str> {
        let mut name = desired.to_owned();
        let mut number = 1;
        let marked = loop {
            let marked = self.marked(&name);
            if !is_taken(&name) && !is_taken(unmarked(&marked)) {
                break marked;
            }
            number += 1;
            name = format!("{desired} {number}");
        };
        self.remember(&name);
        marked.into()
    }

    fn marked(&self, name: &str) -> String {
        if stands_for_person(name, logins()) {
            return format!("client \"{name}\"");
        }
        if name.contains('⟨') {
            return name.to_owned();
        }
        match folds(name).iter().find_map(|fold| self.known.get(fold).filter(|known| *known != name)) {
            Some(other) => format!("client \"{name}\" (not \"{other}\")"),
            None => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
