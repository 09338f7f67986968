//! The dashboard's event loop. It waits for keys, session events, requests and the next frame, handles everything that
//! is pending, and draws at most one frame: no more than sixty per second, and none while nothing happens.

mod apply_settings;
mod draft_file;
mod export;
mod external_editor;
mod figures;
mod leaving;
mod notes;
mod rank_history;
mod redraw;
mod restart;
mod results;
pub(in crate::tui) mod snapshot;
mod suspend;
mod task_result;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::cursor::SetCursorStyle;
use crossterm::event::Event as TerminalEvent;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until};

use self::redraw::Redraw;
use self::snapshot::DashboardSnapshot;
use self::task_result::TaskResult;
use super::composer::completion::NumberedQuestion;
use super::composer::editor::ViMode;
use super::draw::layout::Layout;
use super::images::FigureRequest;
use super::input::effect::Effect;
use super::terminal::Screen;
use super::terminal::decoder::Input;
use super::terminal::osc::OscWriter;
use super::terminal::reader::InputReader;
use super::terminal::{background_query, notifications};
use super::view::View;
use super::{Control, OpenArchive, Options, TerminalOwner, draw, theme};
use crate::domain::crash_store::CrashStore;
use crate::domain::terminal_caps::TerminalCaps;
use crate::domain::{Author, Event, Note, SnippetId, TAKEOVER_CAUSE, TerminalSize, note};
use crate::session::clock::now;
use crate::session::{CommandError, HistorySource, RunOptions, SessionHandle};

/// How often events are folded while a frame is due, so that the session's channel never lags.
const DRAIN_INTERVAL: Duration = Duration::from_millis(4);
/// How long an inspection waits for the running code to end.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much longer than its own limit a question may take. After that, Python is inside a long call of C code.
const LATE_ANSWER_TIMEOUT: Duration = Duration::from_millis(700);
/// Events folded before the loop looks at keys again.
const MAX_EVENT_BATCH: usize = 4_096;

/// Runs the dashboard until the session ends. The terminal is restored when it returns.
///
/// # Errors
/// If the terminal cannot be read or written.
pub fn run(options: Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, dashboard(options))
}

async fn dashboard(options: Options) -> io::Result<()> {
    let Options { tty, keyboard, session, owner, control, crash_store, history, archive, settings } = options;
    let Ok(subscription) = session.subscribe().await else { return Ok(()) };
    let home = std::env::var("HOME").ok().filter(|home| !home.is_empty());
    let mut view = View::new(session.info().clone(), home, subscription.transcript);
    view.records.spool = Some(session.spool().clone());
    let osc = OscWriter::new(TerminalCaps::from_env(|name| owner.variable(name)), settings.settings.osc);
    view.set(settings);
    view.theme = view.theme.in_environment(|name| owner.variable(name));
    view.leaving = owner.leaving();
    view.records.client_responses = Some(session.client_responses().clone());
    view.records.client_calls = Some(session.client_calls().clone());
    view.composer.replies.clock = now();
    view.composer.replies.hold_back(now());
    if let Some(snapshot) =
        crash_store.and_then(CrashStore::text).and_then(|text| serde_json::from_str::<DashboardSnapshot>(&text).ok())
    {
        snapshot.restore(&mut view);
        // The person saw the problems when the session began.
        view.layers.clear();
    }
    draft_file::read_back(&mut view, None);
    let snapshot = DashboardSnapshot::of(&view);
    let queries_background =
        view.theme.name == theme::Name::Auto && background_query::answers(&owner.variable("TERM").unwrap_or_default());
    let mut screen = Screen::new(tty, view.mouse.captured, queries_background, osc, owner.clone())?;
    let keys = InputReader::new(keyboard)?;
    screen.enter()?;
    let (task_results, finished_tasks) = mpsc::unbounded_channel();
    let mut dashboard = Dashboard {
        view,
        screen,
        session,
        events: subscription.events,
        control,
        keys: Some(keys),
        task_results,
        finished_tasks,
        redraw: Redraw { due: true, urgent: false, last_frame: None },
        card_size: None,
        crash_store,
        snapshot,
        history,
        archive,
        owner,
        is_away: false,
        is_over: false,
        graphic: None,
    };
    dashboard.measure();
    dashboard.restore();
    Box::pin(dashboard.run()).await
}

