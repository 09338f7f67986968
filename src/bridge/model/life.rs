//! Whether a simulated process lives. It dies where the scheduler says: from that point on nothing that it does has an
//! effect outside of it, and soon it is taken away.

use std::sync::{Arc, Mutex};

/// Where a session process may die beside the moments between two steps of the scheduler.
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
struct State {
    is_dead: bool,
    /// Where it dies, and how often it comes by there before.
    trap: Option<(Point, usize)>,
}

#[derive(Clone, Default)]
pub struct Life(Arc<Mutex<State>>);

impl Life {
    pub fn is_over(&self) -> bool {
        self.0.lock().unwrap().is_dead
    }

    pub fn end(&self) {
        self.0.lock().unwrap().is_dead = true;
    }

    pub fn set_trap(&self, trap: Option<(Point, usize)>) {
        self.0.lock().unwrap().trap = trap;
    }

    /// The process comes by a point. Answers whether it is still alive.
    pub fn reaches(&self, point: Point) -> bool {
        let mut state = self.0.lock().unwrap();
        if let Some((at, left)) = state.trap
            && at == point
        {
            state.is_dead |= left == 0;
            state.trap = (left > 0).then(|| (at, left - 1));
        }
        !state.is_dead
    }
}
