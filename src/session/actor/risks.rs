//! Risks: running code has stopped before an action and waits for the person. Its time limit stops meanwhile.

use std::sync::Arc;

use tokio::time::Instant;

use super::state::Actor;
use crate::domain::{Author, Event, Gate, RiskAnswered, RiskKind, RiskRequest, RiskVerdict, SnippetId, Unattended};
use crate::session::clock::now;
use crate::session::engine::RiskReply;
use crate::session::handle::RiskRefused;

impl Actor {
    pub(super) fn on_risk(&mut self, number: u32, snippet: SnippetId, kind: RiskKind, target: &str, line: Option<u32>) {
        self.flush_output();
        let request = Arc::new(RiskRequest { number, kind, target: target.into(), line, at: now() });
        self.emit(Event::RiskAsked { snippet, request });
        self.pause(snippet);
        if self.has_dashboard() {
            return;
        }
        let verdict = match self.unattended {
            Unattended::Wait => return,
            Unattended::Allow => RiskVerdict::AllowInSnippet,
            Unattended::Deny => RiskVerdict::DenyInSnippet(Some("no dashboard is open to ask the person".into())),
        };
        self.answer_risk(number, &verdict, true);
    }

    /// Passes on what the person says, to this and to what the answer covers.
    pub(super) fn decide_risk(&mut self, number: u32, verdict: &RiskVerdict) -> Result<(), RiskRefused> {
        let (snippet, request) = self.transcript.risk(number).ok_or(RiskRefused)?;
        let (author, kind) = (self.transcript.snippet(snippet).map(|found| found.author.clone()), request.kind);
        if let (RiskVerdict::AlwaysAllow, Some(Author::Client { name, .. })) = (verdict, &author) {
            let mut gate = Gate::clone(&self.transcript.gate());
            gate.always_allow(name.clone(), kind);
            self.set_gate(gate);
        }
        self.answer_risk(number, verdict, false);
        let of_snippet = |other: SnippetId| other == snippet;
        let of_author = |other: SnippetId| {
            self.transcript.snippet(other).is_some_and(|found| Some(&found.author) == author.as_ref())
        };
        let covered: Vec<u32> = self
            .transcript
            .risks()
            .filter(|(other, request)| {
                request.kind == kind
                    && match verdict {
                        RiskVerdict::AllowInSnippet | RiskVerdict::DenyInSnippet(_) => of_snippet(*other),
                        RiskVerdict::AlwaysAllow => of_author(*other),
                        RiskVerdict::Allow | RiskVerdict::Deny(_) => false,
                    }
            })
            .map(|(_, request)| request.number)
            .collect();
        for other in covered {
            self.answer_risk(other, verdict, false);
        }
        Ok(())
    }

    fn answer_risk(&mut self, number: u32, verdict: &RiskVerdict, was_unattended: bool) {
        let Some((snippet, request)) = self.transcript.risk(number) else { return };
        let reply = match verdict {
            RiskVerdict::Allow | RiskVerdict::AlwaysAllow => RiskReply::Allow,
            RiskVerdict::AllowInSnippet => RiskReply::AllowInSnippet,
            RiskVerdict::Deny(reason) => RiskReply::Deny(reason.as_deref().unwrap_or_default().to_owned()),
            RiskVerdict::DenyInSnippet(reason) => {
                RiskReply::DenyInSnippet(reason.as_deref().unwrap_or_default().to_owned())
            }
        };
        // Before the code goes on.
        let answered = RiskAnswered { request, verdict: verdict.clone(), was_unattended, at: now() };
        self.emit(Event::RiskAnswered { snippet, answered: Arc::new(answered) });
        self.engine.answer_risk(number, reply);
        self.go_on();
    }

    /// Denies what threads of ended snippets wait for, so that their cards say what was not done. The end of the
    /// running snippet tells that by itself.
    pub(super) fn deny_late_risks(&mut self, why: &str) {
        let running = self.transcript.running().map(|snippet| snippet.id);
        let late = self.transcript.risks().filter(|(snippet, _)| Some(*snippet) != running);
        let open: Vec<u32> = late.map(|(_, request)| request.number).collect();
        for number in open {
            self.answer_risk(number, &RiskVerdict::Deny(Some(format!("not answered before {why}").into())), false);
        }
    }

    pub(super) fn on_risk_withdrawn(&mut self, number: u32) {
        if let Some((snippet, _)) = self.transcript.risk(number) {
            self.emit(Event::RiskWithdrawn { snippet, number });
            self.go_on();
        }
    }

    /// Stops the clock of the time limit, if this snippet runs. A thread of an earlier one holds nobody up.
    fn pause(&mut self, snippet: SnippetId) {
        if let Some(running) = &mut self.queue.running
            && running.work.snippet() == Some(snippet)
            && running.stopped_by.is_none()
        {
            running.paused_since.get_or_insert_with(Instant::now);
            running.deadline = None;
        }
    }

    /// Starts the clock again once nothing of the running snippet waits.
    fn go_on(&mut self) {
        let Some(running) = &mut self.queue.running else { return };
        let snippet = running.work.snippet();
        if self.transcript.risks().any(|(of, _)| Some(of) == snippet) {
            return;
        }
        let Some(since) = running.paused_since.take() else { return };
        running.paused += since.elapsed();
        if running.timeout.is_some() && running.deadline.is_none() {
            // The limit is computed again then.
            running.deadline = Some(Instant::now());
        }
    }
}
