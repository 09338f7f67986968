//! The runner of snippets: compiles a snippet, executes it, and reports its outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyboardInterrupt, PySyntaxError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::compiler::{CompiledSnippet, Compiler};
use super::context::SnippetContext;
use super::event_loop::EventLoop;
use super::interrupt::{self, InterruptTarget};
use super::prompt;
use crate::domain::lexer::{hides_value, unwrap_pasted};
use crate::domain::{ErrorReport, Outcome, SnippetId, Status, VariableChanges};
use crate::python::class_sources::ClassSources;
use crate::python::display::{self, DisplayedValue, Displays};
use crate::python::file_names;
use crate::python::io::streams::Streams;
use crate::python::isolation::baseline::Baseline;
use crate::python::isolation::fork;
use crate::python::magics::{self, MagicHelper};
use crate::python::safe_points::kept::Kept;
use crate::python::session_file::{Definition, SessionFile};
use crate::python::sources::Sources;
use crate::python::values::history::History;
use crate::python::values::report::{self, Reporter, SnippetEnd};
use crate::python::values::results::{Results, SnippetValue};
use crate::python::values::variables::Describer;

/// Places of the session's files that its code uses.
pub struct SessionFilePaths {
    /// The session file.
    pub session: PathBuf,
    /// The folder of `%checkpoint`; `None` if there is no place for it.
    pub checkpoints: Option<PathBuf>,
}

impl SessionFilePaths {
    /// Returns the folders in which the session keeps files of its own.
    pub fn own_folders(&self) -> Vec<PathBuf> {
        let folder = self.session.parent().map(PathBuf::from);
        // The folder of this session's checkpoints lies in the folder of all.
        let checkpoints = self.checkpoints.as_ref().and_then(|folder| folder.parent()).map(PathBuf::from);
        folder.into_iter().chain(checkpoints).collect()
    }
}

pub struct Runner {
    compiler: Compiler,
    eval: Py<PyAny>,
    /// Makes a coroutine that does the same as the loop of [`Runner::execute`].
    coroutine: Py<PyAny>,
    displayhook: Py<PyAny>,
    settrace: Py<PyAny>,
    sys: Py<PyModule>,
    sources: Sources,
    reporter: Reporter,
    event_loop: EventLoop,
    /// `None` if it could not be written: sources of classes, and child processes that need it, fail then.
    session_file: Option<SessionFile>,
    class_sources: Option<ClassSources>,
    /// The running snippet, or the last one.
    snippet: SnippetId,
    results: Arc<Mutex<Results>>,
    history: History,
    /// The definitions of the running snippet.
    definitions: Vec<Definition>,
    context: SnippetContext,
    displays: Displays,
    magics: MagicHelper,
}

impl Runner {
    pub fn new(
        py: Python<'_>,
        files: SessionFilePaths,
        displays: Displays,
        event_loop: EventLoop,
        magics: MagicHelper,
        context: SnippetContext,
        kept: &Kept<'_>,
    ) -> PyResult<Self> {
        let session_file = SessionFile::create(py, files.session, kept).ok();
        // The file of a Python that was woken is the same.
        if let Some(file) = session_file.as_ref().filter(|_| !kept.is_woken()) {
            file.publish(py)?;
        }
        let builtins = py.import("builtins")?;
        let sys = py.import("sys")?;
        let sources = Sources::new(py)?;
        let results = Arc::<Mutex<Results>>::default();
        let history = History::install(py, results.clone(), sources.cache(py))?;
        let future = kept.get("future").map(|flags| flags.extract()).transpose()?;
        Ok(Self {
            class_sources: session_file.as_ref().and_then(|file| ClassSources::create(py, file.path(), kept).ok()),
            compiler: Compiler::new(py, future.unwrap_or(0))?,
            eval: builtins.getattr("eval")?.unbind(),
            coroutine: coroutine_function(py)?,
            displayhook: kept.get_or("displayhook", || sys.getattr("displayhook"))?.unbind(),
            settrace: sys.getattr("settrace")?.unbind(),
            sys: sys.unbind(),
            sources,
            reporter: Reporter::new(py)?,
            event_loop,
            session_file,
            snippet: SnippetId(0),
            results,
            history,
            definitions: Vec::new(),
            context,
            displays,
            magics,
        })
    }

