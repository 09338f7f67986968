//! Subscriptions: notifications to a client about changes of resources. They begin when a client first asks for
//! resources or log messages, so a client that only calls tools costs nothing.

#![allow(deprecated, reason = "rmcp marks what only older protocol versions have")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, ResourceUpdatedNotificationParam};
use rmcp::service::{Peer, SubscriptionSink};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::uris;
use super::uris::Address;
use crate::domain::{Author, Event, VariableTable};
use crate::mcp::log;
use crate::mcp::results::activity_since::restart_text;
use crate::session::SessionHandle;
use crate::session::clock::now;

/// Changes are collected for this time before the client is notified.
const NOTIFY_DELAY: Duration = Duration::from_millis(250);
/// Resources that one client may subscribe to.
pub const MAX_SUBSCRIPTIONS: usize = 200;
/// A client that asks for log messages gets one about a restart that is not older than this.
const RECENT_RESTART: Duration = Duration::from_secs(30);

/// What a client is notified of.
#[derive(Debug, Default)]
pub struct ClientSubscription {
    pub uris: BTreeSet<String>,
    /// Changes of the list of resources.
    pub list: bool,
    /// Log messages of this level or a worse one.
    pub log: Option<LoggingLevel>,
    /// A task sends the notifications.
    pub has_task: bool,
}

/// The subscription of a connection, shared by its handler and the task that sends the notifications.
#[derive(Clone, Debug, Default)]
pub struct SharedSubscription(Arc<Mutex<ClientSubscription>>);

impl SharedSubscription {
    pub fn change<T>(&self, change: impl FnOnce(&mut ClientSubscription) -> T) -> T {
        change(&mut self.0.lock())
    }
}

/// The channel for notifications to a client: any in the older era, those of one `subscriptions/listen` in the newer.
pub enum Sink {
    Peer(Peer<RoleServer>),
    Listen(SubscriptionSink),
}

impl Sink {
    /// Returns whether the notification could be sent.
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
            Self::Peer(peer) => log::send(peer, level, &text).await,
            // In the stateless era log messages go only to a request that names a level.
            Self::Listen(_) => true,
        }
    }
}

/// The changes since the last notifications.
#[derive(Default)]
struct UnsentChanges {
    uris: BTreeSet<String>,
    list: bool,
    /// Events were missed, so anything may have changed.
    all: bool,
    variables: Option<Arc<VariableTable>>,
    log: Vec<(LoggingLevel, String)>,
}

impl UnsentChanges {
    fn add(&mut self, event: &Event) {
        let mut changed = |these: &[&str]| self.uris.extend(these.iter().map(|uri| (*uri).to_owned()));
        match event {
            Event::Submitted { snippet, .. } => {
                changed(&[uris::SESSION, uris::TRANSCRIPT, &uris::snippet(*snippet)]);
                self.list = true;
            }
            Event::Review { snippet, .. }
            | Event::RiskAsked { snippet, .. }
            | Event::RiskAnswered { snippet, .. }
            | Event::RiskWithdrawn { snippet, .. }
            | Event::MovedToFront { snippet }
            | Event::Started { snippet, .. }
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
                // All figures of the snippet count as changed.
                self.uris.insert(uris::snippet(*snippet) + "/figure/");
                self.list = true;
            }
            Event::Titled { snippet, .. }
            | Event::Replayed { snippet, .. }
            | Event::Effects { snippet, .. }
            | Event::Stuck { snippet, .. } => {
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
            Event::Busy(_) | Event::GateChanged { .. } => changed(&[uris::SESSION]),
            Event::ClientJoined { .. } | Event::ClientNamed { .. } | Event::ClientLeft { .. } => {
                changed(&[uris::SESSION]);
            }
            Event::Notice { text, .. } => self.log.push((LoggingLevel::Warning, text.to_string())),
            Event::Restarted { .. } => self.all = true,
            Event::Output { snippet: None, .. }
            | Event::Replay(_)
            | Event::Undoable(_)
            | Event::SafePoints(_)
            | Event::PutBack { .. }
            | Event::Inquired(_)
            | Event::InquiryEnded { .. }
            | Event::Ending => {}
        }
    }

    /// Returns whether the resource at `uri` may have changed. `known` are the variables at the last notifications.
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

/// Sends notifications until the session ends or a notification cannot be sent.
pub async fn run(session: SessionHandle, subscription: SharedSubscription, sink: Sink) {
    let Ok(mut events) = session.events().await else { return };
    let Ok(mut known) = session.read(|transcript| transcript.variables().clone()).await else { return };
    loop {
        let mut changes = UnsentChanges::default();
        match events.recv().await {
            Ok(event) => changes.add(&event),
            Err(RecvError::Lagged(_)) => changes.all = true,
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(NOTIFY_DELAY).await;
        let closed = loop {
            match events.try_recv() {
                Ok(event) => changes.add(&event),
                Err(TryRecvError::Lagged(_)) => changes.all = true,
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Closed) => break true,
            }
        };
        let (touched, list, least) = subscription.change(|subscription| {
            let touched: Vec<String> =
                subscription.uris.iter().filter(|uri| changes.touches(uri, &known)).cloned().collect();
            (touched, subscription.list && (changes.list || changes.all), subscription.log)
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
            if least.is_some_and(|least| log::severity(level) >= log::severity(least)) && !sink.log(level, text).await {
                return;
            }
        }
        if closed {
            return;
        }
    }
}

/// The log message about a recent restart. The client was not connected when it happened.
pub async fn recent_restart(session: &SessionHandle, reader: Author) -> Option<(LoggingLevel, String)> {
    let now = now();
    let found = session.read(move |transcript| {
        let (restart, at) = transcript.last_restart()?;
        let is_recent = Duration::from_millis(now.saturating_sub(*at)) < RECENT_RESTART;
        let level = if restart.by.is_some() { LoggingLevel::Notice } else { LoggingLevel::Error };
        is_recent.then(|| (level, restart_text(restart, &reader)))
    });
    found.await.ok().flatten()
}
