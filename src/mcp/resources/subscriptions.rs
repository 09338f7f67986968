//! Tells a client what has changed of what it watches. A watch begins when a client first asks for something of that kind;
//! one that only calls tools costs nothing.

#![allow(deprecated, reason = "rmcp marks what only older protocol versions have")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, ResourceUpdatedNotificationParam};
use rmcp::service::{Peer, SubscriptionSink};
use serde_json::json;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::uris;
use super::uris::Address;
use crate::domain::{Author, Entry, Event, VariableTable};
use crate::mcp::results::activity_since::restarted;
use crate::session::SessionHandle;

/// Changes are gathered for so long before they are told.
const PACE: Duration = Duration::from_millis(250);
/// Resources that one client may watch.
pub const MOST: usize = 200;
/// Milliseconds in which a restart is news to one who asks for log messages.
const LATELY: u64 = 30_000;

/// What a client wants to hear of.
#[derive(Debug, Default)]
pub struct Wants {
    pub uris: BTreeSet<String>,
    /// The list of resources.
    pub list: bool,
    pub log: Option<LoggingLevel>,
    /// Somebody tells it.
    pub is_watched: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<Mutex<Wants>>);

impl Watched {
    pub fn change<T>(&self, change: impl FnOnce(&mut Wants) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The way to the client.
pub enum Sink {
    Peer(Peer<RoleServer>),
    Listen(SubscriptionSink),
}

impl Sink {
    /// Whether the client could be told.
    async fn updated(&self, uri: String) -> bool {
        match self {
            Self::Peer(peer) => peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_ok(),
            Self::Listen(sink) => sink.notify_resource_updated(uri).await.is_ok(),
        }
    }

    async fn list_changed(&self) -> bool {
        match self {
            Self::Peer(peer) => peer.notify_resource_list_changed().await.is_ok(),
            Self::Listen(sink) => sink.notify_resource_list_changed().await.is_ok(),
        }
    }

    async fn log(&self, level: LoggingLevel, text: String) -> bool {
        match self {
            Self::Peer(peer) => log(peer, level, &text).await,
            // Only a request that names a level is told of any.
            Self::Listen(_) => true,
        }
    }
}

pub async fn log(peer: &Peer<RoleServer>, level: LoggingLevel, text: &str) -> bool {
    let message = LoggingMessageNotificationParam::new(level, json!(text)).with_logger("fourhands");
    peer.notify_logging_message(message).await.is_ok()
}

/// How much a level matters.
pub fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}

/// What has changed since the client was told last.
#[derive(Default)]
struct Changes {
    uris: BTreeSet<String>,
    list: bool,
    /// Events were missed, so anything may have.
    all: bool,
    variables: Option<Arc<VariableTable>>,
    log: Vec<(LoggingLevel, String)>,
}

impl Changes {
    fn add(&mut self, event: &Event) {
        let mut changed = |these: &[&str]| self.uris.extend(these.iter().map(|uri| (*uri).to_owned()));
        match event {
            Event::Submitted { snippet, .. } => {
                changed(&[uris::SESSION, uris::TRANSCRIPT, &uris::snippet(*snippet)]);
                self.list = true;
            }
            Event::Started { snippet, .. }
            | Event::Finished { snippet, .. }
            | Event::InputRequested { snippet, .. }
            | Event::InputWithdrawn { snippet, .. } => {
                changed(&[uris::SESSION, uris::TRANSCRIPT, &uris::snippet(*snippet)]);
            }
            Event::Output { snippet: Some(snippet), .. } | Event::InputAnswered { snippet, .. } => {
                changed(&[&uris::snippet(*snippet), &uris::output(*snippet)]);
            }
            Event::Displayed { snippet, .. } | Event::DisplaysCleared { snippet } => {
                changed(&[&uris::snippet(*snippet)]);
                // Which of them it was is not worth the search.
                self.uris.insert(uris::snippet(*snippet) + "/figure/");
                self.list = true;
            }
            Event::Titled { snippet, .. } | Event::Replayed { snippet, .. } | Event::Stuck { snippet, .. } => {
                changed(&[&uris::snippet(*snippet)]);
            }
            Event::Variables(table) => {
                changed(&[uris::SESSION, uris::VARIABLES]);
                self.variables = Some(table.clone());
            }
            Event::Reset { by, .. } => {
                changed(&[uris::SESSION, uris::TRANSCRIPT, uris::VARIABLES]);
                let by = by.label_for_models();
                self.log.push((LoggingLevel::Notice, format!("{by} reset the environment: all names were cleared")));
            }
            Event::Noted { .. } => changed(&[uris::SESSION, uris::TRANSCRIPT]),
            Event::ClientJoined { .. } | Event::ClientNamed { .. } | Event::ClientLeft { .. } => {
                changed(&[uris::SESSION]);
            }
            Event::Notice { text, .. } => self.log.push((LoggingLevel::Warning, text.to_string())),
            Event::Restarted { .. } => self.all = true,
            Event::Output { snippet: None, .. }
            | Event::Replay(_)
            | Event::Inquired(_)
            | Event::InquiryEnded { .. }
            | Event::Ending => {}
        }
    }

