//! The session actor: one task that owns the transcript, the queue and the engine. Commands come in, events go out.

mod input;
pub(in crate::session) mod inquiries;
mod inspection;
mod interrupts;
mod output;
pub(in crate::session) mod queue_limits;
pub(in crate::session) mod reconnect;
mod replay;
pub(in crate::session) mod startup;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use self::reconnect::Reconnect;
pub use self::reconnect::remember_client;
pub use self::startup::Startup;
use self::startup::free_numbers;
pub use replay::Codes;

use super::activity::ActivityLog;
use super::engine::{Engine, EngineEvent};
use super::handle::{Command, Overview, RunOptions, SessionHandle, Subscription};
use super::names::Names;
use super::record::EventSink;
use super::spool::Spool;
use crate::domain::{
    Author, Event, Insight, Outcome, ResetReport, SessionInfo, Snippet, SnippetId, Status, Timestamp, Transcript,
    VariableQuery, VariableTable,
};
use crate::session::clock::now;

/// Output is passed on at once, then at most this often.
const OUTPUT_PACE: Duration = Duration::from_millis(33);
/// Events a slow reader may be behind before it has to subscribe again.
const EVENT_BACKLOG: usize = 1024;
/// What user code does in a reset, in finalizers and cancelled tasks, is interrupted after this long.
const RESET_LIMIT: Duration = Duration::from_secs(3);

/// Starts the actor on the current tokio runtime. It ends when Python has been asked to end, and answers who wants
/// another process to take over, if anybody does.
pub fn spawn(
    info: SessionInfo,
    engine: Box<dyn Engine>,
    engine_events: mpsc::UnboundedReceiver<EngineEvent>,
    beginning: Startup,
) -> (SessionHandle, tokio::task::JoinHandle<Option<Author>>) {
    let Startup { transcript, ran, former, restart, record, spool, input_limit, .. } = beginning;
    let Startup { id, is_whole, calls, .. } = beginning;
    let (next_snippet, next_client) = free_numbers(&transcript, ran, &former);
    let names = Names::of(&transcript, &former);
    let (commands, inbox) = mpsc::unbounded_channel();
    let (events, _) = broadcast::channel(EVENT_BACKLOG);
    let (news, attended) = (Arc::<ActivityLog>::default(), Arc::<AtomicBool>::default());
    let mut actor = Actor {
        engine,
        record,
        spool: spool.clone(),
        events,
        news: news.clone(),
        inquiries: inquiries::Inquiries::new(attended.clone()),
        transcript,
        waiting: VecDeque::new(),
        running: None,
        waiters: HashMap::new(),
        variable_waiters: VecDeque::new(),
        questions: HashMap::new(),
        last_question: 0,
        input: None,
        replay: None,
        input_limit,
        next_snippet,
        next_client,
        output_due: None,
        last_flush: None,
        quitting: false,
        restart_by: None,
        restarting: Arc::default(),
        returning: Reconnect::new(former, info.pid, id, is_whole, calls),
        names,
    };
    actor.begin(restart, ran);
    let (restarting, received) = (actor.restarting.clone(), actor.returning.others.clone());
    let task = tokio::spawn(actor.run(inbox, engine_events));
    let (info, answers, born) = (Arc::new(info), Arc::default(), Instant::now());
    (SessionHandle { info, spool, news, answers, attended, commands, restarting, received, born }, task)
}

/// What waits for the engine: snippets and resets, in the order they came.
enum Waiting {
    Run { snippet: SnippetId, options: RunOptions },
    Replay,
    Reset { by: Author, answer: oneshot::Sender<Arc<ResetReport>> },
    Variables { wanted: VariableQuery, answer: oneshot::Sender<Arc<VariableTable>> },
    Inspect(inspection::Asked),
}

struct Running {
    work: Work,
    since: Instant,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    /// Who asked for an interrupt first.
    stopped_by: Option<String>,
    /// Interrupts by force so far.
    forced: u32,
    /// When to look whether the interrupt was seen.
    look_at: Option<Instant>,
    interrupted_at: Timestamp,
}

