//! The relay: the protocol of the bridge, without I/O. Lines come in, and lines wait in two outboxes. The relay tracks
//! pending requests, and makes a new backend look to the client like the old one.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::value::RawValue;

use super::client_log::log;
use super::envelope::{self, Envelope, INVALID_REQUEST, NO_SESSION, PARSE_ERROR};
use super::handshake::Handshake;
use super::lines::{Line, Outbox};
use super::requests::{PendingRequest, RequestKind, Requests};
use crate::domain::CallState;
use crate::mcp::bridge_protocol::ResultForm;
use crate::mcp::lost_call_text;
use crate::session::SentTo;

const CANCELLED: &str = "notifications/cancelled";

/// A request of the bridge itself. The client does not see the answer.
#[derive(Debug)]
enum OwnRequest {
    Initialize,
    Replay,
}

#[derive(Debug, Default)]
pub struct Relay {
    pub to_client: Outbox,
    pub to_backend: Outbox,
    handshake: Handshake,
    requests: Requests,
    /// By the numbers of their call ids.
    own: HashMap<u64, OwnRequest>,
    /// Requests of the backend that the client has to answer: the id that the client saw, and the backend's id. They
    /// differ because a new backend counts from 0, and a late answer to the old one must not reach it.
    backend_requests: BTreeMap<String, String>,
    last_backend_request: u64,
    /// The form of results that the client's configuration asks for.
    form: Option<ResultForm>,
    /// Whether the backend has had a request. Before, servers take no notification of the client.
    greeted: bool,
    /// The backend, if it is a session.
    session: Option<SentTo>,
    /// The session that answered the last tool call that any session answered.
    last_answered_by: Option<SentTo>,
}

impl Relay {
    pub fn new(form: Option<ResultForm>) -> Self {
        Self { form, ..Self::default() }
    }

    /// Returns whether nobody waits for an answer of the backend.
    pub fn is_idle(&self) -> bool {
        self.requests.pending.values().all(|pending| matches!(pending.kind, RequestKind::Listen { .. }))
    }

    pub fn on_client_line(&mut self, line: &Line<'_>) {
        match line {
            Line::Whole(line) => self.client_line(line, true),
            Line::TooLong { head, tail } => {
                let id = envelope::find_id(head, tail);
                self.refuse(id.as_deref(), INVALID_REQUEST, "The message is longer than 64 MiB and was not forwarded.");
            }
        }
    }

    fn client_line(&mut self, line: &[u8], may_be_batch: bool) {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        if line.is_empty() {
            return;
        }
        if line[0] == b'[' && may_be_batch {
            return self.batch(line);
        }
        // serde would accept an array as the members of the struct.
        let envelope = if line[0] == b'{' { Envelope::parse(line).ok() } else { None };
        let Some(envelope) = envelope else {
            let id = envelope::find_id(line, line);
            return self.refuse(
                id.as_deref(),
                PARSE_ERROR,
                "The message must be one JSON object in UTF-8 on one line.",
            );
        };
        match (envelope.method().as_deref(), envelope.id) {
            (Some(method), Some(id)) => self.request(line, &envelope, method, id),
            (Some(method), None) => self.notification(line, &envelope, method),
            (None, Some(id)) => {
                // An answer. If its backend is gone, nobody gets the answer.
                if let Some(original) = self.backend_requests.remove(&envelope::key(id)) {
                    self.to_backend.line_of_parts(&envelope::splice(line, id, &original));
                } else if !envelope::is_answer(line) {
                    self.refuse(Some(id.get()), INVALID_REQUEST, "The method is missing.");
                }
            }
            // An error without an id, or an empty message.
            (None, None) => {}
        }
    }

    /// Divides a batch, because servers take none. The answers to its members may come one by one.
    fn batch(&mut self, line: &[u8]) {
        match serde_json::from_slice::<Vec<&RawValue>>(line) {
            Ok(members) if !members.is_empty() => {
                for member in members {
                    self.client_line(member.get().as_bytes(), false);
                }
            }
            _ => self.refuse(None, INVALID_REQUEST, "The batch is empty or malformed."),
        }
    }

