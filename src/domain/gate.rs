//! The gate: how far the person decides what clients run. It is consent and no sandbox: code that runs has all rights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lexer::{Spelling, rebound_of};
use super::{Author, Private, RiskKind, SnippetId};

/// Bytes of code that the person has allowed for good. Beyond it the oldest is forgotten, and asked about again.
const MAX_ALLOWED_BYTES: usize = 1 << 20;

/// What happens to the code of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateMode {
    /// It runs at once.
    #[default]
    Watch,
    /// It runs at once, and waits where it is about to do something that a rule asks about.
    AskAtRisk,
    /// It waits, and the person is asked.
    Ask,
    /// It waits, and nobody is asked.
    Hold,
}

impl GateMode {
    /// From the least to the most strict.
    pub const ALL: [Self; 4] = [Self::Watch, Self::AskAtRisk, Self::Ask, Self::Hold];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::AskAtRisk => "ask-at-risk",
            Self::Ask => "ask",
            Self::Hold => "hold",
        }
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// What the mode means, as a phrase for the person.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Watch => "code runs at once",
            Self::AskAtRisk => "code waits before a risk",
            Self::Ask => "code waits until you allow it",
            Self::Hold => "code waits, and you are not asked",
        }
    }

    /// What the mode means, as a phrase for a client.
    #[must_use]
    pub fn meaning_for_models(self) -> &'static str {
        match self {
            Self::Watch => "Code of clients runs at once",
            Self::AskAtRisk => "Code waits for the person before it deletes files, starts processes and the like",
            Self::Ask => "Each snippet waits until the person allows it",
            Self::Hold => "Snippets wait until the person lets them run, and the person is not asked",
        }
    }

    /// Returns whether code waits for the person before it runs.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Ask | Self::Hold)
    }
}

/// What happens to code that would wait for the person while no dashboard is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unattended {
    #[default]
    Wait,
    Allow,
    Deny,
}

impl Unattended {
    pub const ALL: [Self; 3] = [Self::Wait, Self::Allow, Self::Deny];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}

/// Who stopped code that the person interrupted after taking over.
pub const TAKEOVER_CAUSE: &str = "you, taking over";

/// Who stopped the code of a client that the person disconnected.
pub const SENT_AWAY_CAUSE: &str = "you, disconnecting its client";

/// The person has taken over: no code of clients begins until they give the session back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// The person's last note since then.
    #[serde(default)]
    pub note: Option<Arc<str>>,
}

/// The modes of all clients, and the code that may always run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The mode of every client that has no mode of its own.
    pub mode: GateMode,
    /// The modes of clients, by their names.
    #[serde(default)]
    pub clients: BTreeMap<Arc<str>, GateMode>,
    /// The newest last.
    #[serde(default)]
    allowed: Vec<Arc<str>>,
    /// Risks that clients, by their names, may always take.
    #[serde(default)]
    risks: BTreeSet<(Arc<str>, RiskKind)>,
    #[serde(default)]
    pub takeover: Option<Takeover>,
    /// Clients, by their names, whose cards are folded and who send no notices.
    #[serde(default)]
    pub muted: BTreeSet<Arc<str>>,
    /// Clients, by their names, whose calls are refused until the person lets them in again.
    #[serde(default)]
    pub away: BTreeSet<Arc<str>>,
    /// Names of variables: code of clients that would rebind or delete one is asked about.
    #[serde(default)]
    pub locked: BTreeSet<Arc<str>>,
    /// What clients are not shown.
    #[serde(default)]
    pub private: Private,
}

/// A change that the person makes to the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateChange {
    /// All clients get this mode, those with a mode of their own too.
    All(GateMode),
    /// The client of this name gets a mode of its own, or with `None` that of all.
    Client(Arc<str>, Option<GateMode>),
    /// No code of clients begins until [`GateChange::GiveBack`]; what waits keeps its order.
    TakeOver,
    GiveBack,
    Mute(Arc<str>),
    Unmute(Arc<str>),
    /// Stop the client of this name, and refuse its calls.
    SendAway(Arc<str>),
    LetIn(Arc<str>),
    Lock(Arc<str>),
    Unlock(Arc<str>),
    /// Show clients no more of a variable than its name.
    HideName(Arc<str>),
    ShowName(Arc<str>),
    /// Show clients no more of a snippet than its number, unless it is their own.
    HideSnippet(SnippetId),
    ShowSnippet(SnippetId),
    /// No longer let the client of this name take such risks unasked.
    AskAgainAtRisk(Arc<str>, RiskKind),
    /// No longer let this code run unasked.
    AskAgainAboutCode(Arc<str>),
    /// Take back all that is always allowed, and what clients may do more than all.
    AskAgain,
}

