//! How many system calls a small snippet costs Python's thread. A count is the same on every machine, and a time is
//! not.

use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::session::Session;
use crate::support::{python, wait_until};

const SNIPPETS: u64 = 200;
/// One to wait, one to wake the host, one for earlier output from below Python, one for children, two for signals, and
/// five for descriptors that code can close.
const CALLS_OF_SNIPPET: u64 = 11;
/// Checks that are made once a second, for as long as a slow machine may take.
const CALLS_OF_CHECKS: u64 = 600;

/// Runs snippets while strace counts the system calls of Python's main thread. `None` where strace cannot do that.
fn count(session: &mut Session, pid: i32) -> Option<u64> {
    let report = session.home.path().join("strace");
    let mut tracer = Command::new("strace");
    tracer.args(["-c", "-p", &pid.to_string(), "-o"]).arg(&report).stdin(Stdio::null()).stderr(Stdio::null());
    let mut strace = tracer.spawn().ok()?;
    let is_attached = wait_until("strace", || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let attached = !status.lines().any(|line| line == "TracerPid:\t0");
        let ended = strace.try_wait().unwrap().is_some();
        (attached || ended).then_some(attached)
    });
    if !is_attached {
        return None;
    }
    for _ in 0..SNIPPETS {
        session.run("1+1");
    }
    kill(Pid::from_raw(strace.id() as i32), Signal::SIGINT).unwrap();
    strace.wait().unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    println!("{report}");
    report.lines().find(|line| line.ends_with("total"))?.split_whitespace().nth(3)?.parse().ok()
}

#[test]
fn a_small_snippet_costs_python_few_system_calls() {
    let mut session = Session::start(&python());
    let pid = session.value("import os; os.getpid()").parse().unwrap();
    for _ in 0..20 {
        session.run("1+1");
    }
    match count(&mut session, pid) {
        Some(total) => assert!(total <= SNIPPETS * CALLS_OF_SNIPPET + CALLS_OF_CHECKS, "{total} for {SNIPPETS}"),
        None => println!("strace cannot trace the session here"),
    }
}
