//! The effects of a snippet beyond Python's variables: files, processes, connections and the like.
//!
//! A snippet keeps a bounded list. Many effects of one kind in one place fold into one entry with a count.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Entries of one snippet.
pub const MAX_EFFECTS: usize = 48;
/// This many effects of one kind in one place fold into one entry.
const FOLD_AT: usize = 6;
/// Targets that a phrase names.
const MAX_NAMED: usize = 3;

/// The kind of an effect. The order is that of phrases: what destroys comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideEffectKind {
    Delete,
    RemoveFolder,
    Rename,
    Write,
    Create,
    MakeFolder,
    ChangeMode,
    Install,
    Start,
    /// A process that the snippet started and that still runs at its end.
    LeaveRunning,
    Signal,
    Connect,
    Listen,
    OpenDatabase,
    LoadLibrary,
    ChangeFolder,
    SetVariable,
}

impl SideEffectKind {
    /// All kinds, in the order of phrases.
    pub const ALL: [Self; 17] = [
        Self::Delete,
        Self::RemoveFolder,
        Self::Rename,
        Self::Write,
        Self::Create,
        Self::MakeFolder,
        Self::ChangeMode,
        Self::Install,
        Self::Start,
        Self::LeaveRunning,
        Self::Signal,
        Self::Connect,
        Self::Listen,
        Self::OpenDatabase,
        Self::LoadLibrary,
        Self::ChangeFolder,
        Self::SetVariable,
    ];

    /// Returns the beginning of a phrase, such as `wrote`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Delete => "deleted",
            Self::RemoveFolder => "removed folder",
            Self::Rename => "renamed",
            Self::Write => "wrote",
            Self::Create => "created",
            Self::MakeFolder => "made folder",
            Self::ChangeMode => "changed permissions of",
            Self::Install => "installed",
            Self::Start => "started",
            Self::LeaveRunning => "left running",
            Self::Signal => "sent",
            Self::Connect => "contacted",
            Self::Listen => "listened on",
            Self::OpenDatabase => "opened database",
            Self::LoadLibrary => "loaded library",
            Self::ChangeFolder => "changed folder to",
            Self::SetVariable => "set environment variable",
        }
    }

    /// Returns the word that selects the kind in a filter, such as `write`.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Delete | Self::RemoveFolder => "delete",
            Self::Rename | Self::Write | Self::Create | Self::MakeFolder | Self::ChangeMode => "write",
            Self::Install => "install",
            Self::Start | Self::LeaveRunning | Self::Signal => "process",
            Self::Connect | Self::Listen => "network",
            Self::OpenDatabase => "database",
            Self::LoadLibrary => "library",
            Self::ChangeFolder | Self::SetVariable => "environment",
        }
    }

    fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::RemoveFolder)
    }

    /// Returns whether targets are paths.
    fn is_of_file(self) -> bool {
        self.deletes()
            || matches!(self, Self::Rename | Self::Write | Self::Create | Self::MakeFolder | Self::ChangeMode)
    }

    /// Returns what the targets of a folded entry are called.
    fn plural(self) -> &'static str {
        match self {
            Self::MakeFolder | Self::RemoveFolder => "folders",
            Self::Start | Self::LeaveRunning => "processes",
            Self::Signal => "signals",
            Self::Connect => "connections",
            Self::Listen => "addresses",
            Self::SetVariable => "variables",
            Self::Install => "packages",
            _ => "files",
        }
    }
}

/// One effect, or several of one kind in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideEffect {
    pub kind: SideEffectKind,
    /// A path seen from the session's folder, a command, an address, a name. Of folded effects: the place.
    pub target: Arc<str>,
    /// The new path of a renamed file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Arc<str>>,
    /// How often it happened; of folded effects how many they are.
    pub count: u64,
    /// Whether `target` is the place of `count` effects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folded: bool,
    /// Whether a file lies outside of the session's folder and of the folder for temporary files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
}

impl SideEffect {
    #[must_use]
    pub fn new(kind: SideEffectKind, target: impl Into<Arc<str>>) -> Self {
        Self { kind, target: target.into(), to: None, count: 1, folded: false, outside: false }
    }

    /// Returns the target as a phrase names it, such as `data.csv`, `a → b` or `12 files in out/`.
    #[must_use]
    pub fn object(&self) -> String {
        let place = if self.target.is_empty() { "the session's folder" } else { &self.target };
        match &self.to {
            _ if self.folded && self.kind.is_of_file() => {
                format!("{} {} in {place}", self.count, self.kind.plural())
            }
            _ if self.folded && self.target.is_empty() => {
                format!("{} {}", self.count, self.kind.plural())
            }
            _ if self.folded => format!("{place} ({} {})", self.count, self.kind.plural()),
            // A folder that was removed with its contents.
            None if self.kind == SideEffectKind::RemoveFolder && self.count > 1 => {
                format!("{place} ({} entries)", self.count - 1)
            }
            None if self.count > 1 && !self.kind.is_of_file() => format!("{place} ×{}", self.count),
            None => place.to_owned(),
            Some(to) => format!("{place} → {to}"),
        }
    }
}

