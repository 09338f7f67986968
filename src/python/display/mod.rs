//! What a snippet displays beside its text: the way from Python code to the session.
//!
//! The work is done by a helper in Python, loaded when it is first needed: nothing is imported that the user has not.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyModule, PyTuple};

use super::io::capture::{Capture, Writer};
use super::isolation::fork;
use super::runtime::signals;
use super::values::repr;
use crate::domain::{Display, DisplayedFrame, Form, FramePreview};
use crate::python::runtime::context::SnippetContext;

/// The helper's file in tracebacks, where it is left out.
pub const FILE: &str = "<fourhands display>";
/// Modules that have to know of us when they are imported.
const WATCHED: &[&str] = &["matplotlib.pyplot", "IPython.core.display_functions", "IPython", "IPython.display"];

static HELPER: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// A value of a last expression.
pub struct Shown {
    pub text: String,
    /// If it is a data frame.
    pub frame: Option<Arc<FramePreview>>,
}

/// What the helper knows of the engine.
#[pyclass(frozen, module = "fourhands")]
struct Engine {
    /// As at the start.
    builtins: Py<PyDict>,
    capture: Arc<Capture>,
    context: SnippetContext,
}

/// Displayed since the last snippet ended. What other threads display meanwhile is found in no output of this one.
static FRAMES: Mutex<Vec<Arc<DisplayedFrame>>> = Mutex::new(Vec::new());

/// The data frames that the snippet displayed.
pub fn take_frames() -> Vec<Arc<DisplayedFrame>> {
    std::mem::take(&mut FRAMES.lock().unwrap_or_else(PoisonError::into_inner))
}

#[pymethods]
impl Engine {
    /// `forms` are pairs of media type and bytes, the best first.
    fn publish(
        &self,
        py: Python<'_>,
        forms: Vec<(String, Bound<'_, PyBytes>)>,
        id: Option<&str>,
        replaces: bool,
    ) -> bool {
        if fork::is_child() || forms.is_empty() {
            return false;
        }
        let forms = forms.into_iter().map(|(mime, data)| Form::new(mime, data.as_bytes())).collect();
        let display = Display { after: 0, id: id.map(Into::into), forms };
        self.capture.display(self.writer(py), display, replaces);
        true
    }

    /// A data frame that was written as `text`; `cells` is called for what of it is shown as a table.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn frame(&self, text: String, cells: &Bound<'_, PyAny>) -> PyResult<()> {
        let count = || FRAMES.lock().unwrap_or_else(PoisonError::into_inner).len();
        if fork::is_child() || count() >= DisplayedFrame::MAX_PER_SNIPPET {
            return Ok(());
        }
        if let Some(frame) = cells.call0()?.extract::<Option<Cells>>()?.map(preview) {
            let shown = Arc::new(DisplayedFrame { text, frame });
            FRAMES.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
        }
        Ok(())
    }

    fn clear(&self, py: Python<'_>) {
        if self.is_ours() {
            self.capture.clear_displays(self.writer(py));
        }
    }

    /// The text of a value, within bounds.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn text(&self, value: &Bound<'_, PyAny>) -> PyResult<String> {
        repr::bounded(value)
    }

    /// Whether this is the session's process, not a fork of it.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn is_ours(&self) -> bool {
        !fork::is_child()
    }

    /// Further parts of the helper, which few snippets need.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn source(&self, part: &str) -> &'static str {
        if part == "frames" { include_str!("frames.py") } else { include_str!("stand_in.py") }
    }
}

impl Engine {
    fn writer(&self, py: Python<'_>) -> Writer {
        Writer { thread: signals::current_thread(), snippet: self.context.get(py) }
    }
}

/// A finder of modules that has the helper look at those that display things.
#[pyclass(frozen, module = "fourhands")]
struct Watcher;

#[pymethods]
impl Watcher {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !WATCHED.contains(&name) {
            return Ok(None);
        }
        helper(slf.py())?.getattr("find")?.call1((slf, name, path, target)).map(Some)
    }
}

/// Shows objects in the best form that they have, as in notebooks.
#[pyfunction]
#[pyo3(signature = (*objects, **options))]
fn display<'py>(objects: &Bound<'py, PyTuple>, options: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
    helper(objects.py())?.getattr("display")?.call(objects, options)
}

pub struct Displays {
    watcher: Py<Watcher>,
    /// The dict of loaded modules as it was at the start.
    modules: Py<PyDict>,
}

