//! Python's stack where no Python code can run any more: at a fatal fault, and inside a call of C code. The faulthandler
//! module writes it from a signal handler into the flight recorder.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::unistd::{Whence, lseek};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use super::signals;
use crate::domain::flight_recorder::FlightRecorder;
use crate::python::io::guarded::{Access, Guarded, Identity};
use crate::python::isolation::fork;

/// The descriptor that faulthandler was told; negative for none.
static TOLD: AtomicI32 = AtomicI32::new(-1);

/// What faulthandler writes to.
pub struct StackFile {
    fd: Guarded,
    recorder: &'static FlightRecorder,
}

impl StackFile {
    /// `fd` is the recorder's.
    pub fn new(fd: BorrowedFd<'_>, recorder: &'static FlightRecorder) -> io::Result<Self> {
        Ok(Self { fd: Guarded::new(fd, Access::Write)?, recorder })
    }

    /// See [`Guarded::backed_by`].
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
        stacks.prepare(py)?;
        let enable = stacks.enable.clone_ref(py);
        let ours = PyCFunction::new_closure(py, Some(c"enable"), None, move |args, options| {
            enable_for_user(enable.bind(args.py()), args, options)
        })?;
        module.setattr("enable", ours)?;
        Ok(stacks)
    }

    /// To be called before each snippet. Where user code has enabled faulthandler for itself, it stays so.
    pub fn prepare(&mut self, py: Python<'_>) -> PyResult<()> {
        let fd = self.file.fd.get()?;
        let number = fd.as_raw_fd();
        let moved = TOLD.load(Ordering::Relaxed) != number;
        if moved || self.file.recorder.has_stacks() {
            self.file.recorder.clear_stacks();
            lseek(fd, FlightRecorder::STACKS as libc::off_t, Whence::SeekSet).map_err(io::Error::from)?;
        }
        if moved || !self.is_enabled.bind(py).call0()?.is_truthy()? {
            // The thread at fault only.
            self.enable.bind(py).call1((number, false))?;
        }
        if moved {
            let (all_threads, chain) = (false, false);
            self.register.bind(py).call1((signals::stack_signal(), number, all_threads, chain))?;
            signals::remember_stack_handler();
            TOLD.store(number, Ordering::Relaxed);
        }
        Ok(())
    }

    pub fn recorder(&self) -> &'static FlightRecorder {
        self.file.recorder
    }
}

/// `faulthandler.enable` for user code. What would go to the session's stderr goes to the recorder instead: nobody could
/// read it there once the process is dead.
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
        enable.call1((TOLD.load(Ordering::Relaxed), false))?;
    }
    Ok(())
}

#[allow(unsafe_code, reason = "Python names descriptors by number")]
fn is_stderr(number: RawFd) -> bool {
    if number < 0 {
        return false;
    }
    // SAFETY: only asked about, and that fails if it is closed.
    let identity = Identity::of(unsafe { BorrowedFd::borrow_raw(number) }).ok();
    identity.is_some() && identity == Identity::of(io::stderr().as_fd()).ok()
}
