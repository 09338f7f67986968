//! Prompts: running code asks for a line, and somebody answers or the prompt times out.

use std::sync::Arc;

use tokio::time::Instant;

use super::state::{Actor, PendingPrompt, QueuedCall};
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Event, InputAnswer, InputRequest, SnippetId, Stream};
use crate::session::clock::now;
use crate::session::handle::AnswerRefused;

/// Longest prompt, in characters. Longer text is no prompt; the output has it.
const MAX_PROMPT_LENGTH: usize = 200;

impl Actor {
    pub(super) fn on_input_requested(&mut self, snippet: SnippetId, number: u32, prompt: Option<String>, hidden: bool) {
        self.flush_output();
        // A thread may ask just when its snippet ends.
        let runs = self.queue.running.as_ref().is_some_and(|running| running.work.snippet() == Some(snippet));
        let Some(asking) = self.transcript.snippet(snippet).filter(|_| runs) else {
            self.engine.answer_input(number, InputAnswer::Eof);
            return;
        };
        if hidden && !self.has_dashboard() {
            self.engine.answer_input(number, InputAnswer::NoDashboard);
            return;
        }
        let author = asking.author.clone();
        let prompt = prompt.unwrap_or_else(|| asking.output.unfinished_line());
        let prompt: String =
            plain(&prompt).lines().last().unwrap_or_default().trim().chars().take(MAX_PROMPT_LENGTH).collect();
        let timeout = self.prompts.timeout;
        let at = now();
        let until = at + timeout.as_millis() as u64;
        let request = Arc::new(InputRequest { number, prompt: prompt.into(), hidden, at, until });
        self.prompts.pending = Some(PendingPrompt { snippet, request: request.clone(), due: Instant::now() + timeout });
        self.emit(Event::InputRequested { snippet, request: request.clone() });
        let is_behind = |call: &mut QueuedCall| call.author == author && call.snippet != snippet;
        for call in self.prompts.queued_calls.extract_if(.., is_behind) {
            let _ = call.reply.send((snippet, request.clone()));
        }
        let Some(waiters) = self.queue.waiters.get_mut(&snippet) else { return };
        let (for_input, for_end): (Vec<_>, Vec<_>) = waiters.drain(..).partition(|waiter| waiter.also_input);
        *waiters = for_end;
        let Some(asking) = self.transcript.snippet(snippet).cloned().map(Arc::new) else { return };
        for waiter in for_input {
            let _ = waiter.reply.send(asking.clone());
        }
    }

    /// Answers once code of the same client waits for input.
    pub(super) fn await_own_prompt(&mut self, call: QueuedCall) {
        let asks = |pending: &&PendingPrompt| {
            let asking = self.transcript.snippet(pending.snippet);
            pending.snippet != call.snippet && asking.is_some_and(|asking| asking.author == call.author)
        };
        if let Some(pending) = self.prompts.pending.as_ref().filter(asks) {
            let _ = call.reply.send((pending.snippet, pending.request.clone()));
            return;
        }
        let calls = &mut self.prompts.queued_calls;
        // Now and then, so that a thousand calls at once cost each of them next to nothing.
        if calls.len().is_power_of_two() {
            calls.retain(|call| !call.reply.is_closed());
        }
        calls.push(call);
    }

    pub(super) fn on_input_withdrawn(&mut self, number: u32) {
        if let Some(pending) = self.prompts.pending.take_if(|pending| pending.request.number == number) {
            self.emit(Event::InputWithdrawn { snippet: pending.snippet, at: now() });
        }
    }

    /// Answers the prompt of `snippet`; with a `number`, only that prompt.
    pub(super) fn answer_input(
        &mut self,
        snippet: SnippetId,
        number: Option<u32>,
        answer: InputAnswer,
        by: Author,
    ) -> Result<(), AnswerRefused> {
        let is_meant = |pending: &&PendingPrompt| {
            pending.snippet == snippet && number.is_none_or(|number| pending.request.number == number)
        };
        let pending = self.prompts.pending.as_ref().filter(is_meant).ok_or(AnswerRefused::NotAsking)?;
        if pending.request.hidden && !by.is_you() {
            return Err(AnswerRefused::Hidden);
        }
        if self.transcript.gate().is_closed_to(&by) {
            return Err(AnswerRefused::Gated);
        }
        let text: Option<Arc<str>> = match &answer {
            InputAnswer::Line(text) if !pending.request.hidden => Some(text.as_str().into()),
            _ => None,
        };
        let number = pending.request.number;
        let asking = pending.snippet;
        self.prompts.pending = None;
        // Output of threads that came before the answer.
        self.flush_output();
        // Before the code goes on and writes more.
        if let Some(asking) = self.transcript.snippet(asking) {
            let stream = asking.output.last_stream().unwrap_or(Stream::Stdout);
            self.spool.push(asking.id, stream, &format!("{}\n", text.as_deref().unwrap_or_default()));
        }
        if !self.engine.answer_input(number, answer) {
            self.emit(Event::InputWithdrawn { snippet, at: now() });
            return Err(AnswerRefused::NotAsking);
        }
        self.emit(Event::InputAnswered { snippet, by, text, at: now() });
        Ok(())
    }

    pub(super) fn on_input_due(&mut self) {
        let Some(pending) = self.prompts.pending.take() else { return };
        self.engine.answer_input(pending.request.number, InputAnswer::Nobody);
        self.emit(Event::InputWithdrawn { snippet: pending.snippet, at: now() });
    }
}