impl Gate {
    #[must_use]
    pub fn new(mode: GateMode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// The mode for the code of `author`. The person is never asked about their own.
    #[must_use]
    pub fn mode_of(&self, author: &Author) -> GateMode {
        match author {
            Author::You => GateMode::Watch,
            Author::Client { name, .. } => {
                let own = self.clients.get(name).copied();
                // A second connection has no more freedom than the first one, and does not inherit what that may do.
                let first = first_name(name).and_then(|first| self.clients.get(first)).copied();
                own.or(first.filter(|first| *first > self.mode)).unwrap_or(self.mode)
            }
        }
    }

    /// The mode for this very code. Code that the person has allowed for good runs at once, unless its author is held.
    #[must_use]
    pub fn mode_for(&self, author: &Author, code: &str) -> GateMode {
        match self.mode_of(author) {
            GateMode::Ask if self.always_runs(code) => GateMode::Watch,
            mode => mode,
        }
    }

    pub fn change(&mut self, change: GateChange) {
        match change {
            GateChange::All(mode) => {
                self.mode = mode;
                self.clients.clear();
            }
            GateChange::Client(name, Some(mode)) => drop(self.clients.insert(name, mode)),
            GateChange::Client(name, None) => drop(self.clients.remove(&name)),
            GateChange::TakeOver => drop(self.takeover.get_or_insert_default()),
            GateChange::GiveBack => self.takeover = None,
            GateChange::Mute(name) => drop(self.muted.insert(name)),
            GateChange::Unmute(name) => drop(self.muted.remove(&name)),
            GateChange::SendAway(name) => drop(self.away.insert(name)),
            GateChange::LetIn(name) => drop(self.away.remove(&name)),
            GateChange::Lock(name) => drop(self.locked.insert(name)),
            GateChange::Unlock(name) => drop(self.locked.remove(&name)),
            GateChange::HideName(name) => drop(self.private.names.insert(name)),
            GateChange::ShowName(name) => drop(self.private.names.remove(&name)),
            GateChange::HideSnippet(snippet) => drop(self.private.snippets.insert(snippet)),
            GateChange::ShowSnippet(snippet) => drop(self.private.snippets.remove(&snippet)),
            GateChange::AskAgainAtRisk(client, kind) => drop(self.risks.remove(&(client, kind))),
            GateChange::AskAgainAboutCode(code) => self.allowed.retain(|allowed| *allowed != code),
            GateChange::AskAgain => {
                self.allowed.clear();
                self.risks.clear();
                let all = self.mode;
                self.clients.retain(|_, mode| *mode >= all);
            }
        }
    }

    /// The names that this code of `author` seems to rebind or delete although the person has locked them. Code that is
    /// always allowed counts for none.
    #[must_use]
    pub fn locked_in(&self, author: &Author, code: &str, spelling: Spelling) -> Vec<String> {
        if author.is_you() || self.locked.is_empty() || self.always_runs(code) {
            return Vec::new();
        }
        rebound_of(code, &self.locked, spelling)
    }

    /// Whether the person has allowed this very code for good.
    #[must_use]
    pub fn always_runs(&self, code: &str) -> bool {
        self.allowed.iter().any(|allowed| **allowed == *code)
    }

    /// Whether the person keeps everything of `author` back that has not begun.
    #[must_use]
    pub fn stops(&self, author: &Author) -> bool {
        self.takeover.is_some() && !author.is_you()
    }

    /// Whether some code of `author` waits for the person.
    #[must_use]
    pub fn keeps_back(&self, author: &Author) -> bool {
        self.stops(author) || self.mode_of(author) != GateMode::Watch
    }

    #[must_use]
    pub fn is_muted(&self, author: &Author) -> bool {
        matches!(author, Author::Client { name, .. } if self.muted.contains(name))
    }

    /// Whether the person has disconnected the client.
    #[must_use]
    pub fn is_away(&self, author: &Author) -> bool {
        matches!(author, Author::Client { name, .. }
            if self.away.contains(name) || first_name(name).is_some_and(|first| self.away.contains(first)))
    }

    /// Whether only the person resets the session and answers prompts, and `author` does not.
    #[must_use]
    pub fn is_closed_to(&self, author: &Author) -> bool {
        self.stops(author) || self.mode_of(author).waits()
    }

    /// Lets this code run from now on, whoever sends it.
    pub fn allow(&mut self, code: Arc<str>) {
        self.allowed.retain(|allowed| *allowed != code);
        self.allowed.push(code);
        while self.allowed.len() > 1
            && self.allowed.iter().map(|allowed| allowed.len()).sum::<usize>() > MAX_ALLOWED_BYTES
        {
            self.allowed.remove(0);
        }
    }

    /// Lets the client of this name always take such risks.
    pub fn always_allow(&mut self, client: Arc<str>, kind: RiskKind) {
        self.risks.insert((client, kind));
    }

    #[must_use]
    pub fn always_allows(&self, author: &Author, kind: RiskKind) -> bool {
        self.risks.iter().any(|(client, allowed)| **client == *author.name() && *allowed == kind)
    }

    /// What is always allowed, as phrases for the person, each with the change that takes it back.
    #[must_use]
    pub fn always(&self) -> Vec<(String, GateChange)> {
        let risks = self.risks.iter().map(|(client, kind)| {
            let phrase = format!("{client} may always {}", kind.deed());
            (phrase, GateChange::AskAgainAtRisk(client.clone(), *kind))
        });
        let code = self.allowed.iter().rev().map(|code| {
            let line = code.trim_start().lines().next().unwrap_or_default();
            let more = if code.trim().lines().nth(1).is_some() { " …" } else { "" };
            (format!("this may always run: {line}{more}"), GateChange::AskAgainAboutCode(code.clone()))
        });
        risks.chain(code).collect()
    }

    /// The modes without the code that may always run.
    #[must_use]
    pub fn modes(&self) -> Self {
        Self { allowed: Vec::new(), risks: BTreeSet::new(), ..self.clone() }
    }

    /// This gate with the code that `other` always allows.
    #[must_use]
    pub fn allowing_as(self, other: &Self) -> Self {
        Self { allowed: other.allowed.clone(), risks: other.risks.clone(), ..self }
    }

    /// Returns whether everything runs at once.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode == GateMode::Watch && self.clients.values().all(|mode| *mode == GateMode::Watch)
    }

