//! The session actor: one task that owns the transcript, the queue and the engine. Commands come in, events go out.

mod background;
mod calls;
mod clashes;
mod clients;
mod input;
mod inquiries;
mod inspection;
mod interrupts;
mod output;
mod queue;
mod replay;
mod reviews;
mod rewind;
mod risks;
mod startup;
mod state;
mod submit;

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use self::calls::CallLedger;
use self::clients::Clients;
pub use self::clients::remember_client;
use self::queue::{Queue, Queued, QueuedInspection, Running, Work};
pub use self::startup::Startup;
use self::startup::free_numbers;
pub use self::state::Successor;
use self::state::{Actor, Background, Inquiries, OutputTimer, Prompts, Publisher, Queries, QueuedCall, Shutdown};
use super::activity::ActivityLog;
use super::client_names::ClientNames;
use super::clock::now;
use super::engine::{Engine, EngineEvent};
use super::handle::command::Command;
use super::handle::{SessionHandle, Subscription};
use crate::domain::{Author, Event, SessionInfo, Status, VariableQuery, VariableTable};

/// Events by which a subscriber may lag before it has to subscribe again.
const EVENT_CAPACITY: usize = 1024;

/// Starts the actor on the current tokio runtime. The task ends once Python has been asked to end, and returns
/// which other process is to take over, if any.
pub fn spawn(
    info: SessionInfo,
    engine: Box<dyn Engine>,
    engine_events: mpsc::UnboundedReceiver<EngineEvent>,
    startup: Startup,
) -> (SessionHandle, tokio::task::JoinHandle<Option<Successor>>) {
    let Startup { transcript, ran, former, restart, record, spool, input_limit, .. } = startup;
    let Startup { id, is_whole, calls, gate: first_gate, unattended, .. } = startup;
    let (next_snippet, next_client) = free_numbers(&transcript, ran, &former);
    let names = ClientNames::of(&transcript, &former);
    let (commands, inbox) = mpsc::unbounded_channel();
    let (subscribers, _) = broadcast::channel(EVENT_CAPACITY);
    let (activity, has_dashboard) =
        (Arc::new(ActivityLog::with_gate(transcript.gate())), Arc::new(watch::Sender::new(false)));
    let (gate, gate_now) = watch::channel(transcript.gate());
    let mut actor = Actor {
        engine,
        transcript,
        publisher: Publisher { record, activity: activity.clone(), subscribers, held: None },
        spool: spool.clone(),
        queue: Queue::new(next_snippet),
        output: OutputTimer::default(),
        prompts: Prompts { pending: None, queued_calls: Vec::new(), timeout: input_limit },
        inquiries: Inquiries { has_dashboard: has_dashboard.clone(), last_number: 0, waiting: Vec::new() },
        queries: Queries::default(),
        background: Background::default(),
        clients: Clients::new(former, names, next_client),
        calls: CallLedger::new(info.pid, id, is_whole, calls),
        shutdown: Shutdown::default(),
        unattended,
        gate,
    };
    actor.settle_previous_process(restart, ran);
    match first_gate {
        Some(gate) => actor.set_gate(gate),
        None => actor.engine.set_gate(actor.transcript.gate()),
    }
    let (restarting, received) = (actor.shutdown.is_restarting.clone(), actor.calls.received().clone());
    let task = tokio::spawn(run(actor, inbox, engine_events));
    let (info, client_responses, client_calls, started) =
        (Arc::new(info), Arc::default(), Arc::default(), Instant::now());
    let handle = SessionHandle {
        info,
        spool,
        activity,
        client_responses,
        client_calls,
        has_dashboard,
        commands,
        restarting,
        received,
        started,
        gate: gate_now,
    };
    (handle, task)
}

