//! The way of a snippet through the actor: submitted, started, finished.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::queue::{Queued, Running, Waiter, Work};
use super::state::Actor;
use crate::domain::lexer::{Footprint, footprint};
use crate::domain::private::{LAST_VALUE, says_private};
use crate::domain::{Author, Event, Gate, GateChange, Outcome, Snippet, SnippetId, rewind_request};
use crate::session::as_python_reads;
use crate::session::clock::now;
use crate::session::handle::{RunOptions, SubmitError, Ticket};

/// How long user code may run in a reset, in finalizers and cancelled tasks, before it is interrupted.
const RESET_TIMEOUT: Duration = Duration::from_secs(3);

impl Actor {
    pub(super) fn submit(
        &mut self,
        author: &Author,
        code: &Arc<str>,
        options: RunOptions,
        reply: oneshot::Sender<Result<Ticket, SubmitError>>,
    ) {
        if self.shutdown.has_begun {
            return;
        }
        let call = options.call;
        if let Some(snippet) = call.and_then(|call| self.calls.snippet(call)) {
            let _ = reply.send(Err(SubmitError::Duplicate(snippet)));
            return;
        }
        if let Err(full) = self.queue.has_room(author, code.len()) {
            let _ = reply.send(Err(full.into()));
            return;
        }
        let snippet = self.queue.take_number();
        let (done, receiver) = oneshot::channel();
        self.queue.waiters.entry(snippet).or_default().push(Waiter { also_input: true, reply: done });
        // A snippet that starts at once is recorded with its start.
        self.publisher.hold();
        self.emit(Event::Submitted { snippet, author: author.clone(), code: code.clone(), call, at: now() });
        if let Some(call) = call {
            self.calls.add(call, snippet);
        }
        if let Some(title) = options.title.clone() {
            self.emit(Event::Titled { snippet, title });
        }
        if author.is_you() && says_private(code) {
            self.change_gate(GateChange::HideSnippet(snippet));
        }
        self.queue.waiting.push_back(Queued::Run { snippet, author: author.clone(), bytes: code.len(), options });
        self.review(snippet, author, code);
        self.start_next();
        self.publisher.release();
        let _ = reply.send(Ok(Ticket { id: snippet, done: receiver }));
    }

    pub(super) fn wait_for(&mut self, snippet: SnippetId, also_input: bool, reply: oneshot::Sender<Arc<Snippet>>) {
        let Some(found) = self.transcript.snippet(snippet) else { return };
        let is_asking = || found.input.as_ref().is_some_and(|request| !request.hidden);
        if found.status.is_final() || also_input && is_asking() {
            let _ = reply.send(Arc::new(found.clone()));
        } else {
            self.queue.waiters.entry(snippet).or_default().push(Waiter { also_input, reply });
        }
    }

    pub(super) fn start_next(&mut self) {
        while self.queue.running.is_none() && !self.shutdown.has_begun {
            if self.run_next_of_replay(false) {
                return;
            }
            let Some(next) = self.next_allowed() else { return };
            match next {
                Queued::Run { snippet, options, .. } => {
                    let Some(found) = self.transcript.snippet(snippet) else { continue };
                    let (author, code) = (found.author.clone(), found.code.clone());
                    self.emit(Event::Started { snippet, at: now() });
                    self.publisher.release();
                    if let Some(request) = rewind_request(&code) {
                        self.rewind(snippet, &author, request);
                    } else {
                        self.queue.running = Some(Running::new(Work::Snippet(snippet), options.timeout));
                        self.engine.run(snippet, &author, code);
                    }
                }
                Queued::Replay => {
                    self.run_next_of_replay(true);
                }
                Queued::Reset { by, reply } => {
                    self.queue.running = Some(Running::new(Work::Reset { by, reply }, Some(RESET_TIMEOUT)));
                    self.interrupt_background(None);
                    self.engine.reset();
                }
                Queued::Inspect(inspection) => self.start_inspection(inspection),
                Queued::Variables { query, reply } => {
                    self.queries.variables.push_back(Some(reply));
                    self.watch_background();
                    self.engine.find_variables(query);
                }
            }
        }
    }

    /// Names that private code of the person binds or changes are private from then on. So is its value, until other
    /// code has one.
    fn hide_names(&mut self, snippet: SnippetId, outcome: &Outcome) {
        let Some(found) = self.transcript.snippet(snippet) else { return };
        let is_private = found.author.is_you() && says_private(&found.code);
        let mut gate = Gate::clone(&self.transcript.gate());
        if is_private {
            // The list has no names with an underscore, but the code tells them.
            let Footprint { rebinds, changes, .. } = footprint(&found.code, as_python_reads);
            let changed = outcome.changes.added.iter().chain(&outcome.changes.changed);
            gate.private.names.extend(changed.chain(&rebinds).chain(&changes).map(|name| Arc::from(name.as_str())));
        }
        if outcome.result.is_some() {
            if is_private {
                gate.private.names.insert(LAST_VALUE.into());
            } else {
                gate.private.names.remove(LAST_VALUE);
            }
        }
        if gate != *self.transcript.gate() {
            self.set_gate(gate);
        }
    }

    pub(super) fn finish(&mut self, snippet: SnippetId, outcome: Outcome) {
        if self.queue.running.is_none() {
            self.prompts.pending = None;
        }
        self.hide_names(snippet, &outcome);
        let outcome = Arc::new(outcome);
        // So that an export from another process finds the whole output.
        self.spool.flush();
        self.emit(Event::Finished { snippet, outcome: outcome.clone(), at: now() });
        self.advance_replay(snippet, &outcome);
        let Some(waiters) = self.queue.waiters.remove(&snippet) else { return };
        let Some(ended) = self.transcript.snippet(snippet).cloned().map(Arc::new) else { return };
        for waiter in waiters {
            let _ = waiter.reply.send(ended.clone());
        }
    }
}