    fn request(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str, id: &RawValue) {
        if !envelope::is_legal_id(id) {
            return self.refuse(Some(id.get()), INVALID_REQUEST, "The id of a request must be a string or an integer.");
        }
        let key = envelope::key(id);
        if self.requests.is_pending(&key) {
            let text = "Another request with this id has not been answered yet. Nothing was done.";
            return self.refuse(Some(id.get()), INVALID_REQUEST, text);
        }
        let kind = match method {
            "tools/call" => RequestKind::ToolCall { modern: envelope.is_modern() },
            "subscriptions/listen" => RequestKind::Listen { began: false },
            "initialize" | "server/discover" => RequestKind::Opening,
            _ => RequestKind::Other,
        };
        self.handshake.on_request(line, envelope, method, &key);
        let number = self.requests.add(kind, line, envelope, id);
        let begins = self.to_backend.end();
        self.to_backend.line_of_parts(&envelope::splice(line, id, &self.requests.call_id(number)));
        self.requests.pending.entry(number).and_modify(|pending| pending.begins = Some(begins));
        self.greeted = true;
    }

    fn notification(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str) {
        match method {
            // Not passed on with an id of an earlier backend, which may belong to another request now.
            CANCELLED => {
                if let Some(id) = envelope.request_id()
                    && let Some(number) = self.requests.take_by_key(&envelope::key(id))
                    && self.greeted
                {
                    self.to_backend.line_of_parts(&envelope::splice(line, id, &self.requests.call_id(number)));
                }
                return;
            }
            "notifications/initialized" => self.handshake.initialized(),
            _ => {}
        }
        if self.greeted {
            self.to_backend.line(line);
        }
    }

    pub fn on_backend_line(&mut self, line: &Line<'_>) {
        let line = match line {
            Line::Whole(line) => line.trim_ascii(),
            Line::TooLong { head, tail } => {
                let number = envelope::find_id(head, tail).and_then(|id| self.requests.number(&id));
                if let Some(pending) = number.and_then(|number| self.requests.take(number)) {
                    let text = "The answer is longer than 64 MiB and was not forwarded.";
                    self.refuse(Some(&pending.id), NO_SESSION, text);
                }
                return;
            }
        };
        // serde would accept an array as the members of the struct, and does not check the bytes that it skips.
        let is_message = line.starts_with(b"{") && std::str::from_utf8(line).is_ok();
        let envelope = if is_message { Envelope::parse(line).ok() } else { None };
        let Some(envelope) = envelope else {
            if !line.is_empty() {
                log("the session sent a line that is not a JSON-RPC message; the line was dropped");
            }
            return;
        };
        match (envelope.method().as_deref(), envelope.id) {
            (Some(_), Some(id)) => {
                self.last_backend_request += 1;
                let shown = format!("\"fourhands-bridge-{}\"", self.last_backend_request);
                self.to_client.line_of_parts(&envelope::splice(line, id, &shown));
                self.backend_requests.insert(shown, id.get().to_owned());
            }
            (Some("notifications/cancelled"), None) => {
                let cancelled = envelope.request_id();
                let shown = cancelled.and_then(|cancelled| {
                    let found = self.backend_requests.iter().find(|(_, original)| *original == cancelled.get());
                    found.map(|(shown, _)| shown.clone())
                });
                if let (Some(cancelled), Some(shown)) = (cancelled, shown) {
                    self.backend_requests.remove(&shown);
                    self.to_client.line_of_parts(&envelope::splice(line, cancelled, &shown));
                } else {
                    self.to_client.line(line);
                }
            }
            (None, Some(id)) => self.answer(line, id),
            (method, None) => {
                let begins = method == Some("notifications/subscriptions/acknowledged");
                match envelope.subscription() {
                    Some(id) => self.on_subscription_notification(line, id, begins),
                    None => self.to_client.line(line),
                }
            }
        }
    }

    fn answer(&mut self, line: &[u8], id: &RawValue) {
        // An answer to no request of ours, or to a cancelled one, goes nowhere.
        let Some(number) = self.requests.number(&envelope::key(id)) else { return };
        match self.own.remove(&number) {
            Some(OwnRequest::Initialize) => {
                for method in self.handshake.repeated(line) {
                    self.to_client.line(envelope::notification(method).as_bytes());
                }
                return;
            }
            Some(OwnRequest::Replay) => return,
            None => {}
        }
        let is_error = || envelope::is_error(line);
        // A subscription ends with the backend, and continues with the next one.
        if self.has_begun(number) && !is_error() {
            return;
        }
        let Some(pending) = self.requests.take(number) else { return };
        match pending.kind {
            RequestKind::Opening => self.handshake.answered(&pending.key, line),
            RequestKind::ToolCall { modern } if self.session.is_some() => {
                // The session does not know the method.
                if pending.is_question && is_error() {
                    let what = "The fourhands session ended before this call was answered, and the new session does \
                                not know its outcome.";
                    return self.answer_unfinished(&pending, modern, what, "");
                }
                self.last_answered_by.clone_from(&self.session);
            }
            RequestKind::Listen { .. } => {
                let line = match envelope::ended_subscription(line) {
                    Some(subscription) => envelope::splice(line, subscription, &pending.id).concat(),
                    None => line.to_vec(),
                };
                if let Some(id) = Envelope::parse(&line).ok().and_then(|envelope| envelope.id) {
                    self.to_client.line_of_parts(&envelope::splice(&line, id, &pending.id));
                }
                return;
            }
            RequestKind::ToolCall { .. } | RequestKind::Other => {}
        }
        self.to_client.line_of_parts(&envelope::splice(line, id, &pending.id));
    }