/// The effects of one snippet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideEffects {
    /// In the order in which they first happened.
    pub entries: Vec<SideEffect>,
    /// Files that were opened to read.
    #[serde(default)]
    pub files_read: u64,
    /// Effects beyond [`MAX_EFFECTS`].
    #[serde(default)]
    pub omitted: u64,
}

impl SideEffects {
    /// Returns whether there is nothing to show; reading alone is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the heap memory that it takes, roughly and in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let text = |effect: &SideEffect| effect.target.len() + effect.to.as_ref().map_or(0, |to| to.len());
        self.entries.iter().map(|effect| text(effect) + size_of::<SideEffect>() + 32).sum()
    }

    /// Adds an effect.
    pub fn add(&mut self, effect: SideEffect) {
        if self.cancels(&effect) || self.counts(&effect) {
            return;
        }
        let place = place(&effect).to_owned();
        let folds = |known: &SideEffect| known.kind == effect.kind && !known.folded && self::place(known) == place;
        let (same, others): (Vec<_>, Vec<_>) = self.entries.iter().cloned().partition(folds);
        if same.len() + 1 >= FOLD_AT {
            let first = self.entries.iter().position(folds).unwrap_or_default();
            let count = effect.count + same.iter().map(|known| known.count).sum::<u64>();
            let before = self.entries[..first].len();
            self.entries = others;
            self.entries.insert(before, SideEffect { target: place.into(), to: None, count, folded: true, ..effect });
        } else if self.entries.len() < MAX_EFFECTS {
            self.entries.push(effect);
        } else {
            self.omitted += effect.count;
        }
    }

    /// Adds the renaming of a file. A new file that gets the name of another, as many programs write their files,
    /// counts as the writing of that other file.
    pub fn add_rename(&mut self, effect: SideEffect, replaces: bool) {
        match (self.created(&effect.target), &effect.to) {
            (Some(created), Some(to)) => {
                let kind = if replaces { SideEffectKind::Write } else { SideEffectKind::Create };
                let written = SideEffect { outside: effect.outside, ..SideEffect::new(kind, to.clone()) };
                self.entries.remove(created);
                self.add(written);
            }
            _ => self.add(effect),
        }
    }

    /// Returns the entry of a file that the snippet created.
    fn created(&self, target: &str) -> Option<usize> {
        let is_created =
            |known: &SideEffect| known.kind == SideEffectKind::Create && !known.folded && *known.target == *target;
        self.entries.iter().position(is_created)
    }

    /// Returns whether the effect adds nothing: the snippet changed a file again that it had created, or deleted the
    /// file.
    fn cancels(&mut self, effect: &SideEffect) -> bool {
        match effect.kind {
            SideEffectKind::Write | SideEffectKind::ChangeMode => self.created(&effect.target).is_some(),
            SideEffectKind::Delete => {
                self.created(&effect.target).map(|created| self.entries.remove(created)).is_some()
            }
            _ => false,
        }
    }

    /// Counts the effect in an entry that is the same, stands for its place, or is a folder removed with its contents.
    fn counts(&mut self, effect: &SideEffect) -> bool {
        let place = place(effect);
        let is_within = |known: &SideEffect| {
            known.kind == SideEffectKind::RemoveFolder
                && effect.kind.deletes()
                && effect.target.strip_prefix(&*known.target).is_some_and(|rest| rest.starts_with('/'))
        };
        let is_same = |known: &SideEffect| {
            known.kind == effect.kind
                && if known.folded {
                    *known.target == *place
                } else {
                    known.target == effect.target && known.to == effect.to
                }
        };
        let Some(known) = self.entries.iter_mut().find(|known| is_same(known) || is_within(known)) else {
            return false;
        };
        known.count += effect.count;
        true
    }

    /// Returns the effects that the author of the code may not expect: deletions, files outside of the session's
    /// folder, processes that still run.
    #[must_use]
    pub fn surprising(&self) -> Self {
        let is_surprising = |effect: &&SideEffect| {
            effect.kind.deletes() || effect.outside || effect.kind == SideEffectKind::LeaveRunning
        };
        Self { entries: self.entries.iter().filter(is_surprising).cloned().collect(), files_read: 0, omitted: 0 }
    }

    /// Returns the effects that stay when Python goes back to a safe point: all but those within its process.
    #[must_use]
    pub fn outlasting(&self) -> Self {
        use SideEffectKind::{ChangeFolder, Listen, LoadLibrary, SetVariable};
        let outlasts = |effect: &&SideEffect| !matches!(effect.kind, ChangeFolder | Listen | LoadLibrary | SetVariable);
        Self { entries: self.entries.iter().filter(outlasts).cloned().collect(), files_read: 0, omitted: self.omitted }
    }

    /// Returns whether a filter's word selects the effects: a group, a verb, or `any`.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.entries.iter().any(|effect| {
            word == "any" || effect.kind.group().starts_with(&word) || effect.kind.verb().starts_with(&word)
        })
    }

    /// Returns a phrase for each kind, such as `wrote a.csv, b.csv`.
    #[must_use]
    pub fn phrases(&self) -> Vec<String> {
        let of_kind = |kind| {
            let entries: Vec<_> = self.entries.iter().filter(|effect| effect.kind == kind).collect();
            let named: Vec<_> = entries.iter().take(MAX_NAMED).map(|effect| effect.object()).collect();
            let more = entries.len().saturating_sub(MAX_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            (!named.is_empty()).then(|| format!("{} {}{more}", SideEffectKind::verb(kind), named.join(", ")))
        };
        let mut phrases: Vec<_> = SideEffectKind::ALL.into_iter().filter_map(of_kind).collect();
        if self.omitted > 0 {
            phrases.push(format!("{} more effects", self.omitted));
        }
        phrases
    }

    /// Returns a line for each entry, and one for what was read.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.entries.iter().map(|effect| format!("{} {}", effect.kind.verb(), effect.object())).collect();
        if self.omitted > 0 {
            lines.push(format!("{} more effects", self.omitted));
        }
        if self.files_read > 0 {
            let files = if self.files_read == 1 { "file" } else { "files" };
            lines.push(format!("read {} {files}", self.files_read));
        }
        lines
    }
}