struct Dashboard {
    view: View,
    screen: Screen,
    session: SessionHandle,
    events: broadcast::Receiver<Arc<Event>>,
    control: mpsc::UnboundedReceiver<Control>,
    /// `None` once the terminal is gone.
    keys: Option<InputReader>,
    /// Results of requests to the session and of tasks on other threads.
    task_results: mpsc::UnboundedSender<TaskResult>,
    finished_tasks: mpsc::UnboundedReceiver<TaskResult>,
    redraw: Redraw,
    /// The card size that running code has got last.
    card_size: Option<TerminalSize>,
    crash_store: Option<&'static CrashStore>,
    /// The snapshot saved last.
    snapshot: DashboardSnapshot,
    history: Arc<dyn HistorySource>,
    archive: OpenArchive,
    owner: Arc<dyn TerminalOwner>,
    /// The job of the terminal has stopped.
    is_away: bool,
    /// The dashboard closes, and the session goes on.
    is_over: bool,
    /// A picture on the screen that text does not cover, and the sequence that makes the terminal forget the picture.
    graphic: Option<(FigureRequest, String)>,
}

enum Flow {
    GoOn,
    End,
}

impl Dashboard {
    async fn run(mut self) -> io::Result<()> {
        self.work().await?;
        // Keys from now on are for the next dashboard, or for the shell.
        self.keys = None;
        self.save_snapshot();
        if self.session.is_restarting() {
            self.screen.hand_over();
        }
        Ok(())
    }

    async fn work(&mut self) -> io::Result<()> {
        loop {
            if let Flow::End = self.drain().await? {
                return Ok(());
            }
            let frame_at = self.redraw.at();
            if self.redraw.due && frame_at <= Instant::now() {
                self.frame();
            }
            if self.is_over {
                return Ok(());
            }
            let wake_at =
                if self.redraw.due { Some(frame_at.min(Instant::now() + DRAIN_INTERVAL)) } else { self.next_wake() };
            // While a frame is due, session events wait for it: thousands per second must not each wake the loop.
            let waiting = self.redraw.due;
            tokio::select! {
                biased;
                input = next_input(&mut self.keys), if self.has_terminal() => {
                    if let Flow::End = self.on_input(input)? {
                        return Ok(());
                    }
                }
                request = self.control.recv() => {
                    if let Flow::End = self.on_control(request)? {
                        return Ok(());
                    }
                }
                Some(result) = self.finished_tasks.recv() => {
                    if let Flow::End = self.on_task_result(result)? {
                        return Ok(());
                    }
                }
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {
                    // With no frame due, the timer is for an animation, or for the view.
                    if !waiting {
                        self.redraw.due = true;
                    }
                    if let Some(effect) = self.view.on_time(now())
                        && let Flow::End = self.perform(effect)?
                    {
                        return Ok(());
                    }
                }
                event = self.events.recv(), if !waiting => {
                    match event {
                        Ok(event) => {
                            if let Flow::End = self.on_event(&event) {
                                return Ok(());
                            }
                        }
                        Err(RecvError::Lagged(_)) => self.resubscribe().await,
                        Err(RecvError::Closed) => return Ok(()),
                    }
                }
            }
        }
    }

    /// Handles everything pending but keys: polling their stream here would store this poll's waker, not the loop's.
    async fn drain(&mut self) -> io::Result<Flow> {
        while let Ok(request) = self.control.try_recv() {
            if let Flow::End = self.on_control(Some(request))? {
                return Ok(Flow::End);
            }
        }
        for _ in 0..MAX_EVENT_BATCH {
            match self.events.try_recv() {
                Ok(event) => {
                    if let Flow::End = self.on_event(&event) {
                        return Ok(Flow::End);
                    }
                }
                Err(TryRecvError::Lagged(_)) => self.resubscribe().await,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => return Ok(Flow::End),
            }
        }
        Ok(Flow::GoOn)
    }

    async fn resubscribe(&mut self) {
        if let Ok(subscription) = self.session.subscribe().await {
            self.view.replace(subscription.transcript);
            self.events = subscription.events;
            self.redraw.due = true;
        }
    }

    fn on_event(&mut self, event: &Event) -> Flow {
        if matches!(event, Event::Ending) {
            return Flow::End;
        }
        if let Some(notice) = notifications::notice(event, &self.view) {
            self.screen.notify(&notice);
        }
        self.view.composer.replies.clock = now();
        self.view.apply(event);
        self.redraw.due = true;
        Flow::GoOn
    }

