//! The simulated Python, as the actor sees it. It takes one step whenever the scheduler lets it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use tokio::sync::mpsc::UnboundedSender;

use super::calls::Code;
use super::life::Life;
use super::python_state::{Job, PythonState, Stage};
use super::world::{SharedWorld, World, lock, outcome};
use crate::domain::{
    Author, InputAnswer, InspectError, InspectRequest, ResetReport, SnippetId, Status, VariableQuery, VariableTable,
};
use crate::session::{Engine, EngineEvent, EngineOutput};

/// The result of one step of Python.
pub enum PythonStep {
    Nothing,
    Advanced,
    /// The code ended its process.
    Crashed,
}

pub struct Python {
    pub world: SharedWorld,
    pub life: Life,
}

impl Python {
    pub fn new(world: SharedWorld, life: Life, events: UnboundedSender<EngineEvent>) -> Self {
        lock(&world).python = PythonState { events: Some(events), ..PythonState::default() };
        Self { world, life }
    }

    fn alive(&self) -> Option<MutexGuard<'_, World>> {
        (!self.life.is_over()).then(|| lock(&self.world))
    }
}

impl Engine for Python {
    fn run(&mut self, snippet: SnippetId, _: &Author, code: Arc<str>) {
        if let Some(mut world) = self.alive() {
            let job =
                Job { snippet, code: Code::of(&code), stage: Stage::Given, interrupted: false, began: Instant::now() };
            assert!(world.python.job.replace(job).is_none(), "one at a time");
        }
    }

    fn began(&self, snippet: SnippetId) -> Option<Instant> {
        let world = self.alive()?;
        world.python.job.as_ref().filter(|job| job.snippet == snippet).map(|job| job.began)
    }

    fn interrupt(&mut self, snippet: Option<SnippetId>, _: bool) {
        if let Some(mut world) = self.alive()
            && let Some(job) = world.python.job.as_mut().filter(|job| Some(job.snippet) == snippet)
        {
            job.interrupted = true;
        }
    }

    fn standstill(&mut self) -> Option<Vec<String>> {
        let world = self.alive()?;
        let job = world.python.job.as_ref()?;
        (job.code == Code::Deaf && job.stage == Stage::Waits && job.interrupted).then(Vec::new)
    }

    fn reset(&mut self) {
        if let Some(mut world) = self.alive() {
            world.python.reset_due = true;
        }
    }

    fn find_variables(&mut self, query: VariableQuery) {
        if let Some(world) = self.alive() {
            let table = VariableTable::default();
            world.python.report(EngineEvent::Variables { table, requested: Some(query) });
        }
    }

    fn inspect(&mut self, _: InspectRequest, _: Duration) {
        if let Some(world) = self.alive() {
            world.python.report(EngineEvent::Inspected(Err(InspectError::Refused("nothing is defined".to_owned()))));
        }
    }

    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool {
        let Some(mut world) = self.alive() else { return false };
        let Some(job) = world.python.job.as_mut().filter(|job| job.stage == Stage::Asks(number)) else { return false };
        job.stage = Stage::Ends;
        if let InputAnswer::Line(line) = answer {
            let call = line.parse().expect("lines are numbers of calls");
            *world.entered.entry(call).or_default() += 1;
        }
        true
    }

    fn take_output(&mut self) -> Vec<(Option<SnippetId>, EngineOutput)> {
        Vec::new()
    }

    fn quit(&mut self) {}
}

/// Which waiting code goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Nothing,
    AllButDeaf,
    All,
}

/// Takes one step of Python.
pub fn step(world: &mut World, release: Release) -> PythonStep {
    if std::mem::take(&mut world.python.reset_due) {
        world.happened.resets += 1;
        world.python.report(EngineEvent::ResetDone(ResetReport { cleared: 1, remains: Vec::new() }));
        return PythonStep::Advanced;
    }
    let Some(mut job) = world.python.job.take() else { return PythonStep::Nothing };
    let snippet = job.snippet;
    let is_deaf = job.code == Code::Deaf && job.stage == Stage::Waits;
    if job.interrupted && !is_deaf && job.stage != Stage::Ends {
        return finish(world, snippet, Status::Interrupted);
    }
    match job.stage {
        Stage::Given => {
            let call = world.call_mut(snippet).expect("what runs was submitted");
            call.begun += 1;
            call.marks += usize::from(job.code != Code::Late);
            world.seconds += usize::from(job.code == Code::Second);
            match job.code {
                Code::Crash => return crash(world, job),
                Code::Second if world.seconds == 2 => return crash(world, job),
                Code::Mark | Code::Fail | Code::Second => job.stage = Stage::Ends,
                Code::Sleep | Code::Late | Code::Deaf => job.stage = Stage::Waits,
                Code::Input => {
                    world.python.prompts += 1;
                    let number = world.python.prompts;
                    job.stage = Stage::Asks(number);
                    world.python.report(EngineEvent::InputRequested { snippet, number, prompt: None, hidden: false });
                }
            }
        }
        Stage::Waits if release == Release::All || release == Release::AllButDeaf && job.code != Code::Deaf => {
            job.stage = Stage::Ends;
        }
        Stage::Waits | Stage::Asks(_) => {
            world.python.job = Some(job);
            return PythonStep::Nothing;
        }
        Stage::Ends => {
            if job.code == Code::Late {
                world.call_mut(snippet).expect("what runs was submitted").marks += 1;
            }
            let status = match job.code {
                Code::Fail => Status::Error,
                Code::Deaf if job.interrupted => Status::Interrupted,
                _ => Status::Ok,
            };
            return finish(world, snippet, status);
        }
    }
    world.python.job = Some(job);
    PythonStep::Advanced
}

fn crash(world: &mut World, job: Job) -> PythonStep {
    world.python.job = Some(job);
    PythonStep::Crashed
}

fn finish(world: &mut World, snippet: SnippetId, status: Status) -> PythonStep {
    world.call_mut(snippet).expect("what runs was submitted").finished = Some(status);
    world.python.report(EngineEvent::Finished { snippet, outcome: outcome(status).into() });
    PythonStep::Advanced
}
