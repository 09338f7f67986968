//! The facts about one session. The fields are those of the JSON.

use serde::Serialize;

use crate::domain::Timestamp;
use crate::journal::{SessionEnd, SessionSummary};
use crate::session::discovery::registry::SessionEntry;
use crate::session::discovery::status::{LiveClient, SessionStatus};

/// The state of a session, as the help of `fourhands sessions` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    Running,
    Starting,
    Waiting,
    Silent,
    Stale,
    Elsewhere,
    Closed,
    Died,
    #[serde(rename = "set aside")]
    SetAside,
}

impl SessionState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Silent => "silent",
            Self::Stale => "stale",
            Self::Elsewhere => "elsewhere",
            Self::Closed => "closed",
            Self::Died => "died",
            Self::SetAside => "set aside",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    pub name: String,
    pub id: Option<String>,
    pub state: SessionState,
    pub cwd: String,
    pub python: Option<String>,
    pub python_version: Option<String>,
    pub dashboard: Option<bool>,
    pub guardian_pid: Option<u32>,
    pub pid: Option<u32>,
    pub started_at: Timestamp,
    pub last_active: Option<Timestamp>,
    pub socket: Option<String>,
    pub trouble: Option<String>,
    pub clients: Option<Vec<LiveClient>>,
    pub authors: Option<Vec<String>>,
    pub snippets: Option<u32>,
    pub failed: Option<u32>,
    pub lost: Option<u64>,
    pub bytes: Option<u64>,
    pub running: Option<u32>,
    pub queued: Option<usize>,
}

impl SessionRow {
    pub fn new(entry: SessionEntry, state: SessionState, live: Option<SessionStatus>) -> Self {
        Self {
            state,
            id: None,
            cwd: entry.cwd.to_string_lossy().into_owned(),
            python: entry.python,
            python_version: entry.python_version,
            dashboard: live.as_ref().and_then(|live| live.dashboard).or(entry.dashboard),
            guardian_pid: Some(entry.pid),
            pid: live.as_ref().map(|live| live.pid),
            started_at: entry.started_at,
            last_active: None,
            socket: Some(entry.socket.to_string_lossy().into_owned()),
            trouble: entry.trouble,
            authors: None,
            snippets: live.as_ref().map(|live| live.snippets),
            failed: None,
            lost: None,
            bytes: None,
            running: live.as_ref().and_then(|live| live.running),
            queued: live.as_ref().map(|live| live.queued),
            clients: live.map(|live| live.clients),
            name: entry.name,
        }
    }

    pub fn of_journal(session: &SessionSummary) -> Self {
        let mut row = Self {
            name: session.name.clone(),
            id: None,
            state: match (session.ending, session.set_aside) {
                (SessionEnd::Running, _) => SessionState::Running,
                (_, Some(_)) => SessionState::SetAside,
                (SessionEnd::Closed, None) => SessionState::Closed,
                (SessionEnd::Died, None) => SessionState::Died,
            },
            cwd: session.cwd.to_string_lossy().into_owned(),
            python: Some(session.python.to_string_lossy().into_owned()),
            python_version: Some(session.python_version.clone()),
            dashboard: None,
            guardian_pid: None,
            pid: Some(session.pid),
            started_at: session.started,
            last_active: None,
            socket: None,
            trouble: None,
            clients: None,
            authors: None,
            snippets: None,
            failed: None,
            lost: None,
            bytes: None,
            running: None,
            queued: None,
        };
        row.add_recorded(session);
        row
    }

    /// Returns whether the journal's session is this one.
    pub fn is_of(&self, session: &SessionSummary) -> bool {
        let same_end = match session.ending {
            SessionEnd::Running => {
                use SessionState::{Running, Silent, Starting, Waiting};
                matches!(self.state, Running | Starting | Waiting | Silent)
            }
            SessionEnd::Died => self.state == SessionState::Stale,
            SessionEnd::Closed => false,
        };
        self.name == session.name && same_end && session.last_active >= self.started_at
    }

    /// Adds the facts that only the journal has.
    pub fn add_recorded(&mut self, session: &SessionSummary) {
        self.id = Some(session.id.to_string());
        self.last_active = Some(session.last_active);
        self.authors = Some(session.authors.clone());
        self.snippets = self.snippets.or(Some(session.snippets));
        self.failed = Some(session.failed);
        self.lost = Some(session.lost);
        self.bytes = Some(session.bytes);
    }
}

#[cfg(test)]
pub mod fixtures {
    use super::*;
    use crate::session::SessionId;

    pub fn entry(name: &str, started_at: Timestamp) -> SessionEntry {
        SessionEntry {
            name: name.to_owned(),
            pid: 12,
            boot: String::new(),
            machine: String::new(),
            cwd: "/a\nb".into(),
            socket: "/s.sock".into(),
            python: Some("/python".to_owned()),
            python_version: Some("3.12.1".to_owned()),
            dashboard: Some(true),
            held: None,
            private: false,
            trouble: None,
            id: None,
            started_at,
        }
    }

    pub fn summary(name: &str, started: Timestamp, ending: SessionEnd) -> SessionSummary {
        SessionSummary {
            id: SessionId::new(started),
            name: name.to_owned(),
            cwd: "/home/ada".into(),
            python: "/python".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid: 13,
            boot: String::new(),
            started,
            last_active: started,
            ending,
            snippets: 34,
            failed: 2,
            authors: vec!["you".to_owned(), "claude-code".to_owned()],
            bytes: 1_200_000,
            missed: 0,
            lost: 0,
            set_aside: None,
        }
    }
}