    /// Runs `code` in `globals`. The outcome has no `changes` yet.
    pub fn run(&mut self, globals: &Bound<'_, PyDict>, snippet: SnippetId, code: &str, baseline: &Baseline) -> Outcome {
        let py = globals.py();
        let file = format!("{}{snippet}>", file_names::SNIPPET_PREFIX);
        let code = normalize(code);
        let _ = self.sources.add(py, &file, &code);
        self.event_loop.restore(py);
        self.context.set(py, Some(snippet));
        self.snippet = snippet;
        let started = Instant::now();
        let result = if interrupt::begin(InterruptTarget::Snippet(snippet)) {
            self.evaluate(globals, &file, &code, baseline)
        } else {
            Err(PyKeyboardInterrupt::new_err(()))
        };
        let result = self.finish_output(py, result);
        let elapsed = started.elapsed();
        if fork::is_child() {
            self.leave_child(py, &result);
        }
        interrupt::forget_requests(InterruptTarget::Snippet(snippet));
        let result = result.map_err(|error| {
            let end = self.reporter.snippet_end(py, &error);
            let _ = self.reporter.set_last_exception(py, &error);
            end
        });
        interrupt::end();
        let definitions = std::mem::take(&mut self.definitions);
        if let Some(file) = &mut self.session_file {
            let _ = file.finish_snippet(&definitions, result.is_ok());
        }
        if let Some(classes) = &mut self.class_sources {
            let _ = classes.end(globals);
        }
        match result {
            Ok(result) => outcome(Status::Ok, 0, result, None, elapsed),
            Err(SnippetEnd { status, returncode, error }) => outcome(status, returncode, None, error, elapsed),
        }
    }

    /// Shows open figures and flushes user code's streams. An error in either becomes the snippet's, if that has none.
    fn finish_output(
        &self,
        py: Python<'_>,
        mut result: PyResult<Option<DisplayedValue>>,
    ) -> PyResult<Option<DisplayedValue>> {
        // Also after an error: a figure may show the reason.
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
        if prompt::take_was_asked() {
            // A trace function such as pdb's would go on to ask in the middle of the engine's own Python code.
            let _ = self.settrace.bind(py).call1((py.None(),));
        }
        result
    }

