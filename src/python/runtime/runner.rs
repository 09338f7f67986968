//! Running one snippet: parse, cut off the last expression, evaluate both, and say how it ended.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyRecursionError, PySyntaxError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::event_loop::EventLoop;
use super::{prompt, signals};
use crate::domain::lexer::unwrap_pasted;
use crate::domain::{ErrorReport, Outcome, SnippetId, Status, VariableChanges};
use crate::python::class_sources::ClassSources;
use crate::python::display;
use crate::python::display::{Displays, Shown};
use crate::python::io::streams::Streams;
use crate::python::isolation::baseline::Baseline;
use crate::python::isolation::fork;
use crate::python::magics;
use crate::python::magics::Magics;
use crate::python::runtime::context::SnippetContext;
use crate::python::session_file::{Definition, SessionFile};
use crate::python::sources::Sources;
use crate::python::values::report;
use crate::python::values::report::{Ending, FILE_PREFIX, Reporter};

const ONLY_AST: u32 = 0x0400;
const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
/// `CO_FUTURE_*` of the features that still change how code is compiled: `barry_as_FLUFL` and `annotations`.
const FUTURE_FEATURES: u32 = 0x0040_0000 | 0x0100_0000;
const CO_COROUTINE: u32 = 0x80;

/// Files of the session that its code is offered.
pub struct Files {
    /// Becomes `__main__.__file__`.
    pub session: PathBuf,
    /// The folder of `%checkpoint`; `None` if there is no place for it.
    pub checkpoints: Option<PathBuf>,
}

pub struct Runner {
    compile: Py<PyAny>,
    eval: Py<PyAny>,
    /// Makes a coroutine that does what the loop of `evaluate` does without one.
    coroutine: Py<PyAny>,
    expr: Py<PyType>,
    expression: Py<PyType>,
    displayhook: Py<PyAny>,
    settrace: Py<PyAny>,
    sys: Py<PyModule>,
    sources: Sources,
    reporter: Reporter,
    event_loop: EventLoop,
    /// `None` where it could not be written; only classes and new processes miss it.
    session_file: Option<SessionFile>,
    classes: Option<ClassSources>,
    /// What the snippet that runs defines.
    definitions: Vec<Definition>,
    context: SnippetContext,
    displays: Displays,
    magics: Magics,
    /// Future features that snippets have asked for; they hold for all later ones.
    future: u32,
}

impl Runner {
    pub fn new(py: Python<'_>, files: Files, displays: Displays, context: SnippetContext) -> PyResult<Self> {
        let session_file = SessionFile::create(py, files.session).ok();
        if let Some(file) = &session_file {
            py.import("__main__")?.setattr("__file__", file.path().as_os_str())?;
        }
        let builtins = py.import("builtins")?;
        let ast = py.import("_ast")?;
        let sys = py.import("sys")?;
        Ok(Self {
            classes: session_file.as_ref().and_then(|file| ClassSources::create(py, file.path()).ok()),
            compile: builtins.getattr("compile")?.unbind(),
            eval: builtins.getattr("eval")?.unbind(),
            coroutine: coroutine_function(py)?,
            expr: ast.getattr("Expr")?.cast_into::<PyType>()?.unbind(),
            expression: ast.getattr("Expression")?.cast_into::<PyType>()?.unbind(),
            displayhook: sys.getattr("displayhook")?.unbind(),
            settrace: sys.getattr("settrace")?.unbind(),
            sys: sys.unbind(),
            sources: Sources::new(py)?,
            reporter: Reporter::new(py)?,
            event_loop: EventLoop::default(),
            session_file,
            definitions: Vec::new(),
            context,
            displays,
            magics: Magics::new(files.checkpoints),
            future: 0,
        })
    }

    /// Runs `code` in `globals`. `changes` of the outcome is left empty.
    pub fn run(&mut self, globals: &Bound<'_, PyDict>, snippet: SnippetId, code: &str, baseline: &Baseline) -> Outcome {
        let py = globals.py();
        let file = format!("{FILE_PREFIX}{snippet}>");
        let code = normalize(code);
        let _ = self.sources.keep(py, &file, &code);
        self.event_loop.restore(py);
        self.context.set(py, snippet);
        let started = Instant::now();
        let mut result = if signals::begin(snippet) {
            self.evaluate(globals, &file, &code, baseline)
        } else {
            Err(PyKeyboardInterrupt::new_err(()))
        };
        // Also after an error: a figure may show why.
        if let Err(error) = if fork::is_child() { Ok(()) } else { self.displays.finish(py) }
            && result.is_ok()
        {
            result = Err(error);
        }
        if let Err(error) = Streams::flush(self.sys.bind(py))
            && result.is_ok()
            && error.is_instance_of::<PyKeyboardInterrupt>(py)
        {
            result = Err(error);
        }
        if prompt::take_asked() {
            // Such as pdb's, which would go on to ask in the middle of the engine's own Python code.
            let _ = self.settrace.bind(py).call1((py.None(),));
        }
        let elapsed = started.elapsed();
        if fork::is_child() {
            self.leave_child(py, &result);
        }
        signals::go_on();
        let result = result.map_err(|error| {
            let ending = self.reporter.ending(py, &error);
            let _ = self.reporter.remember(py, &error);
            ending
        });
        signals::end();
        let definitions = std::mem::take(&mut self.definitions);
        if let Some(file) = &mut self.session_file {
            let _ = file.settle(&definitions, result.is_ok());
        }
        if let Some(classes) = &mut self.classes {
            let _ = classes.end(globals);
        }
        match result {
            Ok(result) => outcome(Status::Ok, 0, result, None, elapsed),
            Err(Ending { status, returncode, error }) => outcome(status, returncode, None, error, elapsed),
        }
    }

