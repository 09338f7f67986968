//! The console of the plain dashboard: what it writes for events, and what it does with typed lines.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;

use super::commands::{AlwaysWhat, ConsoleCommand, HELP};
use super::input::LineInput;
use super::narrate::{self, Narrator};
use super::output::Printer;
use crate::domain::lexer::{Completeness, completeness};
use crate::domain::note::Addressed;
use crate::domain::private::is_only_mark;
use crate::domain::{
    Author, Event, Gate, GateChange, GateMode, InputAnswer, Note, RiskVerdict, SnippetId, TAKEOVER_CAUSE, Transcript,
    VariableQuery, Verdict, note,
};
use crate::process::log;
use crate::session::{CommandError, RunOptions, SessionHandle, Subscription};
use crate::tui::Leaving;

const PROMPT: &str = ">>> ";
const CONTINUATION_PROMPT: &str = "... ";
const ANSWER_PROMPT: &str = "answer: ";
/// How long a look at the variables may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// What the next line answers, if it is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerTarget {
    /// Input of running code.
    Code { snippet: SnippetId, number: u32 },
    /// A question of a client.
    Client { inquiry: u32 },
}

pub struct Console {
    pub(super) session: SessionHandle,
    pub(super) printer: Printer,
    narrator: Narrator,
    pub(super) transcript: Transcript,
    events: broadcast::Receiver<Arc<Event>>,
    /// A person types; otherwise lines come from a file or a pipe.
    is_interactive: bool,
    input: LineInput,
    /// Lines that are not complete code yet.
    code: String,
    /// The running snippet of the last lines; no line is taken while it runs.
    own_snippet: Option<SnippetId>,
    answering: Option<AnswerTarget>,
    quit_announced: bool,
    leaving: Leaving,
    /// The dashboard closes, and the session goes on.
    is_over: bool,
}

impl Console {
    pub fn new(
        session: SessionHandle,
        subscription: Subscription,
        input: LineInput,
        printer: Printer,
        leaving: Leaving,
    ) -> Self {
        Self {
            session,
            printer,
            narrator: Narrator::default(),
            transcript: subscription.transcript,
            events: subscription.events,
            is_interactive: input.is_terminal(),
            input,
            code: String::new(),
            own_snippet: None,
            answering: None,
            quit_announced: false,
            leaving,
            is_over: false,
        }
    }

