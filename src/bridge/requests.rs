//! The client's requests that wait for an answer. Each goes on under a name that the bridge gives it, and that no other
//! request has for all time: a client may use its own ids as it likes, and what became of a call can be asked by its name.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use serde_json::value::RawValue;

use super::envelope::{self, Envelope};
use crate::domain::{CallId, CallState};
use crate::session::SentTo;

/// Longer requests are not kept to be asked again, nor are others while so many bytes are kept already.
pub const KEPT_LINE: usize = 1 << 20;
const KEPT_IN_ALL: usize = 16 << 20;

/// What a session dies of must not be asked of the next one and the next.
const MOST_ASKED: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

/// A request of the client that the backend has to answer.
#[derive(Debug)]
pub struct Pending {
    pub kind: Kind,
    /// Its id as the client wrote it, and as [`envelope::key`].
    pub id: Box<str>,
    pub key: Box<str>,
    /// The line under its name, to ask again of another backend.
    pub line: Option<Box<[u8]>>,
    /// The arguments were too long to be kept.
    pub is_cut: bool,
    /// How many backends ended under it.
    asked: u32,
    /// Where its line begins in what is written to this backend; `None` if it is not for this one.
    pub begins: Option<u64>,
    /// This backend is not told to do what it asks for, but asked what became of that.
    pub is_question: bool,
    /// The sessions that it was written to, as far as they may have read it.
    sent_to: Vec<SentTo>,
}

#[derive(Debug)]
pub struct Requests {
    bridge: u128,
    last: u64,
    /// By the number of their names, so in the order of the client.
    pub pending: BTreeMap<u64, Pending>,
    /// Those numbers by the client's ids.
    numbers: HashMap<Box<str>, u64>,
    /// Bytes of their lines.
    kept: usize,
}

impl Default for Requests {
    fn default() -> Self {
        // Seeded by the system.
        let random = || u128::from(RandomState::new().hash_one(std::process::id()));
        Self::of(random() << 64 | random())
    }
}

impl Requests {
    /// Of the bridge that has drawn this number.
    pub fn of(bridge: u128) -> Self {
        Self { bridge, last: 0, pending: BTreeMap::new(), numbers: HashMap::new(), kept: 0 }
    }

    /// The number of a name that is free.
    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The name of that number, as JSON.
    pub fn name(&self, number: u64) -> String {
        format!("\"{}\"", CallId { bridge: self.bridge, number })
    }

    /// The number of a name of ours in JSON; `None` if it is no name of ours.
    pub fn number(&self, name: &str) -> Option<u64> {
        let text = name.strip_prefix('"')?.strip_suffix('"')?;
        CallId::parse(text).filter(|call| call.bridge == self.bridge).map(|call| call.number)
    }

    /// Whether a request of this id of the client waits.
    pub fn is_open(&self, key: &str) -> bool {
        self.numbers.contains_key(key)
    }

    /// Takes up a request of the client. Answers its number.
    pub fn add(&mut self, kind: Kind, line: &[u8], envelope: &Envelope<'_>, id: &RawValue) -> u64 {
        let number = self.next();
        let name = self.name(number);
        let has_room = line.len() <= KEPT_LINE && self.kept + line.len() <= KEPT_IN_ALL;
        let kept: Option<Box<[u8]>> = match kind {
            _ if has_room || kind == Kind::Opening => Some(envelope::splice(line, id, &name).concat().into()),
            Kind::ToolCall { .. } => {
                let question = envelope.without_arguments(&name);
                (question.len() <= KEPT_LINE).then(|| question.into_bytes().into())
            }
            Kind::Listen { .. } | Kind::Opening | Kind::Other => None,
        };
        self.kept += kept.as_ref().map_or(0, |line| line.len());
        let key: Box<str> = envelope::key(id).into();
        self.numbers.insert(key.clone(), number);
        let pending = Pending {
            kind,
            id: id.get().into(),
            key,
            line: kept,
            is_cut: !has_room,
            asked: 0,
            begins: None,
            is_question: false,
            sent_to: Vec::new(),
        };
        self.pending.insert(number, pending);
        number
    }

    /// The request is not pending any more.
    pub fn take(&mut self, number: u64) -> Option<Pending> {
        let taken = self.pending.remove(&number)?;
        self.kept -= taken.bytes();
        self.numbers.remove(&taken.key);
        Some(taken)
    }

    /// The same by the client's id.
    pub fn take_of_client(&mut self, key: &str) -> Option<u64> {
        let number = *self.numbers.get(key)?;
        self.take(number).map(|_| number)
    }

    /// `to` has ended, or reads no more: it may have read what was written until then. If all was `unread`, that does not
    /// count as asked.
    pub fn sent(&mut self, to: &SentTo, written: u64, unread: bool) {
        for pending in self.pending.values_mut() {
            if pending.begins.take().is_some_and(|begins| begins < written) {
                pending.asked += u32::from(!unread);
                if !pending.sent_to.contains(to) {
                    pending.sent_to.push(to.clone());
                }
            }
        }
    }

    /// Nothing of what was written has been read.
    pub fn unread(&mut self) {
        self.pending.values_mut().for_each(|pending| pending.begins = None);
    }

    /// Takes those out for which `stays` is not so, in the order of the client.
    pub fn retain(&mut self, stays: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let go: Vec<u64> = self.pending.iter().filter(|(_, pending)| !stays(pending)).map(|(at, _)| *at).collect();
        go.into_iter().filter_map(|number| self.take(number)).collect()
    }

    #[cfg(test)]
    pub fn kept(&self) -> usize {
        assert_eq!(self.kept, self.pending.values().map(Pending::bytes).sum::<usize>());
        assert_eq!(self.numbers.len(), self.pending.len());
        self.kept
    }
}

impl Pending {
    pub fn can_be_asked_again(&self) -> bool {
        // Without its arguments it can be asked what became of it, and not be carried out.
        let may_be_sent = !self.is_cut || !self.sent_to.is_empty();
        self.line.is_some() && may_be_sent && (self.is_lasting() || self.asked < MOST_ASKED)
    }

    /// Whether it is kept even while there is no session.
    pub fn stays(&self) -> bool {
        self.is_lasting() && self.line.is_some()
    }

    fn is_lasting(&self) -> bool {
        matches!(self.kind, Kind::Listen { .. } | Kind::Opening)
    }

    /// What the bridge itself knows of it.
    pub fn state(&self) -> CallState {
        if self.sent_to.is_empty() { CallState::NotReceived } else { CallState::Unknown }
    }

    /// Who may have carried it out. Of several each fact is left out that they do not share.
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
