//! One session: the actor that is the only writer of its state, and the handle by which everybody else speaks to it.

pub mod actor;
pub mod choose;
pub mod engine;
pub mod handle;
pub mod places;
pub mod record;
pub mod registry;

pub use actor::spawn;
pub use engine::{Engine, EngineEvent};
pub use handle::{AnswerRefused, Closed, Overview, RunOptions, SessionHandle, Subscription, Ticket};
pub use record::{Record, SessionId, Unrecorded};
