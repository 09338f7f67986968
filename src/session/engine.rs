//! What the session needs of Python. The actor calls it; what it has to say comes back as [`EngineEvent`]s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::{
    Author, Display, InputAnswer, Insight, InsightRequest, InspectError, InspectRequest, Inspection, Outcome,
    OutputChunk, ResetReport, SnippetId, VariableQuery, VariableTable,
};

/// The Python side. No call may block: each hands its work over and returns.
pub trait Engine: Send + 'static {
    /// Runs `code`. The actor sends one at a time: the next only after [`EngineEvent::Finished`].
    fn run(&mut self, snippet: SnippetId, author: &Author, code: Arc<str>);

    /// When the code of `snippet`, which was handed over last, began to run; `None` while Python has not come to it yet.
    fn began(&self, snippet: SnippetId) -> Option<Instant>;

    /// Raises `KeyboardInterrupt` in `snippet`, or in the reset or inspection with `None`, if that is what runs. `force` is for code
    /// that swallowed the first one.
    fn interrupt(&mut self, snippet: Option<SnippetId>, force: bool);

    /// Where Python stands, innermost frame first, if the last interrupt has not been seen by it yet. The first call after
    /// an interrupt only asks, and answers `None`.
    fn standstill(&mut self) -> Option<Vec<String>> {
        None
    }

    /// Clears the namespace in place; answered by [`EngineEvent::ResetDone`]. Only sent while nothing runs.
    fn reset(&mut self);

    /// Asks for a fresh [`EngineEvent::Variables`]; those that were asked for come in order. Only sent while nothing runs.
    fn find_variables(&mut self, wanted: VariableQuery);

    /// Asks about code that is being written; answered by [`EngineEvent::Insight`] with the same `id`, unless the answer
    /// would come too late for anybody. `busy`: something runs, so nothing of the user's may.
    fn ask(&mut self, id: u32, question: InsightRequest, busy: bool) {
        let _ = (id, question, busy);
    }

    /// Looks into a value; answered by [`EngineEvent::Inspected`]. Only sent while nothing runs. The actor interrupts it
    /// after `limit`, which is only told here.
    fn inspect(&mut self, asked: InspectRequest, limit: Duration);

    /// Hands an answer to the code that waits for input `number`. `false` if it waits no longer.
    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool;

    /// Takes what was written or displayed since the last call, in order; answers [`EngineEvent::OutputReady`].
    fn take_output(&mut self) -> Vec<(Option<SnippetId>, Shown)>;

    /// Ends Python. An interrupt of what runs has been asked for before.
    fn quit(&mut self);
}

/// What code shows.
#[derive(Debug)]
pub enum Shown {
    Text(OutputChunk),
    /// Its place in the output is not known to the engine. With `replaces`, see [`crate::domain::Event::Displayed`].
    Display {
        display: Display,
        replaces: bool,
    },
    /// It takes back what it displayed so far.
    Cleared,
}

#[derive(Debug)]
pub enum EngineEvent {
    /// Output waits to be taken. Not sent again before [`Engine::take_output`].
    OutputReady,
    /// The code of `snippet` waits for [`Engine::answer_input`]. Without a `prompt` of its own, what it wrote last is one.
    InputRequested {
        snippet: SnippetId,
        number: u32,
        prompt: Option<String>,
        hidden: bool,
    },
    /// It waits no longer, although nobody answered.
    InputWithdrawn {
        number: u32,
    },
    Finished {
        snippet: SnippetId,
        outcome: Outcome,
    },
    Variables {
        table: VariableTable,
        /// What was asked for; `None` if nobody did, and the table tells of all.
        requested: Option<VariableQuery>,
    },
    ResetDone(ResetReport),
    /// `None` if nothing could be found out.
    Insight {
        id: u32,
        insight: Option<Insight>,
    },
    Inspected(Result<Box<Inspection>, InspectError>),
    /// A signal asked the session to end.
    QuitRequested,
    /// Python does no more jobs; what still waits will never run.
    Ended,
}