async fn run(
    mut actor: Actor,
    mut inbox: mpsc::UnboundedReceiver<Command>,
    mut engine_events: mpsc::UnboundedReceiver<EngineEvent>,
) -> Option<Successor> {
    loop {
        let output_due = actor.output.due;
        let input_due = actor.prompts.pending.as_ref().map(|pending| pending.due);
        let deadline = actor.queue.running.as_ref().and_then(|running| running.deadline);
        let background_check = actor.background.check_at;
        let check_at = actor.queue.running.as_ref().and_then(|running| running.check_at);
        tokio::select! {
            biased;
            event = engine_events.recv() => match event {
                Some(event) => actor.on_engine(event),
                None => break,
            },
            command = inbox.recv() => match command {
                Some(command) => actor.on_command(command),
                None => actor.quit(),
            },
            () = sleep_until(output_due), if output_due.is_some() => actor.flush_output(),
            () = sleep_until(input_due), if input_due.is_some() => actor.on_input_due(),
            () = sleep_until(deadline), if deadline.is_some() => actor.on_time_limit(),
            () = sleep_until(check_at), if check_at.is_some() => actor.check_interrupt(),
            () = sleep_until(background_check), if background_check.is_some() => actor.check_background(),
        }
        actor.start_next();
        if actor.shutdown.has_begun && actor.queue.running.is_none() {
            break;
        }
    }
    // Python's main thread may have ended without a request.
    actor.abandon_running();
    actor.quit();
    actor.flush_output();
    actor.emit(Event::Ending);
    actor.engine.quit();
    actor.shutdown.successor
}

impl Actor {
    fn on_command(&mut self, command: Command) {
        match command {
            Command::Submit { author, code, options, reply } => self.submit(&author, &code, options, reply),
            Command::Wait { snippet, also_input, reply } => self.wait_for(snippet, also_input, reply),
            Command::AwaitOwnPrompt { author, snippet, reply } => {
                self.await_own_prompt(QueuedCall { author, snippet, reply });
            }
            Command::Snippet { snippet, reply } => {
                self.flush_output();
                let _ = reply.send(self.transcript.snippet(snippet).cloned());
            }
            Command::Overview { reply } => drop(reply.send(self.overview())),
            Command::Interrupt { snippet, by, reply } => {
                // Without a number, the interrupt is for everything under way.
                if snippet.is_none() {
                    self.withdraw_replay();
                }
                let _ = reply.send(self.interrupt(snippet, &by));
            }
            Command::MoveToFront { snippet, reply } => drop(reply.send(self.move_to_front(snippet))),
            Command::AnswerInput { snippet, number, text, by, reply } => {
                let _ = reply.send(self.answer_input(snippet, number, text, by));
            }
            Command::Replay { by, which, codes, reply } => {
                let _ = reply.send(self.start_replay(by, &which, &codes));
            }
            Command::Reset { by, reply } => self.queue.waiting.push_back(Queued::Reset { by, reply }),
            Command::Variables { reply, .. } if self.transcript.running().is_some() || self.busy_task().is_some() => {
                let _ = reply.send(self.transcript.variables().clone());
            }
            Command::Variables { query, reply } => self.queue.waiting.push_back(Queued::Variables { query, reply }),
            Command::Insight { question, reply } => {
                self.queries.last_insight += 1;
                let number = self.queries.last_insight;
                // The engine never answers a question that a newer one has overtaken.
                self.queries.insights.retain(|_, reply| !reply.is_closed());
                self.queries.insights.insert(number, reply);
                let busy = self.queue.running.is_some() || self.busy_task().is_some();
                self.engine.ask(number, question, busy);
            }
            Command::LastKnown { name, reply } => {
                let rows = &self.transcript.variables().rows;
                let known = rows.iter().find(|variable| variable.name == name).cloned();
                let _ = reply.send(known.map(Box::new));
            }
            Command::Inspect { request, begun, reply } => {
                self.queue.waiting.push_back(Queued::Inspect(QueuedInspection { request, begun, reply }));
            }
            Command::Subscribe { reply } => {
                let events = self.publisher.subscribers.subscribe();
                let _ = reply.send(Subscription { transcript: self.transcript.clone(), events });
            }
            Command::Events { reply } => drop(reply.send(self.publisher.subscribers.subscribe())),
            Command::Join { name, pid, reply } => {
                let (client, name) = self.clients.join(&name, pid, self.transcript.clients());
                self.emit(Event::ClientJoined { client, name: name.clone(), pid, at: now() });
                if reply.send(Author::Client { id: client, name }).is_err() {
                    self.emit(Event::ClientLeft { client, at: now() });
                }
            }
            Command::Rename { client, name, reply } => {
                let name = self.clients.free_name(&name, client, self.transcript.clients());
                self.follow_name(client, &name);
                self.emit(Event::ClientNamed { client, name: name.clone() });
                let _ = reply.send(Author::Client { id: client, name });
            }
            Command::Leave { client } => {
                self.clients.leave(client, self.transcript.clients());
                self.emit(Event::ClientLeft { client, at: now() });
            }
            Command::Restart { by, reply } => {
                if !self.shutdown.has_begun {
                    self.shutdown.request(Successor { by, rewind: None });
                    self.quit();
                }
                // No reply if the session ends for good: no process follows.
                if self.shutdown.successor.is_some() {
                    let _ = reply.send(());
                }
            }
            Command::Unless { objection, command } => {
                if !objection(&self.transcript) {
                    self.on_command(*command);
                }
            }
            Command::Recall { call, reply } => drop(reply.send(self.calls.report(&call, &self.transcript))),
            Command::Read { read } => {
                self.flush_output();
                read(&self.transcript);
            }
            Command::Note { note } => self.note(note),
            Command::Inquire { by, text, choices, accepted, reply } => {
                let number = self.inquire(by, &text, choices, reply);
                if let Err(Ok(number)) = accepted.send(number) {
                    self.end_inquiry(number);
                }
            }
            Command::Reply { inquiry, text } => self.reply(inquiry, text),
            Command::Withdraw { inquiry } => drop(self.end_inquiry(inquiry)),
            Command::Decide { snippet, verdict, reply } => drop(reply.send(self.decide(snippet, &verdict))),
            Command::DecideRisk { number, verdict, reply } => drop(reply.send(self.decide_risk(number, &verdict))),
            Command::ChangeGate { change } => self.change_gate(change),
            Command::PutBack { snippet, names } => self.engine.put_back(snippet, names),
            Command::SafePoints { points, reply } => {
                self.emit(Event::SafePoints(points));
                let _ = reply.send(());
            }
            Command::Notice { text } => self.emit(Event::Notice { text: text.into(), at: now() }),
            Command::Resize { size } => self.engine.resize(size),
            Command::Quit => self.quit(),
            Command::Abandon => {
                self.quit();
                self.abandon_running();
            }
        }
    }

