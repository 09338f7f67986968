//! Names of clients. A client calls itself what it likes: its name is made fit for a screen, and marked where a reader
//! could take it for the person's, or for that of another client.
//!
//! The mark is a part of the name that the session keeps, so that it stands wherever the name does: `client "you"`, or
//! `client "cIaude-code" (not "claude-code")`. Letters of another alphabet within a word of Latin ones are spelled:
//! `claude-c⟨U+043E⟩de`. No name that a client gives can have such a form, for quotes and these brackets are taken out.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use crate::domain::{Author, Client, Entry, Transcript, terminal_text};

/// Who gives no name.
pub const NAMELESS: &str = "client";
/// Characters of a name.
const MOST: usize = 40;
/// Characters of a name with its letters spelled.
const MOST_SPELLED: usize = 80;
/// Names that are remembered for comparison.
const REMEMBERED: usize = 10_000;

/// Words for the person. A name with one of them among its words is marked.
const PERSON: [&str; 9] = ["you", "yourself", "person", "persons", "human", "humans", "user", "users", "theperson"];
/// What stands for the person when it is the whole name, and else need not.
const WHOLE: [&str; 11] = [
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
/// Marks a name in any place, with whatever stands between its letters.
const ANYWHERE: [&str; 3] = ["theperson", "thehuman", "theuser"];

/// A name as a client gave it, fit for a screen: on one line, without what cannot be seen, and not too long.
#[must_use]
pub fn cleaned(given: &str) -> String {
    let line = given.replace(char::is_whitespace, " ");
    let seen: String = line.chars().filter(|c| !terminal_text::is_invisible(*c) || c.is_control()).collect();
    // The parser of terminal text takes escape sequences out as a whole.
    let composed = terminal_text::plain(&seen).nfkc().collect::<String>();
    let kept: String = composed.chars().filter(|c| is_kept(*c)).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(MOST).collect();
    let name = name.trim_end();
    if name.chars().any(char::is_alphanumeric) { spelled(name) } else { NAMELESS.to_owned() }
}

/// Letters, digits and a little punctuation; no letters that are blank, and none that are pictures of letters.
fn is_kept(c: char) -> bool {
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let is_picture = matches!(c, '\u{1f100}'..='\u{1f1ff}');
    // What belongs to the letter before it, in scripts that are written so.
    let is_sign = is_combining_mark(c) && !matches!(c, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..);
    ((c.is_alphanumeric() || is_sign) && !is_blank && !is_picture) || " ._-/@+:()".contains(c)
}

/// Letters that are no Latin ones and look like such, within words that have Latin ones, by their numbers.
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
    if out.chars().count() > MOST_SPELLED {
        out = out.chars().take(MOST_SPELLED - 1).chain(['…']).collect();
    }
    out
}

/// The letters that were [`spelled`].
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

/// The name within its mark.
#[must_use]
pub fn unmarked(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("client \"") else { return name };
    rest.split('"').next().unwrap_or(rest)
}

/// What is left of a name when everything that looks alike is one: with capitals as they are, for `I` looks like `l`, and
/// without.
fn folds(name: &str) -> [String; 2] {
    let bare = |text: &str| -> String {
        let skeleton: String = skeleton(text).collect();
        skeleton.nfkd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() && !is_combining_mark(*c)).collect()
    };
    // Marks above letters are no difference.
    let letters: String = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    [bare(&letters), bare(&letters.to_lowercase())]
}

/// Whether a reader could take a name for the person's. `login` is how the person is known to the machine.
fn stands_for_person(name: &str, login: &[String]) -> bool {
    let name = unspelled(name);
    // With a number or without.
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
        || is_one_of(&name, &WHOLE)
        || login.iter().any(|login| is_one_of(&name, &[login.as_str()]))
        || ANYWHERE
            .iter()
            .any(|word| folds(word).iter().any(|word| whole.iter().any(|name| name.contains(word.as_str()))))
        || words(&name).iter().any(|word| is_one_of(word, &PERSON))
}

/// Words are divided by whatever is no letter, and by capitals within them.
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
    // "yOu" is one word as well.
    words.extend(name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned));
    words
}

/// How the person is known to the machine, as far as that can be had without asking anybody.
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

/// The names that clients of a session have or had.
#[derive(Default)]
pub struct Names {
    /// What each looks like, and who looked so first.
    known: HashMap<String, String>,
}

impl Names {
    #[must_use]
    pub fn of(transcript: &Transcript, former: &[Client]) -> Self {
        let mut names = Self::default();
        let mut last: Option<&Author> = None;
        for entry in transcript.entries() {
            if let Entry::Snippet(snippet) = entry
                && last != Some(&snippet.author)
            {
                last = Some(&snippet.author);
                if let Author::Client { name, .. } = &snippet.author {
                    names.know(unmarked(name));
                }
            }
        }
        for client in former {
            names.know(unmarked(&client.name));
        }
        names
    }

    /// A spelled name looks like itself only.
    fn know(&mut self, name: &str) {
        if name.contains('⟨') || self.known.len() >= REMEMBERED || self.known.values().any(|known| known == name) {
            return;
        }
        for fold in folds(name) {
            self.known.entry(fold).or_insert_with(|| name.to_owned());
        }
    }

    /// The name of a client that wants this one: free, with a number where it is not, and marked where it deceives.
    pub fn choose(&mut self, wanted: &str, is_taken: impl Fn(&str) -> bool) -> Arc<str> {
        let mut name = wanted.to_owned();
        let mut number = 1;
        let marked = loop {
            let marked = self.marked(&name);
            if !is_taken(&name) && !is_taken(unmarked(&marked)) {
                break marked;
            }
            number += 1;
            name = format!("{wanted} {number}");
        };
        self.know(&name);
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