    fn on_input(&mut self, input: io::Result<Input>) -> io::Result<Flow> {
        self.redraw.due = true;
        let event = match input {
            Ok(Input::Event(event)) => event,
            Ok(Input::Ground(ground)) => {
                self.view.theme.ground = ground;
                return Ok(Flow::GoOn);
            }
            Err(_) => {
                self.terminal_is_gone();
                return Ok(Flow::GoOn);
            }
        };
        self.redraw.urgent |= matches!(event, TerminalEvent::Key(_));
        // The timer may be due as well, and comes second in the loop.
        if let Some(effect) = self.view.on_time(now())
            && let Flow::End = self.perform(effect)?
        {
            return Ok(Flow::End);
        }
        if let TerminalEvent::Resize(..) = event {
            self.resized()?;
        }
        let effect = self.view.on_terminal(&event, now());
        self.send_questions();
        self.rank_history();
        effect.map_or(Ok(Flow::GoOn), |effect| self.perform(effect))
    }

    fn send_questions(&mut self) {
        for NumberedQuestion { id, question } in self.view.composer.completion.take_questions() {
            let (session, results) = (self.session.clone(), self.task_results.clone());
            let limit = question.limit() + LATE_ANSWER_TIMEOUT;
            tokio::task::spawn_local(async move {
                let answered = tokio::time::timeout(limit, session.insight(question)).await;
                let insight = answered.ok().and_then(Result::ok).flatten();
                let _ = results.send(TaskResult::Insight { id, insight });
            });
        }
    }

    fn on_control(&mut self, request: Option<Control>) -> io::Result<Flow> {
        match request {
            Some(Control::Suspend) => return self.suspend(),
            Some(Control::Continued) => self.come_back()?,
            Some(Control::Resized) if self.has_terminal() => {
                self.resized()?;
                self.redraw.due = true;
            }
            Some(Control::Interrupted | Control::Resized) => {}
            Some(Control::Edited(refusal)) => self.edited(refusal)?,
            None => return Ok(Flow::End),
        }
        Ok(Flow::GoOn)
    }

    fn perform(&mut self, effect: Effect) -> io::Result<Flow> {
        match effect {
            Effect::Submit(code) if let Some(text) = note::note_in_comments(&code) => self.note(&text),
            Effect::Note(text) => self.session.note(Note::of_person(text, None)),
            Effect::Send { to, text } => self.session.note(Note::of_person(text, Some(to))),
            Effect::Submit(code) => {
                // The code may end Python before the next frame, and must not come back as a draft.
                self.save_snapshot();
                let session = self.session.clone();
                self.ask(async move { session.submit(Author::You, code, RunOptions::default()).await.map(drop) });
            }
            Effect::Answer { snippet, number, answer } => {
                let session = self.session.clone();
                self.ask(async move {
                    match session.answer_input(snippet, Some(number), answer, Author::You).await {
                        Err(CommandError::Closed(closed)) => Err(closed),
                        // The output of the code says when an answer came too late.
                        Ok(()) | Err(CommandError::Refused(_)) => Ok(()),
                    }
                });
            }
            Effect::Reply { inquiry, text } => self.session.reply(inquiry, text),
            Effect::Decide { snippet, verdict } => {
                let session = self.session.clone();
                self.ask(async move { session.decide(snippet, verdict).await });
            }
            Effect::DecideRisk { number, verdict } => {
                let session = self.session.clone();
                self.ask(async move { session.decide_risk(number, verdict).await });
            }
            Effect::ChangeGate(change) => self.session.change_gate(change),
            Effect::PutBack { snippet, names } => self.session.put_back(snippet, names),
            Effect::Inspect { request, number } => {
                let (session, results) = (self.session.clone(), self.task_results.clone());
                self.ask(async move {
                    let result = match session.inspect(request, INSPECT_TIMEOUT).await {
                        Ok(inspection) => Ok(inspection),
                        Err(CommandError::Refused(error)) => Err(error),
                        Err(CommandError::Closed(closed)) => return Err(closed),
                    };
                    let _ = results.send(TaskResult::Inspected { number, result });
                    Ok(())
                });
            }
            Effect::Interrupt => self.interrupt(None, "you"),
            Effect::StopForTakeover(snippet) => self.interrupt(Some(snippet), TAKEOVER_CAUSE),
            Effect::Cancel(snippet) => self.interrupt(Some(snippet), "you"),
            Effect::MoveToFront(snippet) => {
                let session = self.session.clone();
                self.ask(async move { session.move_to_front(snippet).await });
            }
            Effect::Restart => self.restart(),
            Effect::SaveAndRestart => self.save_and_restart(),
            Effect::Replay(which) => {
                let session = self.session.clone();
                self.ask(async move { session.replay(Author::You, which).await.map(drop) });
            }
            Effect::Export { file, replaces } => self.export(file, replaces),
            Effect::SaveDisplay(saving) => self.save_display(saving),
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Save { card, file, replaces } => self.save(card, file, replaces),
            Effect::CopyPiece { text, what } => self.copy(&text, &what)?,
            Effect::EditOutside => self.edit_outside(),
            Effect::Quit => return Ok(self.quit()),
            Effect::SaveAndQuit => self.save_and_quit(),
            Effect::Suspend => return self.suspend(),
            Effect::Mouse(captured) => self.screen.capture_mouse(captured)?,
            Effect::Redraw => {
                self.view.figures.forget_full();
                self.screen.redraw()?;
            }
        }
        Ok(Flow::GoOn)
    }

