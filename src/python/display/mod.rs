//! Displays of snippets: figures, HTML, data frames. A helper in Python makes them; this module hands them to the
//! capture.
//!
//! The helper is loaded when it is first needed, and imports nothing that user code has not imported.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyModule, PyTuple};

use super::file_names;
use super::io::capture::Capture;
use super::io::reported_size::{ReportedSize, is_output};
use super::io::writer::OutputWriter;
use super::isolation::fork;
use super::runtime::context::SnippetContext;
use super::runtime::os_signals::current_thread;
use super::safe_points::kept::Kept;
use super::values::repr;
use crate::domain::{Display, DisplayedFrame, Form, FramePreview};

/// Modules that are patched when they are imported.
const PATCHED_MODULES: &[&str] = &[
    "asyncio.events",
    "matplotlib.pyplot",
    "IPython.core.display_functions",
    "IPython.core.getipython",
    "IPython",
    "IPython.display",
    "numba.core.caching",
    "plotly.io._renderers",
    "tqdm.notebook",
    "rich.console",
    "click._compat",
    "click._termui_impl",
    "_pytest._io.terminalwriter",
    "loguru._colorama",
    "termcolor.termcolor",
    "colorama.ansitowin32",
    "pyviz_comms",
];

static HELPER: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// The value of a last expression.
pub struct DisplayedValue {
    pub text: String,
    /// The cells of a data frame.
    pub frame: Option<Arc<FramePreview>>,
}

/// The functions that the helper calls, as its global `engine`.
#[pyclass(frozen, module = "fourhands", name = "Engine")]
struct HelperApi {
    /// A copy of the start.
    builtins: Py<PyDict>,
    capture: Arc<Capture>,
    card: Arc<ReportedSize>,
    context: SnippetContext,
    patch_events: Py<PyAny>,
}

/// Data frames that were displayed since the last snippet ended. Those of other threads do no harm: their text is not
/// found in the snippet's output.
static FRAMES: Mutex<Vec<Arc<DisplayedFrame>>> = Mutex::new(Vec::new());

/// Takes the data frames that the snippet displayed.
pub fn take_frames() -> Vec<Arc<DisplayedFrame>> {
    std::mem::take(&mut FRAMES.lock())
}

#[pymethods]
impl HelperApi {
    /// Shows a display. `forms` are pairs of media type and bytes, the best first.
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

    /// Records a data frame that was written as `text`. `cells` returns the cells of its table.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn frame(&self, text: String, cells: &Bound<'_, PyAny>) -> PyResult<()> {
        let count = || FRAMES.lock().len();
        if fork::is_child() || count() >= DisplayedFrame::MAX_PER_SNIPPET {
            return Ok(());
        }
        if let Some(frame) = cells.call0()?.extract::<Option<Cells>>()?.map(preview) {
            FRAMES.lock().push(Arc::new(DisplayedFrame { text, frame }));
        }
        Ok(())
    }

    fn clear(&self, py: Python<'_>, waits: bool) {
        if self.is_ours() {
            self.capture.clear(self.writer(py), waits);
        }
    }

    /// Returns the text of a value, within bounds.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn text(&self, value: &Bound<'_, PyAny>) -> PyResult<String> {
        repr::bounded(value)
    }

    /// Returns whether this is the session's process and not a fork of it.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn is_ours(&self) -> bool {
        !fork::is_child()
    }

    /// Returns whether what the snippet writes or displays is kept for `%%capture`.
    fn is_diverted(&self) -> bool {
        self.capture.is_diverted()
    }

    /// Patches the module `asyncio.events`.
    fn patch_events(&self, events: &Bound<'_, PyAny>) -> PyResult<()> {
        self.patch_events.bind(events.py()).call1((events,)).map(drop)
    }

    /// Returns whether what is written to `stream` is shown to the person, in a card.
    fn is_card(&self, stream: &Bound<'_, PyAny>) -> bool {
        self.card.size().get().is_some() && !fork::is_child() && is_output(stream)
    }

    /// Returns the source of the helper's part for data frames and arrays, which few snippets need.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn frames_source(&self) -> &'static str {
        include_str!("frames.py")
    }

    /// Returns the source of the stand-in for `IPython.display`.
    #[allow(clippy::unused_self, reason = "a method of Python")]
    fn stand_in_source(&self) -> &'static str {
        include_str!("stand_in.py")
    }
}

impl HelperApi {
    fn writer(&self, py: Python<'_>) -> OutputWriter {
        OutputWriter { thread: current_thread(), snippet: self.context.get(py) }
    }
}

/// A module finder that has the helper patch [`PATCHED_MODULES`].
#[pyclass(frozen, module = "fourhands", name = "Watcher")]
struct PatchingFinder;

#[pymethods]
impl PatchingFinder {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !PATCHED_MODULES.contains(&name) {
            return Ok(None);
        }
        helper(slf.py())?.getattr("find")?.call1((slf, name, path, target)).map(Some)
    }
}

/// Shows objects in the best form that they have, as in notebooks.
// The line above is the docstring of the builtin `display`.
#[pyfunction]
#[pyo3(signature = (*objects, **options))]
fn display<'py>(objects: &Bound<'py, PyTuple>, options: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
    helper(objects.py())?.getattr("display")?.call(objects, options)
}

/// The display machinery in the user's Python.
pub struct Displays {
    finder: Py<PatchingFinder>,
    /// `sys.modules` of the start, which user code may rebind.
    modules: Py<PyDict>,
}

