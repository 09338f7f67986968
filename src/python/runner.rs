//! Running one snippet: parse, cut off the last expression, evaluate both, and say how it ended.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};

use super::baseline::Baseline;
use super::event_loop::EventLoop;
use super::report::{Ending, FILE_PREFIX, Reporter};
use super::{fork, prompt, signals};
use crate::domain::output::{ceil_char_boundary, floor_char_boundary};
use crate::domain::{ErrorReport, Outcome, SnippetId, Status, VariableChanges};

const ONLY_AST: u32 = 0x0400;
const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
/// `CO_FUTURE_*` of the features that still change how code is compiled: `barry_as_FLUFL` and `annotations`.
const FUTURE_FEATURES: u32 = 0x0040_0000 | 0x0100_0000;
const CO_COROUTINE: u32 = 0x80;

/// Sources that tracebacks and `inspect` can still show.
const SOURCES_KEPT: u32 = 500;
/// Characters kept of the beginning and of the end of a displayed value.
const RESULT_ENDS: usize = 64 << 10;

pub struct Runner {
    compile: Py<PyAny>,
    eval: Py<PyAny>,
    expr: Py<PyType>,
    expression: Py<PyType>,
    displayhook: Py<PyAny>,
    settrace: Py<PyAny>,
    sys: Py<PyModule>,
    /// `linecache.cache`: where tracebacks find the source.
    sources: Py<PyDict>,
    reporter: Reporter,
    event_loop: EventLoop,
    /// Future features that snippets have asked for; they hold for all later ones.
    future: u32,
}

