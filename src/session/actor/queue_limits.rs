//! What is submitted, and how much may wait: enough for any honest client, and no more than the memory of the session can hold.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Actor, Waiter, Waiting};
use crate::domain::{Author, Event, SnippetId};
use crate::session::clock::now;
use crate::session::{QueueFull, RunOptions, SubmitError, Ticket};

/// Snippets of one author that may wait, and the bytes of their code.
const OF_AUTHOR: (usize, usize) = (1_000, 64 << 20);
/// Of all together: a client that reconnects is another author.
const IN_ALL: (usize, usize) = (4_000, 256 << 20);

impl Actor {
    pub(super) fn submit(
        &mut self,
        author: Author,
        code: Arc<str>,
        options: RunOptions,
        ticket: oneshot::Sender<Result<Ticket, SubmitError>>,
    ) {
        if self.quitting {
            return;
        }
        let call = options.call;
        if let Some(snippet) = call.and_then(|call| self.returning.calls.get(&call)) {
            let _ = ticket.send(Err(SubmitError::Twice(*snippet)));
            return;
        }
        if let Err(full) = self.has_room(&author, code.len()) {
            let _ = ticket.send(Err(full.into()));
            return;
        }
        let snippet = SnippetId(self.next_snippet);
        self.next_snippet += 1;
        let (sender, done) = oneshot::channel();
        self.waiters.entry(snippet).or_default().push(Waiter { also_input: true, done: sender });
        self.emit(Event::Submitted { snippet, author, code, call, at: now() });
        self.returning.calls.extend(call.map(|call| (call, snippet)));
        if let Some(title) = options.title.clone() {
            self.emit(Event::Titled { snippet, title });
        }
        self.waiting.push_back(Waiting::Run { snippet, options });
        let _ = ticket.send(Ok(Ticket { id: snippet, done }));
    }

    /// Whether `code` bytes more of `author` may wait. What can start at once always may.
    fn has_room(&self, author: &Author, code: usize) -> Result<(), QueueFull> {
        let (mut own, mut all) = ((0, 0), (0, 0));
        for waiting in &self.waiting {
            let Waiting::Run { snippet, .. } = waiting else { continue };
            let Some(snippet) = self.transcript.snippet(*snippet) else { continue };
            all = (all.0 + 1, all.1 + snippet.code.len());
            if snippet.author == *author {
                own = (own.0 + 1, own.1 + snippet.code.len());
            }
        }
        let is_over =
            |now: (usize, usize), most: (usize, usize)| now.0 >= most.0 || (now.0 > 0 && now.1 + code > most.1);
        if is_over(own, OF_AUTHOR) {
            return Err(QueueFull::OfAuthor { snippets: own.0, bytes: own.1 });
        }
        if is_over(all, IN_ALL) {
            return Err(QueueFull::InAll { snippets: all.0, bytes: all.1 });
        }
        Ok(())
    }
}
