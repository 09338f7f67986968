//! The actor's handle of Python. Requests of the actor become jobs of the main thread.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::background;
use super::interrupt::{self, InterruptTarget};
use super::prompt::PromptAnswers;
use super::stacks;
use super::waker::{JobWaiter, JobWaker, job_waker};
use crate::domain::flight_recorder::{self, FlightRecorder};
use crate::domain::{
    Author, Gate, InputAnswer, InsightRequest, InspectRequest, RiskRules, SnippetId, TerminalSize, Timestamp,
    VariableQuery,
};
use crate::python::completion::thread::CompletionTask;
use crate::python::completion::tracker::QuestionTracker;
use crate::python::effects::Consent;
use crate::python::io::capture::Capture;
use crate::python::io::reported_size::CardSize;
use crate::python::isolation::children;
use crate::python::safe_points;
use crate::session::{Engine, EngineOutput, RiskReply};

/// Work for the main thread.
pub(in crate::python) enum EngineJob {
    Run { snippet: SnippetId, code: Arc<str>, by_client: bool },
    PutBack { snippet: SnippetId, names: Vec<Arc<str>> },
    Reset,
    SendVariables(VariableQuery),
    Answer { id: u32, question: InsightRequest },
    Inspect { request: InspectRequest, limit: Duration, is_taken: Arc<AtomicBool> },
    Quit,
}

/// With this many bytes of recorded stacks, no further stack is requested: a fatal fault needs the rest of the room.
const MAX_STACK_BYTES: usize = 32 << 10;

/// The actor's handle of Python.
pub struct PythonEngine {
    jobs: Sender<EngineJob>,
    waker: JobWaker,
    prompts: Arc<PromptAnswers>,
    consent: Arc<Consent>,
    capture: Arc<Capture>,
    recorder: Option<&'static FlightRecorder>,
    card: Arc<CardSize>,
    questions: Arc<QuestionTracker>,
    completion_tasks: Sender<CompletionTask>,
    /// The length of the recorded stacks before the last request; `None` if there was no request.
    stacks_before: Option<usize>,
    /// What runs if no snippet runs: a reset or an inspection.
    target_without_snippet: InterruptTarget,
    /// Whether the last inspection has begun or is withdrawn.
    inspection_taken: Arc<AtomicBool>,
    /// How often the running snippet was interrupted.
    interrupts: u32,
    /// When the last snippet was given to Python.
    sent_at: Option<Instant>,
}

/// The main thread's end of the channel of jobs.
pub struct Jobs {
    pub(in crate::python) inbox: Receiver<EngineJob>,
    /// Shared with code that waits for input within a job.
    pub(in crate::python) waiter: Arc<Mutex<JobWaiter>>,
    pub(in crate::python) prompts: Arc<PromptAnswers>,
    pub(in crate::python) consent: Arc<Consent>,
    pub(in crate::python) questions: Arc<QuestionTracker>,
    pub(in crate::python) card: Arc<CardSize>,
    /// Both ends of the channel to the completion thread, until that is started.
    pub(in crate::python) completion_channel: Option<(Sender<CompletionTask>, Receiver<CompletionTask>)>,
}

/// Makes both ends of the channel of jobs.
pub fn engine(capture: Arc<Capture>, recorder: Option<&'static FlightRecorder>) -> io::Result<(PythonEngine, Jobs)> {
    let (sender, receiver) = mpsc::channel();
    let (waker, waiter) = job_waker()?;
    let prompts = Arc::<PromptAnswers>::default();
    let consent = Arc::<Consent>::default();
    let questions = Arc::<QuestionTracker>::default();
    let card = Arc::<CardSize>::default();
    let (completion_tasks, completion_inbox) = mpsc::channel();
    let jobs = Jobs {
        inbox: receiver,
        waiter: Arc::new(Mutex::new(waiter)),
        prompts: prompts.clone(),
        consent: consent.clone(),
        questions: questions.clone(),
        card: card.clone(),
        completion_channel: Some((completion_tasks.clone(), completion_inbox)),
    };
    let engine = PythonEngine {
        jobs: sender,
        waker,
        prompts,
        consent,
        capture,
        recorder,
        card,
        questions,
        completion_tasks,
        stacks_before: None,
        target_without_snippet: InterruptTarget::Reset,
        inspection_taken: Arc::default(),
        interrupts: 0,
        sent_at: None,
    };
    Ok((engine, jobs))
}

impl PythonEngine {
    fn send(&self, job: EngineJob) {
        // Without a receiver, the main thread is about to end the process.
        let _ = self.jobs.send(job);
        self.waker.wake();
    }

    /// Sets the person's rules about risks.
    pub fn set_risk_rules(&self, rules: RiskRules) {
        self.consent.set_rules(rules);
    }

    /// Returns the descriptor that wakes the main thread.
    pub fn descriptor(&self) -> &OwnedFd {
        self.waker.descriptor()
    }
}

