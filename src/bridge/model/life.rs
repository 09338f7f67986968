//! The life of a simulated process. The process dies where the scheduler says: from then on nothing that it does has an
//! effect outside, and soon it is dropped.

use std::sync::Arc;

use parking_lot::Mutex;

/// Points within a step of the scheduler at which a session process may die.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Point {
    BeforeSubmitted,
    AfterSubmitted,
    BeforeStarted,
    AfterStarted,
    BeforeFinished,
    AfterFinished,
    BeforeAnswer,
    AfterAnswer,
}

pub const POINTS: [Point; 8] = [
    Point::AfterSubmitted,
    Point::BeforeSubmitted,
    Point::BeforeStarted,
    Point::AfterStarted,
    Point::BeforeFinished,
    Point::AfterFinished,
    Point::BeforeAnswer,
    Point::AfterAnswer,
];

#[derive(Default)]
struct LifeState {
    is_dead: bool,
    /// The point of death, and how often the process passes it before.
    trap: Option<(Point, usize)>,
}

#[derive(Clone, Default)]
pub struct Life(Arc<Mutex<LifeState>>);

impl Life {
    pub fn is_over(&self) -> bool {
        self.0.lock().is_dead
    }

    pub fn end(&self) {
        self.0.lock().is_dead = true;
    }

    pub fn set_trap(&self, trap: Option<(Point, usize)>) {
        self.0.lock().trap = trap;
    }

    /// Notes that the process reaches a point. Returns whether the process is still alive.
    pub fn survives(&self, point: Point) -> bool {
        let mut state = self.0.lock();
        if let Some((at, left)) = state.trap
            && at == point
        {
            state.is_dead |= left == 0;
            state.trap = (left > 0).then(|| (at, left - 1));
        }
        !state.is_dead
    }
}