    /// Hands over what a successor needs.
    pub fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = kept.py();
        kept.set_item("definitions", self.session_file.as_ref().map(SessionFile::known))?;
        kept.set_item("class_lines", self.class_sources.as_ref().map(ClassSources::lines))?;
        kept.set_item("future", self.compiler.future())?;
        kept.set_item("displayhook", &self.displayhook)?;
        kept.set_item("event_loop", self.event_loop.helper(py))?;
        kept.set_item("display", self.displays.leave(py)?)?;
        kept.set_item("magics", self.magics.loaded(py))
    }

    /// Writes the session file again if somebody has removed it.
    pub fn check_files(&self) {
        if let Some(file) = &self.session_file {
            let _ = file.check();
        }
    }

    /// Assigns what is written from now on to no snippet.
    pub fn leave_snippet(&self, py: Python<'_>) {
        self.context.set(py, None);
    }

    /// Returns the value of a snippet, if it is still there.
    pub fn result_of<'py>(&self, py: Python<'py>, snippet: SnippetId) -> Option<Bound<'py, PyAny>> {
        let results = self.results.lock();
        Some(results.of(snippet.0)?.value(py)?.into_bound(py))
    }

    /// Keeps the value of the snippet that has just ended, if that is small. Returns objects that nobody needs any
    /// more.
    pub fn keep_result(&self, py: Python<'_>, describer: &Describer) -> Vec<Py<PyAny>> {
        let Some(last) = self.result_of(py, self.snippet) else { return Vec::new() };
        describer.libraries.begin_pass(py);
        let bytes = describer.bytes(&last);
        self.results.lock().keep_last(bytes)
    }

    pub fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    pub fn displays(&self) -> &Displays {
        &self.displays
    }

    /// Closes the event loop, and forgets definitions, future features and the last exception.
    pub fn reset(&mut self, py: Python<'_>) {
        self.event_loop.close(py);
        self.displays.reset(py);
        self.reporter.clear_last_exception(py);
        if let Some(file) = &mut self.session_file {
            let _ = file.clear();
        }
        if let Some(classes) = &mut self.class_sources {
            let _ = classes.clear(py);
        }
        let dropped = self.results.lock().clear();
        drop(dropped);
        self.history.clear();
        self.compiler.forget_future();
        let _ = self.sys.bind(py).setattr("displayhook", &self.displayhook);
    }

    fn evaluate(
        &mut self,
        globals: &Bound<'_, PyDict>,
        file: &str,
        code: &str,
        baseline: &Baseline,
    ) -> PyResult<Option<DisplayedValue>> {
        let py = globals.py();
        self.history.begin(baseline.builtins(py), self.snippet, code)?;
        self.magics.before_snippet(py)?;
        let (compiled, timed) = match self.compile(py, code, file) {
            Err(error) if error.is_instance_of::<PySyntaxError>(py) => {
                self.compile_rewritten(py, code, file, baseline)?.ok_or(error)?
            }
            compiled => (compiled?, false),
        };
        let began = if timed { Some(self.magics.clock(py)?) } else { None };
        if let Some(session_file) = &mut self.session_file {
            let _ = session_file.add(py, file, self.compiler.future(), &self.definitions);
        }
        interrupt::check(InterruptTarget::Snippet(self.snippet))?;
        let has_value = compiled.last.is_some() && !hides_value(code);
        let steps: Vec<_> = compiled.body.into_iter().chain(compiled.last).collect();
        let value = self.execute(steps, globals);
        let noted = self.magics.after_snippet(py);
        let value = value?;
        noted?;
        if let Some(began) = began {
            self.magics.print_times(&began)?;
        }
        match value {
            Some(value) if has_value => self.display(&value, baseline),
            _ => Ok(None),
        }
    }

    /// Runs compiled code, one part after the other. Returns the value of the last part.
    fn execute<'py>(
        &mut self,
        steps: Vec<Bound<'py, PyAny>>,
        globals: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = globals.py();
        let mut is_coroutine = false;
        for step in &steps {
            is_coroutine |= self.compiler.add_future(step)?;
        }
        let eval = self.eval.bind(py);
        if is_coroutine {
            // Code before the first `await` runs on the loop as well: it may make tasks and futures.
            let coroutine = self.coroutine.bind(py).call1((steps, globals, eval))?;
            return self.event_loop.run(&coroutine).map(Some);
        }
        let mut value = None;
        for step in steps {
            value = Some(eval.call1((step, globals))?);
        }
        Ok(value)
    }

    /// Compiles code that is no Python as written: with magic, or pasted with indentation or prompts. `None` if it is
    /// neither. Also returns whether the code must be timed.
    fn compile_rewritten<'py>(
        &mut self,
        py: Python<'py>,
        code: &str,
        file: &str,
        baseline: &Baseline,
    ) -> PyResult<Option<(CompiledSnippet<'py>, bool)>> {
        let unwrapped = unwrap_pasted(code);
        let code = unwrapped.as_deref().unwrap_or(code);
        if unwrapped.is_some() {
            // Marks in tracebacks must point into the unwrapped lines.
            let _ = self.sources.add(py, file, code);
        }
        let Some(rewritten) = self.magics.rewrite(py, code, baseline)? else {
            return unwrapped.as_deref().map(|code| Ok((self.compile(py, code, file)?, false))).transpose();
        };
        if rewritten.timed && !code.trim_start().starts_with("%%") {
            let _ = self.sources.add(py, file, &rewritten.code);
        }
        let compiled = self.compile(py, &rewritten.code, file).inspect_err(|error| {
            let _ = magics::show_original(error, py, code);
        })?;
        Ok(Some((compiled, rewritten.timed)))
    }

    /// Compiles a whole snippet, before any of it runs.
    fn compile<'py>(&mut self, py: Python<'py>, code: &str, file: &str) -> PyResult<CompiledSnippet<'py>> {
        let source = PyString::new(py, code);
        let compiled = self.compiler.compile(&source, file, |statements| {
            if let Some(file) = &self.session_file {
                self.definitions = file.definitions(statements, &source.to_cow()?)?;
            }
            Ok(())
        });
        match &compiled {
            Ok(_) => {
                if let Some(classes) = &mut self.class_sources {
                    let _ = classes.begin(self.sources.cache(py), code);
                }
            }
            Err(error) => drop(report::add_missing_line(error, py, code)),
        }
        compiled
    }

    /// Returns the text of a value, as `sys.displayhook` would show it. A hook of user code decides about the text
    /// alone.
    fn display(&mut self, value: &Bound<'_, PyAny>, baseline: &Baseline) -> PyResult<Option<DisplayedValue>> {
        let py = value.py();
        let hook = self.sys.bind(py).getattr(pyo3::intern!(py, "displayhook")).ok();
        let hook = hook.filter(|hook| !hook.is(&self.displayhook) && hook.is_callable());
        let written = hook.map(|hook| display::written_by_hook(&hook, value)).transpose()?.flatten();
        if value.is_none() {
            let text = written.filter(|text| !text.is_empty() && text != "None");
            return Ok(text.map(|text| DisplayedValue { text, frame: None }));
        }
        let mut shown = display::value(value)?;
        if let Some(text) = written {
            shown = (!text.is_empty()).then_some(DisplayedValue { text, frame: None });
        }
        baseline.set_last_value(value)?;
        let value = SnippetValue::new(self.snippet, value);
        let dropped = self.results.lock().add(value);
        drop(dropped);
        Ok(shown)
    }

    /// Ends a child that user code forked and that has come to the end of the snippet, as a script would end.
    fn leave_child(&self, py: Python<'_>, result: &PyResult<Option<DisplayedValue>>) -> ! {
        let Err(error) = result else { fork::exit_child(0) };
        let SnippetEnd { returncode, error, .. } = self.reporter.snippet_end(py, error);
        if let Some(error) = error {
            let text = if error.type_name == "SystemExit" { error.message } else { error.traceback };
            let stderr = py.import("sys").and_then(|sys| sys.getattr("stderr"));
            let _ = stderr.and_then(|stderr| stderr.call_method1("write", (text + "\n",)));
        }
        fork::exit_child(returncode)
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
    let compiled = compile.call1((PyString::new(py, code), file_names::ENGINE, "exec", 0, true))?;
    py.import("builtins")?.getattr("eval")?.call1((compiled, &names))?;
    Ok(names.as_any().get_item("snippet")?.unbind())
}

fn outcome(
    status: Status,
    returncode: i32,
    value: Option<DisplayedValue>,
    error: Option<ErrorReport>,
    elapsed: Duration,
) -> Outcome {
    let (result, frame) = value.map_or((None, None), |value| (Some(value.text), value.frame));
    let (frames, changes) = (display::take_frames(), VariableChanges::default());
    Outcome { status, returncode, result, frame, frames, error, stopped_by: None, elapsed, changes }
}

/// Removes a byte order mark and carriage returns, which Python's parser does not accept in a string.
fn normalize(code: &str) -> String {
    code.strip_prefix('\u{feff}').unwrap_or(code).replace("\r\n", "\n").replace('\r', "\n")
}
