//! System calls of a program fail on demand (see `faults.c`).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Home;

/// A call that can fail, in the order of `faults.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Also of the length of a file, and to sockets.
    Write,
    Read,
    Sync,
    Open,
    Rename,
    Lock,
    Map,
    Accept,
    /// Whatever makes descriptors without a name: sockets, pipes, memory.
    Socket,
    Dup,
    Thread,
    Unlink,
    Connect,
    /// Any way to start a process.
    Fork,
    /// Writes to sockets alone.
    Send,
}

/// Which of our processes is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The session process.
    Host,
    Guardian,
    Bridge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Fails,
    /// For ever, whatever signals come; a descriptor that does not block is never ready again.
    Blocks,
    /// 200 ms.
    IsSlow,
}

/// What fails in the programs that were started with [`Faults::environment`].
pub struct Faults {
    library: PathBuf,
    path: PathBuf,
    control: File,
}

const SKIP: u64 = 8;
const FAILED: u64 = 24;
const NAME: usize = 224;
const PROCESSES: u64 = 256;
const SEEN: u64 = 264;

impl Faults {
    pub fn new(home: &Home) -> Self {
        let library = home.path().join("faults.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        assert!(built.expect("a C compiler").success());
        let path = home.path().join("faults");
        let control = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        control.set_len(4096).unwrap();
        Self { library, path, control }
    }

    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("FAULTS", &self.path)]
    }

    /// As [`Faults::arm`], but only in processes of one kind, once, and not always with an error.
    pub fn arm_in(&self, process: Process, call: Call, how: How, errno: i32, skip: u64) {
        self.disarm();
        for (place, value) in [(PROCESSES, 1_u32 << process as u32), (PROCESSES + 4, how as u32)] {
            self.control.write_all_at(&value.to_ne_bytes(), place).unwrap();
        }
        self.arm_calls(call, "", errno, skip, 1);
    }

    /// How many calls were meant since [`Faults::arm_in`].
    pub fn seen(&self) -> u64 {
        let mut seen = [0; 8];
        self.control.read_exact_at(&mut seen, SEEN).unwrap();
        u64::from_ne_bytes(seen)
    }

    /// From now on, of the calls of this kind with files whose names contain `path`, `skip` go well and then `times`
    /// fail with `errno`. Descriptors of sockets are named `socket:[...]`.
    pub fn arm(&self, call: Call, path: &str, errno: i32, skip: u64, times: u64) {
        self.disarm();
        self.control.write_all_at(&[0; 8], PROCESSES).unwrap();
        self.arm_calls(call, path, errno, skip, times);
    }

    fn arm_calls(&self, call: Call, path: &str, errno: i32, skip: u64, times: u64) {
        assert!(path.len() < NAME);
        self.control.write_all_at(&[0; 8], SEEN).unwrap();
        // No call is interrupted for ever, and everybody tries again.
        let times = if errno == libc::EINTR { times.min(3) } else { times };
        let mut text = Vec::new();
        for number in [skip, times, 0] {
            text.extend(number.to_ne_bytes());
        }
        text.extend(path.bytes());
        text.resize(SKIP as usize * 2 + NAME, 0);
        self.control.write_all_at(&text, SKIP).unwrap();
        self.control.write_all_at(&errno.to_ne_bytes(), 4).unwrap();
        self.control.write_all_at(&(1_u32 << call as u32).to_ne_bytes(), 0).unwrap();
    }

    /// Answers how many calls have failed.
    pub fn disarm(&self) -> u64 {
        self.control.write_all_at(&[0; 4], 0).unwrap();
        let mut failed = [0; 8];
        self.control.read_exact_at(&mut failed, FAILED).unwrap();
        u64::from_ne_bytes(failed)
    }
}
