//! The ground floor: the parts of a session, as plain data. It has no clock, no I/O and no async; time comes in as a
//! value.

pub mod author;
pub mod call;
pub mod char_boundary;
pub mod completion;
pub mod crash_store;
pub mod display;
pub mod event;
pub mod flight_recorder;
pub mod frame;
pub mod home_path;
pub mod input;
pub mod inspection;
pub mod lexer;
pub mod markup;
pub mod note;
pub mod outcome;
pub mod output;
pub mod output_chunk;
#[cfg(test)]
pub mod random;
pub mod replay;
pub mod replay_selection;
pub mod retention;
pub mod session_info;
pub mod side_effects;
pub mod snippet;
pub mod snippet_id;
pub mod terminal_caps;
pub mod terminal_text;
pub mod timestamp;
pub mod transcript;
pub mod units;
pub mod variable;

pub use self::session_info::SessionInfo;
pub use author::{Author, ClientId, PERSON, quoted};
pub use call::{CallId, CallState};
pub use completion::{Candidate, Completions, Insight, InsightKind, InsightRequest, Signature};
pub use display::{Display, Form};
pub use event::{Event, ResetReport, Restart};
pub use frame::{DisplayedFrame, FramePreview};
pub use input::{INPUT_TIMEOUT, InputAnswer, InputRequest};
pub use inspection::{Aspect, InspectError, InspectRequest, Inspection, TablePage, TextPage};
pub use note::{Inquiry, Note};
pub use outcome::{ErrorReport, Outcome, Status};
pub use output::Output;
pub use output_chunk::{OutputChunk, Segment, Stream};
pub use replay::Replay;
pub use replay_selection::ReplaySelection;
pub use side_effects::{SideEffect, SideEffectKind, SideEffects};
pub use snippet::{Snippet, Stuck};
pub use snippet_id::SnippetId;
pub use timestamp::Timestamp;
pub use transcript::{Client, Entry, Transcript};
pub use variable::{Variable, VariableChanges, VariableKind, VariableQuery, VariableTable};
