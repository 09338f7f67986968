//! The n-th write, connect, fork, fsync and so on of host, guardian and bridge fails, blocks for ever, or is slow,
//! while a client works: it gets an answer to each call or the end of its connection, nothing is done twice, the
//! session can be ended, and nothing is left behind.
//!
//! The whole sweep: `cargo test --test faults injection:: -- --ignored --nocapture`, with the environment variables
//! - `FOURHANDS_INJECT` = which cases, as a part of their names, such as `Guardian Write Blocks`;
//! - `FOURHANDS_INJECT_CALLS` = which calls of each kind, such as `1-40` (the default);
//! - `FOURHANDS_INJECT_EVERY` = about one of so many cases (1), which ones by `FOURHANDS_INJECT_SEED` (0);
//! - `FOURHANDS_INJECT_JOBS` = how many at a time (4).
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::support::faults::{Call, Faults, How, Process};
use crate::support::{Home, python, signal};
use libc::{EAGAIN, ECONNREFUSED, EIO, EMFILE, ENOMEM, ENOSPC, EPIPE};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// A client waits so long for an answer, on a machine that has much to do.
const ANSWER: Duration = Duration::from_secs(40);
/// The guardian waits 10 s for Python to end before it kills it.
const END: Duration = Duration::from_secs(25);
/// What was killed, or lost its guardian.
const GONE: Duration = Duration::from_secs(10);

const PROCESSES: [Process; 3] = [Process::Host, Process::Guardian, Process::Bridge];
/// Calls and the errors that the system may give for them.
const CALLS: [(Call, &[i32]); 10] = [
    (Call::Write, &[EIO, EPIPE, ENOSPC]),
    (Call::Send, &[EPIPE, ENOMEM]),
    (Call::Connect, &[ECONNREFUSED, EAGAIN]),
    (Call::Fork, &[EAGAIN, ENOMEM]),
    (Call::Sync, &[EIO, ENOSPC]),
    (Call::Open, &[EMFILE, EIO]),
    (Call::Rename, &[EIO, ENOSPC]),
    (Call::Map, &[ENOMEM]),
    (Call::Socket, &[EMFILE]),
    (Call::Thread, &[EAGAIN]),
];

/// Those that wait for somebody else.
const BLOCKING: [Call; 5] = [Call::Write, Call::Send, Call::Connect, Call::Fork, Call::Sync];

#[derive(Clone, Copy, Debug)]
struct Case {
    process: Process,
    call: Call,
    how: How,
    /// Which one of the calls, from 1.
    nth: u64,
}

impl Case {
    fn name(&self) -> String {
        format!("{:?} {:?} {:?} {}", self.process, self.call, self.how, self.nth)
    }

    fn errno(&self) -> i32 {
        let (_, errors) = CALLS.iter().find(|(call, _)| *call == self.call).unwrap();
        errors[self.nth as usize % errors.len()]
    }
}

/// What a client hears.
#[derive(Debug)]
enum Heard {
    Answer(Value),
    /// The connection has ended.
    End,
    Nothing,
}

/// A client that waits only so long.
struct Client {
    bridge: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    said: PathBuf,
    last: u64,
}

impl Client {
    fn start(home: &Home, faults: &Faults, number: usize) -> Self {
        let said = home.path().join(format!("bridge{number}.said"));
        let mut command = home.fourhands();
        command.envs(faults.environment()).args(["bridge", "--session", "work", "--structured"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(&said).unwrap());
        let mut bridge = command.spawn().unwrap();
        let stdout = BufReader::new(bridge.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { stdin: bridge.stdin.take(), bridge, lines, said, last: 0 }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Heard {
        self.last += 1;
        let line = json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params});
        let Some(stdin) = &mut self.stdin else { return Heard::End };
        if writeln!(stdin, "{line}").is_err() {
            return Heard::End;
        }
        let until = Instant::now() + ANSWER;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => match serde_json::from_str::<Value>(&line) {
                    Ok(message) if message["id"] == self.last => return Heard::Answer(message),
                    Ok(_) => {}
                    Err(error) => panic!("no JSON: {error}: {line}"),
                },
                Err(mpsc::RecvTimeoutError::Timeout) => return Heard::Nothing,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Heard::End,
            }
        }
    }

    fn hello(&mut self) -> Heard {
        let info = json!({"name": "tester", "version": "1"});
        self.ask("initialize", &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}))
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Heard {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Whether it ended by itself when its client went.
    fn close(&mut self) -> bool {
        self.stdin = None;
        let ended = ends(&mut self.bridge, END);
        let _ = self.bridge.kill();
        let _ = self.bridge.wait();
        ended
    }
}

