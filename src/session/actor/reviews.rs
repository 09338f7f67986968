//! The gate: snippets of clients that wait for the person's decision, and the decisions. What waits keeps its place in
//! the queue; the other work goes on.

use std::collections::HashSet;
use std::sync::Arc;

use super::queue::Queued;
use super::state::Actor;
use crate::domain::{
    Author, ClientId, Decision, Event, Gate, GateChange, GateMode, Review, SENT_AWAY_CAUSE, Snippet, SnippetId,
    Unattended, Verdict, rewind_request,
};
use crate::session::as_python_reads;
use crate::session::clock::now;
use crate::session::handle::{DecisionRefused, NotQueued};

impl Actor {
    /// Lets a snippet that was just submitted wait, if the gate says so.
    pub(super) fn review(&mut self, snippet: SnippetId, author: &Author, code: &str) {
        let gate = self.transcript.gate();
        let mode = gate.mode_for(author, code);
        // In any mode, since this takes back the work of others too.
        let rewinds = !author.is_you() && rewind_request(code).is_some();
        if !rewinds && !mode.waits() && gate.locked_in(author, code, as_python_reads).is_empty() {
            return;
        }
        let review = Arc::new(Review { at: now(), is_held: mode == GateMode::Hold, decision: None });
        self.emit(Event::Review { snippet, review, code: None });
        if self.has_dashboard() {
            return;
        }
        let decided = match self.unattended {
            Unattended::Wait if rewinds => {
                let reason = "only the person can allow a rewind, and there is no dashboard";
                self.conclude(snippet, &Verdict::Reject(Some(reason.into())), true)
            }
            Unattended::Wait => return,
            Unattended::Allow => self.conclude(snippet, &Verdict::Run(None), true),
            Unattended::Deny => self.conclude(snippet, &Verdict::Reject(None), true),
        };
        debug_assert!(decided.is_ok(), "it was pending");
    }

    /// Whether there is a dashboard at which the person can decide.
    pub(super) fn has_dashboard(&self) -> bool {
        *self.inquiries.has_dashboard.borrow()
    }

    /// Carries out the person's decision about a snippet.
    pub(super) fn decide(&mut self, snippet: SnippetId, verdict: &Verdict) -> Result<(), DecisionRefused> {
        let found = self.pending_snippet(snippet)?;
        let (author, code) = (found.author.clone(), found.code.clone());
        self.conclude(snippet, verdict, false)?;
        let is_covered: Box<dyn Fn(&Snippet) -> bool> = match (verdict, &author) {
            // Code that only waits for a lock says nothing of what its client may do without one.
            (Verdict::AlwaysRunClient, Author::Client { name, .. })
                if self.transcript.gate().mode_of(&author).waits() =>
            {
                self.change_gate(GateChange::Client(name.clone(), Some(GateMode::Watch)));
                let gate = self.transcript.gate();
                Box::new(move |other| {
                    other.author == author && gate.locked_in(&author, &other.code, as_python_reads).is_empty()
                })
            }
            (Verdict::AlwaysRunCode, _) => {
                let mut gate = Gate::clone(&self.transcript.gate());
                gate.allow(code.clone());
                self.set_gate(gate);
                Box::new(move |other| other.code == code)
            }
            _ => return Ok(()),
        };
        let covered: Vec<SnippetId> =
            self.transcript.pending().filter(|other| is_covered(other)).map(|other| other.id).collect();
        for other in covered {
            self.conclude(other, &Verdict::Run(None), false)?;
        }
        Ok(())
    }

    fn pending_snippet(&self, snippet: SnippetId) -> Result<&Snippet, DecisionRefused> {
        match self.transcript.snippet(snippet) {
            Some(found) if found.is_pending() => Ok(found),
            Some(found) if found.review.is_some() || !found.answered_risks().is_empty() => {
                Err(DecisionRefused::Over(snippet))
            }
            Some(_) => Err(DecisionRefused::NeverWaited(snippet)),
            None => Err(DecisionRefused::Unknown(snippet)),
        }
    }

    fn conclude(&mut self, snippet: SnippetId, verdict: &Verdict, was_unattended: bool) -> Result<(), DecisionRefused> {
        let found = self.pending_snippet(snippet)?;
        let edited = match verdict {
            Verdict::Run(Some(code)) if *code != found.code => Some(code.clone()),
            _ => None,
        };
        let sent = edited.as_ref().map(|_| found.code.clone());
        let reason = if let Verdict::Reject(reason) = verdict { reason.clone() } else { None };
        let runs = !matches!(verdict, Verdict::Reject(_));
        let decision = Decision { runs, reason, sent, was_unattended, at: now() };
        let before = found.review.as_deref().cloned();
        let review = before.map(|review| Arc::new(Review { decision: Some(decision), ..review }));
        let Some(review) = review else { return Err(DecisionRefused::NeverWaited(snippet)) };
        self.emit(Event::Review { snippet, review, code: edited });
        if !runs {
            self.queue.waiting.retain(|queued| !matches!(queued, Queued::Run { snippet: id, .. } if *id == snippet));
            self.cancel(snippet, if was_unattended { "the gate" } else { "you" });
        }
        Ok(())
    }

