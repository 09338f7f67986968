//! The session process: connects the floors, and is the only one that knows both Python and the others. Runs inside the
//! user's Python, which calls [`main`] on its main thread.

mod attached;
mod dashboard;
mod exit;
mod faults;
mod frontend;
mod gate;
mod host;
mod host_events;
mod host_threads;
mod idle_exit;
mod link;
mod log;
mod orphaned;
mod plain;
mod resume;
mod session_run;
mod socket;
mod spin_wait;
mod storage;
mod trim;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use self::exit::END_TIMEOUT;
use self::host::{Host, PrivateTable};
use self::host_events::HostEvents;
use crate::domain::SessionInfo;
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::terminal_text::visible;
use crate::launch::boot::{Boot, Mode};
use crate::launch::probe::OWN_MODULES;
use crate::launch::{descriptor_table, recorder, shadows};
use crate::python::io::descriptors::{self, StandardDescriptors};
use crate::python::io::fd;
use crate::python::io::unread::UnreadOutput;
use crate::python::{
    Capture, EngineDescriptors, EventSender, Interpreter, Jobs, Kept, SafePoints, SessionFilePaths, StackFile, engine,
    event_waker, is_abandoned, leave_python, spawn_masked,
};
use crate::session::EngineEvent;
use crate::tui::settings;

/// Interval at which the main thread checks whether the host has ended.
const JOIN_INTERVAL: Duration = Duration::from_millis(5);

#[pymodule]
fn fourhands(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(main, module)?)
}

/// Runs the session that `boot` (JSON of [`Boot`]) describes, to its end. Returns the exit code. In a copy that was
/// woken, `kept` is what the engine before has left.
#[pyfunction]
#[pyo3(signature = (boot, kept=None))]
fn main<'py>(py: Python<'py>, boot: &str, kept: Option<Bound<'py, PyDict>>) -> i32 {
    let kept = Kept::new(kept);
    let boot = read_boot(boot, &kept);
    let startup_output = restore_streams(py, boot.as_ref().ok());
    // fd 2 becomes a pipe of the capture; this keeps the real stderr.
    let mut stderr = fd::move_high(std::io::stderr().as_fd()).ok();
    let code = startup_output.map_err(PyOSError::new_err).and_then(|output| run(py, boot?, output, &mut stderr, &kept));
    code.unwrap_or_else(|error| {
        let text = format!("fourhands: the session cannot start: {}\n", visible(&error.value(py).to_string()));
        match &stderr {
            Some(stderr) => faults::write_report(stderr, &text),
            None => faults::write_report(std::io::stderr(), &text),
        }
        1
    })
}

/// Reads the parameters. In those for a copy, descriptors are places in the list of those that came with them.
fn read_boot(boot: &str, kept: &Kept<'_>) -> PyResult<Boot> {
    let mut boot: Boot = serde_json::from_str(boot).map_err(|error| PyValueError::new_err(error.to_string()))?;
    if let Some(numbers) = kept.get("descriptors") {
        let numbers: Vec<i32> = numbers.extract()?;
        let number =
            |place: i32| usize::try_from(place).ok().and_then(|place| numbers.get(place).copied()).unwrap_or(-1);
        boot.map_descriptors(number);
    }
    Ok(boot)
}

/// Puts the real streams on 0, 1 and 2 if they went to a file so far. Returns Python's output until now. If that fails,
/// the guardian reads on from the file.
fn restore_streams(py: Python<'_>, boot: Option<&Boot>) -> std::io::Result<String> {
    let Some(streams) = boot.and_then(|boot| boot.streams) else {
        return Ok(String::new());
    };
    for name in ["stdout", "stderr"] {
        let _ = py.import("sys").and_then(|sys| sys.getattr(name)?.call_method0("flush"));
    }
    let output = descriptors::put_back(streams)?;
    Ok(visible(&String::from_utf8_lossy(&output)).into_owned())
}

