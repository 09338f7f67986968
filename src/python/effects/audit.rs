//! The audit hook: turns CPython's audit events into effects of the snippet that raised them.
//!
//! An event comes before its action, which may still fail. So the hook leaves out what cannot succeed, such as the
//! removal of a file that is not there.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use nix::unistd::{AccessFlags, access};
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyTuple;

use super::arguments::{Arguments, OpenMode};
use super::consent::ConsentWait;
use super::event::AuditEvent;
use super::shown_path::{SessionFolders, ShownPath};
use crate::domain::{SideEffect, SideEffectKind, SnippetId};
use crate::python::file_names;
use crate::python::io::capture::Capture;
use crate::python::io::writer::{OutputWriter, ThreadId};
use crate::python::isolation::fork;
use crate::python::runtime::context::SnippetContext;
use crate::python::runtime::os_signals::current_thread;

/// Files that were opened to read since the last [`take_reads`]. A count for all threads: reads are too many for more.
static READS: AtomicU64 = AtomicU64::new(0);

/// Returns how many files were opened to read since the last call.
pub fn take_reads() -> u64 {
    READS.swap(0, Ordering::Relaxed)
}

/// Threads whose last name lookup is remembered.
const MAX_LOOKUPS: usize = 64;
/// Links that are followed, as Linux has it.
const MAX_LINKS: u32 = 40;

