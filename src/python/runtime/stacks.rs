//! Python's stack where no Python code can run any more: at a fatal fault, and inside a call of C code. The
//! faulthandler module writes it from a signal handler into the flight recorder.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use nix::unistd::{Whence, lseek};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use super::os_signals::{handler_of, send_to_main, stack_signal};
use crate::domain::flight_recorder::FlightRecorder;
use crate::python::io::guarded::{Access, FileIdentity, GuardedFd};
use crate::python::isolation::fork;

/// The descriptor that faulthandler writes to; negative for none.
static TARGET_FD: AtomicI32 = AtomicI32::new(-1);
/// Address of faulthandler's handler of [`stack_signal`].
static STACK_HANDLER: AtomicUsize = AtomicUsize::new(0);

/// The flight recorder as a file for faulthandler.
pub struct StackFile {
    fd: GuardedFd,
    recorder: &'static FlightRecorder,
}

impl StackFile {
    /// `fd` is the recorder's.
    pub fn new(fd: BorrowedFd<'_>, recorder: &'static FlightRecorder) -> io::Result<Self> {
        Ok(Self { fd: GuardedFd::new(fd, Access::Write)?, recorder })
    }

    /// See [`GuardedFd::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.fd.backed_by(host);
    }
}

/// Keeps faulthandler writing to the recorder.
pub struct Stacks {
    file: StackFile,
    enable: Py<PyAny>,
    is_enabled: Py<PyAny>,
    register: Py<PyAny>,
}

impl Stacks {
    pub fn install(py: Python<'_>, file: StackFile) -> PyResult<Self> {
        let module = py.import("faulthandler")?;
        let mut stacks = Self {
            file,
            enable: module.getattr("enable")?.unbind(),
            is_enabled: module.getattr("is_enabled")?.unbind(),
            register: module.getattr("register")?.unbind(),
        };
        stacks.check()?;
        stacks.prepare(py)?;
        let enable = stacks.enable.clone_ref(py);
        let ours = PyCFunction::new_closure(py, Some(c"enable"), None, move |args, options| {
            enable_for_user(enable.bind(args.py()), args, options)
        })?;
        module.setattr("enable", ours)?;
        Ok(stacks)
    }

    /// Opens the recorder again if user code has closed it.
    pub fn check(&mut self) -> io::Result<()> {
        self.file.fd.get().map(drop)
    }

    /// To be called before each snippet. Where user code has enabled faulthandler for itself, that stays.
    pub fn prepare(&self, py: Python<'_>) -> PyResult<()> {
        let fd = self.file.fd.unchecked();
        let number = fd.as_raw_fd();
        let has_moved = TARGET_FD.load(Ordering::Relaxed) != number;
        if has_moved || self.file.recorder.has_stacks() {
            self.file.recorder.clear_stacks();
            lseek(fd, FlightRecorder::STACKS as libc::off_t, Whence::SeekSet).map_err(io::Error::from)?;
        }
        if has_moved || !self.is_enabled.bind(py).call0()?.is_truthy()? {
            let all_threads = false;
            self.enable.bind(py).call1((number, all_threads))?;
        }
        if has_moved {
            let (all_threads, chain) = (false, false);
            self.register.bind(py).call1((stack_signal(), number, all_threads, chain))?;
            STACK_HANDLER.store(handler_of(stack_signal()), Ordering::SeqCst);
            TARGET_FD.store(number, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns the descriptor of the recorder as it was checked last.
    pub fn number(&self) -> RawFd {
        self.file.fd.unchecked().as_raw_fd()
    }

    /// Stops faulthandler from writing to the recorder, for a successor that has another.
    pub fn leave(py: Python<'_>) -> PyResult<()> {
        let module = py.import("faulthandler")?;
        module.call_method0("disable")?;
        module.call_method1("unregister", (stack_signal(),)).map(drop)
    }

    pub fn recorder(&self) -> &'static FlightRecorder {
        self.file.recorder
    }
}

/// Has the main thread's Python stack written, without Python's help. May be called from any thread.
pub fn request() {
    let handler = STACK_HANDLER.load(Ordering::SeqCst);
    // User code may have given the signal another meaning, and its default is to end the process.
    if handler != libc::SIG_DFL && handler == handler_of(stack_signal()) {
        send_to_main(stack_signal());
    }
}

/// `faulthandler.enable` for user code. Stacks for the session's stderr go to the recorder: nobody can read stderr once
/// the process is dead.
fn enable_for_user(
    enable: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    enable.call(args, options)?;
    let given = args.get_item(0).ok().or_else(|| options.and_then(|options| options.get_item("file").ok().flatten()));
    let file = match given.filter(|file| !file.is_none()) {
        Some(file) => file,
        None => enable.py().import("sys")?.getattr("stderr")?,
    };
    let number = file.extract().or_else(|_| file.call_method0("fileno")?.extract())?;
    if !fork::is_child() && is_stderr(number) {
        enable.call1((TARGET_FD.load(Ordering::Relaxed), false))?;
    }
    Ok(())
}

#[allow(unsafe_code, reason = "Python names descriptors by number")]
fn is_stderr(number: RawFd) -> bool {
    if number < 0 {
        return false;
    }
    // SAFETY: the descriptor is only passed to fstat, which fails if it is closed.
    let identity = FileIdentity::of(unsafe { BorrowedFd::borrow_raw(number) }).ok();
    identity.is_some() && identity == FileIdentity::of(io::stderr().as_fd()).ok()
}
