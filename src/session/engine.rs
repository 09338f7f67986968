//! The interface between the session and Python: the actor calls an [`Engine`], which reports [`EngineEvent`]s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::{
    Author, Display, Gate, InputAnswer, Insight, InsightRequest, InspectError, InspectRequest, Inspection, Outcome,
    OutputChunk, ResetReport, RiskKind, SideEffects, SnippetId, TerminalSize, Timestamp, UndoableNames, VariableQuery,
    VariableTable,
};

/// The Python side. Every call hands its work over and returns without blocking.
pub trait Engine: Send + 'static {
    /// Runs `code`. The actor runs one snippet at a time: the next one only after [`EngineEvent::Finished`].
    fn run(&mut self, snippet: SnippetId, author: &Author, code: Arc<str>);

    /// Returns when the code of `snippet`, the last one handed over, began to run; `None` if it has not begun.
    fn began(&self, snippet: SnippetId) -> Option<Instant>;

    /// Raises `KeyboardInterrupt` in `snippet`, or with `None` in the reset or inspection, if that is what runs.
    /// `force` is for code that swallowed the first interrupt.
    fn interrupt(&mut self, snippet: Option<SnippetId>, force: bool);

    /// Returns Python's stack, innermost frame first, if Python has not seen the last interrupt yet. The first call
    /// after an interrupt only requests the stack and returns `None`.
    fn standstill(&mut self) -> Option<Vec<String>> {
        None
    }

    /// Returns whether background tasks may be running. See [`EngineEvent::TasksWait`].
    fn has_background(&self) -> bool {
        false
    }

    /// Returns since when a background task has kept Python to itself, if for more than a moment, and the snippet of
    /// the task, if that is known. The first call of several tells less.
    fn background_step(&mut self) -> Option<(Timestamp, Option<SnippetId>)> {
        None
    }

    /// Raises `KeyboardInterrupt` in that task.
    fn interrupt_background(&mut self, force: bool) {
        let _ = force;
    }

    /// Takes back the inspection, unless Python has come to it. Nothing is reported then. Returns `false` if it goes
    /// on.
    fn withdraw_inspection(&mut self) -> bool {
        false
    }

    /// Clears the namespace in place; reports [`EngineEvent::ResetDone`]. Called only while nothing runs.
    fn reset(&mut self);

    /// Requests a fresh [`EngineEvent::Variables`]; requested tables come in order. Called only while nothing runs.
    fn find_variables(&mut self, query: VariableQuery);

    /// Asks about code that is being written; reports [`EngineEvent::Insight`] with the same `id`, unless the answer
    /// would be too late. While the engine is `busy`, the answer must not run code of the user.
    fn ask(&mut self, id: u32, question: InsightRequest, busy: bool) {
        let _ = (id, question, busy);
    }

    /// Inspects a value; reports [`EngineEvent::Inspected`]. Called only while nothing runs. The actor interrupts the
    /// inspection after `limit`; here the limit is only for messages.
    fn inspect(&mut self, request: InspectRequest, limit: Duration);

    /// Hands an answer to the code that waits at prompt `number`. Returns `false` if the code waits no longer.
    fn answer_input(&mut self, number: u32, answer: InputAnswer) -> bool;

    /// Passes the gate on, at the start and after each change of it.
    fn set_gate(&mut self, gate: Arc<Gate>) {
        let _ = gate;
    }

    /// Binds names to the objects that they had before `snippet`; reports [`EngineEvent::PutBack`].
    fn put_back(&mut self, snippet: SnippetId, names: Vec<Arc<str>>) {
        let _ = (snippet, names);
    }

    /// Hands an answer to the code that waits at risk `number`. Returns `false` if the code waits no longer.
    fn answer_risk(&mut self, number: u32, reply: RiskReply) -> bool {
        let _ = (number, reply);
        false
    }

    /// Takes output, displays and side effects since the last call, in order. To be called after
    /// [`EngineEvent::OutputReady`].
    fn take_output(&mut self) -> Vec<(Option<SnippetId>, EngineOutput)>;

    /// Tells the size of the card in which the person sees output. Called at any time.
    fn resize(&mut self, size: TerminalSize) {
        let _ = size;
    }

    /// Returns sentences on why there are no more safe points.
    fn why_no_safe_point(&self) -> String {
        String::new()
    }

    /// From now on the end of Python is at once, without its clean-up: its objects live on in a safe point. `last` is
    /// the last snippet that has a number.
    fn abandon(&mut self, last: SnippetId) {
        let _ = last;
    }

    /// Ends Python. The actor has interrupted running code before.
    fn quit(&mut self);
}

/// A piece of the output, displays and side effects of code.
#[derive(Debug)]
pub enum EngineOutput {
    Text(OutputChunk),
    /// The engine does not know the display's place in the output. For `replaces` see
    /// [`crate::domain::Event::Displayed`].
    Display {
        display: Display,
        replaces: bool,
    },
    /// The code takes back what it displayed so far.
    Cleared,
    /// All effects of the snippet so far.
    Effects(Arc<SideEffects>),
}

/// The answer to code that waits at a risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskReply {
    Allow,
    /// Also for the rest of the snippet, for risks of the same kind.
    AllowInSnippet,
    /// The code gets a `PermissionError` with these words.
    Deny(String),
    /// The same for the rest of the snippet, for risks of the same kind.
    DenyInSnippet(String),
}

#[derive(Debug)]
pub enum EngineEvent {
    /// Output waits to be taken. Not reported twice before [`Engine::take_output`].
    OutputReady,
    /// The code of `snippet` waits for [`Engine::answer_input`]. Without a `prompt`, the last line of its output is the
    /// prompt.
    InputRequested {
        snippet: SnippetId,
        number: u32,
        prompt: Option<String>,
        hidden: bool,
    },
    /// The code waits no longer at this prompt, although nobody answered.
    InputWithdrawn {
        number: u32,
    },
    /// The code of `snippet` has stopped before an action and waits for [`Engine::answer_risk`].
    RiskAsked {
        number: u32,
        snippet: SnippetId,
        kind: RiskKind,
        target: String,
        line: Option<u32>,
    },
    /// The code no longer waits at this risk, although nobody answered.
    RiskWithdrawn {
        number: u32,
    },
    Finished {
        snippet: SnippetId,
        outcome: Box<Outcome>,
    },
    Variables {
        table: VariableTable,
        /// The query that asked for the table; `None` for a table of everything that nobody asked for.
        requested: Option<VariableQuery>,
    },
    /// The names that can be put back from now on.
    Undoable(UndoableNames),
    /// These names have their objects from before `snippet` again.
    PutBack {
        snippet: SnippetId,
        names: Vec<Arc<str>>,
    },
    ResetDone(ResetReport),
    /// `None` if there is no answer.
    Insight {
        id: u32,
        insight: Option<Insight>,
    },
    Inspected(Result<Box<Inspection>, InspectError>),
    /// Background tasks run from now on while nothing else does.
    TasksWait,
    /// A signal asked the session to end.
    QuitRequested,
    /// Python does no more jobs; the queue will never run.
    Ended,
}