thread_local! {
    /// Whether this thread runs code of the session, and not of a snippet.
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of the session that changes environment variables, which is no effect of a snippet.
pub fn unrecorded<T>(act: impl FnOnce() -> T) -> T {
    let before = IS_OWN.replace(true);
    let result = act();
    IS_OWN.set(before);
    result
}

static RECORDER: OnceLock<Recorder> = OnceLock::new();

pub(super) struct Recorder {
    pub(super) capture: Arc<Capture>,
    pub(super) context: SnippetContext,
    folders: SessionFolders,
    /// The same, without links.
    real_folders: SessionFolders,
    interpreter: usize,
    pub(super) consent: ConsentWait,
    /// Files that are older were there before the session.
    pub(super) began: SystemTime,
    /// What each thread looked up last, to name the host of the connection that follows.
    lookups: Mutex<Vec<HostLookup>>,
    /// The effect that the second event of a call will have: `subprocess.Popen` may use `os.posix_spawn`, and
    /// `pty.spawn` forks.
    pub(super) popen: Mutex<Option<(EventOrigin, SideEffect)>>,
    /// The file that was opened to write last, if no other effect came after: opening it again adds nothing.
    last_written: Mutex<Option<(SnippetId, PathBuf)>>,
}

/// The thread that raised an event, and its snippet.
pub(super) type EventOrigin = (ThreadId, SnippetId);

struct HostLookup {
    origin: EventOrigin,
    host: String,
    port: u64,
}

/// Begins to record effects. Must be called on Python's main thread.
#[allow(unsafe_code, reason = "sys.addaudithook costs several times as much for each event as a hook in C")]
pub fn install(
    py: Python<'_>,
    capture: &Arc<Capture>,
    context: &SnippetContext,
    folders: SessionFolders,
    consent: ConsentWait,
) -> PyResult<()> {
    type Hook = unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int;
    type AddHook = unsafe extern "C" fn(Hook, *mut c_void) -> c_int;
    // SAFETY: the name ends with a zero byte.
    let add = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"PySys_AddAuditHook".as_ptr()) };
    if add.is_null() {
        return Err(PyRuntimeError::new_err("this Python has no PySys_AddAuditHook"));
    }
    // SAFETY: the interpreter exists.
    let interpreter = unsafe { ffi::PyInterpreterState_Get() } as usize;
    let recorder = Recorder {
        capture: capture.clone(),
        context: context.clone(),
        real_folders: folders.without_links(),
        folders,
        interpreter,
        consent,
        began: SystemTime::now(),
        lookups: Mutex::default(),
        popen: Mutex::default(),
        last_written: Mutex::default(),
    };
    if RECORDER.set(recorder).is_err() {
        return Ok(());
    }
    // SAFETY: every CPython from 3.8 on has this function with this signature. The hook lives as long as the process.
    match unsafe { std::mem::transmute::<*mut c_void, AddHook>(add)(on_event, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// Called by CPython on the thread that raised the event, which holds the GIL.
#[allow(unsafe_code, reason = "CPython passes pointers")]
unsafe extern "C" fn on_event(name: *const c_char, args: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython passes a C string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let Some(event) = AuditEvent::of(name) else { return 0 };
    let Some(recorder) = RECORDER.get().filter(|_| !fork::is_child()) else { return 0 };
    // SAFETY: the thread is attached to an interpreter.
    if unsafe { ffi::PyInterpreterState_Get() } as usize != recorder.interpreter {
        return 0;
    }
    // An unwinding panic must not reach C.
    let checked = catch_unwind(AssertUnwindSafe(|| -> PyResult<()> {
        // SAFETY: see above; `args` is a tuple that lives during the call.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: as above.
        let Ok(args) = unsafe { Bound::from_borrowed_ptr(py, args) }.cast_into::<PyTuple>() else { return Ok(()) };
        let args = Arguments(args);
        if event == AuditEvent::Open && !matches!(args.open_mode(), Some(OpenMode::Write { .. })) {
            // The most frequent event by far.
            if matches!(args.open_mode(), Some(OpenMode::Read)) && !args.is_part_of_python() {
                READS.fetch_add(1, Ordering::Relaxed);
            }
            return Ok(());
        }
        if recorder.consent.consent.is_armed() {
            recorder.ask(event, &args)?;
        }
        recorder.record(event, &args);
        Ok(())
    }));
    match checked {
        Ok(Err(error)) => {
            // SAFETY: as above.
            error.restore(unsafe { Python::assume_attached() });
            -1
        }
        Ok(Ok(())) | Err(_) => 0,
    }
}

impl Recorder {
    fn record(&self, event: AuditEvent, args: &Arguments<'_>) {
        let py = args.0.py();
        let writer = OutputWriter { thread: current_thread(), snippet: self.context.get(py) };
        let Some(snippet) = self.capture.owner(writer) else { return };
        let origin = (writer.thread, snippet);
        if event != AuditEvent::Open {
            *self.last_written.lock() = None;
        }
        match event {
            AuditEvent::Open => self.open(snippet, args),
            AuditEvent::Lookup => self.remember_lookup(origin, args),
            AuditEvent::Rename => self.rename(snippet, args),
            event => {
                let effect = self.effect(event, origin, args);
                if let Some(effect) = effect.filter(|effect| !self.was_started_by_popen(event, origin, effect)) {
                    self.capture.change_effects(|effects| effects.add(snippet, effect));
                }
            }
        }
    }

    pub(super) fn effect(&self, event: AuditEvent, origin: EventOrigin, args: &Arguments<'_>) -> Option<SideEffect> {
        Some(match event {
            AuditEvent::Remove => self.existing(SideEffectKind::Delete, &args.path(0, Some(1))?)?,
            AuditEvent::RemoveTree => {
                SideEffect { count: 0, ..self.existing(SideEffectKind::RemoveFolder, &args.path(0, None)?)? }
            }
            AuditEvent::RemoveFolder => self.existing(SideEffectKind::RemoveFolder, &args.path(0, Some(1))?)?,
            AuditEvent::ChangeMode | AuditEvent::ChangeOwner => {
                self.existing(SideEffectKind::ChangeMode, &args.changed_path(event)?)?
            }
            AuditEvent::Truncate => self.existing(SideEffectKind::Write, &args.path(0, None)?)?,
            AuditEvent::MakeFolder => self.new_file(SideEffectKind::MakeFolder, &args.path(0, Some(2))?)?,
            AuditEvent::Link => self.new_file(SideEffectKind::Create, &args.path(1, Some(3))?)?,
            AuditEvent::SymbolicLink => self.new_file(SideEffectKind::Create, &args.path(1, Some(2))?)?,
            AuditEvent::Popen => args.command(event).filter(|_| args.program_exists())?,
            AuditEvent::System
            | AuditEvent::PosixSpawn
            | AuditEvent::Exec
            | AuditEvent::Spawn
            | AuditEvent::PtySpawn => args.command(event)?,
            AuditEvent::Fork => forked(),
            AuditEvent::Connect => SideEffect::new(SideEffectKind::Connect, self.address(args, Some(origin))?),
            AuditEvent::SendTo => SideEffect::new(SideEffectKind::Connect, self.address(args, None)?),
            AuditEvent::Bind => SideEffect::new(SideEffectKind::Listen, self.address(args, None)?),
            AuditEvent::Kill | AuditEvent::KillGroup => {
                let (pid, signal) = (args.number(0)?, args.number(1)?);
                let signal = nix::sys::signal::Signal::try_from(i32::try_from(signal).ok()?).ok()?;
                let whom = if event == AuditEvent::KillGroup { "process group " } else { "" };
                SideEffect::new(SideEffectKind::Signal, format!("{signal} to {whom}{pid}"))
            }
            AuditEvent::LoadLibrary | AuditEvent::SetVariable | AuditEvent::UnsetVariable
                if IS_OWN.get() || is_incidental(args.0.py()) =>
            {
                return None;
            }
            AuditEvent::LoadLibrary => {
                SideEffect::new(SideEffectKind::LoadLibrary, args.text(0).filter(|name| !name.is_empty())?)
            }
            AuditEvent::OpenSqlite => {
                let name = args.text(0).filter(|name| !name.is_empty() && name != ":memory:")?;
                let ShownPath { shown, outside, .. } =
                    self.place(&args.path(0, None).unwrap_or_else(|| name.into()))?;
                SideEffect { outside, ..SideEffect::new(SideEffectKind::OpenDatabase, shown) }
            }
            // Without the value, which may be a secret.
            AuditEvent::SetVariable | AuditEvent::UnsetVariable => {
                SideEffect::new(SideEffectKind::SetVariable, args.text(0)?)
            }
            AuditEvent::ChangeFolder => {
                let ShownPath { shown, outside, .. } = self.place(&args.path(0, None)?)?;
                SideEffect { outside, ..SideEffect::new(SideEffectKind::ChangeFolder, shown) }
            }
            AuditEvent::Open
            | AuditEvent::Rename
            | AuditEvent::Move
            | AuditEvent::CopyTree
            | AuditEvent::ChangeTimes
            | AuditEvent::Lookup => return None,
        })
    }

    fn was_started_by_popen(&self, event: AuditEvent, origin: EventOrigin, effect: &SideEffect) -> bool {
        let mut popen = self.popen.lock();
        match event {
            AuditEvent::Popen => *popen = Some((origin, effect.clone())),
            AuditEvent::PtySpawn => *popen = Some((origin, forked())),
            AuditEvent::PosixSpawn | AuditEvent::Fork => {
                return popen.take().is_some_and(|(starter, started)| starter == origin && started == *effect);
            }
            _ => {}
        }
        false
    }

    pub(super) fn place(&self, path: &Path) -> Option<ShownPath> {
        let folder = if path.is_absolute() { PathBuf::new() } else { std::env::current_dir().ok()? };
        self.folders.place(path, &folder)
    }

    /// Places the file that a path leads to. Links are followed: what counts is the file that changes. A path to be
    /// deleted or renamed is a link itself (`follows` is false), within the folder that it leads to.
    pub(super) fn target(&self, path: &Path, follows: bool) -> Option<ShownPath> {
        let named = self.place(path);
        // The text of the path may lead to a file of the user through one of these.
        let may_lead_out = || ["/proc", "/dev"].iter().any(|top| path.starts_with(top));
        if named.is_none() && !may_lead_out() {
            return None;
        }
        let Some(real) = real_path(path, follows) else { return named };
        if named.as_ref().is_some_and(|named| named.absolute == real) {
            return named;
        }
        self.real_folders.place(&real, Path::new(""))
    }

    /// Returns an effect on a file that must exist.
    fn existing(&self, kind: SideEffectKind, path: &Path) -> Option<SideEffect> {
        let place = self.place(path)?;
        place.absolute.symlink_metadata().ok()?;
        Some(SideEffect { outside: place.outside, ..SideEffect::new(kind, place.shown) })
    }

    /// Returns an effect that makes a file, which must not exist and whose folder must.
    fn new_file(&self, kind: SideEffectKind, path: &Path) -> Option<SideEffect> {
        let place = self.place(path)?;
        if place.absolute.symlink_metadata().is_ok() || access(place.absolute.parent()?, AccessFlags::W_OK).is_err() {
            return None;
        }
        Some(SideEffect { outside: place.outside, ..SideEffect::new(kind, place.shown) })
    }

    fn open(&self, snippet: SnippetId, args: &Arguments<'_>) {
        let Some(OpenMode::Write { creates, only_creates }) = args.open_mode() else { return };
        let Some(path) = args.path(0, None) else { return };
        if self.last_written.lock().as_ref().is_some_and(|(by, written)| *by == snippet && *written == path) {
            return;
        }
        let Some(mut place) = self.place(&path) else { return };
        if place.absolute.is_symlink() {
            let Some(target) = self.target(&path, true) else { return };
            place = target;
        }
        let kind = match place.absolute.metadata() {
            // A temporary file without a name is opened by its folder.
            Ok(known) if known.is_dir() || only_creates || !is_writable(&place.absolute, &known) => return,
            Ok(_) => SideEffectKind::Write,
            Err(_) if place.absolute.parent().is_some_and(|folder| access(folder, AccessFlags::W_OK).is_ok()) => {
                SideEffectKind::Create
            }
            Err(_) => return,
        };
        if kind == SideEffectKind::Create && !creates {
            return;
        }
        let effect = SideEffect { outside: place.outside, ..SideEffect::new(kind, place.shown) };
        self.capture.change_effects(|effects| effects.add(snippet, effect));
        *self.last_written.lock() = Some((snippet, path));
    }

    fn rename(&self, snippet: SnippetId, args: &Arguments<'_>) {
        let (Some(from), Some(to)) = (args.path(0, Some(2)), args.path(1, Some(3))) else { return };
        let (Some(from), Some(to)) = (self.existing(SideEffectKind::Rename, &from), self.place(&to)) else { return };
        let replaces = to.absolute.symlink_metadata().is_ok();
        let effect = SideEffect { to: Some(to.shown.into()), outside: from.outside || to.outside, ..from };
        self.capture.change_effects(|effects| effects.add_rename(snippet, effect, replaces));
    }

    fn remember_lookup(&self, origin: EventOrigin, args: &Arguments<'_>) {
        let (Some(host), Some(port)) = (args.text(0), args.number(1)) else { return };
        let mut lookups = self.lookups.lock();
        lookups.retain(|lookup| lookup.origin.0 != origin.0);
        if lookups.len() == MAX_LOOKUPS {
            lookups.remove(0);
        }
        lookups.push(HostLookup { origin, host, port: port as u64 });
    }

    /// Returns the address that the second argument is, such as `127.0.0.1:80`, with the name that `origin` has looked
    /// up before.
    fn address(&self, args: &Arguments<'_>, origin: Option<EventOrigin>) -> Option<String> {
        let address = args.0.get_item(1).ok()?;
        let Ok(parts) = address.cast::<PyTuple>() else {
            let path = Arguments::to_path(&address)?;
            // Linux has names of sockets that are no files.
            let path = path.to_string_lossy().replace('\0', "@");
            return (!path.is_empty()).then(|| format!("socket {path}"));
        };
        let host: String = parts.get_item(0).ok()?.extract().ok()?;
        let port: u64 = parts.get_item(1).ok()?.extract().ok()?;
        let lookups = self.lookups.lock();
        let is_origin = |lookup: &&HostLookup| Some(lookup.origin) == origin && lookup.port == port;
        let name = lookups.iter().find(is_origin).filter(|lookup| lookup.host != host);
        let name = name.map(|lookup| format!(" ({})", lookup.host)).unwrap_or_default();
        Some(if host.contains(':') { format!("[{host}]:{port}{name}") } else { format!("{host}:{port}{name}") })
    }
}

/// Returns the absolute path without links, also of a file that does not exist yet; `None` if its folder does not.
fn real_path(path: &Path, follows: bool) -> Option<PathBuf> {
    let mut path = std::path::absolute(path).ok()?;
    for _ in 0..MAX_LINKS {
        if follows && let Ok(real) = path.canonicalize() {
            return Some(real);
        }
        let real = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
        match real.read_link() {
            // A link to a file that does not exist.
            Ok(next) if follows => path = real.parent()?.join(next),
            _ => return Some(real),
        }
    }
    None
}

fn forked() -> SideEffect {
    SideEffect::new(SideEffectKind::Start, "a fork of Python")
}

/// Returns whether this thread imports a module or prepares a value for the screen. What a library does to load itself,
/// and how the session asks it for a text, are no effects of the snippet.
fn is_incidental(py: Python<'_>) -> bool {
    let import = || {
        let mut frame = py.import("sys")?.call_method0("_getframe")?;
        while !frame.is_none() {
            let file = frame.getattr("f_code")?.getattr("co_filename")?;
            let file = file.extract::<PyBackedStr>()?;
            if file.starts_with("<frozen importlib.") || *file == *file_names::DISPLAY {
                return PyResult::Ok(true);
            }
            frame = frame.getattr("f_back")?;
        }
        Ok(false)
    };
    import().unwrap_or(false)
}

/// Returns whether a file can be written. Most files are the user's own, and then need no system call.
fn is_writable(path: &Path, file: &Metadata) -> bool {
    let is_own = file.uid() == nix::unistd::geteuid().as_raw() && file.mode() & 0o200 != 0;
    is_own || access(path, AccessFlags::W_OK).is_ok()
}
