//! The protocol side of the bridge, without I/O: lines come in, lines wait in two queues. It knows what is pending on
//! which backend, and makes a new backend look to the client like the old one.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::value::RawValue;

use super::envelope::{self, Envelope, INVALID_REQUEST, NO_SESSION, PARSE_ERROR};
use super::handshake::Handshake;
use super::lines::{Line, Outbox};
use super::requests::{Kind, Pending, Requests};
use crate::domain::CallState;
use crate::mcp::lost_call_text;
use crate::session::SentTo;

const CANCELLED: &str = "notifications/cancelled";

/// A request of the bridge itself, whose answer the client does not see.
#[derive(Debug)]
enum Own {
    Initialize,
    Replay,
}

#[derive(Debug, Default)]
pub struct Relay {
    pub to_client: Outbox,
    pub to_backend: Outbox,
    handshake: Handshake,
    requests: Requests,
    /// By the numbers of their names.
    own: HashMap<u64, Own>,
    /// Requests of the backend that the client has to answer: the id the client saw, and the backend's. They differ
    /// because a new backend counts from 0 again, and a late answer to the old one must not hit it.
    asked: BTreeMap<String, String>,
    asked_so_far: u64,
    /// Whether the backend has had a request: servers hang up on a notification as the first line.
    greeted: bool,
    /// The backend, if it is a session.
    session: Option<SentTo>,
    /// The session that has answered the last call of a tool that one has answered.
    worked: Option<SentTo>,
}

impl Relay {
    /// Whether nobody waits for an answer of the backend.
    pub fn is_idle(&self) -> bool {
        self.requests.pending.values().all(|pending| matches!(pending.kind, Kind::Listen { .. }))
    }

