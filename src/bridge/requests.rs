//! The pending requests of the client. The bridge sends each under a call id of its own, which no other request ever
//! has: clients reuse their ids, and a session finds out what became of a call by its call id.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use serde_json::value::RawValue;

use super::envelope::{self, Envelope};
use crate::domain::{CallId, CallState};
use crate::session::SentTo;

/// Longest request that is kept to be sent again, in bytes.
pub const MAX_KEPT_LINE: usize = 1 << 20;
/// Bytes of all kept requests.
const MAX_KEPT: usize = 16 << 20;

/// How many backends get one request: a request that kills sessions must not go to one after the other.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    ToolCall {
        modern: bool,
    },
    /// A subscription, which stays open from one backend to the next. Nobody waits for the answer.
    Listen {
        /// Whether the client has the notification that the subscription began, which it gets once.
        began: bool,
    },
    /// The client's handshake. Every backend gets it until one answers, since a client gives up without an answer.
    Opening,
    Other,
}

/// A request of the client without an answer.
#[derive(Debug)]
pub struct PendingRequest {
    pub kind: RequestKind,
    /// The client's id, as written and as [`envelope::key`].
    pub id: Box<str>,
    pub key: Box<str>,
    /// The line with the call id, to be sent again to another backend.
    pub line: Option<Box<[u8]>>,
    /// Whether the arguments were too long to be kept.
    pub is_cut: bool,
    /// How many backends ended during the request.
    attempts: u32,
    /// Where the line begins in the output to this backend; `None` if this backend does not get the line.
    pub begins: Option<u64>,
    /// Whether this backend is only asked what became of the request.
    pub is_question: bool,
    /// The sessions that may have read the request.
    sent_to: Vec<SentTo>,
}

#[derive(Debug)]
pub struct Requests {
    bridge: u128,
    last: u64,
    /// By the numbers of their call ids, so in the order of the client.
    pub pending: BTreeMap<u64, PendingRequest>,
    /// The numbers by the client's ids.
    numbers: HashMap<Box<str>, u64>,
    /// Bytes of the kept lines.
    kept_bytes: usize,
}

impl Default for Requests {
    fn default() -> Self {
        // The system seeds the hasher.
        let random = || u128::from(RandomState::new().hash_one(std::process::id()));
        Self::of(random() << 64 | random())
    }
}

impl Requests {
    /// Returns the requests of the bridge that has drawn this number.
    pub fn of(bridge: u128) -> Self {
        Self { bridge, last: 0, pending: BTreeMap::new(), numbers: HashMap::new(), kept_bytes: 0 }
    }

    /// Returns the next free number of a call id.
    pub fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns the call id of that number, as JSON.
    pub fn call_id(&self, number: u64) -> String {
        format!("\"{}\"", CallId { bridge: self.bridge, number })
    }

    /// Returns the number of a call id of this bridge in JSON; `None` for any other id.
    pub fn number(&self, call_id: &str) -> Option<u64> {
        let text = call_id.strip_prefix('"')?.strip_suffix('"')?;
        CallId::parse(text).filter(|call| call.bridge == self.bridge).map(|call| call.number)
    }

    /// Returns whether a request with this id of the client is pending.
    pub fn is_pending(&self, key: &str) -> bool {
        self.numbers.contains_key(key)
    }

