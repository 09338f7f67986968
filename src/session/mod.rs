//! One session: the actor that is the only writer of its state, and the handle by which everybody else speaks to it.

pub mod actor;
pub mod answers;
pub mod background;
pub mod choose;
pub mod engine;
pub mod handle;
pub mod held;
pub mod history;
pub mod left;
pub mod live;
pub mod lock;
pub mod names;
pub mod news;
pub mod objection;
pub mod older;
pub mod outlet;
pub mod pidfd;
pub mod places;
pub mod processes;
pub mod record;
pub mod registry;
pub mod socket;
pub mod spool;
pub mod words;

pub use actor::{Beginning, remember_client, spawn};
pub use answers::{Answer, Answers, Structured};
pub use background::in_background;
pub use engine::{Engine, EngineEvent, Shown};
pub use handle::{
    AnswerRefused, Closed, Overview, QueueFull, ReplayRefused, RunOptions, SessionHandle, SubmitError, Subscription,
    Ticket,
};
pub use history::{History, Older, Past};
pub use left::{Left, Recalled, SentTo};
pub use news::{Happening, News};
pub use record::{Record, SessionId, Unrecorded};
pub use spool::Spool;
pub use words::{AskRefused, Asking};
