//! The state of the actor, in groups, and the one way to change its transcript: [`Actor::emit`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::Instant;

use super::calls::CallLedger;
use super::clients::Clients;
use super::queue::Queue;
use crate::domain::{
    Author, Event, Gate, InputRequest, Insight, Rewind, Snippet, SnippetId, Timestamp, Transcript, Unattended,
    VariableTable,
};
use crate::session::activity::ActivityLog;
use crate::session::engine::Engine;
use crate::session::handle::Overview;
use crate::session::record::EventSink;
use crate::session::spool::Spool;

pub struct Actor {
    pub engine: Box<dyn Engine>,
    pub transcript: Transcript,
    pub publisher: Publisher,
    pub spool: Arc<Spool>,
    pub queue: Queue,
    pub output: OutputTimer,
    pub prompts: Prompts,
    pub inquiries: Inquiries,
    pub queries: Queries,
    pub background: Background,
    pub clients: Clients,
    pub calls: CallLedger,
    pub shutdown: Shutdown,
    pub unattended: Unattended,
    /// The gate, for the handles.
    pub gate: watch::Sender<Arc<Gate>>,
}

/// Everybody who gets the events.
pub struct Publisher {
    pub record: Box<dyn EventSink>,
    pub activity: Arc<ActivityLog>,
    pub subscribers: broadcast::Sender<Arc<Event>>,
    /// Events that nobody has heard of yet; see [`Publisher::hold`].
    pub held: Option<Vec<Arc<Event>>>,
}

impl Publisher {
    /// Has the next events recorded at one go, by [`Publisher::release`]. Nobody may hear of them before, and Python
    /// may not run what was submitted.
    pub fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Records and publishes the held events.
    pub fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        self.record.events(&held);
        for event in held {
            // Fails only if there are no subscribers.
            let _ = self.subscribers.send(event);
        }
    }
}

/// When output is passed on.
#[derive(Default)]
pub struct OutputTimer {
    pub due: Option<Instant>,
    pub last_flush: Option<Instant>,
}

/// Prompts of running code.
pub struct Prompts {
    pub pending: Option<PendingPrompt>,
    /// Calls whose code is queued behind other code of the same client.
    pub queued_calls: Vec<QueuedCall>,
    /// How long a prompt waits for an answer.
    pub timeout: Duration,
}

pub struct PendingPrompt {
    pub snippet: SnippetId,
    pub request: Arc<InputRequest>,
    pub due: Instant,
}

/// Gets what the person says to a question; `None` if they decline.
/// A call that is told when code of its own client, which its snippet waits for, waits for input.
pub struct QueuedCall {
    pub author: Author,
    pub snippet: SnippetId,
    pub reply: oneshot::Sender<(SnippetId, Arc<InputRequest>)>,
}

pub type InquiryReply = oneshot::Sender<Option<Arc<str>>>;

/// Questions of clients to the person.
pub struct Inquiries {
    /// Whether there is a dashboard at which the person can answer.
    pub has_dashboard: Arc<watch::Sender<bool>>,
    pub last_number: u32,
    pub waiting: Vec<(u32, InquiryReply)>,
}

/// Requests that the engine has and will answer.
#[derive(Default)]
pub struct Queries {
    /// In the order in which the engine answers; `None` for those who have had an answer.
    pub variables: VecDeque<Option<oneshot::Sender<Arc<VariableTable>>>>,
    /// Questions about code that is being written.
    pub insights: HashMap<u32, oneshot::Sender<Insight>>,
    pub last_insight: u32,
}

/// What is known of background tasks.
#[derive(Default)]
pub struct Background {
    /// When to look for one that keeps Python to itself; `None` while no task waits.
    pub check_at: Option<Instant>,
    /// Since when the task that was interrupted last had kept Python to itself.
    pub interrupted: Option<Timestamp>,
}

/// Another process that somebody wants to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    pub by: Author,
    /// The safe point that is to be that process; `None` for a new Python.
    pub rewind: Option<Rewind>,
}

/// How far the end of this process has come.
#[derive(Default)]
pub struct Shutdown {
    pub has_begun: bool,
    /// The process that is to take over.
    pub successor: Option<Successor>,
    /// Shared with the handles; see [`crate::session::SessionHandle::is_restarting`].
    pub is_restarting: Arc<AtomicBool>,
}

impl Shutdown {
    pub fn request(&mut self, successor: Successor) {
        self.successor = Some(successor);
        self.is_restarting.store(true, Ordering::Relaxed);
    }

    /// Why running and waiting snippets end.
    pub fn reason(&self) -> String {
        match &self.successor {
            Some(Successor { by, rewind: Some(_) }) => format!("the rewind by {}", by.as_cause()),
            Some(Successor { by, .. }) => format!("the restart by {}", by.as_cause()),
            None => "the end of the session".to_owned(),
        }
    }
}

impl Actor {
    pub fn emit(&mut self, event: Event) {
        // Recorded before anybody hears of it, and before Python runs what was submitted.
        if self.publisher.held.is_none() {
            self.publisher.record.event(&event);
        }
        self.transcript.apply(&event);
        self.publisher.activity.add(&event, &self.transcript);
        let event = Arc::new(event);
        match &mut self.publisher.held {
            Some(held) => held.push(event),
            // Fails only if there are no subscribers.
            None => drop(self.publisher.subscribers.send(event)),
        }
    }

    pub fn overview(&mut self) -> Overview {
        let busy = self.task_at_work();
        let named = |snippet: &Snippet| (snippet.id, snippet.author.clone());
        let waiting = self.transcript.queue().iter().filter_map(|id| self.transcript.snippet(*id));
        Overview {
            running: self.transcript.running().map(named),
            busy,
            queue: waiting.map(named).collect(),
            pending: self.transcript.pending().map(|snippet| snippet.id).collect(),
            clients: self.transcript.clients().to_vec(),
            snippets: self.queue.next_snippet - 1,
        }
    }
}