impl Displays {
    /// Adds `display` to the builtins. `patch_events` patches `asyncio.events`. Must be called before the baseline is
    /// taken, which then restores `display`.
    pub fn install(
        py: Python<'_>,
        capture: &Arc<Capture>,
        card: &Arc<ReportedSize>,
        context: &SnippetContext,
        patch_events: Py<PyAny>,
        kept: &Kept<'_>,
    ) -> PyResult<Self> {
        let helper: Option<Bound<'_, PyModule>> = kept.get("display").map(Bound::cast_into).transpose()?;
        let builtins = match &helper {
            Some(helper) => helper.getattr("__builtins__")?.cast_into()?.unbind(),
            None => py.import("builtins")?.dict().copy()?.unbind(),
        };
        let api = Py::new(
            py,
            HelperApi {
                builtins,
                capture: capture.clone(),
                card: card.clone(),
                context: context.clone(),
                patch_events,
            },
        )?;
        if let Some(helper) = helper {
            // What it has patched stays patched.
            helper.setattr("engine", &api)?;
            let _ = HELPER.set(py, helper.unbind());
        }
        HELPER_API.set(py, api).map_err(|_| PyRuntimeError::new_err("the engine was started before"))?;
        py.import("builtins")?.setattr("display", wrap_pyfunction!(display, py)?)?;
        // Otherwise matplotlib looks for a window system. Child processes inherit the variable.
        let environ = py.import("os")?.getattr("environ")?;
        environ.call_method1("setdefault", ("MPLBACKEND", "agg"))?;
        let sys = py.import("sys")?;
        let modules = sys.getattr("modules")?.cast_into::<PyDict>()?.unbind();
        let displays = Self { finder: Py::new(py, PatchingFinder)?, modules };
        displays.restore(&sys)?;
        Ok(displays)
    }

    /// Restores the finder if user code has removed it.
    pub fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = sys.py();
        let finders = sys.getattr(pyo3::intern!(py, "meta_path"))?.cast_into::<PyList>()?;
        if !finders.iter().any(|finder| finder.is(&self.finder)) {
            finders.insert(0, &self.finder)?;
        }
        Ok(())
    }

    /// Takes the finder away, for a successor. Returns the helper's module, if it was ever needed.
    pub fn leave(&self, py: Python<'_>) -> PyResult<Option<Py<PyModule>>> {
        let finders = py.import("sys")?.getattr("meta_path")?.cast_into::<PyList>()?;
        finders.call_method1("remove", (&self.finder,))?;
        Ok(HELPER.get(py).map(|helper| helper.clone_ref(py)))
    }

    /// Removes our stand-in for `IPython`, which may have been installed meanwhile.
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

    /// Shows matplotlib's open figures, at the end of a snippet.
    pub fn finish(&self, py: Python<'_>) -> PyResult<()> {
        if !self.modules.bind(py).contains(pyo3::intern!(py, "matplotlib.pyplot"))? {
            return Ok(());
        }
        helper(py)?.getattr(pyo3::intern!(py, "finish"))?.call0().map(drop)
    }
}

/// Shows matplotlib's open figures now.
pub fn show_figures(py: Python<'_>) -> PyResult<()> {
    if py.import("sys")?.getattr("modules")?.contains("matplotlib.pyplot")? {
        helper(py)?.getattr("finish")?.call0()?;
    }
    Ok(())
}

static HELPER_API: PyOnceLock<Py<HelperApi>> = PyOnceLock::new();

/// Returns what a display hook of user code writes about a value; `None` if that is no more than Python would write.
pub fn written_by_hook(hook: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let written = helper(value.py())?.getattr("written_by_hook")?.call1((hook, value))?.extract::<String>()?;
    let written = written.strip_suffix('\n').unwrap_or(&written);
    let usual = repr::bounded(value)?;
    Ok((written != usual).then(|| repr::cut(written.to_owned())))
}

/// Returns the text of the value of a last expression, and displays its other forms. `None` if the value displayed
/// itself.
pub fn value(value: &Bound<'_, PyAny>) -> PyResult<Option<DisplayedValue>> {
    if repr::is_builtin(value) {
        return repr::bounded(value).map(|text| Some(DisplayedValue { text, frame: None }));
    }
    let shown = helper(value.py())?.getattr(pyo3::intern!(value.py(), "value"))?.call1((value,))?;
    if let Ok((text, cells)) = shown.extract::<(String, Cells)>() {
        return Ok(Some(DisplayedValue { text, frame: Some(Arc::new(preview(cells))) }));
    }
    Ok(shown.extract::<Option<String>>()?.map(|text| DisplayedValue { text, frame: None }))
}

/// The fields of [`FramePreview`], in order.
type Cells = (u64, u64, String, Vec<String>, Vec<String>, Vec<Vec<String>>, usize);

fn preview((rows, columns, corner, index, names, cells, head): Cells) -> FramePreview {
    FramePreview { rows, columns, corner, index, names, cells, head }.bounded()
}

/// Returns the helper's module. It has the builtins of the start, because user code may have changed the others.
fn helper(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    let load = || {
        let Some(api) = HELPER_API.get(py) else { return Err(PyRuntimeError::new_err("the engine has not started")) };
        let builtins = api.get().builtins.bind(py).as_any();
        let file = file_names::DISPLAY;
        let module = PyModule::new(py, "fourhands_display")?;
        module.setattr("__builtins__", builtins)?;
        module.setattr("__file__", file)?;
        module.setattr("engine", api)?;
        for part in [
            include_str!("forms.py"),
            include_str!("figures.py"),
            include_str!("charts.py"),
            include_str!("terminals.py"),
            include_str!("imports.py"),
        ] {
            let code = builtins.get_item("compile")?.call1((part, file, "exec"))?;
            builtins.get_item("exec")?.call1((code, module.dict()))?;
        }
        Ok(module.unbind())
    };
    Ok(HELPER.get_or_try_init(py, load)?.bind(py))
}
