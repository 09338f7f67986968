//! One run: the scheduler chooses what happens next, for a number of steps. Then everything goes on to its end, and the
//! conditions are checked.

use std::time::Duration;

use super::calls::{Ask, Call};
use super::check::{Violation, violation};
use super::claims::Claim;
use super::client::Client;
use super::dice::Dice;
use super::life::{POINTS, Point};
use super::process::{Session, SimulatedBridge};
use super::python::{self, PythonStep, Release};
use super::wire::Share;
use super::world::{End, Registry, SharedWorld, lock};
use crate::domain::Restart;

/// One event of a run.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum TraceStep {
    Asks {
        client: usize,
        call: usize,
        ask: Ask,
        waits: bool,
        reuses: Option<usize>,
    },
    Cancels {
        call: usize,
    },
    Leaves {
        client: usize,
    },
    ToSession {
        client: usize,
        share: Share,
    },
    FromSession {
        client: usize,
        share: Share,
    },
    PythonGoesOn,
    CodeIsReleased,
    DiesAt {
        point: Point,
        after: usize,
    },
    IsKilled,
    IsAskedToEnd,
    /// The wall clock of the process has this offset in milliseconds.
    Starts {
        clock: i64,
    },
    Listens,
    BridgeRuns {
        client: usize,
        polls: usize,
    },
    SessionRuns {
        polls: usize,
    },
    TimePasses {
        milliseconds: u64,
    },
    Answered {
        call: usize,
        claim: Claim,
    },
    Ended {
        how: &'static str,
    },
    AllGoesOn,
}

pub struct RunReport {
    pub trace: Vec<TraceStep>,
    pub drawn: Vec<u32>,
    pub violation: Option<Violation>,
}

/// Milliseconds from which a silence counts as long.
const LONG_SILENCE: u64 = 2_000;

pub struct Run {
    pub(super) dice: Dice,
    pub(super) world: SharedWorld,
    pub(super) session: Option<Session>,
    /// Why the next process takes over, if the guardian is about to start one.
    pub(super) next: Option<Restart>,
    pub(super) clients: Vec<Client>,
    pub(super) trace: Vec<TraceStep>,
    /// How many disturbances may still come.
    pub(super) disturbances: usize,
    /// Milliseconds for which something has been on a wire, or nobody has listened.
    pub(super) silent_for: u64,
    /// Whether another session begins after the end of one.
    pub(super) revives: bool,
    /// Whether code that cannot be interrupted never ends.
    pub(super) deaf_for_ever: bool,
}

pub fn run(dice: Dice) -> RunReport {
    let mut run = Run::new(dice);
    let steps = 8 + run.dice.below(60);
    for _ in 0..steps {
        run.step();
    }
    let unended = run.finish();
    let connected = |client: usize| !run.clients[client].closed;
    let found = violation(&lock(&run.world), connected).or(unended);
    RunReport { trace: run.trace, drawn: run.dice.drawn, violation: found }
}

#[derive(Clone, Copy)]
enum ScheduledAction {
    Nothing,
    Deliver(usize, bool),
    Ask(usize),
    Python,
    Release,
    Cancel(usize),
    Leave(usize),
    Die,
    Kill,
    Quit,
    Start,
    Listen,
    Poll(Option<usize>),
    Time,
}

impl Run {
    fn new(mut dice: Dice) -> Self {
        let world = SharedWorld::default();
        let clients = dice.weighted(&[6, 3, 1]) + 1;
        let clients = (0..clients).map(|client| {
            let (is_modern, remaining) = (dice.below(2) == 1, 1 + dice.below(5));
            Client::new(SimulatedBridge::start(&world, client), is_modern, remaining)
        });
        let clients = clients.collect();
        let (disturbances, revives, deaf_for_ever) = (dice.below(4), dice.chance(2), dice.chance(2));
        let mut run = Self {
            dice,
            world,
            session: None,
            next: None,
            clients,
            trace: Vec::new(),
            disturbances,
            silent_for: 0,
            revives,
            deaf_for_ever,
        };
        // Usually there is a session from the beginning.
        if !run.dice.chance(8) {
            run.start();
            run.listen();
        }
        run
    }

    fn step(&mut self) {
        let choices = self.choices();
        let weights: Vec<usize> = choices.iter().map(|(weight, _)| *weight).collect();
        let (_, choice) = choices[self.dice.weighted(&weights)];
        match choice {
            ScheduledAction::Nothing => {}
            ScheduledAction::Deliver(at, to_session) => {
                let share = self.dice.one(&[Share::Line, Share::All, Share::Line, Share::HalfALine]);
                self.deliver(at, to_session, share);
                if !self.dice.chance(4) {
                    self.settle();
                }
            }
            ScheduledAction::Ask(client) => self.ask(client),
            ScheduledAction::Python => self.python(Release::Nothing),
            ScheduledAction::Release => self.python(Release::All),
            ScheduledAction::Cancel(call) => self.cancel(call),
            ScheduledAction::Leave(client) => {
                self.trace.push(TraceStep::Leaves { client });
                self.clients[client].closed = true;
                self.clients[client].bridge.stdin.close();
                self.settle_bridge(client);
            }
            ScheduledAction::Die => {
                self.disturbances -= 1;
                let (point, after) = (self.dice.one(&POINTS), self.dice.below(3));
                self.trace.push(TraceStep::DiesAt { point, after });
                lock(&self.world).session_life.set_trap(Some((point, after)));
            }
            ScheduledAction::Kill => {
                self.disturbances -= 1;
                self.trace.push(TraceStep::IsKilled);
                self.on_process_end(End::Died("Python was killed by SIGKILL."));
            }
            ScheduledAction::Quit => {
                self.disturbances -= 1;
                self.trace.push(TraceStep::IsAskedToEnd);
                self.session.iter_mut().for_each(Session::terminate);
                self.settle_session();
            }
            ScheduledAction::Start => self.start(),
            ScheduledAction::Listen => self.listen(),
            ScheduledAction::Poll(Some(client)) => {
                let polls = 1 + self.dice.below(12);
                self.trace.push(TraceStep::BridgeRuns { client, polls });
                self.clients[client].bridge.process.poll(polls);
                self.hear(client);
            }
            ScheduledAction::Poll(None) => {
                let polls = 1 + self.dice.below(12);
                self.trace.push(TraceStep::SessionRuns { polls });
                self.session.iter().for_each(|session| session.process.poll(polls));
                self.look_after_session();
            }
            ScheduledAction::Time => {
                let milliseconds = self.dice.one(&[20, 60, 120, 600, 1_100, 3_200, 9_000, 46_000]);
                self.trace.push(TraceStep::TimePasses { milliseconds });
                self.pass(milliseconds);
            }
        }
    }

