//! Interrupts of processes that snippets start: they act like Ctrl-C in a terminal.

use crate::support::session::{Session, in_every_python};
use crate::support::{children, wait_until};
use serde_json::json;

fn pid(session: &mut Session) -> u32 {
    session.value("import os; os.getpid()").parse().unwrap()
}

/// Returns the descendants of `pid` that have not ended.
fn alive(pid: u32) -> Vec<u32> {
    let mut found: Vec<u32> = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    let runs = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    found.into_iter().filter(runs).collect()
}

/// Starts code that waits for a process, and interrupts it `times` times.
fn interrupt(session: &mut Session, pid: u32, code: &str, times: usize) {
    let before = alive(pid);
    let asked = session.client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
    // The shell has set its traps once it runs the command after them. Numbers of processes begin again some day, so
    // the newest process need not have the highest.
    let sleeps = |child: &u32| {
        std::fs::read_to_string(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.starts_with("sleep"))
    };
    wait_until("the command", || alive(pid).iter().any(|child| !before.contains(child) && sleeps(child)).then_some(()));
    for _ in 0..times {
        session.client.send("tools/call", json!({"name": "interrupt_snippet", "arguments": {}}));
    }
    let run = session.client.answer(asked);
    assert_eq!(run["result"]["structuredContent"]["status"], "interrupted", "{code}\n{run}");
}

#[test]
fn an_interrupt_ends_the_commands_of_its_snippet() {
    in_every_python(|session| {
        let pid = pid(session);
        session.run("import os, subprocess");
        for (code, times) in [
            ("os.system('sleep 100')", 1),
            ("subprocess.run('sleep 100; true', shell=True)", 1),
            ("os.popen('sleep 100').read()", 1),
            ("child = subprocess.Popen(['sleep', '100'])\nos.waitpid(child.pid, 0)", 1),
            ("os.system('trap \"\" INT; sleep 100')", 2),
            ("os.system('trap \"\" INT TERM; sleep 100')", 3),
            ("!(trap '' INT; sleep 100); true", 1),
            ("!trap '' INT TERM; sleep 100", 2),
        ] {
            interrupt(session, pid, code, times);
            wait_until("the end of all processes", || alive(pid).is_empty().then_some(()));
        }
    });
}

#[test]
fn an_interrupt_spares_processes_of_earlier_snippets() {
    in_every_python(|session| {
        let pid = pid(session);
        session.run("import subprocess\nserver = subprocess.Popen(['sleep', '1000'])");
        interrupt(session, pid, "subprocess.run(['sleep', '100'])", 1);
        assert_eq!(session.value("server.poll() is None"), "True");
        session.run("server.kill(); server.wait()");
    });
}