    /// Adds a request of the client. Returns its number.
    pub fn add(&mut self, kind: RequestKind, line: &[u8], envelope: &Envelope<'_>, id: &RawValue) -> u64 {
        let number = self.next_number();
        let call_id = self.call_id(number);
        let has_room = line.len() <= MAX_KEPT_LINE && self.kept_bytes + line.len() <= MAX_KEPT;
        let kept_line: Option<Box<[u8]>> = match kind {
            _ if has_room || kind == RequestKind::Opening => Some(envelope::splice(line, id, &call_id).concat().into()),
            RequestKind::ToolCall { .. } => {
                let question = envelope.without_arguments(&call_id);
                (question.len() <= MAX_KEPT_LINE).then(|| question.into_bytes().into())
            }
            RequestKind::Listen { .. } | RequestKind::Opening | RequestKind::Other => None,
        };
        self.kept_bytes += kept_line.as_ref().map_or(0, |line| line.len());
        let key: Box<str> = envelope::key(id).into();
        self.numbers.insert(key.clone(), number);
        let pending = PendingRequest {
            kind,
            id: id.get().into(),
            key,
            line: kept_line,
            is_cut: !has_room,
            attempts: 0,
            begins: None,
            is_question: false,
            sent_to: Vec::new(),
        };
        self.pending.insert(number, pending);
        number
    }

    /// Removes a request.
    pub fn take(&mut self, number: u64) -> Option<PendingRequest> {
        let taken = self.pending.remove(&number)?;
        self.kept_bytes -= taken.bytes();
        self.numbers.remove(&taken.key);
        Some(taken)
    }

    /// Removes a request by the client's id. Returns its number.
    pub fn take_by_key(&mut self, key: &str) -> Option<u64> {
        let number = *self.numbers.get(key)?;
        self.take(number).map(|_| number)
    }

    /// Notes that `to` may have read what was `written`, and has ended or reads no more. If it left everything
    /// `unread`, that does not count as an attempt.
    pub fn mark_sent(&mut self, to: &SentTo, written: u64, unread: bool) {
        for pending in self.pending.values_mut() {
            if pending.begins.take().is_some_and(|begins| begins < written) {
                pending.attempts += u32::from(!unread);
                if !pending.sent_to.contains(to) {
                    pending.sent_to.push(to.clone());
                }
            }
        }
    }

    /// Notes that the backend has read nothing of what was written.
    pub fn mark_unread(&mut self) {
        self.pending.values_mut().for_each(|pending| pending.begins = None);
    }

    /// Removes and returns the requests that do not stay, in the order of the client.
    pub fn retain(&mut self, stays: impl Fn(&PendingRequest) -> bool) -> Vec<PendingRequest> {
        let removed: Vec<u64> = self.pending.iter().filter(|(_, pending)| !stays(pending)).map(|(at, _)| *at).collect();
        removed.into_iter().filter_map(|number| self.take(number)).collect()
    }

    #[cfg(test)]
    pub fn kept_bytes(&self) -> usize {
        assert_eq!(self.kept_bytes, self.pending.values().map(PendingRequest::bytes).sum::<usize>());
        assert_eq!(self.numbers.len(), self.pending.len());
        self.kept_bytes
    }
}

impl PendingRequest {
    /// Returns whether another backend may get the request.
    pub fn can_be_sent_again(&self) -> bool {
        // A call without its arguments can only become a question.
        let may_be_sent = !self.is_cut || !self.sent_to.is_empty();
        self.line.is_some() && may_be_sent && (self.is_lasting() || self.attempts < MAX_ATTEMPTS)
    }

    /// Returns whether the request is kept while there is no session.
    pub fn stays(&self) -> bool {
        self.is_lasting() && self.line.is_some()
    }

    fn is_lasting(&self) -> bool {
        matches!(self.kind, RequestKind::Listen { .. } | RequestKind::Opening)
    }

    /// Returns what the bridge itself knows of a call.
    pub fn state(&self) -> CallState {
        if self.sent_to.is_empty() { CallState::NotReceived } else { CallState::Unknown }
    }

    /// Returns the recipient of the request. A fact in which several recipients differ is left out.
    pub fn recipient(&self) -> SentTo {
        let mut all = self.sent_to.iter();
        let first = all.next().cloned().unwrap_or_default();
        all.fold(first, |SentTo { session, process }, other| SentTo {
            session: session.filter(|session| other.session.as_ref() == Some(session)),
            process: process.filter(|process| other.process == Some(*process)),
        })
    }

    fn bytes(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.len())
    }
}