impl Jobs {
    /// See [`crate::python::io::guarded::GuardedFd::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.waiter.lock().backed_by(host);
    }
}

impl Engine for PythonEngine {
    fn run(&mut self, snippet: SnippetId, author: &Author, code: Arc<str>) {
        self.stacks_before = None;
        self.interrupts = 0;
        self.sent_at = Some(Instant::now());
        self.questions.stop();
        self.consent.begin(snippet, author.clone());
        if let Some(recorder) = self.recorder {
            recorder.set_running(snippet, &author.as_cause());
        }
        self.send(EngineJob::Run { snippet, code, by_client: !author.is_you() });
    }

    fn began(&self, snippet: SnippetId) -> Option<Instant> {
        // A time limit also counts while the snippet waits for a background task that does not yield.
        interrupt::began(snippet).or_else(|| self.sent_at.filter(|_| interrupt::is_in_background()))
    }

    fn interrupt(&mut self, snippet: Option<SnippetId>, force: bool) {
        // Found before the interrupt, which may end the code at once.
        let processes = snippet.map(children::started_by).unwrap_or_default();
        interrupt::request(snippet.map_or(self.target_without_snippet, InterruptTarget::Snippet), force);
        processes.interrupt(self.interrupts);
        self.interrupts += u32::from(snippet.is_some());
        if self.prompts.is_waiting() || self.consent.is_waiting() {
            self.waker.wake();
        }
    }

    fn has_background(&self) -> bool {
        background::goes_on()
    }

    fn background_step(&mut self) -> Option<(Timestamp, Option<SnippetId>)> {
        background::step(|step| drop(self.completion_tasks.send(CompletionTask::FindSnippet { step })))
    }

    fn interrupt_background(&mut self, force: bool) {
        interrupt::request(InterruptTarget::Background, force);
    }

    fn withdraw_inspection(&mut self) -> bool {
        !self.inspection_taken.swap(true, Ordering::SeqCst)
    }

    fn standstill(&mut self) -> Option<Vec<String>> {
        if interrupt::was_request_seen() {
            self.stacks_before = None;
            return None;
        }
        let recorded = self.recorder.map(FlightRecorder::stacks).unwrap_or_default();
        let Some(before) = self.stacks_before else {
            self.stacks_before = Some(recorded.len());
            if recorded.len() < MAX_STACK_BYTES {
                stacks::request();
            }
            return None;
        };
        Some(flight_recorder::user_frames(recorded.get(before..).unwrap_or_default()))
    }

    fn reset(&mut self) {
        self.questions.stop();
        self.target_without_snippet = InterruptTarget::Reset;
        interrupt::forget_requests(InterruptTarget::Reset);
        self.send(EngineJob::Reset);
    }

    fn inspect(&mut self, request: InspectRequest, limit: Duration) {
        self.questions.stop();
        self.stacks_before = None;
        self.target_without_snippet = InterruptTarget::Inspection;
        interrupt::forget_requests(InterruptTarget::Inspection);
        self.inspection_taken = Arc::default();
        self.send(EngineJob::Inspect { request, limit, is_taken: self.inspection_taken.clone() });
    }

    fn find_variables(&mut self, query: VariableQuery) {
        self.send(EngineJob::SendVariables(query));
    }

    fn ask(&mut self, id: u32, question: InsightRequest, busy: bool) {
        if busy || !question.needs_run() || self.questions.is_loading() {
            let _ = self.completion_tasks.send(CompletionTask::Answer { id, question });
            return;
        }
        self.questions.ask(id);
        self.send(EngineJob::Answer { id, question });
    }

    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool {
        let was_waiting = self.prompts.answer(number, answer);
        if was_waiting {
            self.waker.wake();
        }
        was_waiting
    }

    fn set_gate(&mut self, gate: Arc<Gate>) {
        self.consent.set_gate(gate);
    }

    fn put_back(&mut self, snippet: SnippetId, names: Vec<Arc<str>>) {
        self.send(EngineJob::PutBack { snippet, names });
    }

    fn answer_risk(&mut self, number: u32, reply: RiskReply) -> bool {
        let was_waiting = self.consent.answer(number, reply);
        if was_waiting {
            self.waker.wake();
        }
        was_waiting
    }

    fn take_output(&mut self) -> Vec<(Option<SnippetId>, EngineOutput)> {
        self.capture.take()
    }

    fn resize(&mut self, size: TerminalSize) {
        self.card.set(size);
        let _ = self.completion_tasks.send(CompletionTask::UpdateCardSize);
    }

    fn why_no_safe_point(&self) -> String {
        safe_points::why_no_more()
    }

    fn abandon(&mut self, last: SnippetId) {
        safe_points::abandon_process();
        if let Some(recorder) = self.recorder {
            recorder.set_last_snippet(last);
        }
    }

    fn quit(&mut self) {
        if let Some(recorder) = self.recorder {
            recorder.set_ending();
        }
        self.consent.end();
        self.send(EngineJob::Quit);
    }
}