    /// Whether the dashboard closes although the session goes on.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn greet(&mut self) {
        for line in narrate::greeting(self.session.info(), &self.transcript, self.leaving.goes_on(&self.transcript)) {
            self.printer.line(&line);
        }
        narrate::waiting(&self.transcript, &mut self.printer);
    }

    /// Narrates all pending events. Breaks at the end of the session. Quits if nobody can read the output any more.
    pub async fn drain_events(&mut self) -> ControlFlow<()> {
        loop {
            match self.events.try_recv() {
                Ok(event) => self.on_event(&event)?,
                Err(TryRecvError::Lagged(missed)) => self.resubscribe(missed).await,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => return ControlFlow::Break(()),
            }
        }
        if self.printer.is_gone() {
            self.quit();
        }
        ControlFlow::Continue(())
    }

    /// Waits for an event, for [`Self::on_received`].
    pub async fn next_event(&mut self) -> Result<Arc<Event>, RecvError> {
        self.events.recv().await
    }

    /// Narrates an event. Breaks at the end of the session.
    pub async fn on_received(&mut self, event: Result<Arc<Event>, RecvError>) -> ControlFlow<()> {
        match event {
            Ok(event) => self.on_event(&event),
            Err(RecvError::Lagged(missed)) => {
                self.resubscribe(missed).await;
                ControlFlow::Continue(())
            }
            Err(RecvError::Closed) => ControlFlow::Break(()),
        }
    }

    async fn resubscribe(&mut self, missed: u64) {
        if let Ok(subscription) = self.session.subscribe().await {
            (self.transcript, self.events) = (subscription.transcript, subscription.events);
            self.printer.line(&format!("({missed} events are not shown)"));
            let is_over = |id: SnippetId| self.transcript.snippet(id).is_none_or(|snippet| snippet.status.is_final());
            self.own_snippet = self.own_snippet.filter(|id| !is_over(*id));
        }
    }

    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        self.narrator.narrate(event, &self.transcript, &mut self.printer);
        self.transcript.apply(event);
        match event {
            Event::InputRequested { snippet, request } if self.own_snippet == Some(*snippet) => {
                self.answer_code(*snippet, request.number, request.hidden);
            }
            Event::InputAnswered { snippet, .. } | Event::InputWithdrawn { snippet, .. } => {
                self.end_answering(*snippet);
            }
            Event::Finished { snippet, .. } => {
                self.end_answering(*snippet);
                if self.own_snippet == Some(*snippet) {
                    self.own_snippet = None;
                }
            }
            Event::InquiryEnded { number } if self.answering == Some(AnswerTarget::Client { inquiry: *number }) => {
                self.answering = None;
            }
            Event::Ending => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Makes the next line the answer to code.
    fn answer_code(&mut self, snippet: SnippetId, number: u32, hidden: bool) {
        self.answering = Some(AnswerTarget::Code { snippet, number });
        self.input.set_echo(!hidden);
    }

    /// Takes no answer for the code of `snippet` any more.
    fn end_answering(&mut self, snippet: SnippetId) {
        if matches!(self.answering, Some(AnswerTarget::Code { snippet: asking, .. }) if asking == snippet) {
            self.answering = None;
            self.end_hidden_input();
        }
    }

    /// Shows typed text again. Without an echo, the cursor is still on the line of the prompt.
    fn end_hidden_input(&mut self) {
        let was_echoing = self.input.set_echo(true);
        if !was_echoing {
            self.printer.end_line();
        }
    }

    /// Returns whether the next line is taken now.
    pub fn takes_lines(&self) -> bool {
        self.own_snippet.is_none() || self.answering.is_some()
    }

    /// Prompts for a line, unless code runs or waits.
    pub fn prompt(&mut self) {
        if !self.is_interactive || self.answering.is_some() || self.own_snippet.is_some() {
            return;
        }
        if !self.is_busy() {
            self.printer.prompt(if self.code.is_empty() { PROMPT } else { CONTINUATION_PROMPT });
        }
    }

    fn is_busy(&self) -> bool {
        self.transcript.running().is_some() || !self.transcript.queue().is_empty()
    }

    pub async fn on_line(&mut self, line: &str) {
        self.printer.line_was_typed(self.input.echoes());
        let quit_announced = std::mem::take(&mut self.quit_announced);
        if let Some(answering) = self.answering.take() {
            return self.answer(answering, Some(line.to_owned())).await;
        }
        if self.code.is_empty()
            && let Some(command) = ConsoleCommand::parse(line)
        {
            return self.run_command(command, quit_announced).await;
        }
        self.code.push_str(line);
        if completeness(&self.code) == Completeness::Incomplete || is_only_mark(&self.code) {
            self.code.push('\n');
            return;
        }
        let code = std::mem::take(&mut self.code);
        if code.trim().is_empty() {
            return;
        }
        if self.is_interactive && self.transcript.leaves_session(&code) {
            return self.leave(quit_announced).await;
        }
        if let Some(text) = note::note_in_comments(&code) {
            return self.note(&text);
        }
        self.run(code.trim_end().into()).await;
    }

    /// Leaves a note, to all clients or to one.
    fn note(&mut self, text: &str) {
        match note::addressed(text, &self.transcript.connected_names()) {
            Addressed::ToAll => self.session.note(Note::of_person(text.into(), None)),
            Addressed::To { client, text } => self.session.note(Note::of_person(text.into(), Some(client))),
            Addressed::Unknown { name } => {
                self.printer
                    .line(&format!("not sent: {}", note::no_addressee(name, &self.transcript.connected_names())));
            }
        }
    }

    async fn run(&mut self, code: Arc<str>) {
        match self.session.submit(Author::You, code, RunOptions::default()).await {
            Ok(ticket) => self.own_snippet = Some(ticket.id),
            Err(refused) => self.printer.line(&refused.to_string()),
        }
    }

    /// Answers code or a client; `None` is the end of the input, or no answer.
    async fn answer(&mut self, answering: AnswerTarget, line: Option<String>) {
        match answering {
            AnswerTarget::Code { snippet, number } => {
                let answer = line.map_or(InputAnswer::Eof, InputAnswer::Line);
                self.end_hidden_input();
                let _ = self.session.answer_input(snippet, Some(number), answer, Author::You).await;
            }
            AnswerTarget::Client { inquiry } => {
                let question = self.transcript.inquiries().iter().find(|question| question.number == inquiry);
                let text = match (line, question) {
                    (Some(line), Some(question)) => {
                        let meant = question.meant(&line);
                        if meant.is_none() {
                            return self.printer.line(&format!("not answered: {}", question.numbers()));
                        }
                        meant
                    }
                    _ => None,
                };
                self.session.reply(inquiry, text);
            }
        }
    }

    /// Ends the input of code that asks; otherwise the session.
    pub async fn on_end_of_input(&mut self) {
        if self.is_interactive {
            self.printer.end_line();
        }
        if let Some(answering) = self.answering.take() {
            return self.answer(answering, None).await;
        }
        self.code.clear();
        let quit_announced = self.quit_announced;
        self.leave(quit_announced).await;
    }

    /// Takes the variables as they are now: after a snippet they are told with a delay, and lines may come from a pipe.
    async fn look_at_variables(&mut self) {
        if !self.is_busy()
            && let Ok(Ok(table)) = timeout(LOOK_TIMEOUT, self.session.variables(VariableQuery::default())).await
        {
            self.transcript.apply(&Event::Variables(table));
        }
    }

    /// Ends the session; where something would be lost, at the second request.
    async fn leave(&mut self, quit_announced: bool) {
        self.look_at_variables().await;
        let losses = self.transcript.losses();
        let loses_nothing = self.session.info().is_demo || losses.is_empty() || self.leaving.goes_on(&self.transcript);
        if !self.is_interactive || quit_announced || loses_nothing {
            return self.quit();
        }
        self.quit_announced = true;
        let can_save = self.transcript.variables().total > 0 && !self.is_busy();
        let save = if can_save { "; %checkpoint saves the variables first" } else { "" };
        self.printer.line(&format!("{}: Ctrl-D again quits{save}", losses.join(", ")));
    }

    /// Drops incomplete code, because the session was asked to interrupt the running code.
    pub fn on_interrupt(&mut self) {
        self.printer.end_line();
        self.code.clear();
    }

    /// Closes the dashboard, and ends the session if nobody else uses it.
    pub fn quit(&mut self) {
        if self.leaving.goes_on(&self.transcript) {
            self.is_over = true;
        } else {
            self.session.quit();
        }
    }

    async fn run_command(&mut self, command: ConsoleCommand, quit_announced: bool) {
        match command {
            ConsoleCommand::Help => self.printer.line(HELP),
            ConsoleCommand::Answer(text) => self.answer_question(text).await,
            ConsoleCommand::Decline => match self.transcript.inquiries().first().map(|inquiry| inquiry.number) {
                Some(inquiry) => self.answer(AnswerTarget::Client { inquiry }, None).await,
                None => self.printer.line("no client is asking a question"),
            },
            ConsoleCommand::Run(snippet) => self.decide(snippet, Verdict::Run(None)).await,
            ConsoleCommand::Reject(snippet, reason) => {
                let reason = Some(reason).filter(|reason| !reason.is_empty()).map(Into::into);
                self.decide(snippet, Verdict::Reject(reason)).await;
            }
            ConsoleCommand::Always(snippet, what) => {
                let is_code = what == AlwaysWhat::Code;
                let verdict = if is_code { Verdict::AlwaysRunCode } else { Verdict::AlwaysRunClient };
                self.decide(snippet, verdict).await;
            }
            ConsoleCommand::AskAgain => {
                let mut gate = Gate::clone(&self.transcript.gate());
                gate.change(GateChange::AskAgain);
                if gate == *self.transcript.gate() {
                    return self.printer.line("nothing is always allowed");
                }
                self.session.change_gate(GateChange::AskAgain);
            }
            ConsoleCommand::Gate(mode) => self.gate(&mode),
            ConsoleCommand::Take(why) => self.take_over(why).await,
            ConsoleCommand::GiveBack if self.transcript.gate().takeover.is_none() => {
                self.printer.line("you have not taken over; there is nothing to give back");
            }
            ConsoleCommand::GiveBack => self.session.change_gate(GateChange::GiveBack),
            ConsoleCommand::Disconnect(name)
            | ConsoleCommand::LetIn(name)
            | ConsoleCommand::Mute(name)
            | ConsoleCommand::Unmute(name)
                if !self.knows_client(&name) =>
            {
                self.printer.line(&format!("no client {name}; :clients lists them"));
            }
            ConsoleCommand::Disconnect(name) => self.session.change_gate(GateChange::SendAway(name.into())),
            ConsoleCommand::LetIn(name) => self.session.change_gate(GateChange::LetIn(name.into())),
            ConsoleCommand::Mute(name) => self.session.change_gate(GateChange::Mute(name.into())),
            ConsoleCommand::Unmute(name) => self.session.change_gate(GateChange::Unmute(name.into())),
            ConsoleCommand::Lock(name) => self.lock(&name, GateChange::Lock),
            ConsoleCommand::Unlock(name) => self.lock(&name, GateChange::Unlock),
            ConsoleCommand::Private(what) => self.private(&what),
            ConsoleCommand::Front(snippet) => self.front(snippet).await,
            ConsoleCommand::Undo(snippet) => self.undo(snippet),
            ConsoleCommand::Variables => {
                self.look_at_variables().await;
                for line in narrate::variables(&self.transcript) {
                    self.printer.line(&line);
                }
            }
            ConsoleCommand::Clients => {
                for line in narrate::clients(&self.transcript) {
                    self.printer.line(&line);
                }
            }
            ConsoleCommand::Restart => {
                if let Err(closed) = self.session.restart(Author::You).await {
                    self.printer.line(&closed.to_string());
                }
            }
            ConsoleCommand::Quit => self.leave(quit_announced).await,
            ConsoleCommand::Unknown(word) => {
                self.printer.line(&format!("unknown command :{word}; :help lists the commands"));
            }
        }
    }

    /// Decides about a snippet that waits for the person: the one of that number, or the first.
    async fn decide(&mut self, snippet: Option<u32>, verdict: Verdict) {
        let risk = self.transcript.risks().find(|(of, _)| snippet.is_none_or(|snippet| snippet == of.0));
        if let Some(number) = risk.map(|(_, request)| request.number) {
            let verdict = match verdict {
                Verdict::Reject(reason) => RiskVerdict::Deny(reason),
                Verdict::AlwaysRunClient => RiskVerdict::AlwaysAllow,
                Verdict::AlwaysRunCode => {
                    return self.printer.line("this code runs already, and waits at a risk: :run, :always or :reject");
                }
                Verdict::Run(_) => RiskVerdict::Allow,
            };
            if let Err(CommandError::Refused(refused)) = self.session.decide_risk(number, verdict).await {
                self.printer.line(&refused.to_string());
            }
            return;
        }
        let first = self.transcript.pending().next().map(|pending| pending.id);
        let Some(snippet) = snippet.map(SnippetId).or(first) else {
            return self.printer.line("no snippet waits for you");
        };
        if let Err(CommandError::Refused(refused)) = self.session.decide(snippet, verdict).await {
            self.printer.line(&refused.to_string());
        }
    }

    fn knows_client(&self, name: &str) -> bool {
        let is_connected = self.transcript.clients().iter().any(|client| *client.name == *name);
        let gate = self.transcript.gate();
        is_connected || gate.away.contains(name) || gate.muted.contains(name)
    }

    /// Lets no code of clients begin; the second time, stops what a client runs.
    async fn take_over(&mut self, why: String) {
        let was_taken = self.transcript.gate().takeover.is_some();
        self.session.change_gate(GateChange::TakeOver);
        if !why.is_empty() {
            self.session.note(Note::of_person(why.into(), None));
        }
        let running = self.transcript.running().filter(|running| !running.author.is_you()).map(|running| running.id);
        match running {
            Some(running) if was_taken => {
                if let Err(closed) = self.session.interrupt(Some(running), TAKEOVER_CAUSE).await {
                    self.printer.line(&closed.to_string());
                }
            }
            Some(running) => self.printer.line(&format!(":take again stops {running}; :give gives back")),
            None => self.printer.line("nothing of a client runs; :give gives back"),
        }
    }

    fn gate(&mut self, mode: &str) {
        match GateMode::of(mode) {
            Some(mode) => self.session.change_gate(GateChange::All(mode)),
            None if mode.is_empty() => {
                let gate = self.transcript.gate();
                self.printer.line(&format!("gate: {}", gate.label()));
                for (phrase, _) in gate.always() {
                    self.printer.line(&log::on_one_line(&phrase));
                }
            }
            None => self.printer.line(&format!("no gate {mode}; there are watch, ask-at-risk, ask and hold")),
        }
    }

    /// Answers running code that asks, or else the first client that asks.
    async fn answer_question(&mut self, text: Option<String>) {
        let asking = self.transcript.running().and_then(|running| Some((running.id, running.input.clone()?)));
        let inquiry = self.transcript.inquiries().first().map(|inquiry| inquiry.number);
        let answering = match (asking, inquiry) {
            (Some((snippet, request)), _) => {
                if text.is_none() {
                    self.printer.ask(ANSWER_PROMPT);
                    return self.answer_code(snippet, request.number, request.hidden);
                }
                AnswerTarget::Code { snippet, number: request.number }
            }
            (None, Some(inquiry)) => AnswerTarget::Client { inquiry },
            (None, None) => return self.printer.line("nothing is waiting for an answer"),
        };
        if text.is_some() {
            return self.answer(answering, text).await;
        }
        self.printer.ask(ANSWER_PROMPT);
        self.answering = Some(answering);
    }
}