/// What the engine is doing.
enum Work {
    Snippet(SnippetId),
    Reset {
        by: Author,
        answer: oneshot::Sender<Arc<ResetReport>>,
    },
    /// The answer is taken once it has been given.
    Inspection(Option<inspection::Answer>),
}

impl Work {
    fn snippet(&self) -> Option<SnippetId> {
        match self {
            Self::Snippet(snippet) => Some(*snippet),
            Self::Reset { .. } | Self::Inspection(_) => None,
        }
    }
}

impl Running {
    fn new(work: Work, timeout: Option<Duration>) -> Self {
        let since = Instant::now();
        let deadline = timeout.map(|timeout| since + timeout);
        Self { work, since, timeout, deadline, stopped_by: None, forced: 0, look_at: None, interrupted_at: 0 }
    }
}

/// Somebody who waits for a snippet: for its end, or also for the next time it asks for input.
struct Waiter {
    also_input: bool,
    done: oneshot::Sender<Arc<Snippet>>,
}

struct Actor {
    engine: Box<dyn Engine>,
    record: Box<dyn EventSink>,
    spool: Arc<Spool>,
    events: broadcast::Sender<Arc<Event>>,
    news: Arc<ActivityLog>,
    inquiries: inquiries::Inquiries,
    transcript: Transcript,
    waiting: VecDeque<Waiting>,
    running: Option<Running>,
    waiters: HashMap<SnippetId, Vec<Waiter>>,
    /// Present while the engine is looking.
    variable_waiters: VecDeque<oneshot::Sender<Arc<VariableTable>>>,
    /// Who asked about code that is being written.
    questions: HashMap<u32, oneshot::Sender<Insight>>,
    last_question: u32,
    input: Option<input::Pending>,
    replay: Option<replay::UnderWay>,
    input_limit: Duration,
    next_snippet: u32,
    next_client: u32,
    output_due: Option<Instant>,
    last_flush: Option<Instant>,
    quitting: bool,
    /// Who wants another process to take over.
    restart_by: Option<Author>,
    /// See [`SessionHandle::is_restarting`].
    restarting: Arc<AtomicBool>,
    returning: Reconnect,
    names: Names,
}

