//! The protocol side of the bridge, without I/O: lines come in, lines wait in two queues. It knows what is pending on
//! which backend, and makes a new backend look to the client like the old one.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;

use super::envelope::{self, Envelope, INVALID_REQUEST, NO_SESSION, PARSE_ERROR};
use super::handshake::Handshake;
use super::lines::{Line, Outbox};

/// Longer requests are not kept to be asked again, nor are others while so many bytes are kept already.
const KEPT_LINE: usize = 1 << 20;
const KEPT_IN_ALL: usize = 16 << 20;

/// What a session dies of shall not be asked of the next one and the next.
const MOST_ASKED: u32 = 3;

/// A request of the client that the backend has to answer.
#[derive(Debug)]
struct Pending {
    kind: Kind,
    /// To ask again of another backend, if that can be done.
    line: Option<Box<[u8]>>,
    asked: u32,
    /// When it was passed on first, in milliseconds since 1970.
    sent: u64,
    /// The order in which the client asked.
    nth: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ToolCall {
        modern: bool,
    },
    /// A stream that stays open, from one backend to the next: nobody waits for its answer.
    Listen {
        /// The client was told so, and must not hear it again of another backend.
        began: bool,
    },
    /// The client's handshake: asked again as often as there is another backend, for a client gives up without it.
    Opening,
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
    /// Bytes of their lines.
    kept: usize,
    asked_so_far: u64,
    own: HashMap<String, Own>,
    /// Requests of the backend that the client has to answer: the id the client saw, and the backend's. They differ
    /// because a new backend counts from 0 again, and a late answer to the old one must not hit it.
    asked: BTreeMap<String, String>,
    /// Whether the backend has had a request: servers hang up on a notification as the first line.
    greeted: bool,
    /// Whether the backend is a session.
    is_live: bool,
    /// When the client sent the last call of a tool that a session has answered.
    worked: Option<u64>,
    next_id: u64,
}

impl Relay {
    /// Whether nobody waits for an answer of the backend.
    pub fn is_idle(&self) -> bool {
        self.pending.values().all(|pending| matches!(pending.kind, Kind::Listen { .. }))
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
        let kind = match method {
            "tools/call" => Kind::ToolCall { modern: envelope.is_modern() },
            "subscriptions/listen" => Kind::Listen { began: false },
            "initialize" | "server/discover" => Kind::Opening,
            _ => Kind::Other,
        };
        self.handshake.on_request(line, envelope, method, &key);
        let has_room = line.len() <= KEPT_LINE && self.kept + line.len() <= KEPT_IN_ALL;
        let kept: Option<Box<[u8]>> = (has_room || kind == Kind::Opening).then(|| line.into());
        self.kept += kept.as_ref().map_or(0, |line| line.len());
        self.asked_so_far += 1;
        let pending = Pending { kind, line: kept, asked: 1, sent: now(), nth: self.asked_so_far };
        // Two of one id: the server refuses the second.
        if let Some(before) = self.pending.insert(key, pending) {
            self.kept -= before.bytes();
        }
        self.greeted = true;
        self.to_backend.line(line);
    }