    fn interrupt(&self, snippet: Option<SnippetId>, by: &'static str) {
        let session = self.session.clone();
        self.ask(async move { session.interrupt(snippet, by).await.map(drop) });
    }

    /// Sends a request to the session without waiting for the answer.
    fn ask(&self, request: impl Future<Output = Result<(), impl std::fmt::Display>> + 'static) {
        let results = self.task_results.clone();
        tokio::task::spawn_local(async move {
            if let Err(refused) = request.await {
                let _ = results.send(TaskResult::Notice(refused.to_string()));
            }
        });
    }

    /// When the screen changes by itself next: the spinner and the clock while code runs, a question that takes the
    /// keys, a confirmation.
    fn next_wake(&self) -> Option<Instant> {
        let now = now();
        let is_running = self.view.transcript.running().is_some() || self.view.transcript.busy().is_some();
        let animation = is_running.then(|| now + theme::SPINNER_PACE - now % theme::SPINNER_PACE);
        let opens = self.view.composer.replies.opens_at(now).filter(|_| !is_running);
        let dock = self.view.dock.opens_at(now).filter(|_| self.view.shows_keys_that_decide());
        let at = [animation, opens, dock, self.view.due_at()].into_iter().flatten().min()?;
        Some(Instant::now() + Duration::from_millis(at.saturating_sub(now)))
    }

    fn frame(&mut self) {
        self.redraw.begin();
        if self.keys.is_none() || !self.has_terminal() {
            return;
        }
        self.redraw.due |= self.view.search();
        // The snapshot matches the screen, whenever the process dies.
        self.save_snapshot();
        let (view, now) = (&mut self.view, now());
        self.screen.show(notifications::title(view, now), notifications::progress(view, now));
        let shape = view.composer.editor.vi.as_ref().map(|vi| match vi.mode() {
            ViMode::Insert => SetCursorStyle::SteadyBar,
            ViMode::Normal | ViMode::Visual | ViMode::VisualLine => SetCursorStyle::SteadyBlock,
        });
        let shaped = self.screen.set_shape(shape);
        let drawn = self.screen.draw(|area, buffer| {
            view.prepare(area);
            draw(view, now, buffer)
        });
        if shaped.and(drawn).is_err() {
            self.terminal_is_gone();
        }
        self.report_card_size();
        self.make_figure();
        self.erase_figure();
        self.redraw.due |= self.view.lookup.is_busy;
    }

    fn report_card_size(&mut self) {
        let layout = self.view.frame.as_ref().and_then(|frame| frame.layout.as_ref());
        if let Some(size) = layout.map(Layout::card)
            && self.card_size != Some(size)
        {
            self.card_size = Some(size);
            self.session.resize(size);
        }
    }

    fn save_snapshot(&mut self) {
        let Some(crash_store) = self.crash_store else { return };
        let snapshot = DashboardSnapshot::of(&self.view);
        if snapshot != self.snapshot {
            snapshot.save(crash_store);
            self.snapshot = snapshot;
        }
    }
}

async fn next_input(keys: &mut Option<InputReader>) -> io::Result<Input> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}