    /// Whether what stands at `uri` may be another than before. `known` are the variables as they were told last.
    fn touches(&self, uri: &str, known: &VariableTable) -> bool {
        if self.all || self.uris.contains(uri) {
            return true;
        }
        match Address::parse(uri) {
            Some(Address::Figure(id, _)) => self.uris.contains(&(uris::snippet(id) + "/figure/")),
            Some(Address::Output(id, _)) => self.uris.contains(&uris::output(id)),
            Some(Address::Transcript(_)) => self.uris.contains(uris::TRANSCRIPT),
            Some(Address::Variables(_)) => self.uris.contains(uris::VARIABLES),
            Some(Address::Variable(path)) => {
                let Some(table) = &self.variables else { return false };
                let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let row = |table: &VariableTable| table.rows.iter().find(|row| row.name == name).cloned();
                row(table) != row(known)
            }
            _ => false,
        }
    }
}

/// Tells `sink` of what `watched` wants, until the session ends or the client cannot be told.
pub async fn run(session: SessionHandle, watched: Watched, sink: Sink) {
    let Ok(mut events) = session.events().await else { return };
    let Ok(mut known) = session.read(|transcript| transcript.variables().clone()).await else { return };
    loop {
        let mut changes = Changes::default();
        match events.recv().await {
            Ok(event) => changes.add(&event),
            Err(RecvError::Lagged(_)) => changes.all = true,
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(PACE).await;
        let closed = loop {
            match events.try_recv() {
                Ok(event) => changes.add(&event),
                Err(TryRecvError::Lagged(_)) => changes.all = true,
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Closed) => break true,
            }
        };
        let (touched, list, least) = watched.change(|wants| {
            let touched: Vec<String> = wants.uris.iter().filter(|uri| changes.touches(uri, &known)).cloned().collect();
            (touched, wants.list && (changes.list || changes.all), wants.log)
        });
        if let Some(table) = changes.variables {
            known = table;
        }
        for uri in touched {
            if !sink.updated(uri).await {
                return;
            }
        }
        if list && !sink.list_changed().await {
            return;
        }
        for (level, text) in changes.log {
            if least.is_some_and(|least| rank(level) >= rank(least)) && !sink.log(level, text).await {
                return;
            }
        }
        if closed {
            return;
        }
    }
}

/// The restart that a client comes back from, if there was one just now: it could not be told of it when it happened.
pub async fn restart(session: &SessionHandle, reader: Author, now: u64) -> Option<(LoggingLevel, String)> {
    let found = session.read(move |transcript| {
        transcript.entries().iter().rev().find_map(|entry| match entry {
            Entry::Restart { restart, at } if now.saturating_sub(*at) < LATELY => {
                let level = if restart.by.is_some() { LoggingLevel::Notice } else { LoggingLevel::Error };
                Some((level, restarted(restart, &reader)))
            }
            _ => None,
        })
    });
    found.await.ok().flatten()
}
