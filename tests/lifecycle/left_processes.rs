//! Processes that snippet code started and left running: a reset reports them, a restart, a crash and the end take with
//! them what belongs to the session, and what has put itself aside goes on.

use crate::support;
use std::fs::File;
use std::time::{Duration, Instant};

use crate::support::client::{Client, Era};
use crate::support::{Home, Server, children, is_alive, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Starts one of each kind, and prints the numbers of those that belong to the session, and of the one that does not.
const START: &str = "\
import json, multiprocessing, os, subprocess, sys, time
own = []
popen = subprocess.Popen(['sleep', '1001'])
own.append(popen.pid)
tree = subprocess.Popen(['sh', '-c', 'sleep 1002 & echo $!; sleep 1003 & echo $!; wait'], stdout=subprocess.PIPE, text=True)
own += [tree.pid, int(tree.stdout.readline()), int(tree.stdout.readline())]
group = subprocess.Popen(['sleep', '1004'], preexec_fn=os.setpgrp)
own.append(group.pid)
reader, writer = os.pipe()
middle = os.fork()
if middle == 0:
    if os.fork() == 0:
        os.write(writer, b'%d' % os.getpid())
        os.execvp('sleep', ['sleep', '1005'])
    os._exit(0)
os.waitpid(middle, 0)
own.append(int(os.read(reader, 20)))
fork = os.fork()
if fork == 0:
    while True:
        time.sleep(1000)
own.append(fork)
pools = [multiprocessing.get_context(method).Pool(1) for method in ('fork', 'spawn')]
own += [worker.pid for pool in pools for worker in pool._pool]
!sleep 1006 & echo $! > background
own.append(int(open('background').read()))
aside = subprocess.Popen(['sleep', '1007'], start_new_session=True).pid
print(json.dumps([own, aside]))
";

struct Session {
    client: Client,
    server: Server,
    home: Home,
    /// The session's Python.
    python: u32,
    own: Vec<u32>,
    aside: u32,
}

impl Session {
    fn start(options: &[&str]) -> Self {
        let home = Home::new();
        let mut command = home.fourhands();
        command.args(["serve", "--session", "test", "--python"]).arg(support::python()).args(options);
        command.stderr(File::create(home.path().join("stderr")).unwrap());
        let server = Server::start(command);
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        let mut client = Client::start(bridge, "tester", Era::Legacy);
        let run = client.run(START);
        assert_eq!(run["status"], "ok", "{run}");
        let pids: Value = serde_json::from_str(run["stdout"].as_str().unwrap().trim()).unwrap();
        let number = |pid: &Value| pid.as_u64().unwrap() as u32;
        let own: Vec<u32> = pids[0].as_array().unwrap().iter().map(number).collect();
        let python = children(server.child.id())[0];
        let session = Self { client, server, home, python, own, aside: number(&pids[1]) };
        session.lives();
        session
    }

    fn lives(&self) {
        for pid in self.own.iter().chain([&self.aside]) {
            assert!(is_alive(*pid), "{pid} of {:?}", self.own);
        }
    }

    /// All that belongs to the session has ended, and nothing else.
    fn is_settled(&self) {
        wait_until("the end of all processes", || self.own.iter().all(|pid| !is_alive(*pid)).then_some(()));
        assert!(is_alive(self.aside));
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.home.path().join("stderr")).unwrap()
    }

    /// Runs code in the Python that has taken over, and answers what its client is told of that.
    fn news(&mut self) -> String {
        let run = self.client.run("6 * 7");
        assert_eq!(run["result"], "42", "{run}");
        run["since_your_last_call"].to_string()
    }

    /// Runs code that ends Python, and answers what its client is told.
    fn crash(&mut self, code: &str) -> String {
        let result = self.client.call("run_python_code", json!({"code": code}));
        Client::text(&result) + &self.news()
    }
}

/// The processes of the session, in Linux's meaning, that the Python of that number has led.
fn led_by(python: u32) -> Vec<u32> {
    let account = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = account.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_led = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        matches!(fields[..], [state, _, _, leader, ..] if state != "Z" && leader == python.to_string())
    };
    pids.filter(is_led).collect()
}

impl Drop for Session {
    fn drop(&mut self) {
        for pid in led_by(self.python).iter().chain(&self.own).chain([&self.aside]) {
            signal(*pid, Signal::SIGKILL);
        }
    }
}

fn tells(text: &str, aside: u32) {
    let (before, after) = text.split_once(" processes that snippets had started: ").unwrap_or_else(|| panic!("{text}"));
    assert!(
        before.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("ended ") && after.contains("sleep 100"),
        "{text}"
    );
    let left = format!("left 1 process running that snippets had started in sessions of their own: {aside} sleep 1007");
    assert!(text.contains(&left), "{text}");
    assert!(!text.contains("resource_tracker"), "{text}");
}

