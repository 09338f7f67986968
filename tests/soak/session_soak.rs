//! Hours of use in a minute: three clients behind bridges, a person who types, and everything that goes wrong with
//! sessions, by a seed. At the end each call has had one answer, the journal agrees with it, and nothing has grown.
//!
//! `FOURHANDS_SOAK_SECONDS` makes it longer (600 at most), `FOURHANDS_SOAK_SEED` repeats what failed.

use crate::support;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::counted::{Bridge, Dice};
use crate::support::terminal::Terminal;
use crate::support::{Home, children, is_alive, signal, wait_until};
use fourhands::domain::{Entry, Status};
use fourhands::journal::JournalReader;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const CLIENTS: u64 = 3;
const F8: &str = "\x1b[19~";

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn nothing_is_lost_doubled_or_left_behind() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = number("FOURHANDS_SOAK_SECONDS").unwrap_or(45).min(600);
    let seed = number("FOURHANDS_SOAK_SEED").unwrap_or(20_261_123);
    eprintln!("FOURHANDS_SOAK_SEED={seed} FOURHANDS_SOAK_SECONDS={seconds}");

    let home = Home::new();
    let python = support::python();
    let arguments = ["--session", "soak", "--python", python.to_str().unwrap()];
    let mut terminal = Terminal::start(&home, &arguments, 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    let guardian = terminal.pid();
    let bridges: Vec<Bridge> =
        (0..CLIENTS).map(|at| Bridge::start(&home, "soak", &format!("client-{at}"), at % 2 == 1)).collect();
    let pids: Vec<u32> = bridges.iter().map(|bridge| bridge.child.id()).collect();
    let mut bridges = bridges;
    bridges.iter_mut().for_each(Bridge::hello);
    terminal.wait_for_text("client-2");
    let usage = || -> BTreeMap<String, Usage> {
        let process = wait_until("the session process", || children(guardian).first().copied());
        let named = [("guardian".to_owned(), guardian), ("session".to_owned(), process)];
        let bridges = pids.iter().enumerate().map(|(at, pid)| (format!("bridge {at}"), *pid));
        named.into_iter().chain(bridges).map(|(name, pid)| (name, Usage::of(pid))).collect()
    };
    let (before, files) = (usage(), files(home.path()));

    let (over, well) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = bridges
        .into_iter()
        .enumerate()
        .map(|(at, bridge)| {
            let (over, well) = (over.clone(), well.clone());
            let dice = Dice(seed ^ (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            std::thread::spawn(move || work(bridge, dice, &over, &well))
        })
        .collect();
    let mut dice = Dice(seed);
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let (mut kills, mut restarts, mut before_kill) = (0, 0, 0);
    while Instant::now() < end && !clients.iter().any(std::thread::JoinHandle::is_finished) {
        if !is_alive(guardian) {
            let (ended, after) = (terminal.wait(), begun.elapsed());
            panic!("the session has ended after {after:?} with {ended:?}:\n{}", terminal.text());
        }
        match dice.below(24) {
            // One that dies again and again before anything has run is not started again, and a start may take a while.
            0 => {
                let ran = well.load(Ordering::Relaxed);
                if let Some(process) = children(guardian).first().filter(|_| ran > before_kill) {
                    before_kill = ran;
                    signal(*process, [Signal::SIGKILL, Signal::SIGSEGV, Signal::SIGABRT][dice.below(3) as usize]);
                    kills += 1;
                }
            }
            1 => {
                terminal.send(F8);
                terminal.send(F8);
                restarts += 1;
            }
            2..5 => terminal.resize(10 + dice.below(60) as u16, 30 + dice.below(200) as u16),
            5 => terminal.send("\x03"),
            6..10 => terminal.send(["\x1b[5~", "\x1b[6~", "\x1b[A", "\x1b[B", "\x1b[1;5F"][dice.below(5) as usize]),
            10..13 => terminal.send("\x1bsome draft\x7f\x7f\x15"),
            _ => terminal.send(&format!("person_{} = {}\r", dice.below(9), dice.below(100))),
        }
        std::thread::sleep(Duration::from_millis(20 + dice.below(200)));
    }
    over.store(true, Ordering::Relaxed);
    let mut told: Vec<Told> = clients.into_iter().map(|client| client.join().expect("a client failed")).collect();
    terminal.resize(40, 120);

    // Everybody comes to rest.
    for client in &mut told {
        client.bridge.settle();
    }
    let calls: usize = told.iter().map(|client| client.asked.len()).sum();
    let unknown: usize = told.iter().map(Told::check).sum();
    eprintln!("{calls} calls, {unknown} of them with an unknown end, {kills} kills, {restarts} restarts by the person");
    assert!(calls > 30 && unknown <= 10 + calls / 50, "{unknown} of {calls} calls have an unknown end");

    let after = wait_until("usage as before", || {
        let after = usage();
        let grown = |(name, now): (&String, &Usage)| now.has_grown(&before[name], name == "session");
        (!after.iter().any(grown)).then_some(after.clone()).or_else(|| {
            eprintln!("before {before:?}\nnow    {after:?}");
            std::thread::sleep(Duration::from_secs(1));
            None
        })
    });
    eprintln!("before {before:?}\nafter  {after:?}");

    drop(told.iter_mut().map(|client| client.bridge.close()).collect::<Vec<_>>());
    signal(guardian, Signal::SIGTERM);
    assert_eq!(terminal.wait().exit_code(), 0, "{}", terminal.text());
    agrees(&home, &told);
    let left = self::files(home.path());
    // A process that is killed just as it makes a file leaves a draft, which a start from a minute later on removes.
    let is_expected = |name: &str| ["/spool/", ".draft"].iter().any(|part| name.contains(part));
    let strange: Vec<_> = left.iter().filter(|name| !files.contains(name) && !is_expected(name)).collect();
    assert!(strange.is_empty(), "left behind: {strange:?}");
}

/// What every client was told stands in the journal.
fn agrees(home: &Home, told: &[Told]) {
    let reader = JournalReader::open(&home.path().join(".local/state/fourhands/journal")).unwrap().expect("a journal");
    let session = reader.find("soak").unwrap().expect("the session in the journal");
    assert_eq!(session.missed, 0);
    let transcript = reader.load(&session.id).unwrap().unwrap().transcript;
    let mut compared = 0;
    for client in told {
        for (id, asked) in &client.asked {
            let answers = client.bridge.answers.get(id).map_or(&[][..], Vec::as_slice);
            let Some(run) = answers.first().map(|answer| &answer["result"]["structuredContent"]) else { continue };
            let (Some(number), Some(status)) = (run["snippet"].as_u64(), run["status"].as_str()) else { continue };
            let snippet = transcript
                .snippet(fourhands::domain::SnippetId(number as u32))
                .unwrap_or_else(|| panic!("snippet {number} is not in the journal, but was told: {run}"));
            if let Some(code) = &asked.code {
                assert_eq!(&*snippet.code, code, "{run}");
                assert_eq!(snippet.author.name(), client.bridge.name);
            }
            if ["queued", "running", "waiting_for_input"].contains(&status) {
                continue;
            }
            let outcome =
                snippet.outcome.as_ref().unwrap_or_else(|| panic!("{number} has no end, but was told: {run}"));
            assert_eq!(status, outcome.status.word(), "snippet {number}: {run}");
            assert_eq!(run["returncode"], outcome.returncode, "snippet {number}: {run}");
            assert_eq!(run["result"].as_str(), outcome.result.as_deref(), "snippet {number}: {run}");
            compared += 1;
        }
    }
    eprintln!("{compared} outcomes agree with the journal");
    let open = transcript.entries().iter().filter(
        |entry| matches!(entry, Entry::Snippet(snippet) if matches!(snippet.status, Status::Queued | Status::Running)),
    );
    assert_eq!(open.count(), 0, "snippets without an end");
}

struct Asked {
    tool: &'static str,
    /// Of a run.
    code: Option<String>,
    cancelled: bool,
}

struct Told {
    bridge: Bridge,
    asked: BTreeMap<u64, Asked>,
}

impl Told {
    /// Each call has one answer, and none where it was cancelled. Answers how many were told that nobody knows.
    fn check(&self) -> usize {
        let mut unknown = 0;
        for (id, asked) in &self.asked {
            let answers = self.bridge.answers.get(id).map_or(&[][..], Vec::as_slice);
            let most = answers.len() <= 1;
            let least = !answers.is_empty() || asked.cancelled;
            assert!(most && least, "{}: call {id} of {} has answers {answers:?}", self.bridge.name, asked.tool);
            let Some(answer) = answers.first() else { continue };
            assert!(answer.get("error").is_none(), "{}: {answer}", asked.tool);
            let text = answer["result"]["content"].to_string();
            let is_run = asked.tool == "run_python_code" && answer["result"]["structuredContent"].is_null();
            if is_run && !asked.cancelled {
                unknown += 1;
                eprintln!("{} {id} {:?}: {text}", self.bridge.name, asked.code);
            }
            let is_said = text.contains("is unknown") || text.contains("Nothing was run");
            assert!(!is_run || asked.cancelled || is_said, "{text}");
        }
        unknown
    }
}

/// Works until it is `over`, and counts what ran `well`.
fn work(mut bridge: Bridge, mut dice: Dice, over: &AtomicBool, well: &AtomicU64) -> Told {
    let mut asked = BTreeMap::new();
    while !over.load(Ordering::Relaxed) {
        let mut open = Vec::new();
        for _ in 0..=dice.below(4) * dice.below(2) {
            let (tool, arguments) = something(&bridge, &mut dice);
            let code = arguments["code"].as_str().map(str::to_owned);
            let id = bridge.request("tools/call", json!({"name": tool, "arguments": arguments}));
            asked.insert(id, Asked { tool, code, cancelled: false });
            open.push(id);
        }
        if dice.below(12) == 0 {
            std::thread::sleep(Duration::from_millis(dice.below(60)));
            let id = open.remove(dice.below(open.len() as u64) as usize);
            bridge.line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
            asked.get_mut(&id).unwrap().cancelled = true;
        }
        for id in open {
            bridge.wait(id);
            let ran = &bridge.answers[&id][0]["result"]["structuredContent"];
            well.fetch_add(u64::from(ran["status"] == "ok"), Ordering::Relaxed);
        }
    }
    Told { bridge, asked }
}

fn something(bridge: &Bridge, dice: &mut Dice) -> (&'static str, Value) {
    let number = bridge.last_id;
    let run = |code: String| ("run_python_code", json!({"code": code}));
    match dice.below(60) {
        0 => run("import os; os._exit(3)".to_owned()),
        1 => run("import os; os.abort()".to_owned()),
        2 => run("import ctypes; ctypes.string_at(0)".to_owned()),
        3 => ("reset_python_environment", json!({"mode": "restart"})),
        4 | 5 => ("reset_python_environment", json!({})),
        6..9 => ("interrupt_snippet", json!({})),
        9..13 => ("wait_for_snippet", json!({"snippet": 1 + dice.below(1 + number), "wait_s": 1})),
        13..16 => ("list_defined_variables", json!({})),
        16..20 => run(format!("import time; time.sleep(0.{}); {number}", dice.below(4))),
        20..24 => run(format!("1 / 0  # {number}")),
        24..28 => run(format!("for i in range({}): print('x' * 60)", dice.below(2_000))),
        28..31 => ("run_python_code", json!({"code": format!("import time; time.sleep(0.2); {number}"), "wait_s": 0})),
        31..33 => ("run_python_code", json!({"code": "while True: pass", "timeout_s": 0.2})),
        // The same code again and again.
        33..40 => run("'the same'".to_owned()),
        _ => run(format!("{:?} + '{number}'", bridge.name)),
    }
}

/// What a process takes of the system.
#[derive(Clone, Debug)]
struct Usage {
    descriptors: usize,
    threads: usize,
    kilobytes: u64,
}

impl Usage {
    fn of(pid: u32) -> Self {
        let list = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).into_iter().flatten().flatten();
        // The host's threads have a table of their own.
        let tables = list("task").map(|task| std::fs::read_dir(task.path().join("fd")).map_or(0, Iterator::count));
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = memory.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        Self { descriptors: tables.max().unwrap_or(0), threads: list("task").count(), kilobytes }
    }

    /// The transcript may grow, within its bounds. SQLite keeps the descriptors of connections that were closed while
    /// another to the same files was open, for the next. And the guardian has a thread from its first report on.
    fn has_grown(&self, before: &Self, has_transcript: bool) -> bool {
        let room = if has_transcript { 128 << 10 } else { 8 << 10 };
        let descriptors = if has_transcript { 3 } else { 1 };
        self.descriptors > before.descriptors + descriptors
            || self.threads > before.threads + usize::from(!has_transcript)
            || self.kilobytes > before.kilobytes + room
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}
