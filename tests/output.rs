//! Output of any size and form: within bounds in memory, whole on disk, and readable to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::session::{Session, in_every_python};
use support::{python, wait_until};

/// What a flood may add to the memory of the session process, in kB.
const FEW_MB: u64 = 24 << 10;

/// A line of `/proc/PID/status`, in kB.
fn memory(pid: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How much more than at rest the session process takes at most while it runs `code`, in kB; and the run.
fn peak(session: &mut Session, code: &str) -> (u64, Value) {
    let pid = session.value("import os, sys; os.getpid()");
    let before = memory(&pid, "VmRSS");
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    let run = session.run(code);
    (memory(&pid, "VmHWM").saturating_sub(before), run)
}

/// The file with the whole output of a run.
fn spooled(session: &Session, run: &Value) -> PathBuf {
    let spools = session.home.path().join(".local/state/fourhands/spool");
    let folder = std::fs::read_dir(spools).unwrap().next().unwrap().unwrap().path();
    folder.join(format!("{}.out", run["snippet"]))
}

#[test]
fn speed() {
    let mut session = Session::start(&python());
    for code in [
        "for i in range(1000_000): print(i)",
        "print('x' * 100_000_000)",
        "for i in range(100_000):\n sys.stdout.write('a'); sys.stderr.write('b')",
    ] {
        let start = Instant::now();
        let (peak, run) = peak(&mut session, code);
        eprintln!("{code}: {:?} peak {peak} kB {}", start.elapsed(), run["elapsed_s"]);
    }
}