fn ends(child: &mut Child, within: Duration) -> bool {
    let until = Instant::now() + within;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// The processes that were started with this control file.
fn left(control: &Path) -> Vec<(u32, String)> {
    let sign = format!("FAULTS={}", control.display());
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == sign.as_bytes()) {
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            left.push((pid, words.chars().take(60).collect()));
        }
    }
    left
}

/// What a client does: effects that are counted, output, a reset, a restart, a crash, and work after each.
fn steps(effects: &Path) -> Vec<(&'static str, Value)> {
    let effect = |name: &str| json!({"code": format!("open({:?}, 'a').write('{name}\\n'); '{name}'", effects.display().to_string())});
    vec![
        ("run_python_code", effect("first")),
        (
            "run_python_code",
            json!({"code": "for n in range(300): print('line', n)\nimport sys; print('x' * 100_000, file=sys.stderr)"}),
        ),
        ("reset_python_environment", json!({})),
        ("run_python_code", effect("second")),
        ("reset_python_environment", json!({"mode": "restart"})),
        ("run_python_code", effect("third")),
        ("run_python_code", json!({"code": "import os; os._exit(3)"})),
        ("run_python_code", effect("fourth")),
        ("session_history", json!({})),
    ]
}

/// What was wrong, if anything; and how many calls there were of the kind.
fn run(case: Case, python: &Path) -> (Vec<String>, u64) {
    let home = Home::new();
    let faults = Faults::new(&home);
    let mut wrong = Vec::new();
    faults.arm_in(case.process, case.call, case.how, case.errno(), case.nth - 1);
    let [log, said] = ["log", "said"].map(|end| home.path().join(end));
    let mut command = home.fourhands();
    command.envs(faults.environment()).args(["serve", "--session", "work", "--python"]).arg(python);
    let [out, err] = [&log, &said].map(|path| std::fs::File::create(path).unwrap());
    let mut guardian = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();

    let until = Instant::now() + ANSWER;
    let is_listening = loop {
        if std::fs::read_to_string(&log).unwrap_or_default().contains("listening on") {
            break true;
        }
        if guardian.try_wait().unwrap().is_some() || Instant::now() > until {
            break false;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let effects = home.path().join("effects");
    let mut clients = vec![Client::start(&home, &faults, 0)];
    let mut answered = Vec::new();
    // A session that did not begin is asked once: the bridge says so.
    let steps = steps(&effects);
    let steps = if is_listening { &steps[..] } else { &steps[..1] };
    let mut greeted = false;
    for (nth, (tool, arguments)) in steps.iter().enumerate() {
        let number = clients.len();
        let client = clients.last_mut().unwrap();
        let heard = match if greeted { None } else { Some(client.hello()) } {
            None | Some(Heard::Answer(_)) => {
                greeted = true;
                client.call(tool, arguments)
            }
            Some(other) => other,
        };
        match heard {
            Heard::Answer(answer) => answered.push((nth, answer)),
            Heard::End | Heard::Nothing if number > 3 => break,
            Heard::End => {
                greeted = false;
                clients.push(Client::start(&home, &faults, number));
            }
            Heard::Nothing => {
                // A bridge that is blocked itself cannot answer; but it ends with its client.
                if case.process != Process::Bridge || case.how != How::Blocks {
                    wrong.push(format!("step {nth} ({tool}) has no answer"));
                }
                greeted = false;
                clients.push(Client::start(&home, &faults, number));
            }
        }
    }
    for client in &mut clients {
        if !client.close() {
            wrong.push("a bridge does not end with its client".to_owned());
        }
        let said = std::fs::read_to_string(&client.said).unwrap();
        if said.contains("panicked") {
            wrong.push(format!("a bridge said {said}"));
        }
    }
    signal(guardian.id(), Signal::SIGTERM);
    if !ends(&mut guardian, END) {
        // A guardian whose own fork never returns hears no signal but SIGKILL; its session goes with it.
        if (case.process, case.call, case.how) != (Process::Guardian, Call::Fork, How::Blocks) {
            wrong.push("SIGTERM does not end the session".to_owned());
        }
        let _ = guardian.kill();
        let _ = guardian.wait();
    }
    let seen = faults.seen();
    let until = Instant::now() + GONE;
    while !left(&home.path().join("faults")).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    for (pid, words) in left(&home.path().join("faults")) {
        wrong.push(format!("it left a process: {words}"));
        signal(pid, Signal::SIGKILL);
    }
    let said = std::fs::read_to_string(&said).unwrap();
    if said.contains("panicked") || said.contains("an internal error") {
        wrong.push(format!("it said {said}"));
    }
    let done = std::fs::read_to_string(&effects).unwrap_or_default();
    for (nth, name) in [(0, "first"), (3, "second"), (5, "third"), (7, "fourth")] {
        let times = done.lines().filter(|line| *line == name).count();
        let result = answered.iter().find(|(step, _)| *step == nth).map(|(_, answer)| answer);
        let is_ok = result.is_some_and(|answer| answer["result"]["structuredContent"]["status"] == "ok");
        if times > 1 {
            wrong.push(format!("{name} was done {times} times"));
        }
        if is_ok && times == 0 {
            wrong.push(format!("{name} was answered and not done"));
        }
        let repeats = result.is_some_and(|answer| {
            let text = answer["result"]["content"].to_string();
            text.contains("repeat this call") || text.contains("Nothing was run")
        });
        if repeats && times > 0 {
            wrong.push(format!("{name} was done, and is to be repeated: {}", result.unwrap()["result"]["content"]));
        }
    }
    if !wrong.is_empty() {
        wrong.push(format!("(stderr: {})", said.trim()));
    }
    (wrong, seen)
}

/// All cases at once, so many at a time; what was wrong is told at the end.
fn all(cases: &[Case], jobs: usize) {
    let python = python();
    // What is made once and remembered.
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let since = Instant::now();
                    let (found, _) = run(*case, &python);
                    eprintln!("{} in {:.1} s: {}", case.name(), since.elapsed().as_secs_f64(), found.len());
                    if !found.is_empty() {
                        let told = format!("{}: {}", case.name(), found.join("; "));
                        eprintln!("{told}");
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    eprintln!("{} cases in {:.0} s, {} wrong", cases.len(), begun.elapsed().as_secs_f64(), wrong.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_sample_of_all_that_can_fail_block_or_be_slow() {
    use Call::{Connect, Fork, Socket, Sync, Thread, Write};
    use How::{Blocks, Fails, IsSlow};
    use Process::{Bridge, Guardian, Host};
    let cases = [
        (Host, Write, Fails, 9),
        (Host, Sync, Blocks, 1),
        (Host, Write, IsSlow, 3),
        (Guardian, Fork, Fails, 2),
        (Guardian, Write, Fails, 2),
        (Bridge, Connect, Fails, 1),
        (Bridge, Write, Fails, 3),
        (Bridge, Connect, IsSlow, 2),
        (Host, Thread, Fails, 3),
        (Host, Socket, Fails, 9),
        (Bridge, Socket, Fails, 3),
    ];
    all(&cases.map(|(process, call, how, nth)| Case { process, call, how, nth }), cases.len());
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[test]
#[ignore = "takes an hour; the environment chooses a part of it"]
fn whatever_fails_blocks_or_is_slow() {
    let python = python();
    let wanted = setting("FOURHANDS_INJECT", "");
    let calls = setting("FOURHANDS_INJECT_CALLS", "1-40");
    let (first, last) = calls.split_once('-').unwrap_or((&calls, &calls));
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    let mut cases = Vec::new();
    for process in PROCESSES {
        for (call, _) in CALLS {
            let kind = format!("{process:?} {call:?}");
            if !wanted.starts_with(&kind) && !kind.contains(wanted.as_str()) && !wanted.is_empty() {
                continue;
            }
            // As many as there are where all goes well.
            let (found, seen) = run(Case { process, call, how: How::Fails, nth: 1 << 40 }, &python);
            assert!(found.is_empty(), "without any fault: {found:?}");
            eprintln!("{kind}: {seen} calls");
            for nth in first..=last.min(seen) {
                let hows = [How::Fails, How::Blocks, How::IsSlow].into_iter();
                let hows = hows.filter(|how| *how != How::Blocks || BLOCKING.contains(&call));
                cases.extend(hows.map(|how| Case { process, call, how, nth }));
            }
        }
    }
    cases.retain(|case| case.name().contains(wanted.as_str()) || wanted.is_empty());
    let every: u64 = setting("FOURHANDS_INJECT_EVERY", "1").parse().unwrap();
    let seed: u64 = setting("FOURHANDS_INJECT_SEED", "0").parse().unwrap();
    let mut number = seed;
    cases.retain(|_| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33).is_multiple_of(every.max(1))
    });
    all(&cases, setting("FOURHANDS_INJECT_JOBS", "4").parse().unwrap());
}
