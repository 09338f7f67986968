//! The gate: how far the person decides what clients run. It is consent and no sandbox: code that runs has all rights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lexer::rebound_of;
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
            GateMode::Ask if self.allowed.iter().any(|allowed| **allowed == *code) => GateMode::Watch,
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
        }
    }

    /// The names that this code of `author` seems to rebind or delete although the person has locked them. Code that is
    /// always allowed counts for none.
    #[must_use]
    pub fn locked_in(&self, author: &Author, code: &str) -> Vec<String> {
        if author.is_you() || self.locked.is_empty() || self.allowed.iter().any(|allowed| **allowed == *code) {
            return Vec::new();
        }
        rebound_of(code, &self.locked)
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
            (
                self.private.names.difference(&before.private.names).next(),
                "is private: clients are shown only its name",
            ),
            (before.private.names.difference(&self.private.names).next(), "is no longer private"),
        ];
        if let Some((Some(name), what)) = changes.into_iter().find(|(name, _)| name.is_some()) {
            return format!("{name} {what}");
        }
        let snippets = (&self.private.snippets, &before.private.snippets);
        if let Some(snippet) = snippets.0.difference(snippets.1).next() {
            return format!("snippet {snippet} is private: clients are not shown it");
        }
        if let Some(snippet) = snippets.1.difference(snippets.0).next() {
            return format!("snippet {snippet} is no longer private");
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
mod tests {
    use super::*;
    use crate::domain::ClientId;

    fn client(name: &str) -> Author {
        Author::Client { id: ClientId(1), name: name.into() }
    }

    #[test]
    fn a_second_connection_of_a_client_is_no_way_around_a_decision() {
        let mut gate = Gate::new(GateMode::Watch);
        gate.clients.insert("solo".into(), GateMode::Hold);
        gate.away.insert("gone".into());
        assert_eq!(gate.mode_of(&client("solo 2")), GateMode::Hold);
        assert!(gate.is_away(&client("gone 2")) && !gate.is_away(&client("gone on")));
        gate.clients.insert("solo 2".into(), GateMode::Watch);
        assert_eq!(gate.mode_of(&client("solo 2")), GateMode::Watch, "its own mode goes first");
        let mut gate = Gate::new(GateMode::Ask);
        gate.clients.insert("free".into(), GateMode::Watch);
        assert_eq!(gate.mode_of(&client("free 2")), GateMode::Ask, "freedom is not inherited");
    }

    #[test]
    fn a_client_has_the_mode_of_all_until_it_gets_its_own() {
        let mut gate = Gate::new(GateMode::Ask);
        assert_eq!(gate.mode_of(&client("claude")), GateMode::Ask);
        assert_eq!(gate.mode_of(&Author::You), GateMode::Watch, "the person is never asked about their own code");
        gate.change(GateChange::Client("claude".into(), Some(GateMode::Watch)));
        assert_eq!(gate.mode_of(&client("claude")), GateMode::Watch);
        assert_eq!(gate.mode_of(&client("claude 2")), GateMode::Ask);
        assert_eq!(gate.label(), "ask, claude: watch");
        gate.change(GateChange::Client("claude".into(), None));
        assert_eq!(gate.label(), "ask");
        gate.change(GateChange::Client("claude".into(), Some(GateMode::Watch)));
        gate.change(GateChange::All(GateMode::Hold));
        assert_eq!(gate.mode_of(&client("claude")), GateMode::Hold, "all are all");
    }

    #[test]
    fn taking_over_stops_clients_and_keeps_the_modes() {
        let (mut gate, claude) = (Gate::new(GateMode::Ask), client("claude"));
        gate.change(GateChange::TakeOver);
        gate.takeover.as_mut().unwrap().note = Some("wait".into());
        gate.change(GateChange::TakeOver);
        assert_eq!(gate.modes().takeover.unwrap().note.as_deref(), Some("wait"), "taking over again changes nothing");
        assert!(gate.stops(&claude) && !gate.stops(&Author::You) && !gate.is_closed_to(&Author::You));
        gate.change(GateChange::All(GateMode::Watch));
        assert!(gate.is_closed_to(&claude), "another mode gives nothing back");
        gate.change(GateChange::GiveBack);
        assert_eq!((gate.stops(&claude), gate.mode_of(&claude)), (false, GateMode::Watch));
    }

    #[test]
    fn a_client_is_muted_and_sent_away_by_its_name() {
        let (mut gate, claude) = (Gate::default(), client("claude"));
        let before = gate.clone();
        gate.change(GateChange::Mute("claude".into()));
        assert!(gate.is_muted(&claude) && !gate.is_muted(&Author::You) && !gate.is_away(&claude));
        assert_eq!(gate.change_from(&before), "claude is muted");
        let before = gate.clone();
        gate.change(GateChange::SendAway("claude".into()));
        assert!(gate.is_away(&claude) && !gate.is_away(&client("cursor")));
        assert_eq!(gate.change_from(&before), "claude is disconnected: its calls are refused");
        assert_eq!(gate.modes(), gate, "the process that follows refuses it too");
        let before = gate.clone();
        gate.change(GateChange::LetIn("claude".into()));
        assert_eq!(gate.change_from(&before), "claude is let in again");
    }

    #[test]
    fn a_lock_is_about_code_of_clients_that_rebinds_the_name() {
        let (mut gate, claude) = (Gate::default(), client("claude"));
        gate.change(GateChange::Lock("df".into()));
        for code in ["df = 1", "del df", "import numpy as df", "for df in []: pass", "def df(): pass", "x = df = 2"] {
            assert_eq!(gate.locked_in(&claude, code), ["df"], "{code}");
            assert!(gate.locked_in(&Author::You, code).is_empty());
        }
        let many: Vec<String> = (0..100).map(|n| format!("x{n} = 1")).collect();
        assert_eq!(gate.locked_in(&claude, &(many.join("\n") + "\ndf = 1")), ["df"], "however much else it binds");
        for code in ["df.head()", "df['x'] = 1", "dfs = 1", "def f():\n    df = 1", "x.df = 1", "f(df=1)"] {
            assert!(gate.locked_in(&claude, code).is_empty(), "{code}");
        }
        gate.allow("df = 1".into());
        assert!(gate.locked_in(&claude, "df = 1").is_empty());
        assert!(!gate.modes().locked.is_empty());
    }

    #[test]
    fn allowed_code_is_that_code_and_no_other() {
        let mut gate = Gate::new(GateMode::Ask);
        gate.allow("df.head()".into());
        assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Watch);
        for other in ["df.head() ", "df.head()\nx", "df.head", ""] {
            assert_eq!(gate.mode_for(&client("claude"), other), GateMode::Ask, "{other:?}");
        }
        gate.change(GateChange::All(GateMode::Hold));
        assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Hold);
        gate.change(GateChange::All(GateMode::Ask));
        let long: Arc<str> = "x".repeat(MAX_ALLOWED_BYTES).into();
        gate.allow(long.clone());
        assert_eq!(gate.mode_for(&client("claude"), &long), GateMode::Watch);
        assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Ask, "memory is bounded");
    }
}