impl Actor {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Command>,
        mut engine_events: mpsc::UnboundedReceiver<EngineEvent>,
    ) -> Option<Author> {
        loop {
            let output_due = self.output_due;
            let input_due = self.input.as_ref().map(|pending| pending.due);
            let deadline = self.running.as_ref().and_then(|running| running.deadline);
            let look_at = self.running.as_ref().and_then(|running| running.look_at);
            tokio::select! {
                biased;
                event = engine_events.recv() => match event {
                    Some(event) => self.on_engine(event),
                    None => break,
                },
                command = inbox.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => self.quit(),
                },
                () = sleep_until(output_due), if output_due.is_some() => self.flush_output(),
                () = sleep_until(input_due), if input_due.is_some() => self.on_input_due(),
                () = sleep_until(deadline), if deadline.is_some() => self.on_deadline(),
                () = sleep_until(look_at), if look_at.is_some() => self.look_at_running(),
            }
            self.start_next();
            if self.quitting && self.running.is_none() {
                break;
            }
        }
        // Python's main thread may have ended without having been asked to.
        self.cut_off();
        self.quit();
        self.flush_output();
        self.emit(Event::Ending);
        self.engine.quit();
        self.restart_by
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Submit { author, code, options, ticket } => self.submit(author, code, options, ticket),
            Command::Wait { snippet, also_input, done } => match self.transcript.snippet(snippet) {
                Some(found)
                    if found.status.is_final()
                        || also_input && found.input.as_ref().is_some_and(|request| !request.hidden) =>
                {
                    let _ = done.send(Arc::new(found.clone()));
                }
                Some(_) => self.waiters.entry(snippet).or_default().push(Waiter { also_input, done }),
                None => {}
            },
            Command::Look { snippet, answer } => {
                self.flush_output();
                let _ = answer.send(self.transcript.snippet(snippet).cloned());
            }
            Command::Overview { answer } => {
                let _ = answer.send(self.overview());
            }
            Command::Interrupt { snippet, by, answer } => {
                // The person means all that is under way.
                if snippet.is_none() {
                    self.take_back_replay();
                }
                let hit = self.interrupt(snippet, &by);
                let _ = answer.send(hit);
            }
            Command::Answer { snippet, number, text, by, answer } => {
                let _ = answer.send(self.answer_input(snippet, number, text, by));
            }
            Command::Replay { by, which, codes, answer } => {
                let _ = answer.send(self.replay(by, &which, &codes));
            }
            Command::Reset { by, answer } => self.waiting.push_back(Waiting::Reset { by, answer }),
            Command::Variables { answer, .. } if self.transcript.running().is_some() => {
                let _ = answer.send(self.transcript.variables().clone());
            }
            Command::Variables { wanted, answer } => self.waiting.push_back(Waiting::Variables { wanted, answer }),
            Command::Ask { question, answer } => {
                self.last_question += 1;
                // Answers that nobody can use are never given.
                self.questions.retain(|_, asked| !asked.is_closed());
                self.questions.insert(self.last_question, answer);
                self.engine.ask(self.last_question, question, self.running.is_some());
            }
            Command::Known { name, answer } => {
                let rows = &self.transcript.variables().rows;
                let known = rows.iter().find(|variable| variable.name == name).cloned();
                let _ = answer.send(known.map(Box::new));
            }
            Command::Inspect { asked, begun, answer } => {
                self.waiting.push_back(Waiting::Inspect(inspection::Asked { about: asked, begun, answer }));
            }
            Command::Subscribe { answer } => {
                let subscription =
                    Subscription { transcript: self.transcript.clone(), events: self.events.subscribe() };
                let _ = answer.send(subscription);
            }
            Command::Events { answer } => drop(answer.send(self.events.subscribe())),
            Command::Join { name, pid, answer } => {
                let (client, name) = self.welcome(&name, pid);
                self.emit(Event::ClientJoined { client, name: name.clone(), pid, at: now() });
                if answer.send(Author::Client { id: client, name }).is_err() {
                    self.emit(Event::ClientLeft { client, at: now() });
                }
            }
            Command::Rename { client, name, answer } => {
                let name = self.free_name(&name, client);
                self.emit(Event::ClientNamed { client, name: name.clone() });
                let _ = answer.send(Author::Client { id: client, name });
            }
            Command::Leave { client } => self.emit(Event::ClientLeft { client, at: now() }),
            Command::Restart { by, answer } => {
                if !self.quitting {
                    self.restart_by = Some(by);
                    self.restarting.store(true, Ordering::Relaxed);
                    self.quit();
                }
                // One that is about to end for good is followed by none.
                if !self.quitting || self.restart_by.is_some() {
                    let _ = answer.send(());
                }
            }
            Command::Unless { objects, command } => {
                if !objects(&self.transcript) {
                    self.on_command(*command);
                }
            }
            Command::Recall { left, answer } => drop(answer.send(self.recall(&left))),
            Command::Read { look } => {
                self.flush_output();
                look(&self.transcript);
            }
            Command::Note { note } => self.note(note),
            Command::Inquire { by, text, choices, accepted, answer } => {
                let asked = self.inquire(by, &text, choices, answer);
                if let Err(Ok(number)) = accepted.send(asked) {
                    self.end_inquiry(number);
                }
            }
            Command::Reply { inquiry, text } => self.reply(inquiry, text),
            Command::Withdraw { inquiry } => drop(self.end_inquiry(inquiry)),
            Command::Notice { text } => self.emit(Event::Notice { text: text.into(), at: now() }),
            Command::Quit => self.quit(),
            Command::Abandon => {
                self.quit();
                self.cut_off();
            }
        }
    }

    fn on_engine(&mut self, event: EngineEvent) {
        match event {
            EngineEvent::OutputReady => {
                let now = Instant::now();
                let due = self.last_flush.map_or(now, |last| last + OUTPUT_PACE);
                if due <= now {
                    self.flush_output();
                } else {
                    self.output_due = Some(due);
                }
            }
            EngineEvent::InputRequested { snippet, number, prompt, hidden } => {
                self.on_input_requested(snippet, number, prompt, hidden);
            }
            EngineEvent::InputWithdrawn { number } => self.on_input_withdrawn(number),
            EngineEvent::Finished { snippet, mut outcome } => {
                self.flush_output();
                if let Some(running) = self.running.take_if(|running| running.work.snippet() == Some(snippet))
                    && outcome.status == Status::Interrupted
                {
                    outcome.stopped_by = running.stopped_by;
                }
                self.finish(snippet, outcome);
            }
            EngineEvent::Variables { mut table, requested } => {
                table.taken_at = now();
                let table = Arc::new(table);
                let shown = self.transcript.variables();
                let is_whole = requested.as_ref().is_none_or(VariableQuery::is_everything);
                let differs =
                    shown.rows != table.rows || shown.total != table.total || shown.has_private != table.has_private;
                if is_whole && differs {
                    self.emit(Event::Variables(table.clone()));
                }
                if requested.is_some()
                    && let Some(waiter) = self.variable_waiters.pop_front()
                {
                    let _ = waiter.send(table);
                }
            }
            EngineEvent::ResetDone(report) => {
                self.flush_output();
                let Some(Running { work: Work::Reset { by, answer }, .. }) = self.running.take() else { return };
                let report = Arc::new(report);
                self.emit(Event::Reset { by, report: report.clone(), at: now() });
                let _ = answer.send(report);
            }
            EngineEvent::Insight { id, insight } => {
                if let (Some(asked), Some(insight)) = (self.questions.remove(&id), insight) {
                    let _ = asked.send(insight);
                }
            }
            EngineEvent::Inspected(told) => self.on_inspected(told),
            EngineEvent::QuitRequested => self.quit(),
            EngineEvent::Ended => {
                self.cut_off();
                self.quit();
            }
        }
    }

    fn start_next(&mut self) {
        while self.running.is_none() && !self.quitting {
            if self.replay_next(false) {
                return;
            }
            let Some(next) = self.waiting.pop_front() else { return };
            match next {
                Waiting::Run { snippet, options } => {
                    let Some(found) = self.transcript.snippet(snippet) else { continue };
                    let (author, code) = (found.author.clone(), found.code.clone());
                    self.emit(Event::Started { snippet, at: now() });
                    self.running = Some(Running::new(Work::Snippet(snippet), options.timeout));
                    self.engine.run(snippet, &author, code);
                }
                Waiting::Replay => {
                    self.replay_next(true);
                }
                Waiting::Reset { by, answer } => {
                    self.running = Some(Running::new(Work::Reset { by, answer }, Some(RESET_LIMIT)));
                    self.engine.reset();
                }
                Waiting::Inspect(asked) => self.start_inspection(asked),
                Waiting::Variables { wanted, answer } => {
                    self.variable_waiters.push_back(answer);
                    self.engine.find_variables(wanted);
                }
            }
        }
    }

    fn finish(&mut self, snippet: SnippetId, outcome: Outcome) {
        if self.running.is_none() {
            self.input = None;
        }
        let outcome = Arc::new(outcome);
        // Whoever exports the session from outside finds all of it.
        self.spool.flush();
        self.emit(Event::Finished { snippet, outcome: outcome.clone(), at: now() });
        self.on_replayed(snippet, &outcome);
        let Some(waiters) = self.waiters.remove(&snippet) else { return };
        let Some(ended) = self.transcript.snippet(snippet).cloned().map(Arc::new) else { return };
        for waiter in waiters {
            let _ = waiter.done.send(ended.clone());
        }
    }

    fn overview(&self) -> Overview {
        let named = |snippet: &Snippet| (snippet.id, snippet.author.clone());
        let waiting = self.transcript.queue().iter().filter_map(|id| self.transcript.snippet(*id));
        Overview {
            running: self.transcript.running().map(named),
            queue: waiting.map(named).collect(),
            clients: self.transcript.clients().to_vec(),
            snippets: self.next_snippet - 1,
        }
    }

    fn emit(&mut self, event: Event) {
        // Before anybody is told, and before Python runs what was submitted.
        self.record.event(&event);
        self.transcript.apply(&event);
        self.news.event(&event, &self.transcript);
        // Nobody listening is no fault.
        let _ = self.events.send(Arc::new(event));
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