/// Said once where effects are shown in full.
pub const LIMITS: &str =
    "Effects are those of Python code. What native code does by itself, and what child processes do, is not seen.";

/// Returns the place by which effects of a kind fold: the folder of a file, the program of a command, the host of an
/// address.
fn place(effect: &SideEffect) -> &str {
    let target = &*effect.target;
    match effect.kind {
        kind if kind.is_of_file() => target.rfind('/').map_or("", |slash| &target[..=slash]),
        SideEffectKind::Start | SideEffectKind::LeaveRunning => target.split(' ').next().unwrap_or_default(),
        SideEffectKind::Connect | SideEffectKind::Listen => target.rsplit_once(':').map_or(target, |(host, _)| host),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(list: &[(SideEffectKind, &str)]) -> SideEffects {
        let mut effects = SideEffects::default();
        for (kind, target) in list {
            effects.add(SideEffect::new(*kind, *target));
        }
        effects
    }

    #[test]
    fn many_effects_in_one_place_fold_and_stay_bounded() {
        let mut effects = effects(&[(SideEffectKind::Start, "git status"), (SideEffectKind::Create, "out/first")]);
        for number in 0..1_000 {
            effects.add(SideEffect::new(SideEffectKind::Create, format!("out/{number}")));
            effects.add(SideEffect::new(SideEffectKind::SetVariable, format!("NAME{number}")));
        }
        effects.add(SideEffect::new(SideEffectKind::Start, "git status"));
        let expected =
            ["created 1001 files in out/", "started git status ×2", "set environment variable 1000 variables"];
        assert_eq!(effects.phrases(), expected);
        for number in 0..1_000 {
            effects.add(SideEffect::new(SideEffectKind::Delete, format!("{number}/file")));
        }
        assert_eq!(effects.entries.len(), MAX_EFFECTS);
        assert_eq!(effects.phrases().last().unwrap(), "955 more effects");
    }

    #[test]
    fn what_a_snippet_made_and_removed_again_is_left_out() {
        use SideEffectKind::{Create, Delete, RemoveFolder, Write};
        let mut effects = effects(&[(Create, "new"), (Write, "new"), (Create, "temporary"), (Delete, "temporary")]);
        assert_eq!(effects.phrases(), ["created new"]);
        effects.add(SideEffect::new(Create, "data.tmp"));
        let rename =
            |from: &str, to: &str| SideEffect { to: Some(to.into()), ..SideEffect::new(SideEffectKind::Rename, from) };
        effects.add_rename(rename("data.tmp", "data"), true);
        effects.add_rename(rename("old", "older"), false);
        effects.add(SideEffect::new(RemoveFolder, "build"));
        effects.add(SideEffect::new(Delete, "build/a/b"));
        effects.add(SideEffect::new(Delete, "builder"));
        let expected =
            ["deleted builder", "removed folder build (1 entries)", "renamed old → older", "wrote data", "created new"];
        assert_eq!(effects.phrases(), expected);
    }

    #[test]
    fn filters_select_by_group_and_by_verb() {
        let effects = effects(&[(SideEffectKind::Create, "a"), (SideEffectKind::Connect, "127.0.0.1:80")]);
        for (word, expected) in [("write", true), ("network", true), ("cont", true), ("delete", false), ("any", true)] {
            assert_eq!(effects.matches(word), expected, "{word}");
        }
        assert!(!SideEffects::default().matches("any"));
    }
}
