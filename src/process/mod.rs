//! The session process's entry: the one place that wires the floors together. Runs inside the user's Python, which
//! calls [`main`] on its main thread.

mod alertness;
mod door;
mod hangup;
mod host;
mod link;
mod log;
mod orphaned;
mod plain;
mod trim;
mod unused;

use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::domain::SessionInfo;
use crate::domain::terminal_text::visible;
use crate::launch::boot::{Boot, Mode};
use crate::launch::{descriptor_table, recorder};
use crate::python::io::descriptors;
use crate::python::io::descriptors::StandardStreams;
use crate::python::{Capture, Events, Files, Interpreter, Jobs, StackFile, event_bell};
use crate::session::EngineEvent;
use crate::session::outlet::write_within;
use crate::tui::settings;
use host::{Host, HostEvents, LAST_WORDS};

/// How long the end of the host may take, and then Python's own (its atexit functions, and threads that it waits for).
const END_LIMIT: Duration = Duration::from_secs(3);

/// How long the main thread may take to come back from what it does, once the session has ended. What no interrupt reaches
/// does not come back.
const COME_BACK_LIMIT: Duration = Duration::from_millis(750);

/// The main thread has done its last job.
static IS_BACK: AtomicBool = AtomicBool::new(false);

/// Panics of any thread and what else must not happen, told when the terminal is free again.
static FAULTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[pymodule]
fn fourhands(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(main, module)?)
}

/// Runs the session that `boot` (JSON of [`Boot`]) describes, to its end. Answers the exit code.
#[pyfunction]
fn main(py: Python<'_>, boot: &str) -> i32 {
    let said = first_words(py, boot);
    // What stands on 2 is soon a pipe that nobody would read then.
    let mut stderr = crate::python::io::fd::move_high(std::io::stderr().as_fd()).ok();
    let code = said.map_err(PyOSError::new_err).and_then(|said| run(py, boot, said, &mut stderr));
    code.unwrap_or_else(|error| {
        let text = format!("fourhands: the session cannot begin: {}\n", visible(&error.value(py).to_string()));
        let _ = match &stderr {
            Some(stderr) => write_within(stderr, text.as_bytes(), LAST_WORDS),
            None => write_within(std::io::stderr(), text.as_bytes(), LAST_WORDS),
        };
        1
    })
}

/// What Python said at its start instead of on the streams, which it gets now. Where it cannot have them, the guardian reads
/// on what it says.
fn first_words(py: Python<'_>, boot: &str) -> std::io::Result<String> {
    let Some(streams) = serde_json::from_str::<Boot>(boot).ok().and_then(|boot| boot.streams) else {
        return Ok(String::new());
    };
    for name in ["stdout", "stderr"] {
        let _ = py.import("sys").and_then(|sys| sys.getattr(name)?.call_method0("flush"));
    }
    let said = descriptors::put_back(streams)?;
    Ok(visible(&String::from_utf8_lossy(&said)).into_owned())
}