    /// Passes on a notification of a subscription, with the id that the client knows. If the notification `begins` a
    /// subscription that the client has had before, everything may have changed since.
    fn on_subscription_notification(&mut self, line: &[u8], id: &RawValue, begins: bool) {
        let Some(number) = self.requests.number(&envelope::key(id)) else { return self.to_client.line(line) };
        // The client has cancelled the subscription.
        let Some(pending) = self.requests.pending.get_mut(&number) else { return };
        let line = envelope::splice(line, id, &pending.id).concat();
        if let RequestKind::Listen { began } = &mut pending.kind
            && begins
            && std::mem::replace(began, true)
        {
            let changes = Envelope::parse(&line).map(|envelope| envelope.changes()).unwrap_or_default();
            for change in changes {
                self.to_client.line(change.as_bytes());
            }
        } else {
            self.to_client.line(&line);
        }
    }

    fn has_begun(&self, number: u64) -> bool {
        self.requests.pending.get(&number).is_some_and(|pending| pending.kind == RequestKind::Listen { began: true })
    }

    /// Returns whether the client waits for the answer to its handshake.
    pub fn is_opening(&self) -> bool {
        self.requests.pending.values().any(|pending| pending.kind == RequestKind::Opening)
    }

    /// Returns whether requests wait for the next backend. To be called only while there is no backend.
    pub fn waits_for_another(&self) -> bool {
        !self.requests.pending.is_empty()
    }

    /// Returns whether the backend has not yet answered a handshake, the client's or ours.
    pub fn awaits_handshake(&self) -> bool {
        self.is_opening() || self.own.values().any(|own| matches!(own, OwnRequest::Initialize))
    }

    /// Notes that the session is gone, and that its next process may be there in a moment. Requests that can be sent
    /// again wait for that; `what` happened, and the `advice`, go to the callers of the other tools. A connection that
    /// left everything `unread` does not count as an attempt.
    pub fn session_lost(&mut self, what: &str, advice: &str, unread: bool) {
        self.note_sent(unread);
        self.end_of_backend(what, advice, PendingRequest::can_be_sent_again);
    }

    /// Notes that the backend is gone, and answers the pending requests. With `renew`, handshakes and subscriptions
    /// wait for the next backend. `what` happened, and the `advice`, go to the callers of tools.
    pub fn backend_lost(&mut self, what: &str, advice: &str, renew: bool) {
        self.note_sent(false);
        self.end_of_backend(what, advice, |pending| renew && pending.stays());
    }

    /// Notes that the backend has refused the connection without reading from it.
    pub fn refused(&mut self, why: &str, advice: &str) {
        self.requests.mark_unread();
        self.backend_lost(why, advice, true);
    }

    /// Notes that the backend reads no more.
    pub fn backend_stopped_reading(&mut self) {
        self.note_sent(false);
        self.to_backend.clear();
    }

    /// Notes which requests the backend may have read. The offline server carries nothing out.
    fn note_sent(&mut self, unread: bool) {
        match &self.session {
            Some(session) => self.requests.mark_sent(session, self.to_backend.written(), unread),
            None => self.requests.mark_unread(),
        }
    }

    fn end_of_backend(&mut self, what: &str, advice: &str, stays: impl Fn(&PendingRequest) -> bool) {
        self.to_backend.clear();
        self.own.clear();
        self.greeted = false;
        self.session = None;
        for (shown, _) in std::mem::take(&mut self.backend_requests) {
            self.to_client.line(envelope::cancelled(&shown, "the session has ended").as_bytes());
        }
        for pending in self.requests.retain(stays) {
            match pending.kind {
                RequestKind::ToolCall { modern } => self.answer_unfinished(&pending, modern, what, advice),
                RequestKind::Listen { .. } => {
                    self.refuse(Some(&pending.id), NO_SESSION, "The session has changed. Subscribe again.");
                }
                RequestKind::Opening | RequestKind::Other => {
                    let text = "The fourhands session ended before it answered. Send the request again.";
                    self.refuse(Some(&pending.id), NO_SESSION, text);
                }
            }
        }
    }

