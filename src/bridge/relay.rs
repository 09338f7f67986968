//! The protocol side of the bridge, without I/O: lines come in, lines wait in two queues. It knows what is pending on
//! which backend, and makes a new backend look to the client like the old one.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use super::envelope::{self, Envelope, INVALID_REQUEST, NO_SESSION, PARSE_ERROR};
use super::handshake::Handshake;
use super::lines::{Line, Outbox};

/// A request of the client that this backend has to answer.
#[derive(Debug)]
enum Pending {
    ToolCall {
        modern: bool,
    },
    /// A stream that stays open: nobody waits for its answer.
    Listen,
    /// The client's handshake: asked again of the next backend if this one dies, for a client gives up without it.
    Opening(Box<[u8]>),
    Other,
}

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
    pending: BTreeMap<String, Pending>,
    own: HashMap<String, Own>,
    /// Requests of the backend that the client has to answer: the id the client saw, and the backend's. They differ
    /// because a new backend counts from 0 again, and a late answer to the old one must not hit it.
    asked: BTreeMap<String, String>,
    /// Whether the backend has had a request: servers hang up on a notification as the first line.
    greeted: bool,
    next_id: u64,
}

impl Relay {
    /// Whether nobody waits for an answer of the backend.
    pub fn is_idle(&self) -> bool {
        self.pending.values().all(|pending| matches!(pending, Pending::Listen))
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
        let pending = match method {
            "tools/call" => Pending::ToolCall { modern: envelope.is_modern() },
            "subscriptions/listen" => Pending::Listen,
            "initialize" | "server/discover" => Pending::Opening(line.into()),
            _ => Pending::Other,
        };
        self.handshake.on_request(line, envelope, method, &key);
        self.pending.insert(key, pending);
        self.greeted = true;
        self.to_backend.line(line);
    }

    fn notice(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str) {
        match method {
            // One for an id of an earlier backend could hit a request of this one.
            "notifications/cancelled" => {
                let known = envelope.request_id().and_then(|id| self.pending.remove(&envelope::key(id)));
                if known.is_none() {
                    return;
                }
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
                if let Some(id) = envelope::find_id(head, tail)
                    && self.pending.remove(&id).is_some()
                {
                    self.refuse(Some(&id), NO_SESSION, "The answer is longer than 64 MiB and was not passed on.");
                }
                return;
            }
        };
        let Ok(envelope) = Envelope::parse(line) else {
            if !line.is_empty() {
                super::complain("the session sent a line that is no JSON-RPC message; it was left out");
            }
            return;
        };
        match (envelope.method().as_deref(), envelope.id) {
            (Some(_), Some(id)) => {
                let shown = self.fresh_id();
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
            (None, Some(id)) => self.answer(line, &envelope::key(id)),
            (_, None) => self.to_client.line(line),
        }
    }

    fn answer(&mut self, line: &[u8], id: &str) {
        match self.own.remove(id) {
            Some(Own::Initialize) => self.handshake.renewed(line),
            Some(Own::Replay) => {}
            None => {
                if let Some(Pending::Opening(_)) = self.pending.remove(id) {
                    self.handshake.answered(id, line);
                }
                self.to_client.line(line);
            }
        }
    }

    /// Whether the client waits for the answer to its handshake.
    pub fn is_opening(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending, Pending::Opening(_)))
    }

    /// Whether this backend has been sent a handshake, the client's or ours, and has not answered it.
    pub fn awaits_hello(&self) -> bool {
        self.is_opening() || self.own.values().any(|own| matches!(own, Own::Initialize))
    }

    /// The backend is gone: whoever waits for it gets an answer, but handshakes are kept for the next one if `renew`.
    /// `text` is for the caller of a tool.
    pub fn lost(&mut self, text: &str, renew: bool) {
        self.to_backend.clear();
        self.own.clear();
        self.greeted = false;
        for (shown, _) in std::mem::take(&mut self.asked) {
            self.to_client.line(envelope::cancelled(&shown, "the session has ended").as_bytes());
        }
        for (id, pending) in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Opening(line) if renew => {
                    self.pending.insert(id, Pending::Opening(line));
                }
                Pending::ToolCall { modern } => {
                    self.to_client.line(envelope::tool_failure(&id, modern, text).as_bytes());
                }
                Pending::Listen => self.refuse(Some(&id), NO_SESSION, "The session has changed. Listen again."),
                Pending::Opening(_) | Pending::Other => {
                    let text = "The fourhands session ended before it answered. Ask again.";
                    self.refuse(Some(&id), NO_SESSION, text);
                }
            }
        }
    }

    /// A new backend is there: it is brought to where the last one was, and the client told what may be new.
    pub fn joined(&mut self) {
        let mut opening = false;
        for pending in self.pending.values() {
            if let Pending::Opening(line) = pending {
                self.to_backend.line(line);
                opening = true;
            }
        }
        self.greeted = opening;
        if self.handshake.is_pending() {
            return;
        }
        let Some(replay) = self.handshake.replay() else { return };
        self.greeted = true;
        for (nth, line) in replay.iter().enumerate() {
            let parsed = Envelope::parse(line).ok();
            let Some(id) = parsed.and_then(|envelope| envelope.id) else {
                self.to_backend.line(line);
                continue;
            };
            let own = self.fresh_id();
            self.to_backend.lines_of(&envelope::splice(line, id, &own));
            self.own.insert(own, if nth == 0 { Own::Initialize } else { Own::Replay });
        }
        for method in self.handshake.changed_lists() {
            self.to_client.line(envelope::notification(method).as_bytes());
        }
    }

    fn refuse(&mut self, id: Option<&str>, code: i32, text: &str) {
        self.to_client.line(envelope::error(id.unwrap_or("null"), code, text).as_bytes());
    }

    /// An id as JSON that neither side uses.
    fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("\"fourhands-bridge-{}\"", self.next_id)
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