    fn notice(&mut self, line: &[u8], envelope: &Envelope<'_>, method: &str) {
        match method {
            // One for an id of an earlier backend could hit a request of this one.
            "notifications/cancelled" => {
                let known = envelope.request_id().and_then(|id| self.take(&envelope::key(id)));
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
                    && self.take(&id).is_some()
                {
                    self.refuse(Some(&id), NO_SESSION, "The answer is longer than 64 MiB and was not passed on.");
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
            (Some("notifications/subscriptions/acknowledged"), None) => self.begun(line, &envelope),
            (_, None) => self.to_client.line(line),
        }
    }

    fn answer(&mut self, line: &[u8], id: &str) {
        match self.own.remove(id) {
            Some(Own::Initialize) => self.handshake.renewed(line),
            Some(Own::Replay) => {}
            // Listening ends with the backend, and goes on with the next.
            None if self.has_begun(id) && !envelope::is_error(line) => {}
            None => {
                match self.take(id) {
                    Some(Pending { kind: Kind::Opening, .. }) => self.handshake.answered(id, line),
                    Some(Pending { kind: Kind::ToolCall { .. }, sent, .. }) if self.is_live => self.worked = Some(sent),
                    _ => {}
                }
                self.to_client.line(line);
            }
        }
    }

    /// The request is not pending any more.
    fn take(&mut self, id: &str) -> Option<Pending> {
        let taken = self.pending.remove(id)?;
        self.kept -= taken.bytes();
        Some(taken)
    }

    /// A subscription has begun. For the client it may have long ago: then anything can have changed since.
    fn begun(&mut self, line: &[u8], envelope: &Envelope<'_>) {
        let pending = envelope.subscription().and_then(|id| self.pending.get_mut(&id));
        if let Some(Pending { kind: Kind::Listen { began }, .. }) = pending
            && std::mem::replace(began, true)
        {
            for change in envelope.changes() {
                self.to_client.line(change.as_bytes());
            }
        } else {
            self.to_client.line(line);
        }
    }

    fn has_begun(&self, id: &str) -> bool {
        self.pending.get(id).is_some_and(|pending| pending.kind == Kind::Listen { began: true })
    }

    /// Whether the client waits for the answer to its handshake.
    pub fn is_opening(&self) -> bool {
        self.pending.values().any(|pending| pending.kind == Kind::Opening)
    }

    /// Whether something is to be asked of a backend that is not there yet. Only while there is none.
    pub fn waits_for_another(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether this backend has been sent a handshake, the client's or ours, and has not answered it.
    pub fn awaits_hello(&self) -> bool {
        self.is_opening() || self.own.values().any(|own| matches!(own, Own::Initialize))
    }

    /// The session has gone, and another process of it may be there in a moment: what can be asked again waits for that.
    /// `text` is for the callers of tools that cannot. If all was `unread`, it does not count as asked.
    pub fn parted(&mut self, text: &str, unread: bool) {
        if unread {
            self.pending.values_mut().for_each(|pending| pending.asked = pending.asked.saturating_sub(1));
        }
        self.end_of_backend(text, Pending::can_be_asked_again);
    }

    /// The backend is gone: whoever waits for it gets an answer, but what lasts is kept for the next one if `renew`.
    /// `text` is for the caller of a tool.
    pub fn lost(&mut self, text: &str, renew: bool) {
        self.end_of_backend(text, |pending| renew && pending.is_lasting() && pending.line.is_some());
    }

    fn end_of_backend(&mut self, text: &str, stays: impl Fn(&Pending) -> bool) {
        self.to_backend.clear();
        self.own.clear();
        self.greeted = false;
        for (shown, _) in std::mem::take(&mut self.asked) {
            self.to_client.line(envelope::cancelled(&shown, "the session has ended").as_bytes());
        }
        let (stay, go) = std::mem::take(&mut self.pending).into_iter().partition(|(_, pending)| stays(pending));
        self.pending = stay;
        self.kept = self.pending.values().map(Pending::bytes).sum();
        let mut go: Vec<(String, Pending)> = go.into_iter().collect();
        go.sort_by_key(|(_, pending)| pending.nth);
        for (id, pending) in go {
            match pending.kind {
                Kind::ToolCall { modern } => {
                    self.to_client.line(envelope::tool_failure(&id, modern, text).as_bytes());
                }
                Kind::Listen { .. } => self.refuse(Some(&id), NO_SESSION, "The session has changed. Listen again."),
                Kind::Opening | Kind::Other => {
                    let text = "The fourhands session ended before it answered. Ask again.";
                    self.refuse(Some(&id), NO_SESSION, text);
                }
            }
        }
    }

    /// A new backend is there, a session or not: it is brought to where the last one was, and the client told what may be
    /// new.
    pub fn joined(&mut self, is_live: bool) {
        self.greeted = false;
        self.is_live = is_live;
        for pending in self.pending.values().filter(|pending| pending.kind == Kind::Opening) {
            if let Some(line) = &pending.line {
                self.to_backend.line(line);
                self.greeted = true;
            }
        }
        if !self.handshake.is_pending() {
            self.shake_hands_again();
            if is_live && let Some(worked) = self.worked {
                let own = self.fresh_id();
                self.to_backend.line(envelope::moved(&own, worked).as_bytes());
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
            let own = self.fresh_id();
            self.to_backend.lines_of(&envelope::splice(line, id, &own));
            self.own.insert(own, if nth == 0 { Own::Initialize } else { Own::Replay });
        }
        for method in self.handshake.changed_lists() {
            self.to_client.line(envelope::notification(method).as_bytes());
        }
        for uri in self.handshake.subscriptions() {
            self.to_client.line(envelope::updated(uri).as_bytes());
        }
    }

    /// What the backend before has left.
    fn ask_again(&mut self) {
        let mut left: Vec<&mut Pending> =
            self.pending.values_mut().filter(|pending| pending.kind != Kind::Opening).collect();
        left.sort_by_key(|pending| pending.nth);
        for pending in left {
            let Some(line) = &pending.line else { continue };
            self.greeted = true;
            pending.asked += 1;
            match pending.kind {
                Kind::ToolCall { .. } => {
                    let again = Envelope::parse(line).ok().and_then(|envelope| envelope.again(pending.sent));
                    self.to_backend.line(again.as_ref().map_or(&line[..], |again| again.as_bytes()));
                }
                Kind::Listen { .. } | Kind::Opening | Kind::Other => self.to_backend.line(line),
            }
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

impl Pending {
    fn can_be_asked_again(&self) -> bool {
        self.line.is_some() && (self.is_lasting() || self.asked < MOST_ASKED)
    }

    fn is_lasting(&self) -> bool {
        matches!(self.kind, Kind::Listen { .. } | Kind::Opening)
    }

    fn bytes(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.len())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
