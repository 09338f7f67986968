//! One run: the scheduler chooses what happens next, until it has had enough; then all that can go on does so, and what
//! must hold is checked.

use std::time::Duration;

use super::check::{Violation, violation};
use super::claims::Claim;
use super::client::Client;
use super::dice::Dice;
use super::life::{POINTS, Point};
use super::process::{Bridge, Session};
use super::python::{self, Release};
use super::wire::Share;
use super::world::{Ask, End, Registry, Shared, lock};
use crate::domain::Restart;

/// What happened, in order.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum Step {
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
    /// With a wall clock that is off by so many milliseconds.
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
    Told {
        call: usize,
        claim: Claim,
    },
    Ended {
        how: &'static str,
    },
    AllGoesOn,
}

pub struct Outcome {
    pub trace: Vec<Step>,
    pub drawn: Vec<u32>,
    pub violation: Option<Violation>,
}

/// Longer silences than this count as such.
const LONG: u64 = 2_000;

pub struct Run {
    pub(super) dice: Dice,
    pub(super) world: Shared,
    pub(super) session: Option<Session>,
    /// Why the next process takes over; the guardian is about to start it.
    pub(super) next: Option<Restart>,
    pub(super) clients: Vec<Client>,
    pub(super) trace: Vec<Step>,
    /// Disturbances that may still come.
    pub(super) disturbances: usize,
    /// Milliseconds in which something lay on a wire, or nobody listened.
    pub(super) silent_for: u64,
    /// Whether another session begins where one has ended for good.
    pub(super) revives: bool,
    /// Code that cannot be interrupted never ends by itself.
    pub(super) deaf_for_ever: bool,
}

pub fn run(dice: Dice) -> Outcome {
    let mut run = Run::new(dice);
    let steps = 8 + run.dice.below(60);
    for _ in 0..steps {
        run.step();
    }
    let late = run.finish();
    let connected = |client: usize| !run.clients[client].closed;
    let found = violation(&lock(&run.world), connected).or(late);
    Outcome { trace: run.trace, drawn: run.dice.drawn, violation: found }
}

#[derive(Clone, Copy)]
enum Choice {
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
        let world = Shared::default();
        let clients = dice.weighted(&[6, 3, 1]) + 1;
        let clients = (0..clients).map(|client| {
            let (is_modern, wants) = (dice.below(2) == 1, 1 + dice.below(5));
            Client::new(Bridge::start(&world, client), is_modern, wants)
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
        // Mostly there is a session from the beginning.
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
            Choice::Nothing => {}
            Choice::Deliver(at, to_session) => {
                let share = self.dice.one(&[Share::Line, Share::All, Share::Line, Share::HalfALine]);
                self.deliver(at, to_session, share);
                if !self.dice.chance(4) {
                    self.settle();
                }
            }
            Choice::Ask(client) => self.ask(client),
            Choice::Python => self.python(Release::Nothing),
            Choice::Release => self.python(Release::All),
            Choice::Cancel(call) => self.cancel(call),
            Choice::Leave(client) => {
                self.trace.push(Step::Leaves { client });
                self.clients[client].closed = true;
                self.clients[client].bridge.stdin.close();
                self.settle_bridge(client);
            }
            Choice::Die => {
                self.disturbances -= 1;
                let (point, after) = (self.dice.one(&POINTS), self.dice.below(3));
                self.trace.push(Step::DiesAt { point, after });
                lock(&self.world).session_life.set_trap(Some((point, after)));
            }
            Choice::Kill => {
                self.disturbances -= 1;
                self.trace.push(Step::IsKilled);
                self.bury(End::Died("Python was killed by SIGKILL."));
            }
            Choice::Quit => {
                self.disturbances -= 1;
                self.trace.push(Step::IsAskedToEnd);
                self.session.iter_mut().for_each(Session::terminate);
                self.settle_session();
            }
            Choice::Start => self.start(),
            Choice::Listen => self.listen(),
            Choice::Poll(Some(client)) => {
                let polls = 1 + self.dice.below(12);
                self.trace.push(Step::BridgeRuns { client, polls });
                self.clients[client].bridge.process.poll(polls);
                self.hear(client);
            }
            Choice::Poll(None) => {
                let polls = 1 + self.dice.below(12);
                self.trace.push(Step::SessionRuns { polls });
                self.session.iter().for_each(|session| session.process.poll(polls));
                self.look_after_session();
            }
            Choice::Time => {
                let milliseconds = self.dice.one(&[20, 60, 120, 600, 1_100, 3_200, 9_000, 46_000]);
                self.trace.push(Step::TimePasses { milliseconds });
                self.pass(milliseconds);
            }
        }
    }

    /// What can happen now, and how likely.
    fn choices(&self) -> Vec<(usize, Choice)> {
        let mut choices = vec![(1, Choice::Nothing)];
        let world = lock(&self.world);
        for (at, (_, to, from)) in world.connections.iter().enumerate() {
            choices.extend(to.is_due().then_some((20, Choice::Deliver(at, true))));
            choices.extend(from.is_due().then_some((20, Choice::Deliver(at, false))));
        }
        choices.extend(world.python.is_at_work().then_some((25, Choice::Python)));
        choices.extend(world.python.is_at_work().then_some((3, Choice::Release)));
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| !client.closed) {
            choices.extend((client.wants > 0 && client.may_ask()).then_some((20, Choice::Ask(at))));
            choices.push((3, Choice::Poll(Some(at))));
            choices.push((1, Choice::Leave(at)));
        }
        let open = |call: &super::world::Call| {
            call.answers.is_empty()
                && !call.cancelled
                && call.ask != Ask::Initialize
                && !self.clients[call.client].closed
        };
        let open = world.calls.iter().enumerate().filter(|(_, call)| open(call));
        choices.extend(open.map(|(call, _)| (1, Choice::Cancel(call))));
        match (&self.session, &world.registry) {
            (Some(_), registry) => {
                choices.push((6, Choice::Poll(None)));
                choices.extend(matches!(registry, Registry::Starting).then_some((10, Choice::Listen)));
                if self.disturbances > 0 {
                    choices.extend([(3, Choice::Die), (2, Choice::Kill), (2, Choice::Quit)]);
                }
            }
            (None, Registry::Starting) => choices.push((8, Choice::Start)),
            (None, _) => choices.extend(self.revives.then_some((3, Choice::Start))),
        }
        choices.push((4, Choice::Time));
        choices
    }

    fn deliver(&mut self, at: usize, to_session: bool, share: Share) {
        let (client, to, from) = lock(&self.world).connections[at].clone();
        let wire = if to_session { to } else { from };
        self.trace.push(if to_session {
            Step::ToSession { client, share }
        } else {
            Step::FromSession { client, share }
        });
        wire.deliver(share);
    }

    fn python(&mut self, release: Release) {
        self.trace.push(if release == Release::All { Step::CodeIsReleased } else { Step::PythonGoesOn });
        let step = python::step(&mut lock(&self.world), release);
        self.on_python(&step);
        if !self.dice.chance(4) {
            self.settle_session();
        }
    }

    pub(super) fn on_python(&mut self, step: &python::Step) {
        if matches!(step, python::Step::Crashed) {
            self.bury(End::Died("Python ended itself with exit code 3."));
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
        if self.silent_for > LONG || milliseconds > LONG {
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