    pub fn client_said(&mut self, line: &Line<'_>) {
        match line {
            Line::Whole(line) => self.client_line(line, true),
            Line::TooLong { head, tail } => {
                let id = envelope::find_id(head, tail);
                self.refuse(id.as_deref(), INVALID_REQUEST, "The message is longer than 64 MiB and was not passed on.");
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
        // serde would take an array for the struct's members in order.
        let envelope = if line[0] == b'{' { Envelope::parse(line).ok() } else { None };
        let Some(envelope) = envelope else {
            let id = envelope::find_id(line, line);
            return self.refuse(id.as_deref(), PARSE_ERROR, "The message is not one JSON object in UTF-8 on a line.");
        };
        match (envelope.method().as_deref(), envelope.id) {
            (Some(method), Some(id)) => self.request(line, &envelope, method, id),
            (Some(method), None) => self.notice(line, &envelope, method),
            (None, Some(id)) => {
                // An answer. One to a backend that is gone has nobody to go to.
                if let Some(original) = self.asked.remove(&envelope::key(id)) {
                    self.to_backend.lines_of(&envelope::splice(line, id, &original));
                } else if !envelope::is_answer(line) {
                    self.refuse(Some(id.get()), INVALID_REQUEST, "The method is missing.");
                }
            }
            // An error the client could not assign, or nothing at all.
            (None, None) => {}
        }
    }

    /// Servers take no batches; the answers to its members need not come as one.
    fn batch(&mut self, line: &[u8]) {
        match serde_json::from_slice::<Vec<&RawValue>>(line) {
            Ok(members) if !members.is_empty() => {
                for member in members {
                    self.client_line(member.get().as_bytes(), false);
                }
            }
            _ => self.refuse(None, INVALID_REQUEST, "The batch is empty or broken."),
        }
    }

    fn request(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str, id: &RawValue) {
        if !envelope::is_legal_id(id) {
            return self.refuse(Some(id.get()), INVALID_REQUEST, "The id of a request is a string or an integer.");
        }
        let key = envelope::key(id);
        if self.requests.is_open(&key) {
            let text = "Another request with this id has not been answered yet. Nothing was done.";
            return self.refuse(Some(id.get()), INVALID_REQUEST, text);
        }
        let kind = match method {
            "tools/call" => Kind::ToolCall { modern: envelope.is_modern() },
            "subscriptions/listen" => Kind::Listen { began: false },
            "initialize" | "server/discover" => Kind::Opening,
            _ => Kind::Other,
        };
        self.handshake.on_request(line, envelope, method, &key);
        let number = self.requests.add(kind, line, envelope, id);
        let begins = self.to_backend.end();
        self.to_backend.lines_of(&envelope::splice(line, id, &self.requests.name(number)));
        self.requests.pending.entry(number).and_modify(|pending| pending.begins = Some(begins));
        self.greeted = true;
    }

    fn notice(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str) {
        match method {
            // One for an id of an earlier backend could hit a request of this one.
            CANCELLED => {
                if let Some(id) = envelope.request_id()
                    && let Some(number) = self.requests.take_of_client(&envelope::key(id))
                    && self.greeted
                {
                    self.to_backend.lines_of(&envelope::splice(line, id, &self.requests.name(number)));
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

    pub fn backend_said(&mut self, line: &Line<'_>) {
        let line = match line {
            Line::Whole(line) => line.trim_ascii(),
            Line::TooLong { head, tail } => {
                let number = envelope::find_id(head, tail).and_then(|id| self.requests.number(&id));
                if let Some(pending) = number.and_then(|number| self.requests.take(number)) {
                    let text = "The answer is longer than 64 MiB and was not passed on.";
                    self.refuse(Some(&pending.id), NO_SESSION, text);
                }
                return;
            }
        };
        // serde would take an array for the struct's members in order, and not look at the bytes that it skips.
        let is_message = line.starts_with(b"{") && std::str::from_utf8(line).is_ok();
        let envelope = if is_message { Envelope::parse(line).ok() } else { None };
        let Some(envelope) = envelope else {
            if !line.is_empty() {
                super::complain("the session sent a line that is no JSON-RPC message; it was left out");
            }
            return;
        };
        match (envelope.method().as_deref(), envelope.id) {
            (Some(_), Some(id)) => {
                self.asked_so_far += 1;
                let shown = format!("\"fourhands-bridge-{}\"", self.asked_so_far);
                self.to_client.lines_of(&envelope::splice(line, id, &shown));
                self.asked.insert(shown, id.get().to_owned());
            }
            (Some("notifications/cancelled"), None) => {
                let wanted = envelope.request_id();
                let shown = wanted.and_then(|wanted| {
                    let found = self.asked.iter().find(|(_, original)| *original == wanted.get());
                    found.map(|(shown, _)| shown.clone())
                });
                if let (Some(wanted), Some(shown)) = (wanted, shown) {
                    self.asked.remove(&shown);
                    self.to_client.lines_of(&envelope::splice(line, wanted, &shown));
                } else {
                    self.to_client.line(line);
                }
            }
            (None, Some(id)) => self.answer(line, id),
            (method, None) => {
                let begins = method == Some("notifications/subscriptions/acknowledged");
                match envelope.subscription() {
                    Some(id) => self.of_subscription(line, id, begins),
                    None => self.to_client.line(line),
                }
            }
        }
    }

    fn answer(&mut self, line: &[u8], id: &RawValue) {
        // One that is none of ours, or whose client has given up the request, is for nobody.
        let Some(number) = self.requests.number(&envelope::key(id)) else { return };
        match self.own.remove(&number) {
            Some(Own::Initialize) => return self.handshake.renewed(line),
            Some(Own::Replay) => return,
            None => {}
        }
        let is_error = || envelope::is_error(line);
        // Listening ends with the backend, and goes on with the next.
        if self.has_begun(number) && !is_error() {
            return;
        }
        let Some(pending) = self.requests.take(number) else { return };
        match pending.kind {
            Kind::Opening => self.handshake.answered(&pending.key, line),
            Kind::ToolCall { modern } if self.session.is_some() => {
                // A session that does not know such questions.
                if pending.is_question && is_error() {
                    let what = "The fourhands session ended before this call was answered, and the one that is there now \
                                cannot tell what became of it.";
                    return self.leave(&pending, modern, what, "");
                }
                self.worked.clone_from(&self.session);
            }
            Kind::Listen { .. } => {
                let line = match envelope::ended_subscription(line) {
                    Some(subscription) => envelope::splice(line, subscription, &pending.id).concat(),
                    None => line.to_vec(),
                };
                if let Some(id) = Envelope::parse(&line).ok().and_then(|envelope| envelope.id) {
                    self.to_client.lines_of(&envelope::splice(&line, id, &pending.id));
                }
                return;
            }
            Kind::ToolCall { .. } | Kind::Other => {}
        }
        self.to_client.lines_of(&envelope::splice(line, id, &pending.id));
    }

    /// A notification that belongs to a subscription, which the client knows by an id of its own. If it `begins` one that
    /// for the client has begun long ago, then anything can have changed since.
    fn of_subscription(&mut self, line: &[u8], id: &RawValue, begins: bool) {
        let Some(number) = self.requests.number(&envelope::key(id)) else { return self.to_client.line(line) };
        // The client has given it up.
        let Some(pending) = self.requests.pending.get_mut(&number) else { return };
        let line = envelope::splice(line, id, &pending.id).concat();
        if let Kind::Listen { began } = &mut pending.kind
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
        self.requests.pending.get(&number).is_some_and(|pending| pending.kind == Kind::Listen { began: true })
    }

    /// Whether the client waits for the answer to its handshake.
    pub fn is_opening(&self) -> bool {
        self.requests.pending.values().any(|pending| pending.kind == Kind::Opening)
    }

    /// Whether something is to be asked of a backend that is not there yet. Only while there is none.
    pub fn waits_for_another(&self) -> bool {
        !self.requests.pending.is_empty()
    }

    /// Whether this backend has been sent a handshake, the client's or ours, and has not answered it.
    pub fn awaits_hello(&self) -> bool {
        self.is_opening() || self.own.values().any(|own| matches!(own, Own::Initialize))
    }

    /// The session has gone, and another process of it may be there in a moment: what can be asked again waits for that.
    /// `what` happened and what to do (`advice`) is for the callers of tools that cannot. If all was `unread`, it does not
    /// count as asked.
    pub fn parted(&mut self, what: &str, advice: &str, unread: bool) {
        self.note_sent(unread);
        self.end_of_backend(what, advice, Pending::can_be_asked_again);
    }

    /// The backend is gone: whoever waits for it gets an answer, but what lasts is kept for the next one if `renew`.
    /// `what` happened and what to do (`advice`) is for the callers of tools.
    pub fn lost(&mut self, what: &str, advice: &str, renew: bool) {
        self.note_sent(false);
        self.end_of_backend(what, advice, |pending| renew && pending.stays());
    }

    /// The backend has turned the connection away without reading from it.
    pub fn turned_away(&mut self, why: &str, advice: &str) {
        self.requests.unread();
        self.lost(why, advice, true);
    }

    /// Nothing more can be written to the backend.
    pub fn is_deaf(&mut self) {
        self.note_sent(false);
        self.to_backend.clear();
    }

    /// The server in this process carries nothing out, whatever it reads.
    fn note_sent(&mut self, unread: bool) {
        match &self.session {
            Some(session) => self.requests.sent(session, self.to_backend.written(), unread),
            None => self.requests.unread(),
        }
    }

    fn end_of_backend(&mut self, what: &str, advice: &str, stays: impl Fn(&Pending) -> bool) {
        self.to_backend.clear();
        self.own.clear();
        self.greeted = false;
        self.session = None;
        for (shown, _) in std::mem::take(&mut self.asked) {
            self.to_client.line(envelope::cancelled(&shown, "the session has ended").as_bytes());
        }
        for pending in self.requests.retain(stays) {
            match pending.kind {
                Kind::ToolCall { modern } => self.leave(&pending, modern, what, advice),
                Kind::Listen { .. } => {
                    self.refuse(Some(&pending.id), NO_SESSION, "The session has changed. Listen again.");
                }
                Kind::Opening | Kind::Other => {
                    let text = "The fourhands session ended before it answered. Ask again.";
                    self.refuse(Some(&pending.id), NO_SESSION, text);
                }
            }
        }
    }

    /// Tells the caller of a tool that no session has answered, and what is known of the call.
    fn leave(&mut self, pending: &Pending, modern: bool, what: &str, advice: &str) {
        let line = pending.line.as_deref().unwrap_or_default();
        let tool = Envelope::parse(line).ok().and_then(|envelope| envelope.tool()).unwrap_or_default();
        let text = lost_call_text(&tool, pending.state(), what, advice);
        self.to_client.line(envelope::tool_failure(&pending.id, modern, &text).as_bytes());
    }

    /// Lets go of what the client cancels in lines that nobody could be told of yet: it gets no answer, for its id may be in
    /// use again further on.
    pub fn cancel_ahead<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) {
        let mut asked = HashSet::new();
        for envelope in lines.filter_map(|line| Envelope::parse(line).ok()) {
            if let Some(id) = envelope.id {
                asked.insert(envelope::key(id));
            } else if let Some(id) = envelope.request_id().filter(|_| envelope.method().as_deref() == Some(CANCELLED)) {
                let key = envelope::key(id);
                if !asked.contains(&key) {
                    self.requests.take_of_client(&key);
                }
            }
        }
    }

    /// A new backend is there, a session or not: it is brought to where the last one was, and the client told what may be
    /// new.
    pub fn joined(&mut self, session: Option<SentTo>) {
        self.greeted = false;
        self.session = session;
        for pending in self.requests.pending.values_mut().filter(|pending| pending.kind == Kind::Opening) {
            if let Some(line) = &pending.line {
                pending.begins = Some(self.to_backend.end());
                self.to_backend.line(line);
                self.greeted = true;
            }
        }
        if !self.handshake.is_pending() {
            self.shake_hands_again();
            if self.session.is_some()
                && let Some(worked) = &self.worked
            {
                let own = self.requests.next();
                self.to_backend.line(envelope::moved(&self.requests.name(own), worked).as_bytes());
                self.own.insert(own, Own::Replay);
                self.greeted = true;
            }
        }
        self.ask_again();
    }

    fn shake_hands_again(&mut self) {
        let Some(replay) = self.handshake.replay() else { return };
        self.greeted = true;
        for (nth, line) in replay.iter().enumerate() {
            let parsed = Envelope::parse(line).ok();
            let Some(id) = parsed.and_then(|envelope| envelope.id) else {
                self.to_backend.line(line);
                continue;
            };
            let own = self.requests.next();
            self.to_backend.lines_of(&envelope::splice(line, id, &self.requests.name(own)));
            self.own.insert(own, if nth == 0 { Own::Initialize } else { Own::Replay });
        }
        for method in self.handshake.changed_lists() {
            self.to_client.line(envelope::notification(method).as_bytes());
        }
        for uri in self.handshake.subscriptions() {
            self.to_client.line(envelope::updated(uri).as_bytes());
        }
    }

    /// What the backend before has left: what it may have read is asked for as a question, where it could be done twice.
    fn ask_again(&mut self) {
        for pending in self.requests.pending.values_mut().filter(|pending| pending.kind != Kind::Opening) {
            let Some(line) = &pending.line else { continue };
            self.greeted = true;
            pending.begins = Some(self.to_backend.end());
            let is_call = matches!(pending.kind, Kind::ToolCall { .. });
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
