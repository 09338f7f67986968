//! Settings of the interpreter that a reset restores: trace functions, hooks, and how code is run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

use super::fork;
use super::process_limits::ProcessLimits;
use crate::python::runtime::interrupt;
use crate::python::safe_points::kept::Kept;

/// Settings that `sys` has a function to set for.
const SETTINGS: [&str; 4] = ["trace", "profile", "recursionlimit", "switchinterval"];
const HOOKS: [&str; 3] = ["excepthook", "unraisablehook", "breakpointhook"];
/// Tool numbers of `sys.monitoring`.
const TOOLS: std::ops::Range<u32> = 0..6;

/// The interpreter's settings of the start.
pub struct InterpreterSettings {
    sys: Py<PyModule>,
    gc: Py<PyModule>,
    /// Functions of `sys`, with their arguments.
    setters: Vec<(Py<PyAny>, Py<PyAny>)>,
    hooks: Vec<(&'static str, Py<PyAny>)>,
    /// Tools that were registered before any user code.
    tools: Vec<u32>,
    /// The number of resets. An audit hook is ignored once a reset has followed it.
    generation: Arc<AtomicU32>,
    limits: ProcessLimits,
}

impl InterpreterSettings {
    pub fn take(py: Python<'_>, kept: &Kept<'_>) -> PyResult<Self> {
        let sys = py.import("sys")?;
        let kept = kept.get_or("settings", || Ok(PyDict::new(py)))?;
        let mut setters = Vec::new();
        for name in SETTINGS {
            let now = kept.get_item(name)?.map_or_else(|| sys.getattr(format!("get{name}"))?.call0(), Ok)?;
            setters.push((sys.getattr(format!("set{name}"))?.unbind(), now.unbind()));
        }
        let hooks = HOOKS
            .map(|name| PyResult::Ok((name, kept.get_item(name)?.map_or_else(|| sys.getattr(name), Ok)?.unbind())));
        let tools = TOOLS.filter(|tool| is_used(&sys, *tool)).collect();
        let generation = Arc::default();
        sys.setattr("addaudithook", add_audit_hook(py, &sys, &generation)?)?;
        Ok(Self {
            setters,
            hooks: hooks.into_iter().collect::<PyResult<_>>()?,
            tools,
            generation,
            limits: ProcessLimits::take(),
            gc: py.import("gc")?.unbind(),
            sys: sys.unbind(),
        })
    }

    /// Hands over the settings of the start.
    pub fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        let settings = PyDict::new(kept.py());
        for (name, (_, value)) in SETTINGS.iter().zip(&self.setters) {
            settings.set_item(name, value)?;
        }
        for (name, hook) in &self.hooks {
            settings.set_item(name, hook)?;
        }
        kept.set_item("settings", settings)
    }

    /// To be called first in a reset, because a trace function or a hook may fail at each of its steps. Returns
    /// descriptions of settings that cannot be restored.
    pub fn restore(&self, py: Python<'_>) -> Vec<String> {
        let sys = self.sys.bind(py);
        self.generation.fetch_add(1, Ordering::Relaxed);
        for tool in TOOLS.filter(|tool| !self.tools.contains(tool) && is_used(sys, *tool)) {
            let _ = free(sys, tool);
        }
        for (set, then) in &self.setters {
            let _ = set.call1(py, (then,));
        }
        for (name, hook) in &self.hooks {
            let _ = sys.setattr(*name, hook);
        }
        let _ = self.gc.call_method0(py, "enable");
        self.limits.restore()
    }
}

/// Makes `sys.addaudithook` for user code. Python keeps an audit hook for ever, and nothing works any more after a hook
/// that raises. Ours calls hooks only for snippets, and only until the next reset.
fn add_audit_hook<'py>(
    py: Python<'py>,
    sys: &Bound<'py, PyModule>,
    generation: &Arc<AtomicU32>,
) -> PyResult<Bound<'py, PyCFunction>> {
    let add = sys.getattr("addaudithook")?.unbind();
    let generation = generation.clone();
    PyCFunction::new_closure(py, Some(c"addaudithook"), None, move |args, _| {
        let py = args.py();
        let hook = args.get_item(0)?.unbind();
        let (added, now) = (generation.load(Ordering::Relaxed), generation.clone());
        let ours = PyCFunction::new_closure(py, Some(c"audit_hook"), None, move |args, _| {
            if now.load(Ordering::Relaxed) == added && (interrupt::current_snippet().is_some() || fork::is_child()) {
                hook.bind(args.py()).call1(args)?;
            }
            PyResult::Ok(())
        })?;
        add.call1(py, (ours,))
    })
}

/// Returns whether a tool is registered under a number; `false` before Python 3.12.
fn is_used(sys: &Bound<'_, PyModule>, tool: u32) -> bool {
    let name = sys.getattr("monitoring").and_then(|monitoring| monitoring.call_method1("get_tool", (tool,)));
    name.is_ok_and(|name| !name.is_none())
}

fn free(sys: &Bound<'_, PyModule>, tool: u32) -> PyResult<()> {
    let monitoring = sys.getattr("monitoring")?;
    monitoring.call_method1("set_events", (tool, 0))?;
    // Events of single functions stay set, without a callback.
    for bit in 0..u32::BITS {
        let _ = monitoring.call_method1("register_callback", (tool, 1_u64 << bit, sys.py().None()));
    }
    monitoring.call_method1("free_tool_id", (tool,)).map(drop)
}