/// Runs the session. Drops `stderr` once the host reports errors.
fn run(
    py: Python<'_>,
    boot: Boot,
    mut startup_output: String,
    stderr: &mut Option<OwnedFd>,
    kept: &Kept<'_>,
) -> PyResult<i32> {
    faults::record_panics();
    let link = fd::inherit(boot.link).map_err(PyOSError::new_err)?;
    link::send_begun(&link);
    // Not while the screen of the previous dashboard may still be up.
    if !(boot.takes_over && boot.mode == Mode::Dashboard)
        && let Some(stderr) = stderr
    {
        faults::write_report(stderr, &std::mem::take(&mut startup_output));
    }
    let files =
        SessionFilePaths { session: boot.socket.with_extension("py"), checkpoints: storage::checkpoints(&boot.id) };
    let (originals, readers, mut streams) = descriptors::take_over().map_err(PyOSError::new_err)?;
    let (mut stacks, recorder) = map_recorder(&boot).unzip();

    let (sender, receiver) = mpsc::channel();
    let (waker, host_waker, flag, reader) = event_waker().map_err(PyOSError::new_err)?;
    let events = EventSender { sender, waker };
    let announcer = events.clone();
    let info = session_info(py, &boot, kept)?;
    let own_modules = own_modules(py);
    // Read now, because at the end nothing may wait for a disk.
    let settings = settings::read(settings::path()).settings;
    let keep_processes = boot.keep_processes || settings.keep_processes;
    let mut safe_points = safe_points(&boot, settings.safe_points, kept);
    let spool = storage::spool(&boot.id);
    let capture = Arc::new(Capture::new(spool.clone(), UnreadOutput::of(&readers), move || {
        announcer.send(EngineEvent::OutputReady);
    }));
    let (engine, mut jobs) = engine(capture.clone(), recorder).map_err(PyOSError::new_err)?;
    let (ready, host_ready) = mpsc::channel();
    let host = Host {
        info,
        own_modules: own_modules.clone(),
        spool,
        boot,
        startup_output,
        engine,
        events: HostEvents { sender: events.sender.clone(), receiver, waker: host_waker, flag, reader },
        capture: capture.clone(),
        recorder,
        originals,
        readers,
        link,
        ready,
        keep_processes,
    };
    let (preparing, prepared) = mpsc::channel();
    // SIGWINCH is for the dashboard, whose handler writes to a descriptor that Python's table does not have.
    let spawn = || thread::Builder::new().name("host".to_owned()).spawn(move || host.run(&prepared));
    let host = spawn_masked(&[Signal::SIGWINCH], spawn).map_err(PyOSError::new_err)?;
    *stderr = None;
    if let Ok(Some(table)) = py.detach(move || host_ready.recv()) {
        leave_private_table(&table, &mut streams, &events, &mut jobs, stacks.as_mut());
    } else {
        // A copy would hold the connections of clients.
        safe_points = None;
    }

    let descriptors = EngineDescriptors { standard: streams, stacks, safe_points };
    let prepare = |jobs: &mut Jobs| Interpreter::new(py, descriptors, capture, events.clone(), files, kept, jobs);
    let worked = catch_unwind(AssertUnwindSafe(|| work(py, prepare, &mut jobs, preparing, &own_modules)));
    exit::set_main_thread_returned();
    events.send(EngineEvent::Ended);
    let code = py.detach(move || join_within_timeout(host));
    py.detach(|| orphaned::before_exit(keep_processes));
    if is_abandoned() {
        exit::leave(code);
    }
    leave_python(py, END_TIMEOUT);
    Ok(if matches!(worked, Ok(Ok(()))) { code } else { 1 })
}

/// Returns the modules of Python's own that a file of the person can take the place of.
fn own_modules(py: Python<'_>) -> BTreeSet<String> {
    let names = CString::new(OWN_MODULES).ok().and_then(|names| py.eval(&names, None, None).ok());
    names
        .and_then(|names| names.try_iter().ok()?.map(|name| name?.extract()).collect::<PyResult<_>>().ok())
        .unwrap_or_default()
}