    /// Answers a tool call that no session has answered, with what is known of the call.
    fn answer_unfinished(&mut self, pending: &PendingRequest, modern: bool, what: &str, advice: &str) {
        let line = pending.line.as_deref().unwrap_or_default();
        let tool = Envelope::parse(line).ok().and_then(|envelope| envelope.tool()).unwrap_or_default();
        let text = lost_call_text(&tool, pending.state(), what, advice);
        self.to_client.line(envelope::tool_failure(&pending.id, modern, &text).as_bytes());
    }

    /// Drops requests that the client cancels in lines that wait. They get no answer, because their ids may be in use
    /// again further on.
    pub fn cancel_ahead<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) {
        let mut requested = HashSet::new();
        for envelope in lines.filter_map(|line| Envelope::parse(line).ok()) {
            if let Some(id) = envelope.id {
                requested.insert(envelope::key(id));
            } else if let Some(id) = envelope.request_id().filter(|_| envelope.method().as_deref() == Some(CANCELLED)) {
                let key = envelope::key(id);
                if !requested.contains(&key) {
                    self.requests.take_by_key(&key);
                }
            }
        }
    }

    /// Brings a new backend, a session or not, to the state of the last one, and tells the client what may have
    /// changed.
    pub fn backend_joined(&mut self, session: Option<SentTo>) {
        self.greeted = false;
        self.session = session;
        if let Some(form) = self.form {
            self.to_backend.line(envelope::results(form).as_bytes());
        }
        for pending in self.requests.pending.values_mut().filter(|pending| pending.kind == RequestKind::Opening) {
            if let Some(line) = &pending.line {
                pending.begins = Some(self.to_backend.end());
                self.to_backend.line(line);
                self.greeted = true;
            }
        }
        if !self.handshake.is_pending() {
            self.repeat_handshake();
            if self.session.is_some()
                && let Some(last) = &self.last_answered_by
            {
                let own = self.requests.next_number();
                self.to_backend.line(envelope::moved(&self.requests.call_id(own), last).as_bytes());
                self.own.insert(own, OwnRequest::Replay);
                self.greeted = true;
            }
        }
        self.resend();
    }

    fn repeat_handshake(&mut self) {
        let Some(replay) = self.handshake.replay() else { return };
        self.greeted = true;
        for (nth, line) in replay.iter().enumerate() {
            let parsed = Envelope::parse(line).ok();
            let Some(id) = parsed.and_then(|envelope| envelope.id) else {
                self.to_backend.line(line);
                continue;
            };
            let own = self.requests.next_number();
            self.to_backend.line_of_parts(&envelope::splice(line, id, &self.requests.call_id(own)));
            self.own.insert(own, if nth == 0 { OwnRequest::Initialize } else { OwnRequest::Replay });
        }
        for method in self.handshake.changed_resources() {
            self.to_client.line(envelope::notification(method).as_bytes());
        }
        for uri in self.handshake.subscriptions() {
            self.to_client.line(envelope::updated(uri).as_bytes());
        }
    }

    /// Sends the pending requests of the last backend. A call that it may have read becomes a question, since otherwise
    /// the call could be carried out twice.
    fn resend(&mut self) {
        for pending in self.requests.pending.values_mut().filter(|pending| pending.kind != RequestKind::Opening) {
            let Some(line) = &pending.line else { continue };
            self.greeted = true;
            pending.begins = Some(self.to_backend.end());
            let is_call = matches!(pending.kind, RequestKind::ToolCall { .. });
            let question = (is_call && pending.state() == CallState::Unknown)
                .then(|| Envelope::parse(line).ok()?.outcome_question(&pending.recipient(), !pending.is_cut));
            let question = question.flatten();
            pending.is_question = question.is_some();
            self.to_backend.line(question.as_ref().map_or(&line[..], |question| question.as_bytes()));
        }
    }

    fn refuse(&mut self, id: Option<&str>, code: i32, text: &str) {
        self.to_client.line(envelope::error(id.unwrap_or("null"), code, text).as_bytes());
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