impl Runner {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let builtins = py.import("builtins")?;
        let ast = py.import("_ast")?;
        let sys = py.import("sys")?;
        Ok(Self {
            compile: builtins.getattr("compile")?.unbind(),
            eval: builtins.getattr("eval")?.unbind(),
            expr: ast.getattr("Expr")?.cast_into::<PyType>()?.unbind(),
            expression: ast.getattr("Expression")?.cast_into::<PyType>()?.unbind(),
            displayhook: sys.getattr("displayhook")?.unbind(),
            settrace: sys.getattr("settrace")?.unbind(),
            sys: sys.unbind(),
            sources: py.import("linecache")?.getattr("cache")?.cast_into::<PyDict>()?.unbind(),
            reporter: Reporter::new(py)?,
            event_loop: EventLoop::default(),
            future: 0,
        })
    }

    /// Runs `code` in `globals`. `changes` of the outcome is left empty.
    pub fn run(&mut self, globals: &Bound<'_, PyDict>, snippet: SnippetId, code: &str, baseline: &Baseline) -> Outcome {
        let py = globals.py();
        let file = format!("{FILE_PREFIX}{snippet}>");
        let code = normalize(code);
        let _ = self.keep_source(py, snippet, &file, &code);
        self.event_loop.restore(py);
        let started = Instant::now();
        let result = if signals::begin(snippet) {
            self.evaluate(globals, &file, &code, baseline)
        } else {
            Err(PyKeyboardInterrupt::new_err(()))
        };
        if prompt::take_asked() {
            // Such as pdb's, which would go on to ask in the middle of the engine's own Python code.
            let _ = self.settrace.bind(py).call1((py.None(),));
        }
        let elapsed = started.elapsed();
        signals::end();
        if fork::is_child() {
            self.leave_child(py, &result);
        }
        match result {
            Ok(result) => outcome(Status::Ok, 0, result, None, elapsed),
            Err(error) => {
                let Ending { status, returncode, error } = self.reporter.ending(py, &error);
                outcome(status, returncode, None, error, elapsed)
            }
        }
    }

    /// Cancels what still waits on the event loop and forgets future features.
    pub fn reset(&mut self, py: Python<'_>) {
        self.event_loop.close(py);
        self.future = 0;
        let _ = self.sys.bind(py).setattr("displayhook", &self.displayhook);
    }

    fn evaluate(
        &mut self,
        globals: &Bound<'_, PyDict>,
        file: &str,
        code: &str,
        baseline: &Baseline,
    ) -> PyResult<Option<String>> {
        let py = globals.py();
        let tree = self.compile(&PyString::new(py, code), file, "exec", ONLY_AST)?;
        let body = tree.getattr(pyo3::intern!(py, "body"))?.cast_into::<PyList>()?;
        let last = body.len().checked_sub(1).map(|index| body.get_item(index)).transpose()?;
        let last = last.filter(|last| last.get_type().is(&self.expr));
        if last.is_some() {
            body.del_item(body.len() - 1)?;
        }
        if !body.is_empty() {
            let compiled = self.compile(&tree, file, "exec", 0)?;
            self.execute(&compiled, globals)?;
        }
        let Some(last) = last else { return Ok(None) };
        let value = last.getattr(pyo3::intern!(py, "value"))?;
        let compiled = self.compile(&self.expression.bind(py).call1((value,))?, file, "eval", 0)?;
        let value = self.execute(&compiled, globals)?;
        self.display(&value, baseline)
    }

    fn compile<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        file: &str,
        mode: &str,
        flags: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let flags = flags | ALLOW_TOP_LEVEL_AWAIT | self.future;
        self.compile.bind(source.py()).call1((source, file, mode, flags, /* dont_inherit */ true))
    }

    fn execute<'py>(
        &mut self,
        compiled: &Bound<'py, PyAny>,
        globals: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = globals.py();
        let flags: u32 = compiled.getattr(pyo3::intern!(py, "co_flags"))?.extract()?;
        self.future |= flags & FUTURE_FEATURES;
        let value = self.eval.bind(py).call1((compiled, globals))?;
        if flags & CO_COROUTINE == 0 { Ok(value) } else { self.event_loop.run(&value) }
    }

    /// The text of a value, as `sys.displayhook` would show it; the hook itself if user code has set another.
    fn display(&self, value: &Bound<'_, PyAny>, baseline: &Baseline) -> PyResult<Option<String>> {
        let py = value.py();
        let hook = self.sys.bind(py).getattr(pyo3::intern!(py, "displayhook"))?;
        if !hook.is(&self.displayhook) {
            hook.call1((value,))?;
            return Ok(None);
        }
        if value.is_none() {
            return Ok(None);
        }
        let text = value.repr()?;
        baseline.set_last_value(value)?;
        Ok(Some(bounded(text.to_string_lossy().into_owned())))
    }

    fn keep_source(&self, py: Python<'_>, snippet: SnippetId, file: &str, code: &str) -> PyResult<()> {
        let sources = self.sources.bind(py);
        let lines = PyList::new(py, code.split_inclusive('\n'))?;
        if let Some(last) = code.lines().last().filter(|_| !code.ends_with('\n')) {
            lines.set_item(lines.len() - 1, format!("{last}\n"))?;
        }
        // No modification time: linecache then never looks for a file.
        let entry = PyTuple::new(
            py,
            [
                code.len().into_pyobject(py)?.into_any(),
                py.None().into_bound(py),
                lines.into_any(),
                PyString::new(py, file).into_any(),
            ],
        )?;
        sources.set_item(file, entry)?;
        if let Some(old) = snippet.0.checked_sub(SOURCES_KEPT) {
            let _ = sources.del_item(format!("{FILE_PREFIX}{old}>"));
        }
        Ok(())
    }

    /// A child that user code forked came out of the snippet: it ends here, as a script would.
    fn leave_child(&self, py: Python<'_>, result: &PyResult<Option<String>>) -> ! {
        let Err(error) = result else { fork::leave(0) };
        let Ending { returncode, error, .. } = self.reporter.ending(py, error);
        if let Some(error) = error {
            let text = if error.type_name == "SystemExit" { error.message } else { error.traceback };
            let stderr = py.import("sys").and_then(|sys| sys.getattr("stderr"));
            let _ = stderr.and_then(|stderr| stderr.call_method1("write", (text + "\n",)));
        }
        fork::leave(returncode)
    }
}

fn outcome(
    status: Status,
    returncode: i32,
    result: Option<String>,
    error: Option<ErrorReport>,
    elapsed: Duration,
) -> Outcome {
    Outcome { status, returncode, result, error, stopped_by: None, elapsed, changes: VariableChanges::default() }
}

/// Python's parser takes neither a byte order mark within a string nor lone carriage returns.
fn normalize(code: &str) -> String {
    code.strip_prefix('\u{feff}').unwrap_or(code).replace("\r\n", "\n").replace('\r', "\n")
}

fn bounded(text: String) -> String {
    if text.len() <= 2 * RESULT_ENDS {
        return text;
    }
    let head = floor_char_boundary(&text, RESULT_ENDS);
    let tail = ceil_char_boundary(&text, text.len() - RESULT_ENDS);
    format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..])
}