impl Displays {
    /// Adds `display` to the builtins. Must be called before the baseline is taken, which puts it back.
    pub fn install(py: Python<'_>, capture: &Arc<Capture>, context: &SnippetContext) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict().copy()?.unbind();
        let engine = Py::new(py, Engine { builtins, capture: capture.clone(), context: context.clone() })?;
        ENGINE.set(py, engine).map_err(|_| PyRuntimeError::new_err("the engine was started before"))?;
        py.import("builtins")?.setattr("display", wrap_pyfunction!(display, py)?)?;
        // Without it, matplotlib looks for a window system. Children inherit it; what it draws here is shown by us.
        let environ = py.import("os")?.getattr("environ")?;
        environ.call_method1("setdefault", ("MPLBACKEND", "agg"))?;
        let sys = py.import("sys")?;
        let displays =
            Self { watcher: Py::new(py, Watcher)?, modules: sys.getattr("modules")?.cast_into::<PyDict>()?.unbind() };
        displays.restore(&sys)?;
        Ok(displays)
    }

    /// Puts the finder back where user code took it away.
    pub fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = sys.py();
        let finders = sys.getattr(pyo3::intern!(py, "meta_path"))?.cast_into::<PyList>()?;
        if !finders.iter().any(|finder| finder.is(&self.watcher)) {
            finders.insert(0, &self.watcher)?;
        }
        Ok(())
    }

    /// Forgets what stands in for `IPython`, which may have been installed meanwhile.
    pub fn reset(&self, py: Python<'_>) {
        let modules = self.modules.bind(py);
        for name in ["IPython", "IPython.display"] {
            let module = modules.get_item(name).ok().flatten();
            let origin = module.and_then(|module| module.getattr("__spec__").ok()?.getattr("origin").ok());
            if origin.is_some_and(|origin| origin.eq("fourhands").unwrap_or(false)) {
                let _ = modules.del_item(name);
            }
        }
    }

    /// Shows what matplotlib has open, at the end of a snippet.
    pub fn finish(&self, py: Python<'_>) -> PyResult<()> {
        if !self.modules.bind(py).contains(pyo3::intern!(py, "matplotlib.pyplot"))? {
            return Ok(());
        }
        helper(py)?.getattr(pyo3::intern!(py, "finish"))?.call0().map(drop)
    }
}

static ENGINE: PyOnceLock<Py<Engine>> = PyOnceLock::new();

/// The text of the value of a last expression; what more it is gets displayed. `None` if it displayed itself.
pub fn value(value: &Bound<'_, PyAny>) -> PyResult<Option<Shown>> {
    if repr::is_known(value) {
        return repr::bounded(value).map(|text| Some(Shown { text, frame: None }));
    }
    let shown = helper(value.py())?.getattr(pyo3::intern!(value.py(), "value"))?.call1((value,))?;
    if let Ok((text, cells)) = shown.extract::<(String, Cells)>() {
        return Ok(Some(Shown { text, frame: Some(Arc::new(preview(cells))) }));
    }
    Ok(shown.extract::<Option<String>>()?.map(|text| Shown { text, frame: None }))
}

/// The fields of [`FramePreview`], in order.
type Cells = (u64, u64, String, Vec<String>, Vec<String>, Vec<Vec<String>>, usize);

fn preview((rows, columns, corner, index, names, cells, head): Cells) -> FramePreview {
    FramePreview { rows, columns, corner, index, names, cells, head }.bounded()
}

/// With builtins of its own, as they were at the start: user code may have changed the others just now.
fn helper(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    let load = || {
        let Some(engine) = ENGINE.get(py) else { return Err(PyRuntimeError::new_err("the engine has not started")) };
        let builtins = engine.get().builtins.bind(py).as_any();
        let module = PyModule::new(py, "fourhands_display")?;
        module.setattr("__builtins__", builtins)?;
        module.setattr("__file__", FILE)?;
        module.setattr("engine", engine)?;
        for part in [include_str!("forms.py"), include_str!("figures.py"), include_str!("imports.py")] {
            let code = builtins.get_item("compile")?.call1((part, FILE, "exec"))?;
            builtins.get_item("exec")?.call1((code, module.dict()))?;
        }
        Ok(module.unbind())
    };
    Ok(HELPER.get_or_try_init(py, load)?.bind(py))
}
