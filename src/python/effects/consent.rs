//! Consent: code of a client waits within the audit event of a risk until the person allows it.
//!
//! The thread that raised the event waits without the GIL, so everything else goes on. An interrupt ends the wait, and
//! the event fails with `KeyboardInterrupt` before anything was done.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::PyPermissionError;
use pyo3::prelude::*;

use crate::domain::{Author, Gate, GateMode, RiskKind, RiskRules, RuleAnswer, SnippetId};
use crate::python::isolation::fork;
use crate::python::runtime::events::EventSender;
use crate::python::runtime::os_signals::on_main_thread;
use crate::python::runtime::waker::JobWaiter;
use crate::session::{EngineEvent, RiskReply};

/// Interval of checks for events that do not wake a waiting thread.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Snippets whose author is remembered. A thread of an older snippet is not asked about.
const MAX_SNIPPETS: usize = 256;

/// Denials that are remembered.
const MAX_DENIED: usize = 256;

/// What a snippet is about to do.
pub struct Risk {
    pub kind: RiskKind,
    pub target: String,
    /// The file, if it is one.
    pub path: Option<PathBuf>,
    /// The file that is renamed, as it is shown.
    pub source: Option<String>,
    /// A program that the system has, and not another one of the same name.
    pub of_system: bool,
}

/// The gate as the audit hook sees it, and the answers to threads that wait.
#[derive(Debug, Default)]
pub struct Consent {
    /// Whether the code of any client is asked about. Most sessions never ask.
    is_armed: AtomicBool,
    state: Mutex<ConsentState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ConsentState {
    gate: Arc<Gate>,
    rules: RiskRules,
    authors: VecDeque<(SnippetId, Author)>,
    /// Allowed for the rest of a snippet.
    allowed: Vec<(SnippetId, RiskKind)>,
    /// Denied risks, so that code that tries the same again does not ask again.
    denied: VecDeque<Denied>,
    /// Folders whose removal was allowed, and with it the removal of their contents.
    trees: Vec<(SnippetId, PathBuf)>,
    last: u32,
    /// The risks that wait, by number, with their answers.
    waiting: BTreeMap<u32, Option<RiskReply>>,
    is_ending: bool,
}

#[derive(Debug)]
struct Denied {
    snippet: SnippetId,
    kind: RiskKind,
    /// `None` for every one.
    target: Option<String>,
    reason: String,
}

/// The parts that a wait needs.
#[derive(Clone)]
pub struct ConsentWait {
    pub consent: Arc<Consent>,
    pub waiter: Arc<Mutex<JobWaiter>>,
    pub events: EventSender,
}

enum ConsentDecision {
    Allowed,
    DeniedByRule,
    /// With the person's words.
    Denied(String),
    Asked(u32),
}

impl Consent {
    pub fn set_rules(&self, rules: RiskRules) {
        self.state.lock().rules = rules;
    }

    pub fn set_gate(&self, gate: Arc<Gate>) {
        let asks = |mode: &GateMode| *mode == GateMode::AskAtRisk;
        let is_armed = asks(&gate.mode) || gate.clients.values().any(asks);
        self.state.lock().gate = gate;
        self.is_armed.store(is_armed, Ordering::Relaxed);
    }

    pub fn gate(&self) -> Arc<Gate> {
        self.state.lock().gate.clone()
    }

    pub fn is_armed(&self) -> bool {
        self.is_armed.load(Ordering::Relaxed)
    }

    /// Remembers the author of a snippet that begins.
    pub fn begin(&self, snippet: SnippetId, author: Author) {
        let mut state = self.state.lock();
        state.authors.push_back((snippet, author));
        if state.authors.len() > MAX_SNIPPETS {
            state.authors.pop_front();
        }
        let oldest = state.authors.front().map(|(snippet, _)| *snippet);
        state.allowed.retain(|(of, _)| Some(*of) >= oldest);
        state.trees.retain(|(of, _)| Some(*of) >= oldest);
        state.denied.retain(|denied| Some(denied.snippet) >= oldest);
    }

    /// Leaves an answer. Returns whether a thread waits for it; the main thread must be woken then.
    pub fn answer(&self, number: u32, reply: RiskReply) -> bool {
        let mut state = self.state.lock();
        let Some(waiting) = state.waiting.get_mut(&number).filter(|waiting| waiting.is_none()) else { return false };
        *waiting = Some(reply);
        self.changed.notify_all();
        true
    }

    pub fn is_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Ends all waits, because the process ends. Nothing is allowed.
    pub fn end(&self) {
        self.state.lock().is_ending = true;
        self.changed.notify_all();
    }

