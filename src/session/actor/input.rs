//! Prompts: running code asks for a line, somebody answers, or nobody does in time.

use std::sync::Arc;

use tokio::time::Instant;

use super::Actor;
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Event, InputAnswer, InputRequest, SnippetId, Stream};
use crate::session::AnswerRefused;
use crate::session::clock::now;

/// Characters of a prompt that are told; more is a text, which stands in the output.
const PROMPT_WIDTH: usize = 200;

/// The prompt that waits for an answer.
pub struct Pending {
    snippet: SnippetId,
    request: Arc<InputRequest>,
    pub due: Instant,
}

impl Actor {
    pub fn on_input_requested(&mut self, snippet: SnippetId, number: u32, prompt: Option<String>, hidden: bool) {
        self.flush_output();
        // A thread may ask in the moment in which its snippet ends.
        let runs = self.running.as_ref().is_some_and(|running| running.work.snippet() == Some(snippet));
        let Some(asking) = self.transcript.snippet(snippet).filter(|_| runs) else {
            self.engine.answer_input(number, InputAnswer::Eof);
            return;
        };
        let prompt = prompt.unwrap_or_else(|| asking.output.unfinished_line());
        let prompt: String =
            plain(&prompt).lines().last().unwrap_or_default().trim().chars().take(PROMPT_WIDTH).collect();
        let at = now();
        let until = at + self.input_limit.as_millis() as u64;
        let request = Arc::new(InputRequest { number, prompt: prompt.into(), hidden, at, until });
        self.input = Some(Pending { snippet, request: request.clone(), due: Instant::now() + self.input_limit });
        self.emit(Event::InputRequested { snippet, request });
        let Some(waiters) = self.waiters.get_mut(&snippet) else { return };
        let (told, kept): (Vec<_>, Vec<_>) = waiters.drain(..).partition(|waiter| waiter.also_input);
        *waiters = kept;
        let Some(asking) = self.transcript.snippet(snippet).cloned().map(Arc::new) else { return };
        for waiter in told {
            let _ = waiter.done.send(asking.clone());
        }
    }

    pub fn on_input_withdrawn(&mut self, number: u32) {
        if let Some(pending) = self.input.take_if(|pending| pending.request.number == number) {
            self.emit(Event::InputWithdrawn { snippet: pending.snippet, at: now() });
        }
    }

    /// `number` is for those who have seen the very prompt.
    pub fn answer_input(
        &mut self,
        snippet: SnippetId,
        number: Option<u32>,
        answer: InputAnswer,
        by: Author,
    ) -> Result<(), AnswerRefused> {
        let meant = |pending: &&Pending| {
            pending.snippet == snippet && number.is_none_or(|number| pending.request.number == number)
        };
        let pending = self.input.as_ref().filter(meant).ok_or(AnswerRefused::NotAsking)?;
        if pending.request.hidden && !by.is_you() {
            return Err(AnswerRefused::Hidden);
        }
        let text: Option<Arc<str>> = match &answer {
            InputAnswer::Line(text) if !pending.request.hidden => Some(text.as_str().into()),
            _ => None,
        };
        let number = pending.request.number;
        let asking = pending.snippet;
        self.input = None;
        // What threads wrote meanwhile stands before the answer.
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

    pub fn on_input_due(&mut self) {
        let Some(pending) = self.input.take() else { return };
        self.engine.answer_input(pending.request.number, InputAnswer::Nobody);
        self.emit(Event::InputWithdrawn { snippet: pending.snippet, at: now() });
    }
}
