//! The plain dashboard: the session as a text that only ever grows, for screen readers, for terminals that cannot place
//! their cursor, and for pipes. Words in place of glyphs, no animation, no sequences; lines are edited by the terminal.
//!
//! It folds the same events as the other dashboard, and takes one line after the other: the next one once what the one
//! before began has ended, or asks for it.

mod commands;
mod input;
mod output;
mod tell;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::domain::lexer::{Completeness, completeness};
use crate::domain::{Author, Event, InputAnswer, Note, SnippetId, Transcript, note};
use crate::python::io::descriptors::Originals;
use crate::session::{RunOptions, SessionHandle};
use crate::tui::Control;
use commands::Command;
use input::{Input, Line};
use output::Paper;
use tell::Teller;

const PROMPT: &str = ">>> ";
const MORE: &str = "... ";

/// Runs until the session ends.
///
/// # Errors
/// If the runtime or the reader of lines cannot be started.
pub fn run(session: SessionHandle, originals: Originals, control: UnboundedReceiver<Control>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let Originals { stdin, stdout, .. } = originals;
    runtime.block_on(dashboard(session, stdin, File::from(stdout), control))
}

async fn dashboard(
    session: SessionHandle,
    stdin: OwnedFd,
    stdout: File,
    mut control: UnboundedReceiver<Control>,
) -> io::Result<()> {
    session.attend();
    let Ok(subscription) = session.subscribe().await else { return Ok(()) };
    let (send, mut lines) = unbounded_channel();
    let input = Input::open(stdin, send)?;
    let mut plain = Plain {
        paper: Paper::new(stdout),
        teller: Teller::default(),
        transcript: subscription.transcript,
        events: subscription.events,
        prompts: input.is_terminal(),
        input,
        code: String::new(),
        mine: None,
        answering: None,
        asked_to_quit: false,
        session,
    };
    plain.greet();
    loop {
        if !plain.drain().await {
            return Ok(());
        }
        if plain.paper.is_gone() {
            plain.session.quit();
        }
        // What was typed ahead needs no prompt.
        if lines.is_empty() {
            plain.prompt();
        }
        tokio::select! {
            biased;
            request = control.recv() => match request {
                Some(Control::Interrupted) => plain.interrupted(),
                Some(_) => {}
                None => return Ok(()),
            },
            event = plain.events.recv() => match event {
                Ok(event) => {
                    if !plain.on_event(&event) {
                        return Ok(());
                    }
                }
                Err(RecvError::Lagged(missed)) => plain.resubscribe(missed).await,
                Err(RecvError::Closed) => return Ok(()),
            },
            line = lines.recv(), if plain.takes_lines() => match line {
                Some(Line::Text(line)) => plain.on_line(&line).await,
                Some(Line::End) => plain.on_end().await,
                Some(Line::Gone) | None => plain.session.quit(),
            },
        }
    }
}

/// What the next line is for, if not for code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answering {
    Code { snippet: SnippetId, number: u32 },
    Client { inquiry: u32 },
}

struct Plain {
    session: SessionHandle,
    paper: Paper,
    teller: Teller,
    transcript: Transcript,
    events: broadcast::Receiver<Arc<Event>>,
    /// Somebody types; else lines come from a file or a pipe.
    prompts: bool,
    input: Input,
    /// Lines that are no complete code yet.
    code: String,
    /// What the last code became; no line is taken while it runs.
    mine: Option<SnippetId>,
    answering: Option<Answering>,
    asked_to_quit: bool,
}

impl Plain {
    fn greet(&mut self) {
        for line in tell::greeting(self.session.info(), &self.transcript) {
            self.paper.line(&line);
        }
    }