    /// Returns what can happen now, with weights.
    fn choices(&self) -> Vec<(usize, ScheduledAction)> {
        let mut choices = vec![(1, ScheduledAction::Nothing)];
        let world = lock(&self.world);
        for (at, (_, to, from)) in world.connections.iter().enumerate() {
            choices.extend(to.is_due().then_some((20, ScheduledAction::Deliver(at, true))));
            choices.extend(from.is_due().then_some((20, ScheduledAction::Deliver(at, false))));
        }
        choices.extend(world.python.is_at_work().then_some((25, ScheduledAction::Python)));
        choices.extend(world.python.is_at_work().then_some((3, ScheduledAction::Release)));
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| !client.closed) {
            choices.extend((client.remaining > 0 && client.may_ask()).then_some((20, ScheduledAction::Ask(at))));
            choices.push((3, ScheduledAction::Poll(Some(at))));
            choices.push((1, ScheduledAction::Leave(at)));
        }
        let open = |call: &Call| {
            call.answers.is_empty()
                && !call.cancelled
                && call.ask != Ask::Initialize
                && !self.clients[call.client].closed
        };
        let open = world.calls.iter().enumerate().filter(|(_, call)| open(call));
        choices.extend(open.map(|(call, _)| (1, ScheduledAction::Cancel(call))));
        match (&self.session, &world.registry) {
            (Some(_), registry) => {
                choices.push((6, ScheduledAction::Poll(None)));
                choices.extend(matches!(registry, Registry::Starting).then_some((10, ScheduledAction::Listen)));
                if self.disturbances > 0 {
                    choices.extend([(3, ScheduledAction::Die), (2, ScheduledAction::Kill), (2, ScheduledAction::Quit)]);
                }
            }
            (None, Registry::Starting) => choices.push((8, ScheduledAction::Start)),
            (None, _) => choices.extend(self.revives.then_some((3, ScheduledAction::Start))),
        }
        choices.push((4, ScheduledAction::Time));
        choices
    }

    fn deliver(&mut self, at: usize, to_session: bool, share: Share) {
        let (client, to, from) = lock(&self.world).connections[at].clone();
        let wire = if to_session { to } else { from };
        self.trace.push(if to_session {
            TraceStep::ToSession { client, share }
        } else {
            TraceStep::FromSession { client, share }
        });
        wire.deliver(share);
    }

    fn python(&mut self, release: Release) {
        self.trace.push(if release == Release::All { TraceStep::CodeIsReleased } else { TraceStep::PythonGoesOn });
        let step = python::step(&mut lock(&self.world), release);
        self.on_python(&step);
        if !self.dice.chance(4) {
            self.settle_session();
        }
    }

    pub(super) fn on_python(&mut self, step: &PythonStep) {
        if matches!(step, PythonStep::Crashed) {
            self.on_process_end(End::Died("Python ended itself with exit code 3."));
        }
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        let is_silent = {
            let world = lock(&self.world);
            let waits = world.connections.iter().any(|(_, to, from)| to.is_due() || from.is_due());
            waits || !matches!(world.registry, Registry::Listening(_))
        };
        lock(&self.world).happened.passed += milliseconds;
        self.silent_for = if is_silent { self.silent_for + milliseconds } else { 0 };
        if self.silent_for > LONG_SILENCE || milliseconds > LONG_SILENCE {
            lock(&self.world).happened.long_silences += 1;
        }
        for client in 0..self.clients.len() {
            self.clients[client].bridge.process.pass(Duration::from_millis(milliseconds));
            self.hear(client);
        }
        if let Some(session) = &self.session {
            session.process.pass(Duration::from_millis(milliseconds));
            self.look_after_session();
        }
    }

    pub(super) fn settle(&mut self) {
        self.settle_session();
        (0..self.clients.len()).for_each(|client| self.settle_bridge(client));
    }

    pub(super) fn settle_bridge(&mut self, client: usize) {
        self.clients[client].bridge.process.pass(Duration::from_millis(1));
        self.hear(client);
    }

    pub(super) fn settle_session(&mut self) {
        if let Some(session) = &self.session {
            session.process.pass(Duration::from_millis(1));
            self.look_after_session();
        }
    }
}
