//! One session: the actor that is the only writer of its state, and the handle by which everybody else speaks to it. It
//! knows Python only as the trait `Engine`, the journal only as the trait `EventSink`, and nothing of MCP or the
//! screen.

pub mod activity;
pub mod actor;
pub mod background;
pub mod call_numbers;
mod client_calls;
pub mod client_names;
pub mod client_responses;
pub mod clock;
mod descriptor_passing;
pub mod discovery;
pub mod engine;
pub mod handle;
pub mod hangup;
pub mod history;
mod identifiers;
pub mod outlet;
pub mod pidfd;
pub mod processes;
pub mod record;
pub mod review_diff;
pub mod safe_point;
pub mod spool;
pub mod typed_lines;
pub mod unanswered_calls;

pub use activity::{Activity, ActivityLog, ReadPlace};
pub use actor::{Startup, Successor, remember_client, spawn};
pub use background::in_background;
pub use call_numbers::CallSnippets;
pub use client_calls::{CallAnswer, CallEnd, ClientCall, ClientCalls};
pub use client_responses::{ClientResponse, ClientResponses, ResponseKind, Structured};
pub use engine::{Engine, EngineEvent, EngineOutput, RiskReply};
pub use handle::{
    AnswerRefused, Closed, CommandError, DecisionRefused, InquiryRefused, NotQueued, Overview, PendingInquiry,
    QueueFull, ReplayRefused, RiskRefused, RunOptions, SessionHandle, SubmitError, Subscription, Ticket,
};
pub use history::{HistorySource, Past, RecordedSnippets};
pub use identifiers::as_python_reads;
pub use record::{EventSink, SessionId, Unrecorded};
pub use review_diff::review_diff;
pub use spool::Spool;
pub use unanswered_calls::{CallReport, SentTo, UnansweredCall};