/// Lets go of `stderr` once the host tells what is wrong.
fn run(py: Python<'_>, boot: &str, mut said: String, stderr: &mut Option<OwnedFd>) -> PyResult<i32> {
    let boot: Boot = serde_json::from_str(boot).map_err(|error| PyValueError::new_err(error.to_string()))?;
    std::panic::set_hook(Box::new(|panic| {
        report_fault(panic.to_string());
    }));
    let link = descriptors::inherit(boot.link).map_err(PyOSError::new_err)?;
    link::begun(&link);
    // The screen of the dashboard before may still be up.
    if !(boot.takes_over && boot.mode == Mode::Dashboard)
        && let Some(stderr) = stderr
    {
        let _ = write_within(stderr, std::mem::take(&mut said).as_bytes(), LAST_WORDS);
    }
    // The session's definitions, beside its socket.
    let files = Files { session: boot.socket.with_extension("py"), checkpoints: host::checkpoints(&boot.id) };
    let (originals, readers, mut streams) = descriptors::take_over().map_err(PyOSError::new_err)?;

    let recorder = boot.recorder.and_then(|number| {
        let fd = descriptors::inherit(number).ok()?;
        let recorder = recorder::map(fd.as_fd()).ok()?;
        Some((StackFile::new(fd.as_fd(), recorder).ok()?, recorder))
    });
    let (mut stacks, recorder) = recorder.unzip();

    let (sender, engine_events) = mpsc::channel();
    let (bell, host_bell, rung, bell_reader) = event_bell().map_err(PyOSError::new_err)?;
    let events = Events { sender, bell };
    let announce = events.clone();
    let info = session_info(py, &boot)?;
    // Read now: at the end nothing may wait for a disk.
    let keep_processes = boot.keep_processes || settings::read(settings::path()).settings.keep_processes;
    let spool = host::spool(&boot.id);
    let capture = Arc::new(Capture::new(spool.clone(), move || announce.send(EngineEvent::OutputReady)));
    let (engine, mut jobs) = crate::python::engine(capture.clone(), recorder).map_err(PyOSError::new_err)?;
    let (ready, host_ready) = mpsc::channel();
    let host = Host {
        info,
        spool,
        boot,
        said,
        engine,
        events: HostEvents {
            sender: events.sender.clone(),
            receiver: engine_events,
            bell: host_bell,
            rung,
            bell_reader,
        },
        capture: capture.clone(),
        recorder,
        originals,
        readers,
        link,
        ready,
        keep_processes,
    };
    let host = with_signals_blocked(|| thread::Builder::new().name("host".to_owned()).spawn(|| host.run()))
        .map_err(PyOSError::new_err)?;
    *stderr = None;
    if let Ok(Some(table)) = py.detach(move || host_ready.recv()) {
        // From now on nothing of the host's is within reach of Python code.
        descriptor_table::close(&table.descriptors);
        #[cfg(target_os = "linux")]
        {
            streams.backed_by(table.thread);
            events.bell.backed_by(table.thread);
            jobs.backed_by(table.thread);
            if let Some(stacks) = &mut stacks {
                stacks.backed_by(table.thread);
            }
        }
    }

    let worked = catch_unwind(AssertUnwindSafe(|| work(py, streams, stacks, capture, &events, files, jobs)));
    IS_BACK.store(true, Ordering::Relaxed);
    if let Ok(Err(error)) = &worked {
        report_fault(format!("Python could not be prepared: {error}"));
    }
    events.send(EngineEvent::Ended);
    let code = py.detach(move || {
        let deadline = Instant::now() + END_LIMIT;
        while !host.is_finished() && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(5));
        }
        if host.is_finished() { host.join().unwrap_or(1) } else { 1 }
    });
    py.detach(|| orphaned::before_the_end(keep_processes));
    Ok(if matches!(worked, Ok(Ok(()))) { code } else { 1 })
}

fn report_fault(fault: String) {
    FAULTS.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
}

fn work(
    py: Python<'_>,
    streams: StandardStreams,
    stacks: Option<StackFile>,
    capture: Arc<Capture>,
    events: &Events,
    files: Files,
    mut jobs: Jobs,
) -> PyResult<()> {
    let mut interpreter = Interpreter::new(py, streams, stacks, capture, events.clone(), files, &mut jobs)?;
    interpreter.work(py, &mut jobs)
}

fn session_info(py: Python<'_>, boot: &Boot) -> PyResult<SessionInfo> {
    let sys = py.import("sys")?;
    let text = |name: &str| sys.getattr(name).and_then(|value| value.extract::<String>()).unwrap_or_default();
    let version = py.version_info();
    let prefix = text("prefix");
    let in_venv = prefix != text("base_prefix") || std::env::var("CONDA_PREFIX").is_ok_and(|conda| conda == prefix);
    Ok(SessionInfo {
        name: boot.name.clone(),
        cwd: std::env::current_dir().unwrap_or_default(),
        python: text("executable").into(),
        python_version: format!("{}.{}.{}", version.major, version.minor, version.patch),
        venv: in_venv.then(|| PathBuf::from(prefix)),
        pid: std::process::id(),
        started_at: crate::session::clock::now(),
    })
}

/// Threads inherit the mask of the one that spawns them. Signals are for Python's main thread; only the change of the
/// terminal's size is for the dashboard, whose handler writes to a descriptor that Python does not have.
fn with_signals_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    let mut blocked = SigSet::all();
    for fault in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT, Signal::SIGWINCH] {
        blocked.remove(fault);
    }
    let mut before = SigSet::empty();
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before));
    let spawned = spawn();
    before.add(Signal::SIGWINCH);
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    spawned
}

/// Ends the process in any case: the main thread may be inside a long call of C code, and Python waits for its threads
/// for as long as user code holds them.
#[allow(unsafe_code, reason = "nothing may hold up this end, not even the clean-up of std::process::exit")]
fn exit_after(limit: Duration, code: i32) {
    let _ = thread::Builder::new().name("end".to_owned()).spawn(move || {
        thread::sleep(COME_BACK_LIMIT);
        if IS_BACK.load(Ordering::Relaxed) {
            thread::sleep(limit.saturating_sub(COME_BACK_LIMIT));
        }
        // SAFETY: does not return and runs nothing.
        unsafe { libc::_exit(code) }
    });
}