    /// Tells all that has happened; `false` at the end of the session.
    async fn drain(&mut self) -> bool {
        loop {
            match self.events.try_recv() {
                Ok(event) => {
                    if !self.on_event(&event) {
                        return false;
                    }
                }
                Err(TryRecvError::Lagged(missed)) => self.resubscribe(missed).await,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Closed) => return false,
            }
        }
    }

    async fn resubscribe(&mut self, missed: u64) {
        if let Ok(subscription) = self.session.subscribe().await {
            (self.transcript, self.events) = (subscription.transcript, subscription.events);
            self.paper.line(&format!("({missed} events are not told here)"));
            let is_over = |id: SnippetId| self.transcript.snippet(id).is_none_or(|snippet| snippet.status.is_final());
            self.mine = self.mine.filter(|id| !is_over(*id));
        }
    }

    fn on_event(&mut self, event: &Event) -> bool {
        self.teller.tell(event, &self.transcript, &mut self.paper);
        self.transcript.apply(event);
        match event {
            Event::InputRequested { snippet, request } if self.mine == Some(*snippet) => {
                self.answer_code(*snippet, request.number, request.hidden);
            }
            Event::InputAnswered { snippet, .. } | Event::InputWithdrawn { snippet, .. } => self.no_longer(*snippet),
            Event::Finished { snippet, .. } => {
                self.no_longer(*snippet);
                if self.mine == Some(*snippet) {
                    self.mine = None;
                }
            }
            Event::InquiryEnded { number } if self.answering == Some(Answering::Client { inquiry: *number }) => {
                self.answering = None;
            }
            Event::Ending => return false,
            _ => {}
        }
        true
    }

    fn answer_code(&mut self, snippet: SnippetId, number: u32, hidden: bool) {
        self.answering = Some(Answering::Code { snippet, number });
        self.input.echo(!hidden);
    }

    fn no_longer(&mut self, snippet: SnippetId) {
        if matches!(self.answering, Some(Answering::Code { snippet: asking, .. }) if asking == snippet) {
            self.answering = None;
            if !self.input.echo(true) {
                self.paper.end_line();
            }
        }
    }

    fn takes_lines(&self) -> bool {
        self.mine.is_none() || self.answering.is_some()
    }

    /// Asks for a line, once there is nothing more to tell.
    fn prompt(&mut self) {
        if !self.prompts || self.answering.is_some() || self.mine.is_some() {
            return;
        }
        if self.transcript.running().is_none() && self.transcript.queue().is_empty() {
            self.paper.prompt(if self.code.is_empty() { PROMPT } else { MORE });
        }
    }

    async fn on_line(&mut self, line: &str) {
        self.paper.line_was_typed(self.input.echoes());
        self.asked_to_quit = false;
        if let Some(answering) = self.answering.take() {
            return self.answer(answering, Some(line.to_owned())).await;
        }
        if self.code.is_empty()
            && let Some(command) = Command::of(line)
        {
            return self.command(command).await;
        }
        self.code.push_str(line);
        if completeness(&self.code) == Completeness::Incomplete {
            self.code.push('\n');
            return;
        }
        let code = std::mem::take(&mut self.code);
        if code.trim().is_empty() {
            return;
        }
        if let Some(text) = note::note_in_comments(&code) {
            return self.session.note(Note { by: Author::You, text: text.into(), about: None, answers: None });
        }
        self.run(code.trim_end().into()).await;
    }

    async fn run(&mut self, code: Arc<str>) {
        match self.session.submit(Author::You, code, RunOptions::default()).await {
            Ok(ticket) => self.mine = Some(ticket.id),
            Err(refused) => self.paper.line(&refused.to_string()),
        }
    }

    async fn answer(&mut self, answering: Answering, line: Option<String>) {
        match answering {
            Answering::Code { snippet, number } => {
                let answer = line.map_or(InputAnswer::Eof, InputAnswer::Line);
                if !self.input.echo(true) {
                    self.paper.end_line();
                }
                let _ = self.session.answer_input(snippet, Some(number), answer, Author::You).await;
            }
            Answering::Client { inquiry } => {
                let asked = self.transcript.inquiries().iter().find(|asked| asked.number == inquiry);
                let text = line.and_then(|line| Some(asked?.meant(&line)));
                self.session.reply(inquiry, text);
            }
        }
    }

    /// The end of the input: of what the code asked for, or of the session.
    async fn on_end(&mut self) {
        if self.prompts {
            self.paper.end_line();
        }
        if let Some(answering) = self.answering.take() {
            return self.answer(answering, None).await;
        }
        self.code.clear();
        let busy = self.transcript.running().is_some() || !self.transcript.queue().is_empty();
        if busy && self.prompts && !self.asked_to_quit {
            self.asked_to_quit = true;
            return self.paper.line("something is running: Ctrl-D again stops it and quits");
        }
        self.session.quit();
    }

    /// The session has been asked to interrupt what runs.
    fn interrupted(&mut self) {
        self.paper.end_line();
        self.code.clear();
    }
}
