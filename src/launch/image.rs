//! The engine as a file that the user's Python can load, and the command for that.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::boot::Boot;
use super::cache;
use super::startup_output::StartupOutput;
use crate::session::discovery::paths;

/// Loads the engine from `argv[1]`, removes its own traces from `__main__` and `sys`, and passes `argv[2]` to the
/// engine.
const STUB: &str = "
import sys
def start():
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_loader
    import os
    path, boot = sys.argv[1:3]
    sys.argv[:] = ['']
    sys._xoptions.pop('faulthandler', None)
    loader = ExtensionFileLoader('fourhands', path)
    engine = module_from_spec(spec_from_loader('fourhands', loader))
    loader.exec_module(engine)
    if path.startswith('/proc/self/fd/'):
        os.close(int(path[14:]))
    return engine.main(boot)
sys.exit(start())
";

/// The engine in a file that a child process can load. Must live until the child is spawned.
#[derive(Debug)]
pub struct EngineImage {
    path: PathBuf,
    /// The memfd, which a child inherits.
    file: Option<File>,
}

impl EngineImage {
    /// Writes the engine into memory, or else into the cache folder.
    pub fn new(engine: &'static [u8]) -> io::Result<Self> {
        if engine.is_empty() {
            return Err(io::Error::other(
                "this fourhands was built without its engine; rebuild it with `cargo build` or `cargo install`",
            ));
        }
        #[cfg(target_os = "linux")]
        if let Ok(image) = Self::in_memory(engine) {
            return Ok(image);
        }
        Self::in_cache(engine)
    }

    #[cfg(target_os = "linux")]
    fn in_memory(engine: &'static [u8]) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        use nix::sys::memfd::{MFdFlags, memfd_create};
        // Not close-on-exec: the child loads the engine through its own /proc/self/fd, then closes the descriptor.
        let mut file = File::from(memfd_create(c"fourhands-engine", MFdFlags::empty())?);
        file.write_all(engine)?;
        give_back(engine);
        Ok(Self { path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(), file: Some(file) })
    }

    /// Returns the engine in a file of its own, for a Python that has loaded one before: the system takes the same file
    /// for the same library.
    pub fn copy(&self) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        if self.file.is_some() {
            use nix::sys::memfd::{MFdFlags, memfd_create};
            let mut copy = File::from(memfd_create(c"fourhands-engine", MFdFlags::MFD_CLOEXEC)?);
            io::copy(&mut File::open(&self.path)?, &mut copy)?;
            return Ok(copy.into());
        }
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns whether [`Self::copy`] is possible.
    pub fn can_be_copied(&self) -> bool {
        cfg!(target_os = "linux") && self.file.is_some()
    }

    fn in_cache(engine: &[u8]) -> io::Result<Self> {
        let folder = cache::path()?;
        cache::make_private_folder(&folder)?;
        let path = folder.join(format!("engine-{:016x}.so", fingerprint(engine)));
        if !holds(&path, engine) {
            let draft = folder.join(format!(".engine-{}", std::process::id()));
            let mut file = paths::draft(&draft, 0o700)?;
            file.write_all(engine)?;
            drop(file);
            fs::rename(&draft, &path)?;
        }
        Ok(Self { path, file: None })
    }

    /// Returns the command that starts `python` as the session process, with a place for its output until the engine
    /// runs.
    pub fn command(&self, python: &Path, boot: &Boot, startup_output: Option<&StartupOutput>) -> io::Result<Command> {
        let mut command = Command::new(python);
        // With faulthandler, a Python that hangs before the engine can write its stack.
        command.args(["-X", "faulthandler", "-X", "utf8", "-c", STUB]);
        command.arg(&self.path).arg(serde_json::to_string(boot)?);
        if let Some(output) = startup_output {
            command.stdin(Stdio::null()).stdout(output.stdio()?).stderr(output.stdio()?);
        }
        Ok(command)
    }
}

/// Gives the memory of the engine back, which copying has filled: otherwise a guardian would take as much memory as the
/// engine for all its life. The pages come from the program's file again when they are read.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "advice on memory is unsafe in principle, because it can discard what was written there")]
fn give_back(engine: &'static [u8]) {
    // SAFETY: no preconditions.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    let before_page = engine.as_ptr().align_offset(page).min(engine.len());
    let pages = &engine[before_page..];
    let length = pages.len() - pages.len() % page;
    // SAFETY: whole pages of a constant, which nobody has written: they lie in the program's file.
    unsafe { libc::madvise(pages.as_ptr().cast_mut().cast(), length, libc::MADV_DONTNEED) };
}

/// Compares the whole file, so that a collision of names does no harm.
fn holds(path: &Path, engine: &[u8]) -> bool {
    let mut found = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut found)).is_ok() && found == engine
}

fn fingerprint(engine: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.hash(&mut hasher);
    hasher.finish()
}