    fn on_engine(&mut self, event: EngineEvent) {
        match event {
            EngineEvent::OutputReady => self.on_output_ready(),
            EngineEvent::InputRequested { snippet, number, prompt, hidden } => {
                self.on_input_requested(snippet, number, prompt, hidden);
            }
            EngineEvent::InputWithdrawn { number } => self.on_input_withdrawn(number),
            EngineEvent::RiskAsked { number, snippet, kind, target, line } => {
                self.on_risk(number, snippet, kind, &target, line);
            }
            EngineEvent::RiskWithdrawn { number } => self.on_risk_withdrawn(number),
            EngineEvent::Finished { snippet, mut outcome } => {
                self.flush_output();
                let is_this = |running: &mut Running| running.work.snippet() == Some(snippet);
                if let Some(running) = self.queue.running.take_if(is_this)
                    && outcome.status == Status::Interrupted
                {
                    outcome.stopped_by = running.stopped_by;
                }
                self.find_clashes(snippet, &mut outcome.changes);
                self.leave_out_allowed(snippet, &mut outcome.changes);
                self.finish(snippet, *outcome);
            }
            EngineEvent::Undoable(names) => self.emit(Event::Undoable(names.into())),
            EngineEvent::PutBack { snippet, names } => self.on_put_back(snippet, names),
            EngineEvent::Variables { table, requested } => self.on_variables(table, requested.as_ref()),
            EngineEvent::ResetDone(report) => {
                self.flush_output();
                let Some(Running { work: Work::Reset { by, reply }, .. }) = self.queue.running.take() else { return };
                let report = Arc::new(report);
                self.emit(Event::Reset { by, report: report.clone(), at: now() });
                let _ = reply.send(report);
            }
            EngineEvent::Insight { id, insight } => {
                if let (Some(reply), Some(insight)) = (self.queries.insights.remove(&id), insight) {
                    let _ = reply.send(insight);
                }
            }
            EngineEvent::Inspected(inspection) => self.on_inspected(inspection),
            EngineEvent::TasksWait => self.watch_background(),
            EngineEvent::QuitRequested => self.quit(),
            EngineEvent::Ended => {
                self.abandon_running();
                self.quit();
            }
        }
    }

    fn on_variables(&mut self, mut table: VariableTable, requested: Option<&VariableQuery>) {
        table.taken_at = now();
        let table = Arc::new(table);
        let shown = self.transcript.variables();
        let is_whole = requested.is_none_or(VariableQuery::is_everything);
        let differs = shown.rows != table.rows || shown.total != table.total || shown.has_private != table.has_private;
        if is_whole && differs {
            self.emit(Event::Variables(table.clone()));
        }
        if requested.is_some()
            && let Some(Some(reply)) = self.queries.variables.pop_front()
        {
            let _ = reply.send(table);
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
