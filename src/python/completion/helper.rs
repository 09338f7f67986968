//! The Python helper that answers questions about code that is being written.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::domain::lexer::{self, CursorContext, PathStep};
use crate::domain::{Candidate, Completions, Insight, InsightKind, InsightRequest, Signature};
use crate::python::magics;

/// One module, written in parts.
const SOURCE: &str = concat!(
    include_str!("names.py"),
    include_str!("modules.py"),
    include_str!("signatures.py"),
    include_str!("debugger.py")
);

/// The helper's module, with builtins of its own, which user code cannot reach.
pub struct CompletionHelper {
    /// The module's globals, once its code has run.
    module: PyOnceLock<Py<PyDict>>,
    /// The module's globals before that.
    initial: Py<PyDict>,
    /// The session's namespace.
    globals: Py<PyDict>,
}

impl CompletionHelper {
    pub fn new(py: Python<'_>, globals: &Bound<'_, PyDict>) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict();
        let own = builtins.copy()?;
        let sys = py.import("sys")?;
        let posix = py.import("posix")?;
        let initial = PyDict::new(py);
        initial.set_item("__builtins__", &own)?;
        initial.set_item("own_builtins", own)?;
        initial.set_item("builtins", builtins)?;
        initial.set_item("modules", sys.getattr("modules")?)?;
        initial.set_item("current_frames", sys.getattr("_current_frames")?)?;
        initial.set_item("sys", sys)?;
        initial.set_item("scandir", posix.getattr("scandir")?)?;
        initial.set_item("getcwd", posix.getattr("getcwd")?)?;
        initial.set_item("home", std::env::var("HOME").unwrap_or_default())?;
        initial.set_item("magics", magics::SOURCE)?;
        Ok(Self { module: PyOnceLock::new(), initial: initial.unbind(), globals: globals.clone().unbind() })
    }

    fn function<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let module = self.module.get_or_try_init(py, || {
            let module = self.initial.bind(py);
            let source = std::ffi::CString::new(SOURCE)?;
            py.run(&source, Some(module), None)?;
            PyResult::Ok(module.clone().unbind())
        })?;
        module.bind(py).as_any().get_item(name)
    }

    /// Returns whether jedi has been loaded.
    pub fn has_jedi(&self, py: Python<'_>) -> bool {
        self.function(py, "has_jedi").and_then(|f| f.call0()?.extract()).unwrap_or(false)
    }

    pub fn load_jedi(&self, py: Python<'_>) -> PyResult<()> {
        self.function(py, "load_jedi")?.call0().map(drop)
    }

    /// Answers a question; runs user code only with `run`, and if the question allows that.
    pub fn answer(&self, py: Python<'_>, question: &InsightRequest, run: bool) -> PyResult<Insight> {
        let run = run && question.may_run;
        let code = &*question.code;
        let before = question.before();
        let end = before.len();
        let row = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let cursor = (code, row, column);
        let context = lexer::cursor_context(before);
        match &question.about {
            InsightKind::Signature => {
                let call = lexer::open_call(before);
                let Some(call) = call else { return Ok(Insight::Signature(None)) };
                let callee = &code[call.callee];
                let steps = steps(py, lexer::path_steps(callee).as_deref())?;
                let found = self.function(py, "call_signature")?.call1((steps, &self.globals, run, cursor))?;
                let found: Option<(Vec<String>, String)> = found.extract()?;
                let name = callee.rsplit('.').next().unwrap_or_default().to_owned();
                Ok(Insight::Signature(found.map(|(parameters, doc)| Signature { name, parameters, doc })))
            }
            InsightKind::Completion => {
                let Some(request) = HelperRequest::new(py, &context, code, before)? else {
                    return Ok(Insight::Completions(Completions::default()));
                };
                let arguments =
                    (request.kind, &request.prefix, request.steps, request.more, &self.globals, run, cursor);
                let found = self.function(py, "complete")?.call1(arguments)?;
                let (found, left_out): (Vec<(String, String)>, usize) = found.extract()?;
                let from = question.cursor - request.replaced.min(question.cursor);
                let candidates = found.into_iter().map(|(name, kind)| candidate(&context, name, kind, &code[end..]));
                Ok(Insight::Completions(Completions { from, candidates: candidates.collect(), left_out }))
            }
            InsightKind::Command => {
                // The debugger runs what follows `!` as Python.
                let line = before.trim_start();
                let statement = line.trim_start_matches('!');
                let is_first = line == statement && statement.chars().all(|c| c.is_alphanumeric() || c == '_');
                let context = lexer::cursor_context(statement);
                let Some(request) = HelperRequest::new(py, &context, statement, statement)? else {
                    return Ok(Insight::Completions(Completions::default()));
                };
                let arguments = (request.kind, &request.prefix, request.steps, request.more, is_first);
                let found = self.function(py, "complete_command")?.call1(arguments)?;
                let (found, left_out): (Vec<(String, String)>, usize) = found.extract()?;
                let from = question.cursor - request.replaced.min(question.cursor);
                let candidates = found.into_iter().map(|(name, kind)| candidate(&context, name, kind, &code[end..]));
                Ok(Insight::Completions(Completions { from, candidates: candidates.collect(), left_out }))
            }
            InsightKind::Candidate(name) => {
                let Some(request) = HelperRequest::new(py, &context, code, before)? else {
                    return Ok(Insight::Candidate(String::new()));
                };
                let arguments = (request.kind, request.steps, request.more, name, &self.globals);
                Ok(Insight::Candidate(self.function(py, "candidate")?.call1(arguments)?.extract()?))
            }
        }
    }
}