    fn decide(&self, snippet: SnippetId, risk: &Risk) -> ConsentDecision {
        let mut state = self.state.lock();
        let author = state.authors.iter().rev().find(|(id, _)| *id == snippet).map(|(_, author)| author);
        let Some(author) = author.filter(|author| state.gate.mode_of(author) == GateMode::AskAtRisk) else {
            return ConsentDecision::Allowed;
        };
        // A rule holds whatever was allowed or denied before.
        match state.rules.answer(risk.kind, &risk.target, risk.of_system) {
            RuleAnswer::Allow => return ConsentDecision::Allowed,
            RuleAnswer::Deny => return ConsentDecision::DeniedByRule,
            RuleAnswer::Ask => {}
        }
        let is_in_tree = |path: &Path| state.trees.iter().any(|(of, tree)| *of == snippet && path.starts_with(tree));
        if state.gate.always_allows(author, risk.kind)
            || state.allowed.contains(&(snippet, risk.kind))
            || risk.kind == RiskKind::Delete && risk.path.as_deref().is_some_and(is_in_tree)
        {
            return ConsentDecision::Allowed;
        }
        let is_denied = |denied: &&Denied| {
            (denied.snippet, denied.kind) == (snippet, risk.kind)
                && denied.target.as_ref().is_none_or(|target| *target == risk.target)
        };
        if let Some(denied) = state.denied.iter().find(is_denied) {
            return ConsentDecision::Denied(denied.reason.clone());
        }
        state.last += 1;
        let number = state.last;
        state.waiting.insert(number, None);
        ConsentDecision::Asked(number)
    }

    fn take_reply(&self, number: u32) -> Option<RiskReply> {
        let mut state = self.state.lock();
        if state.is_ending {
            return Some(RiskReply::Deny("the session ends".to_owned()));
        }
        let reply = state.waiting.get(&number)?.clone()?;
        state.waiting.remove(&number);
        Some(reply)
    }

    fn withdraw(&self, number: u32) {
        self.state.lock().waiting.remove(&number);
    }
}

impl ConsentState {
    /// Also allows the removal of the contents of a folder whose removal was allowed.
    fn allow_tree(&mut self, snippet: SnippetId, risk: &Risk) {
        if risk.kind == RiskKind::Delete
            && let Some(path) = risk.path.as_ref().filter(|path| path.is_dir())
        {
            self.trees.push((snippet, path.clone()));
        }
    }
}

impl ConsentWait {
    /// Returns when the code may go on.
    ///
    /// # Errors
    /// `PermissionError` if it may not, and what a signal handler raises meanwhile.
    pub fn check(&self, py: Python<'_>, snippet: SnippetId, risk: &Risk, line: Option<u32>) -> PyResult<()> {
        let what = || format!("{} {}", risk.kind.verb(), risk.target);
        let denied = |reason: &str| {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            Err(PyPermissionError::new_err(format!("the person does not let this code {}{reason}", what())))
        };
        match self.consent.decide(snippet, risk) {
            ConsentDecision::Allowed => Ok(()),
            ConsentDecision::Denied(reason) => denied(&reason),
            ConsentDecision::DeniedByRule => {
                Err(PyPermissionError::new_err(format!("a rule of the person does not let this code {}", what())))
            }
            ConsentDecision::Asked(number) => {
                let (kind, target) = (risk.kind, risk.target.clone());
                self.events.send(EngineEvent::RiskAsked { number, snippet, kind, target, line });
                match self.wait_for_reply(py, number) {
                    Ok(reply) => {
                        self.remember(snippet, risk, &reply);
                        match reply {
                            RiskReply::Deny(reason) | RiskReply::DenyInSnippet(reason) => denied(&reason),
                            RiskReply::Allow | RiskReply::AllowInSnippet => Ok(()),
                        }
                    }
                    Err(error) => {
                        self.consent.withdraw(number);
                        if !fork::is_child() {
                            self.events.send(EngineEvent::RiskWithdrawn { number });
                        }
                        Err(error)
                    }
                }
            }
        }
    }

    fn remember(&self, snippet: SnippetId, risk: &Risk, reply: &RiskReply) {
        let mut state = self.consent.state.lock();
        let (target, reason) = match reply {
            RiskReply::Deny(reason) => (Some(risk.target.clone()), reason.clone()),
            RiskReply::DenyInSnippet(reason) => (None, reason.clone()),
            RiskReply::AllowInSnippet => {
                state.allowed.push((snippet, risk.kind));
                return;
            }
            RiskReply::Allow => return state.allow_tree(snippet, risk),
        };
        if state.denied.len() == MAX_DENIED {
            state.denied.pop_front();
        }
        // Where a move is denied, `shutil.move` goes on with a copy, and would delete the file itself.
        if risk.kind == RiskKind::Rename {
            let source = risk.source.clone();
            state.denied.push_back(Denied { snippet, kind: RiskKind::Delete, target: source, reason: reason.clone() });
        }
        state.denied.push_back(Denied { snippet, kind: risk.kind, target, reason });
    }

    fn wait_for_reply(&self, py: Python<'_>, number: u32) -> PyResult<RiskReply> {
        loop {
            if let Some(reply) = self.consent.take_reply(number) {
                return Ok(reply);
            }
            if fork::is_child() {
                return Ok(RiskReply::Deny("nobody can be asked in a fork".to_owned()));
            }
            if on_main_thread() {
                // An interrupt after this check also wakes the waiter, so none is missed.
                py.check_signals()?;
                py.detach(|| self.waiter.lock().wait_for(CHECK_INTERVAL))?;
            } else {
                py.detach(|| {
                    let mut state = self.consent.state.lock();
                    let is_open = |state: &mut ConsentState| {
                        !state.is_ending && state.waiting.get(&number).is_some_and(Option::is_none)
                    };
                    let _ = self.consent.changed.wait_while_for(&mut state, is_open, CHECK_INTERVAL);
                });
            }
        }
    }
}
