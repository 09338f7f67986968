//! What of the process may not survive a fork: threads of native libraries, timers, and more memory than there is room
//! for.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::time::{Duration, Instant};
use std::{fs, thread};

use pyo3::prelude::*;

/// Why there is no copy while libraries run threads that did not end before the fork.
pub const UNKNOWN_THREADS: &str = "a library runs native threads, which a copy would not have";

/// How long a thread may take to give itself its name.
const NAMING_TIME: Duration = Duration::from_millis(10);
/// Threads of the host, by the name that the system has for them.
const OWN_THREADS: [&str; 20] = [
    "background",
    "completion",
    "dashboard",
    "drain",
    "end",
    "guardian",
    "host",
    "input",
    "interrupt",
    "journal",
    "lines",
    "plain",
    "save",
    "signals",
    "spool",
    "terminal",
    "tokio-rt-worker",
    "tokio-runtime-w",
    "words",
    "images",
];

/// Threads of libraries that start them again in a copy: jemalloc's, of pyarrow, returns memory to the system.
const FORK_SAFE: [&str; 1] = ["jemalloc_bg_thd"];

/// Libraries that end a copy, or hang in it, once they have been used: the module that tells of the use, and the name.
const UNFIT: [(&str, &str); 6] = [
    ("polars", "polars"),
    ("numba.np.ufunc.omppool", "numba's threads"),
    ("numba.np.ufunc.workqueue", "numba's threads"),
    ("numba.np.ufunc.tbbpool", "numba's threads"),
    ("grpc._cython.cygrpc", "gRPC"),
    ("cupy", "CUDA"),
];

/// A thread that is not of the host.
#[derive(Debug)]
pub struct Thread {
    pub id: i32,
    name: String,
}

/// Returns the threads of this process that belong neither to the host nor to Python, and may not survive a fork.
pub fn threads() -> Vec<Thread> {
    let main = std::process::id() as i32;
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|id| *id != main);
    // A thread that has ended meanwhile has no name.
    let named = ids.filter_map(|id| {
        let name = fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
        Some(Thread { id, name: name.trim_end().to_owned() })
    });
    named.filter(|thread| !OWN_THREADS.iter().chain(&FORK_SAFE).any(|known| **known == thread.name)).collect()
}

/// Returns the threads of [`threads`] that stay, by their ids. A thread of the host has no name of its own for a moment
/// after its start.
pub fn lasting_threads() -> BTreeSet<i32> {
    let deadline = Instant::now() + NAMING_TIME;
    loop {
        let found: BTreeSet<i32> = threads().into_iter().map(|thread| thread.id).collect();
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        thread::sleep(NAMING_TIME / 10);
    }
}

/// Returns a reason if a thread has a name of its own. Libraries of numerics, whose threads end before a
/// fork, give none.
pub fn check_names(threads: &[Thread]) -> Result<(), String> {
    let main = fs::read_to_string("/proc/self/comm").unwrap_or_default();
    match threads.iter().find(|thread| thread.name != main.trim_end()) {
        None => Ok(()),
        Some(thread) => Err(format!("a library runs the native thread {}", thread.name)),
    }
}

/// Returns whether another thread imports a module: a fork would wait for its end.
pub fn is_importing(py: Python<'_>) -> bool {
    let held = py.import("_imp").and_then(|module| module.call_method0("lock_held")?.is_truthy());
    held.unwrap_or(true)
}

/// Returns a reason if a library was loaded that does not survive a fork, or user code handles the end of children.
pub fn check_python(py: Python<'_>) -> PyResult<Result<(), String>> {
    let modules = py.import("sys")?.getattr("modules")?;
    for (module, name) in UNFIT {
        if modules.contains(module)? {
            return Ok(Err(format!("{name} cannot be copied")));
        }
    }
    let signal = py.import("_signal")?;
    let handler = signal.call_method1("getsignal", (libc::SIGCHLD,))?;
    Ok(if handler.eq(signal.getattr("SIG_DFL")?)? {
        Ok(())
    } else {
        Err("the code has a handler of SIGCHLD".to_owned())
    })
}

/// Returns a reason if a timer is set, which a copy would not have.
#[allow(unsafe_code, reason = "nix has no wrapper for getitimer")]
pub fn check_timers() -> Result<(), String> {
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        let mut value = std::mem::MaybeUninit::<libc::itimerval>::zeroed();
        // SAFETY: `value` is a valid place to write to, and all zeroes are a valid value.
        let value = unsafe {
            libc::getitimer(timer, value.as_mut_ptr());
            value.assume_init()
        };
        if value.it_value.tv_sec != 0 || value.it_value.tv_usec != 0 {
            return Err("a timer is set".to_owned());
        }
    }
    Ok(())
}

/// Returns the bytes of memory that the process uses.
pub fn used_memory() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * page_size()
}

/// Returns a reason if the process, which uses `used` bytes, uses more than `limit`, or than are free.
pub fn check_memory(used: u64, limit: u64) -> Result<(), String> {
    if used > limit {
        return Err(format!("Python takes {} MB; the limit is {} MB", used >> 20, limit >> 20));
    }
    match available() {
        Some(free) if free < used => Err("memory is short".to_owned()),
        _ => Ok(()),
    }
}

#[allow(unsafe_code, reason = "nix gives the size of a page only with a feature that nothing else needs")]
fn page_size() -> u64 {
    // SAFETY: no preconditions.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.try_into().unwrap_or(4096)
}

/// Returns the bytes that the system can give.
fn available() -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Lets each loaded libgomp end its threads, which it starts again when they are needed.
#[allow(unsafe_code, reason = "a library that is loaded already is reached by its path")]
pub fn pause_openmp() {
    /// `omp_pause_hard`
    const HARD: libc::c_int = 2;
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut paths: Vec<&str> = maps.lines().filter_map(|line| Some(&line[line.find('/')?..])).collect();
    paths.retain(|path| path.rsplit('/').next().is_some_and(|file| file.starts_with("libgomp")));
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let Ok(path) = CString::new(path) else { continue };
        // SAFETY: RTLD_NOLOAD only finds a library that is loaded; the function has had this type since OpenMP 5.0.
        unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_NOW);
            if library.is_null() {
                continue;
            }
            let pause = libc::dlsym(library, c"omp_pause_resource_all".as_ptr());
            if !pause.is_null() {
                std::mem::transmute::<*mut libc::c_void, extern "C" fn(libc::c_int) -> libc::c_int>(pause)(HARD);
            }
            libc::dlclose(library);
        }
    }
}