    /// What is written from now on is no snippet's.
    pub fn run_for_nobody(&self, py: Python<'_>) {
        self.context.set(py, SnippetId(0));
    }

    pub fn displays(&self) -> &Displays {
        &self.displays
    }

    /// Cancels what still waits on the event loop and forgets future features.
    pub fn reset(&mut self, py: Python<'_>) {
        self.event_loop.close(py);
        self.displays.reset(py);
        self.reporter.forget(py);
        if let Some(file) = &mut self.session_file {
            let _ = file.clear();
        }
        if let Some(classes) = &mut self.classes {
            let _ = classes.clear(py);
        }
        self.future = 0;
        let _ = self.sys.bind(py).setattr("displayhook", &self.displayhook);
    }

    fn evaluate(
        &mut self,
        globals: &Bound<'_, PyDict>,
        file: &str,
        code: &str,
        baseline: &Baseline,
    ) -> PyResult<Option<Shown>> {
        let py = globals.py();
        let (parts, timed) = match self.compile_parts(py, code, file) {
            Err(error) if error.is_instance_of::<PySyntaxError>(py) => {
                self.compile_mended(py, code, file, baseline)?.ok_or(error)?
            }
            parts => (parts?, false),
        };
        let began = if timed { Some(self.magics.clock(py)?) } else { None };
        if let Some(session_file) = &mut self.session_file {
            let _ = session_file.add(py, file, self.future, &self.definitions);
        }
        let has_value = parts.last.is_some();
        let steps: Vec<_> = parts.body.into_iter().chain(parts.last).collect();
        let value = self.execute(steps, globals)?;
        if let Some(began) = began {
            self.magics.stop(&began)?;
        }
        match value {
            Some(value) if has_value => self.display(&value, baseline),
            _ => Ok(None),
        }
    }