    /// What changed from `before`, as a line for the person.
    #[must_use]
    pub fn change_from(&self, before: &Self) -> String {
        let changes = [
            (self.away.difference(&before.away).next(), "is disconnected: its calls are refused"),
            (before.away.difference(&self.away).next(), "is let in again"),
            (self.muted.difference(&before.muted).next(), "is muted"),
            (before.muted.difference(&self.muted).next(), "is no longer muted"),
            (self.locked.difference(&before.locked).next(), "is locked: code that would rebind it waits"),
            (before.locked.difference(&self.locked).next(), "is no longer locked"),
            (before.private.names.difference(&self.private.names).next(), "is no longer private"),
        ];
        if let Some((Some(name), what)) = changes.into_iter().find(|(name, _)| name.is_some()) {
            return format!("{name} {what}");
        }
        let hidden: Vec<&str> = self.private.names.difference(&before.private.names).map(|name| &**name).collect();
        match hidden.as_slice() {
            [] => {}
            [name] => return format!("{name} is private: clients are shown only its name"),
            names => return format!("{} are private: clients are shown only their names", names.join(", ")),
        }
        let snippets = (&self.private.snippets, &before.private.snippets);
        if let Some(snippet) = snippets.0.difference(snippets.1).next() {
            return format!("snippet {snippet} is private: clients are not shown it");
        }
        if let Some(snippet) = snippets.1.difference(snippets.0).next() {
            return format!("snippet {snippet} is no longer private");
        }
        let always = self.always();
        let taken_back: Vec<_> = before.always().into_iter().filter(|known| !always.contains(known)).collect();
        match taken_back.as_slice() {
            [] => {}
            [(phrase, _)] => return format!("you are asked again; no longer: {phrase}"),
            _ => return "you are asked again about all that was always allowed".to_owned(),
        }
        match (&before.takeover, &self.takeover) {
            (None, Some(_)) => "taken over: code of clients waits until it is given back".to_owned(),
            (Some(_), None) => "given back: code of clients runs on".to_owned(),
            _ => format!("gate: {}", self.label()),
        }
    }

    /// A phrase such as `ask`, or `watch, cursor: hold`.
    #[must_use]
    pub fn label(&self) -> String {
        let own = self.clients.iter().filter(|(_, mode)| **mode != self.mode);
        let own: String = own.flat_map(|(name, mode)| [", ", name, ": ", mode.name()]).collect();
        format!("{}{own}", self.mode.name())
    }
}

/// The name of the first connection of a client, to which a further one adds a number; `None` for a first one. Another
/// window of the client must be no way around what the person has decided.
fn first_name(name: &str) -> Option<&str> {
    name.rsplit_once(' ').filter(|(_, number)| number.parse::<u32>().is_ok()).map(|(first, _)| first)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
