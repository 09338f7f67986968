//! Python's signal handlers: the engine's own, put right before each snippet, and those of user code, which stay.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyList};

use super::os_signals::{die_of, request_signal, set_main_thread, stack_signal, unblock};
use super::{force, interrupt, termination};
use crate::python::isolation::fork;
use crate::python::safe_points::kept::Kept;

/// Signals whose default is to end the process without a word. They raise an exception in the snippet that runs.
const DEADLY: &[i32] = &[
    libc::SIGALRM,
    libc::SIGUSR1,
    #[cfg(target_os = "linux")]
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
    libc::SIGIO,
    #[cfg(target_os = "linux")]
    libc::SIGPWR,
    libc::SIGTERM,
    libc::SIGHUP,
];

/// Python's signal functions and the engine's handlers.
pub struct SignalHandlers {
    set: Py<PyAny>,
    get: Py<PyAny>,
    sigint: Py<PyCFunction>,
    request: Py<PyCFunction>,
    deadly: Py<PyCFunction>,
    /// Handlers of all other signals at the start.
    originals: Vec<(i32, Py<PyAny>)>,
}

impl SignalHandlers {
    /// Must be called on Python's main thread.
    pub fn install(py: Python<'_>, kept: &Kept<'_>) -> PyResult<Self> {
        let module = py.import("_signal")?;
        let get = module.getattr("getsignal")?.unbind();
        let get_handler = get.clone_ref(py);
        let mut signals = Self {
            set: module.getattr("signal")?.unbind(),
            get,
            sigint: PyCFunction::new_closure(py, Some(c"interrupt"), None, |_, _| interrupt::on_sigint())?.unbind(),
            request: PyCFunction::new_closure(py, Some(c"interrupt_request"), None, move |args, _| {
                interrupt::on_request(args, get_handler.bind(args.py()))
            })?
            .unbind(),
            deadly: PyCFunction::new_closure(py, Some(c"raise_signal"), None, |args, _| {
                on_deadly(args.py(), args.get_item(0)?.extract()?)
            })?
            .unbind(),
            originals: Vec::new(),
        };
        set_main_thread();
        force::prepare(py)?;
        keep_unblocked(&module)?;
        signals.restore(py)?;
        signals.check(py);
        if let Some(originals) = kept.get("signals") {
            signals.originals = originals.extract()?;
            interrupt::enable();
            return Ok(signals);
        }
        for signal in module.call_method0("valid_signals")?.try_iter()? {
            let signal: i32 = signal?.extract()?;
            let handler = signals.get.bind(py).call1((signal,))?;
            // Python shows a handler that C code set, such as the flight recorder's, as `None`.
            if !handler.is_none() && !signals.is_ours(py, signal) {
                signals.originals.push((signal, handler.unbind()));
            }
        }
        interrupt::enable();
        Ok(signals)
    }

    /// Takes the engine's handlers away, for a successor. Returns the handlers of the start.
    pub fn leave<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let defaults = py.import("_signal")?;
        let default = defaults.getattr("SIG_DFL")?;
        for signal in DEADLY.iter().copied().chain([request_signal(), libc::SIGINT]) {
            if self.is_ours(py, signal) {
                self.set.bind(py).call1((signal, &default))?;
            }
        }
        let originals: Vec<_> =
            self.originals.iter().map(|(signal, handler)| (*signal, handler.clone_ref(py))).collect();
        PyList::new(py, originals)
    }

    fn is_ours(&self, py: Python<'_>, signal: i32) -> bool {
        let handler = self.get.bind(py).call1((signal,));
        handler.is_ok_and(|handler| handler.is(&self.sigint) || handler.is(&self.request) || handler.is(&self.deadly))
    }

    /// Unblocks the signals by which the host reaches Python, and puts the handlers of termination before Python's.
    pub fn check(&self, py: Python<'_>) {
        unblock(&[request_signal(), stack_signal()]);
        self.install_termination(py);
    }

    /// Sets the engine's handlers again where user code took them away. User code's own handlers stay, as in any
    /// Python.
    pub fn restore(&self, py: Python<'_>) -> PyResult<()> {
        if !self.get.bind(py).call1((request_signal(),))?.is(&self.request) {
            self.set.bind(py).call1((request_signal(), &self.request))?;
        }
        self.ensure(py, libc::SIGINT, &self.sigint)?;
        let mut has_changed = false;
        for signal in DEADLY {
            has_changed |= self.ensure(py, *signal, &self.deadly)?;
        }
        if has_changed {
            self.install_termination(py);
        }
        Ok(())
    }

    /// See [`termination::install_handlers`].
    pub fn install_termination(&self, py: Python<'_>) {
        termination::install_handlers(|signal| !self.is_ours(py, signal));
    }

    /// Restores all handlers, timers and the signal mask of the start.
    pub fn restore_all(&self, py: Python<'_>) -> PyResult<()> {
        let set = self.set.bind(py);
        let module = py.import("_signal")?;
        for timer in ["ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF"] {
            module.call_method1("setitimer", (module.getattr(timer)?, 0))?;
        }
        module.call_method1("set_wakeup_fd", (-1,))?;
        for (signal, handler) in &self.originals {
            if !self.get.bind(py).call1((signal,))?.is(handler) {
                let _ = set.call1((signal, handler));
            }
        }
        set.call1((request_signal(), &self.request))?;
        set.call1((libc::SIGINT, &self.sigint))?;
        for signal in DEADLY {
            set.call1((signal, &self.deadly))?;
        }
        unblock(&[DEADLY, &[libc::SIGINT, libc::SIGCHLD]].concat());
        self.install_termination(py);
        Ok(())
    }

    /// Returns whether the handler was another.
    fn ensure(&self, py: Python<'_>, signal: i32, handler: &Py<PyCFunction>) -> PyResult<bool> {
        let now = self.get.bind(py).call1((signal,))?;
        let is_wrong = !now.is(handler) && (!now.is_callable() || is_of_debugger(&now)?);
        if is_wrong {
            self.set.bind(py).call1((signal, handler))?;
        }
        Ok(is_wrong)
    }
}

/// Lets user code block all signals but those by which the host reaches Python.
fn keep_unblocked(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let set_mask = module.getattr("pthread_sigmask")?.unbind();
    let ours = PyCFunction::new_closure(py, Some(c"pthread_sigmask"), None, move |args, options| {
        let before = set_mask.bind(args.py()).call(args, options)?;
        unblock(&[request_signal(), stack_signal()]);
        before.unbind().into_pyobject(args.py()).map(Bound::unbind).map_err(PyErr::from)
    })?;
    // `signal.pthread_sigmask` calls the function of this module.
    module.setattr("pthread_sigmask", ours)
}

/// Returns whether a handler of SIGINT is the one that pdb leaves behind when it continues: it would stop later
/// snippets in a debugger that nobody started there.
fn is_of_debugger(handler: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = handler.get_type();
    let is_method = class.name()? == "method" && class.module()? == "builtins";
    Ok(is_method && handler.getattr("__name__")?.eq("sigint_handler")?)
}

fn on_deadly(py: Python<'_>, signal: i32) -> PyResult<()> {
    if fork::is_child_by_pid() {
        die_of(signal);
    }
    if !interrupt::is_user_code_running() {
        return Ok(());
    }
    let name = py
        .import("signal")
        .and_then(|module| module.getattr("Signals")?.call1((signal,))?.getattr("name")?.extract::<String>())
        .unwrap_or_else(|_| format!("signal {signal}"));
    Err(PyRuntimeError::new_err(format!("{name} arrived and the code has set no handler for it")))
}