    /// Runs what was compiled, one after the other. Answers the value of the last.
    fn execute<'py>(
        &mut self,
        steps: Vec<Bound<'py, PyAny>>,
        globals: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = globals.py();
        let mut all_flags = 0;
        for step in &steps {
            all_flags |= flags(step)?;
        }
        self.future |= all_flags & FUTURE_FEATURES;
        let eval = self.eval.bind(py);
        if all_flags & CO_COROUTINE != 0 {
            // What comes before the first `await` runs on the loop as well: it may make tasks and futures.
            let coroutine = self.coroutine.bind(py).call1((steps, globals, eval))?;
            return self.event_loop.run(&coroutine).map(Some);
        }
        let mut value = None;
        for step in steps {
            value = Some(eval.call1((step, globals))?);
        }
        Ok(value)
    }

    /// The same for code that is no Python as it stands but may be meant: magic, an indentation or prompts around it.
    /// Also answers whether it must be timed.
    fn compile_mended<'py>(
        &mut self,
        py: Python<'py>,
        code: &str,
        file: &str,
        baseline: &Baseline,
    ) -> PyResult<Option<(Parts<'py>, bool)>> {
        let unwrapped = unwrap_pasted(code);
        let code = unwrapped.as_deref().unwrap_or(code);
        if unwrapped.is_some() {
            // Marks below a line point into what remains of it.
            let _ = self.sources.keep(py, file, code);
        }
        let Some(rewritten) = self.magics.rewrite(py, code, baseline)? else {
            return unwrapped.as_deref().map(|code| Ok((self.compile_parts(py, code, file)?, false))).transpose();
        };
        if rewritten.timed && !code.trim_start().starts_with("%%") {
            let _ = self.sources.keep(py, file, &rewritten.code);
        }
        let parts = self.compile_parts(py, &rewritten.code, file).inspect_err(|error| {
            let _ = magics::show_original(error, py, code);
        })?;
        Ok(Some((parts, rewritten.timed)))
    }

    /// All is compiled before anything runs.
    fn compile_parts<'py>(&mut self, py: Python<'py>, code: &str, file: &str) -> PyResult<Parts<'py>> {
        let source = PyString::new(py, code).into_any();
        let parts = self.split(&source, file).inspect_err(|error| {
            let _ = report::tell_line(error, py, code);
        });
        if let Some(classes) = self.classes.as_mut().filter(|_| parts.is_ok()) {
            let _ = classes.begin(self.sources.cache(py), code);
        }
        match parts {
            // Nested more deeply than a tree may be, but perhaps not too deeply for the compiler.
            Err(error) if error.is_instance_of::<PyRecursionError>(py) => {
                if let Ok(last) = self.compile(&source, file, "eval", 0) {
                    return Ok(Parts { body: None, last: Some(last) });
                }
                Ok(Parts { body: Some(self.compile(&source, file, "exec", 0)?), last: None })
            }
            Err(error) if error.is_instance_of::<PyMemoryError>(py) => {
                if error.value(py).str().is_ok_and(|text| text.is_empty().unwrap_or(false)) {
                    return Err(PyMemoryError::new_err("the code is nested too deeply for Python's parser"));
                }
                Err(error)
            }
            parts => parts,
        }
    }

    fn split<'py>(&mut self, source: &Bound<'py, PyAny>, file: &str) -> PyResult<Parts<'py>> {
        let py = source.py();
        let tree = self.compile(source, file, "exec", ONLY_AST)?;
        let body = tree.getattr(pyo3::intern!(py, "body"))?.cast_into::<PyList>()?;
        if let Some(file) = &self.session_file {
            self.definitions = file.definitions(&body, &source.cast::<PyString>()?.to_cow()?)?;
        }
        let last = body.len().checked_sub(1).map(|index| body.get_item(index)).transpose()?;
        let last = last.filter(|last| last.get_type().is(&self.expr));
        if last.is_some() {
            body.del_item(body.len() - 1)?;
        }
        let mut parts = Parts { body: None, last: None };
        if !body.is_empty() {
            let compiled = self.compile(&tree, file, "exec", 0)?;
            self.future |= flags(&compiled)? & FUTURE_FEATURES;
            parts.body = Some(compiled);
        }
        if let Some(last) = last {
            let value = last.getattr(pyo3::intern!(py, "value"))?;
            parts.last = Some(self.compile(&self.expression.bind(py).call1((value,))?, file, "eval", 0)?);
        }
        Ok(parts)
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

    /// The text of a value, as `sys.displayhook` would show it; the hook itself if user code has set another.
    fn display(&self, value: &Bound<'_, PyAny>, baseline: &Baseline) -> PyResult<Option<Shown>> {
        let py = value.py();
        if let Ok(hook) = self.sys.bind(py).getattr(pyo3::intern!(py, "displayhook"))
            && !hook.is(&self.displayhook)
            && hook.is_callable()
        {
            hook.call1((value,))?;
            return Ok(None);
        }
        if value.is_none() {
            return Ok(None);
        }
        let shown = display::value(value)?;
        baseline.set_last_value(value)?;
        Ok(shown)
    }

    /// A child that user code forked came out of the snippet: it ends here, as a script would.
    fn leave_child(&self, py: Python<'_>, result: &PyResult<Option<Shown>>) -> ! {
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

fn coroutine_function(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let code = "
async def snippet(steps, names, evaluate):
    for step in steps:
        value = evaluate(step, names)
        if step.co_flags & 0x80:
            value = await value
    return value
";
    let names = PyDict::new(py);
    let compile = py.import("builtins")?.getattr("compile")?;
    let compiled = compile.call1((PyString::new(py, code), report::ENGINE_FILE, "exec", 0, true))?;
    py.import("builtins")?.getattr("eval")?.call1((compiled, &names))?;
    Ok(names.as_any().get_item("snippet")?.unbind())
}

/// What of a snippet is compiled: all but a last expression, and that.
struct Parts<'py> {
    body: Option<Bound<'py, PyAny>>,
    last: Option<Bound<'py, PyAny>>,
}

fn flags(compiled: &Bound<'_, PyAny>) -> PyResult<u32> {
    compiled.getattr(pyo3::intern!(compiled.py(), "co_flags"))?.extract()
}

fn outcome(
    status: Status,
    returncode: i32,
    shown: Option<Shown>,
    error: Option<ErrorReport>,
    elapsed: Duration,
) -> Outcome {
    let (result, frame) = shown.map_or((None, None), |shown| (Some(shown.text), shown.frame));
    let (frames, changes) = (display::take_frames(), VariableChanges::default());
    Outcome { status, returncode, result, frame, frames, error, stopped_by: None, elapsed, changes }
}

/// Python's parser takes neither a byte order mark within a string nor lone carriage returns.
fn normalize(code: &str) -> String {
    code.strip_prefix('\u{feff}').unwrap_or(code).replace("\r\n", "\n").replace('\r', "\n")
}