/// A [`CursorContext`] as the helper's functions take it.
struct HelperRequest<'py> {
    kind: &'static str,
    prefix: String,
    /// Characters before the cursor that a candidate replaces.
    replaced: usize,
    steps: Bound<'py, PyAny>,
    more: Bound<'py, PyAny>,
}

impl<'py> HelperRequest<'py> {
    fn new(py: Python<'py>, context: &CursorContext, code: &str, before: &str) -> PyResult<Option<Self>> {
        let none = || py.None().into_bound(py);
        let after = |prefix: &str, separator: char| prefix.rsplit(separator).next().unwrap_or_default().chars().count();
        let (kind, prefix, steps, more) = match context {
            CursorContext::Nowhere => return Ok(None),
            CursorContext::Name { prefix } => {
                let call = lexer::open_call(before).and_then(|call| lexer::path_steps(&code[call.callee]));
                let names = lexer::names(code, before.len());
                let more = (names, steps(py, call.as_deref())?).into_pyobject(py)?.into_any();
                ("name", prefix, none(), more)
            }
            CursorContext::Attribute { of, prefix } => ("attribute", prefix, steps(py, of.as_deref())?, none()),
            CursorContext::Key { of, prefix, quote, place, .. } => {
                let more = (quote.is_some(), place).into_pyobject(py)?.into_any();
                ("key", prefix, steps(py, of.as_deref())?, more)
            }
            CursorContext::Module { prefix } => ("module", prefix, none(), none()),
            CursorContext::Member { module, prefix } => {
                ("member", prefix, none(), module.into_pyobject(py)?.into_any())
            }
            CursorContext::Path { prefix, of, .. } => {
                let values = of.iter().map(|of| steps(py, Some(of))).collect::<PyResult<Vec<_>>>()?;
                ("path", prefix, none(), PyTuple::new(py, values)?.into_any())
            }
            CursorContext::Magic { prefix, cell } => {
                ("magic", prefix, none(), cell.into_pyobject(py)?.to_owned().into_any())
            }
        };
        let replaced = match context {
            CursorContext::Module { .. } => after(prefix, '.'),
            CursorContext::Path { .. } => after(prefix, '/'),
            _ => prefix.chars().count(),
        };
        Ok(Some(Self { kind, prefix: prefix.clone(), replaced, steps, more }))
    }
}

/// Converts the steps of an expression to pairs of kind and key.
fn steps<'py>(py: Python<'py>, steps: Option<&[PathStep]>) -> PyResult<Bound<'py, PyAny>> {
    let Some(steps) = steps else { return Ok(py.None().into_bound(py)) };
    let pairs = steps.iter().map(|step| match step {
        PathStep::Name(name) => ("name", name).into_pyobject(py),
        PathStep::Attribute(name) => ("attribute", name).into_pyobject(py),
        PathStep::Key(key) => ("item", key).into_pyobject(py),
        PathStep::Index(index) => ("item", *index).into_pyobject(py),
        PathStep::Literal(literal) => ("literal", *literal).into_pyobject(py),
        PathStep::Rows => ("rows", "").into_pyobject(py),
    });
    let pairs = pairs.collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, pairs)?.into_any())
}

/// Makes a candidate. A key is quoted as far as its quotes are not in the code yet; `after` is the code behind the
/// cursor.
fn candidate(context: &CursorContext, name: String, kind: String, after: &str) -> Candidate {
    let (quote, ends) = match context {
        CursorContext::Key { quote, ends, .. } => (*quote, *ends),
        CursorContext::Path { quote, .. } if kind == "column" => (Some(*quote), false),
        _ => return Candidate { text: name.clone(), name, kind },
    };
    let text = match quote {
        _ if kind == "number" => format!("{name}{}", if after.starts_with(']') { "" } else { "]" }),
        None if kind != "key" && kind != "column" => name.clone(),
        quote => {
            let mark = quote.unwrap_or('"');
            let mut text: String = quote.is_none().then_some(mark).into_iter().collect();
            for c in name.chars() {
                match c {
                    '\n' => text.push_str("\\n"),
                    '\t' => text.push_str("\\t"),
                    c if c == mark || c == '\\' => text.extend(['\\', c]),
                    c => text.push(c),
                }
            }
            if quote.is_none() || !after.starts_with(mark) {
                text.push(mark);
                if ends && !after.starts_with(']') {
                    text.push(']');
                }
            }
            text
        }
    };
    Candidate { text, name, kind }
}