    /// Changes the gate. What waits already goes on waiting: only a decision lets it run.
    pub(super) fn change_gate(&mut self, change: GateChange) {
        let mut gate = Gate::clone(&self.transcript.gate());
        let sent_away = if let GateChange::SendAway(name) = &change { Some(name.clone()) } else { None };
        gate.change(change);
        self.set_gate(gate);
        if let Some(name) = sent_away {
            self.stop_client(&name);
        }
    }

    /// A client that the person has disconnected stays so under another name.
    pub(super) fn follow_name(&mut self, client: ClientId, name: &Arc<str>) {
        let before = self.transcript.clients().iter().find(|known| known.id == client).map(|known| known.name.clone());
        let mut gate = Gate::clone(&self.transcript.gate());
        if before.is_some_and(|before| gate.away.contains(&before)) {
            gate.change(GateChange::SendAway(name.clone()));
            self.set_gate(gate);
        }
    }

    /// Stops what a client runs, cancels what it has in the queue, and takes its questions back.
    fn stop_client(&mut self, name: &str) {
        let is_its = |author: &Author| !author.is_you() && author.name() == name;
        let waiting = self.transcript.queue().iter().filter_map(|id| self.transcript.snippet(*id));
        let running = self.transcript.running().into_iter();
        let stopped: Vec<SnippetId> =
            running.chain(waiting).filter(|snippet| is_its(&snippet.author)).map(|snippet| snippet.id).collect();
        for snippet in stopped {
            self.interrupt(Some(snippet), SENT_AWAY_CAUSE);
        }
        let asked = self.transcript.inquiries().iter().filter(|inquiry| is_its(&inquiry.by));
        for number in asked.map(|inquiry| inquiry.number).collect::<Vec<_>>() {
            if let Some((_, reply)) = self.end_inquiry(number) {
                let _ = reply.send(None);
            }
        }
    }

    pub(super) fn set_gate(&mut self, gate: Gate) {
        if *self.transcript.gate() == gate && self.transcript.known_gate().is_some() {
            self.engine.set_gate(self.transcript.gate());
            return;
        }
        let changed: Vec<(SnippetId, Review)> = self
            .transcript
            .pending()
            .filter_map(|snippet| {
                let is_held = gate.mode_of(&snippet.author) == GateMode::Hold;
                let review = snippet.review.as_deref().filter(|review| review.is_held != is_held)?;
                Some((snippet.id, Review { is_held, ..review.clone() }))
            })
            .collect();
        let gate = Arc::new(gate);
        self.engine.set_gate(gate.clone());
        self.gate.send_replace(gate.clone());
        self.emit(Event::GateChanged { gate, at: now() });
        for (snippet, review) in changed {
            self.emit(Event::Review { snippet, review: Arc::new(review), code: None });
        }
    }

    /// Lets a snippet run before all others that wait, also before earlier ones of its client.
    pub(super) fn move_to_front(&mut self, snippet: SnippetId) -> Result<(), NotQueued> {
        let is_meant = |queued: &Queued| matches!(queued, Queued::Run { snippet: id, .. } if *id == snippet);
        let place = self.queue.waiting.iter().position(is_meant);
        let is_known = self.transcript.snippet(snippet).is_some();
        let refused = if is_known { NotQueued::Begun } else { NotQueued::Unknown };
        let place = place.ok_or(refused(snippet))?;
        if let Some(queued) = self.queue.waiting.remove(place) {
            self.queue.waiting.push_front(queued);
        }
        self.emit(Event::MovedToFront { snippet });
        Ok(())
    }

    /// Takes the first work that does not wait for the person; once they have taken over, none of a client. The
    /// snippets of one client stay in their order.
    pub(super) fn next_allowed(&mut self) -> Option<Queued> {
        let gate = self.transcript.gate();
        let mut blocked: HashSet<&Author> = HashSet::new();
        let mut allowed = None;
        for (place, queued) in self.queue.waiting.iter().enumerate() {
            let author = match queued {
                Queued::Run { snippet, .. } => match self.transcript.snippet(*snippet) {
                    Some(found) if found.is_pending() => {
                        blocked.insert(&found.author);
                        continue;
                    }
                    found => found.map(|found| &found.author),
                },
                Queued::Reset { by, .. } => Some(by),
                Queued::Replay | Queued::Variables { .. } | Queued::Inspect(_) => None,
            };
            if author.is_none_or(|author| !gate.stops(author) && !blocked.contains(author)) {
                allowed = Some(place);
                break;
            }
        }
        self.queue.waiting.remove(allowed?)
    }
}