/// Records why Python could not be prepared: most often because of a file that it takes for a module of its own.
fn report_failure(error: &str, own_modules: &BTreeSet<String>) {
    match shadows::of_modules(own_modules, &shadows::folders()).first() {
        Some(shadow) => faults::record_cause(format!("{shadow}. Python said: {error}")),
        None => faults::record(format!("Python could not be prepared: {error}")),
    }
}

/// Does the main thread's work until the session ends. Drops `preparing` once Python is prepared.
fn work(
    py: Python<'_>,
    prepare: impl FnOnce(&mut Jobs) -> PyResult<Interpreter>,
    jobs: &mut Jobs,
    preparing: mpsc::Sender<Infallible>,
    own_modules: &BTreeSet<String>,
) -> PyResult<()> {
    let report = |error: &PyErr| report_failure(&error.to_string(), own_modules);
    let mut interpreter = prepare(jobs).inspect_err(report)?;
    drop(preparing);
    let worked = interpreter.work(py, jobs).inspect_err(report);
    if is_abandoned() {
        // What the engine drops could run code of the user.
        std::mem::forget(interpreter);
    }
    worked
}

/// Maps the flight recorder that the guardian shares.
fn map_recorder(boot: &Boot) -> Option<(StackFile, &'static FlightRecorder)> {
    let fd = fd::inherit(boot.recorder?).ok()?;
    let recorder = recorder::map(fd.as_fd()).ok()?;
    Some((StackFile::new(fd.as_fd(), recorder).ok()?, recorder))
}

/// Prepares safe points, if the person wants them and the guardian can wake them.
fn safe_points(boot: &Boot, wanted: bool, kept: &Kept<'_>) -> Option<SafePoints> {
    let socket = fd::inherit(boot.safe_points?).ok()?;
    if wanted { SafePoints::new(&socket, kept).ok() } else { None }
}

/// Closes the host's descriptors in the main thread's table, so that Python code reaches none of them. The main
/// thread's own can be opened again from the host's table.
fn leave_private_table(
    table: &PrivateTable,
    streams: &mut StandardDescriptors,
    events: &EventSender,
    jobs: &mut Jobs,
    stacks: Option<&mut StackFile>,
) {
    descriptor_table::close(&table.descriptors);
    #[cfg(target_os = "linux")]
    {
        streams.backed_by(table.thread);
        events.waker.backed_by(table.thread);
        jobs.backed_by(table.thread);
        if let Some(stacks) = stacks {
            stacks.backed_by(table.thread);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (streams, events, jobs, stacks);
}

/// Waits for the host. Returns its exit code, or 1 if it has panicked or does not end in time.
fn join_within_timeout(host: JoinHandle<i32>) -> i32 {
    let deadline = Instant::now() + END_TIMEOUT;
    while !host.is_finished() && Instant::now() < deadline {
        thread::park_timeout(JOIN_INTERVAL);
    }
    if host.is_finished() { host.join().unwrap_or(1) } else { 1 }
}

fn session_info(py: Python<'_>, boot: &Boot, kept: &Kept<'_>) -> PyResult<SessionInfo> {
    let sys = py.import("sys")?;
    let text = |name: &str| sys.getattr(name).and_then(|value| value.extract::<String>()).unwrap_or_default();
    let version = py.version_info();
    let prefix = text("prefix");
    let in_venv = prefix != text("base_prefix") || std::env::var("CONDA_PREFIX").is_ok_and(|conda| conda == prefix);
    Ok(SessionInfo {
        name: boot.name.clone(),
        cwd: kept.session_folder(),
        python: text("executable").into(),
        python_version: format!("{}.{}.{}", version.major, version.minor, version.patch),
        venv: in_venv.then(|| PathBuf::from(prefix)),
        pid: std::process::id(),
        started_at: boot.started_at,
        program: boot.program.clone(),
        is_demo: boot.is_demo,
    })
}
