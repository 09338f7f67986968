//! The ground floor: what a session is made of, as plain data. No clock, no I/O, no async: time comes in as a value.

pub mod author;
pub mod call;
pub mod completion;
pub mod display;
pub mod emulator;
pub mod event;
pub mod frame;
pub mod info;
pub mod input;
pub mod inspection;
pub mod keepsake;
pub mod lexer;
pub mod markup;
pub mod note;
pub mod output;
#[cfg(test)]
pub mod random;
pub mod recorder;
pub mod replay;
pub mod retention;
pub mod snippet;
pub mod terminal_text;
pub mod transcript;
pub mod units;
pub mod variable;

pub use author::{Author, ClientId, PERSON, quoted};
pub use call::{CallId, CallState};
pub use completion::{About, Candidate, Completions, Insight, Question, Signature};
pub use display::{Display, Form};
pub use event::{Event, ResetReport, Restart};
pub use frame::{DisplayedFrame, FramePreview};
pub use info::SessionInfo;
pub use input::{INPUT_LIMIT, InputAnswer, InputRequest};
pub use inspection::{Aspect, Inspect, InspectError, Inspection, TablePage, TextPage};
pub use note::{Inquiry, Note};
pub use output::{Output, OutputChunk, Stream};
pub use replay::Replay;
pub use snippet::{ErrorReport, Outcome, Snippet, SnippetId, Status, Stuck};
pub use transcript::{Client, Entry, Transcript};
pub use variable::{Kind, Variable, VariableChanges, VariableQuery, VariableTable};

/// Milliseconds since the Unix epoch.
pub type Timestamp = u64;