#[test]
fn a_reset_reports_them_and_leaves_them_alone() {
    let mut session = Session::start(&[]);
    // A command that is reported in full.
    let server = session.client.run("import subprocess, sys; s = subprocess.Popen(['sleep', '1008']); s.pid");
    let result = session.client.call("reset_python_environment", json!({}));
    let remains = result["structuredContent"]["remains"].to_string();
    for pid in &session.own[..6] {
        assert!(remains.contains(&format!("still running: {pid} ")), "{pid} in {remains}");
    }
    for command in ["sleep 1001", "sleep 1002", "sleep 1004", "sleep 1005", "(a fork of the session's Python)"] {
        assert!(remains.contains(command), "{command} in {remains}");
    }
    assert!(!remains.contains("resource_tracker"), "{remains}");
    assert!(Client::text(&result).contains("Not undone: still running: "), "{result}");
    // Pools end their workers themselves when they are forgotten.
    session.own.drain(7..9);
    session.lives();
    signal(server["result"].as_str().unwrap().parse().unwrap(), Signal::SIGKILL);
}

#[test]
fn a_restart_ends_them_and_frees_their_port() {
    let mut session = Session::start(&[]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    session.client.run(&format!(
        "http = subprocess.Popen([sys.executable, '-m', 'http.server', '{port}', '--bind', '127.0.0.1'], stderr=subprocess.DEVNULL)"
    ));
    let is_served = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
    wait_until("the server", is_served);
    session.client.call("reset_python_environment", json!({"mode": "restart"}));
    let news = session.news();
    tells(&news, session.aside);
    session.is_settled();
    let run = session.client.run(&format!("import socket; socket.create_server(('127.0.0.1', {port})).close()"));
    assert_eq!(run["status"], "ok", "{run}");
    let line = session.server.wait_for_line("tester restarted Python");
    tells(&line, session.aside);
}

#[test]
fn a_crash_ends_them() {
    for end in ["os._exit(3)", "import ctypes; ctypes.string_at(0)", "os.kill(os.getpid(), 9)"] {
        let mut session = Session::start(&[]);
        let news = session.crash(end);
        tells(&news, session.aside);
        session.is_settled();
    }
}

#[test]
fn the_end_ends_them_and_says_so() {
    let mut session = Session::start(&[]);
    assert!(session.server.terminate().success());
    session.is_settled();
    tells(&session.said(), session.aside);
}

#[test]
fn they_end_with_a_session_whose_guardian_is_killed() {
    for code in [
        "sum(range(10 ** 13))",
        "while True:\n    try: time.sleep(1000)\n    except BaseException: pass",
        "time.sleep(1000)",
    ] {
        let mut session = Session::start(&[]);
        let call = session.client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
        session.server.wait_for_line("2 tester runs");
        let begun = Instant::now();
        signal(session.server.child.id(), Signal::SIGKILL);
        wait_until("the end of the session", || (!is_alive(session.python)).then_some(()));
        // Under a second on a machine that does nothing else.
        assert!(begun.elapsed() < Duration::from_secs(5), "{code}: {:?}", begun.elapsed());
        session.is_settled();
        // A pool replaces its workers as they end.
        wait_until("the end of what a pool has made again", || led_by(session.python).is_empty().then_some(()));
        assert_ne!(session.client.answer(call)["result"], Value::Null);
    }
}

#[test]
fn what_a_python_before_left_running_is_named_at_each_reset() {
    let mut session = Session::start(&[]);
    let news = session.crash("os._exit(3)");
    tells(&news, session.aside);
    for _ in 0..2 {
        let reset = Client::text(&session.client.call("reset_python_environment", json!({})));
        assert!(reset.contains(&format!("still running: {} sleep", session.aside)), "{reset}");
    }
}

#[test]
fn where_the_person_wants_it_they_go_on() {
    for by_flag in [true, false] {
        let mut session = Session::start(if by_flag { &["--keep-processes"] } else { &[] });
        if !by_flag {
            let folder = session.home.path().join(".config/fourhands");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("config.toml"), "[session]\nkeep_processes = true\n").unwrap();
        }
        let news = session.crash("os._exit(3)");
        assert!(news.contains("running that snippets had started (keep_processes): "), "{news}");
        // Workers of pools may end by themselves.
        session.own.truncate(6);
        session.lives();
    }
}

#[test]
fn what_ignores_sigterm_is_killed_and_shared_memory_is_cleaned_up() {
    let mut session = Session::start(&[]);
    let stubborn = "from multiprocessing import shared_memory
memory = shared_memory.SharedMemory(create=True, size=100)
stubborn = subprocess.Popen(['sh', '-c', 'trap \"\" TERM; echo; while :; do sleep 1; done'], stdout=subprocess.PIPE)
stubborn.stdout.readline()
print(stubborn.pid, memory.name)";
    let run = session.client.run(stubborn);
    let out = run["stdout"].as_str().unwrap().trim().to_owned();
    let (pid, memory) = out.split_once(' ').unwrap();
    session.own.push(pid.parse().unwrap());
    let memory = std::path::Path::new("/dev/shm").join(memory);
    assert!(memory.exists());
    let news = session.crash("os._exit(3)");
    tells(&news, session.aside);
    session.is_settled();
    wait_until("the shared memory to go", || (!memory.exists()).then_some(()));
}

#[test]
fn orphans_that_end_leave_no_trace_in_the_guardian() {
    let mut session = Session::start(&[]);
    let guardian = session.server.child.id();
    let before = children(guardian).len();
    session.client.run("for _ in range(50): subprocess.run(['sh', '-c', 'sleep 0.05 & true'])");
    wait_until("the orphans to go", || (children(guardian).len() == before).then_some(()));
    session.lives();
    assert_eq!(session.client.run("popen.poll() is None and pools[0].map(abs, [-1])")["result"], "[1]");
}
