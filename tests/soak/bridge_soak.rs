//! The bridge under fire: sessions are killed, crash in mid-call, end and restart at random, and clients of both eras
//! change their minds. Each request has exactly one answer, and what was told to have run has run once: in the journal,
//! and in what it left in a file.
//!
//! `FOURHANDS_BRIDGE_SOAK=500` goes on until so many disturbances have happened (for 10 minutes at most);
//! `FOURHANDS_SOAK_SEED` repeats what failed.

use crate::support;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::counted::{Bridge, Dice};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, python, signal};
use fourhands::domain::{Entry, SnippetId, Status};
use fourhands::journal::JournalReader;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const SESSIONS: [&str; 3] = ["board", "served", "other"];
const CLIENTS: u64 = 3;
/// Without a wanted number of disturbances.
const SECONDS: u64 = 30;
const F8: &str = "\x1b[19~";

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn nothing_is_lost_and_nothing_done_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let wanted = number("FOURHANDS_BRIDGE_SOAK");
    let seed = number("FOURHANDS_SOAK_SEED").unwrap_or(20_261_123);
    eprintln!("FOURHANDS_SOAK_SEED={seed}");
    let home = Home::new();
    let counts = Counts::default();
    let over = AtomicBool::new(false);
    let told: Vec<(&str, Told)> = std::thread::scope(|scope| {
        let mut clients = Vec::new();
        let mut keepers = Vec::new();
        for (at, session) in SESSIONS.into_iter().enumerate() {
            let program = Program::start(&home, session);
            let ran = &counts.ran[at];
            for nth in 0..CLIENTS {
                let name = format!("{session}-{nth}");
                let dice = Dice(seed ^ (at as u64 * CLIENTS + nth + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                let (home, over, counts) = (&home, &over, &counts);
                let bridge = Bridge::start(home, session, &name, nth % 2 == 1);
                clients.push((session, scope.spawn(move || work(bridge, dice, home, over, counts, ran))));
            }
            let dice = Dice(seed ^ (at as u64 + 100).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let (home, over, counts) = (&home, &over, &counts);
            keepers.push(scope.spawn(move || disturb(program, session, dice, home, over, counts, ran)));
        }
        let begun = Instant::now();
        let enough = || match wanted {
            Some(wanted) => counts.sum() >= wanted || begun.elapsed() > Duration::from_secs(600),
            None => begun.elapsed() > Duration::from_secs(SECONDS),
        };
        while !enough() && !clients.iter().any(|(_, client)| client.is_finished()) {
            std::thread::sleep(Duration::from_millis(100));
        }
        over.store(true, Ordering::Relaxed);
        let mut told: Vec<_> =
            clients.into_iter().map(|(session, client)| (session, client.join().expect("a client failed"))).collect();
        let programs: Vec<Program> =
            keepers.into_iter().map(|keeper| keeper.join().expect("a keeper failed")).collect();
        for (_, told) in &mut told {
            told.bridge.settle();
            told.bridge.close();
        }
        programs.into_iter().for_each(Program::end);
        told
    });
    eprintln!("{counts:?}: {} disturbances", counts.sum());
    if let Some(wanted) = wanted {
        assert!(counts.sum() >= wanted, "not in ten minutes");
    }
    let mut sums = BTreeMap::new();
    for session in SESSIONS {
        let records = Records::of(&home, session);
        for (_, told) in told.iter().filter(|(of, _)| *of == session) {
            told.check(&records, &mut sums);
        }
    }
    eprintln!("{sums:?}");
    assert!(sums.get("ran").is_some_and(|ran| *ran > 20), "{sums:?}");
}

#[derive(Debug, Default)]
struct Counts {
    kills: AtomicU64,
    guardians_killed: AtomicU64,
    ends: AtomicU64,
    restarts: AtomicU64,
    crashes: AtomicU64,
    cancels: AtomicU64,
    /// Of each session.
    ran: [AtomicU64; SESSIONS.len()],
}

impl Counts {
    fn sum(&self) -> u64 {
        let all = [&self.kills, &self.guardians_killed, &self.ends, &self.restarts, &self.crashes, &self.cancels];
        all.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

enum Program {
    Board(Terminal),
    Served(Server),
}

impl Program {
    fn start(home: &Home, session: &str) -> Self {
        let python = python();
        if session != "board" {
            return Self::Served(home.serve_with(session, &python));
        }
        let terminal = Terminal::start(home, &["--session", session, "--python", python.to_str().unwrap()], 24, 80);
        terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
        Self::Board(terminal)
    }

    fn guardian(&self) -> u32 {
        match self {
            Self::Board(terminal) => terminal.pid(),
            Self::Served(server) => server.child.id(),
        }
    }

    fn has_ended(&mut self) -> bool {
        match self {
            Self::Board(terminal) => terminal.child.try_wait().unwrap().is_some(),
            Self::Served(server) => server.child.try_wait().unwrap().is_some(),
        }
    }

    fn end(mut self) {
        signal(self.guardian(), Signal::SIGTERM);
        support::wait_until("the end of the session", || self.has_ended().then_some(()));
    }
}

/// The person, and fate.
fn disturb(
    mut program: Program,
    session: &str,
    mut dice: Dice,
    home: &Home,
    over: &AtomicBool,
    counts: &Counts,
    ran: &AtomicU64,
) -> Program {
    while !over.load(Ordering::Relaxed) {
        // There must be something to lose, mostly.
        let (before, least, begun) = (ran.load(Ordering::Relaxed), dice.below(12), Instant::now());
        while ran.load(Ordering::Relaxed) < before + least && begun.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        let guardian = program.guardian();
        let what = dice.below(10);
        match (what, &mut program) {
            (0..6, _) => {
                if let Some(process) = children(guardian).first() {
                    signal(*process, [Signal::SIGKILL, Signal::SIGSEGV][dice.below(2) as usize]);
                    count(&counts.kills);
                }
            }
            (6, _) => {
                // Stopped first: a guardian that starts another Python just now would leave a process that nobody
                // knows.
                signal(guardian, Signal::SIGSTOP);
                let process = children(guardian).first().copied();
                signal(guardian, Signal::SIGKILL);
                // It ends within a second, or later on a busy machine; until then its name is taken.
                support::wait_until("the end of its session process", || {
                    process.is_none_or(|process| !support::is_alive(process)).then_some(())
                });
                count(&counts.guardians_killed);
            }
            (7, _) => {
                signal(guardian, Signal::SIGTERM);
                count(&counts.ends);
            }
            (_, Program::Board(terminal)) => {
                terminal.send(F8);
                terminal.send(F8);
                count(&counts.restarts);
            }
            _ => {}
        }
        // Python that died too often right after its start is given up as well.
        std::thread::sleep(Duration::from_millis(dice.below(200)));
        if matches!(what, 6 | 7) || program.has_ended() {
            support::wait_until("the end of the session", || program.has_ended().then_some(()));
            program = Program::start(home, session);
        }
    }
    program
}

struct Asked {
    /// Of a run: what it leaves in the file.
    token: Option<String>,
    code: String,
    cancelled: bool,
}

struct Told {
    bridge: Bridge,
    asked: BTreeMap<u64, Asked>,
}

fn work(mut bridge: Bridge, mut dice: Dice, home: &Home, over: &AtomicBool, counts: &Counts, ran: &AtomicU64) -> Told {
    bridge.hello();
    let mut asked = BTreeMap::new();
    while !over.load(Ordering::Relaxed) {
        let mut open = Vec::new();
        for _ in 0..=dice.below(4) * dice.below(2) {
            let token = format!("{}-{}", bridge.name, bridge.last_id + 1);
            let effect = format!("open({:?}, 'a').write({:?}) and None", effects(home), format!("{token}\n"));
            let run = |code: String| ("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
            let (method, params) = match dice.below(40) {
                0 => run(format!("{effect}\nimport os; os._exit(3)")),
                1 => run(format!("{effect}\nimport os; os.abort()")),
                2 => ("tools/call", json!({"name": "reset_python_environment", "arguments": {"mode": "restart"}})),
                3..6 => ("tools/call", json!({"name": "list_defined_variables", "arguments": {}})),
                6..8 => ("tools/list", json!({})),
                8..10 => ("resources/read", json!({"uri": "fourhands://session"})),
                10..14 => run(format!("import time; time.sleep(0.{:02})\n{effect}", dice.below(20))),
                14..18 => run(format!("{effect}\nimport time; time.sleep(0.{:02})", dice.below(20))),
                18..20 => run(format!("{effect}\n1 / 0")),
                _ => run(effect),
            };
            let code = params["arguments"]["code"].as_str().unwrap_or_default().to_owned();
            let id = bridge.request(method, params);
            let token = (!code.is_empty()).then_some(token);
            asked.insert(id, Asked { token, code, cancelled: false });
            open.push(id);
        }
        if dice.below(8) == 0 {
            std::thread::sleep(Duration::from_millis(dice.below(60)));
            let id = open.remove(dice.below(open.len() as u64) as usize);
            bridge.line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
            asked.get_mut(&id).unwrap().cancelled = true;
            count(&counts.cancels);
        }
        for id in open {
            bridge.wait(id);
            let answer = bridge.answers[&id][0].to_string();
            ran.fetch_add(u64::from(answer.contains("\"status\":")), Ordering::Relaxed);
            if answer.contains("Nothing was run") {
                // Nobody would try again at once, and there is nobody to disturb.
                std::thread::sleep(Duration::from_millis(50));
            } else if answer.contains("Python restarts") {
                count(&counts.restarts);
            } else if asked[&id].code.contains("import os") {
                count(&counts.crashes);
            }
        }
    }
    Told { bridge, asked }
}

fn effects(home: &Home) -> String {
    home.path().join("effects").display().to_string()
}

/// What there is of a session, whatever its processes were.
struct Records {
    /// How often each token stands in the file.
    effects: HashMap<String, usize>,
    /// Code, and how its snippet ended.
    snippets: HashMap<String, Vec<(SnippetId, Status)>>,
}

impl Records {
    fn of(home: &Home, session: &str) -> Self {
        let mut effects = HashMap::new();
        for line in std::fs::read_to_string(self::effects(home)).unwrap().lines() {
            *effects.entry(line.to_owned()).or_default() += 1;
        }
        let reader =
            JournalReader::open(&home.path().join(".local/state/fourhands/journal")).unwrap().expect("a journal");
        let mut snippets: HashMap<_, Vec<_>> = HashMap::new();
        for summary in reader.sessions().unwrap().iter().filter(|summary| summary.name == session) {
            let transcript = reader.load(&summary.id).unwrap().unwrap().transcript;
            for entry in transcript.entries() {
                let Entry::Snippet(snippet) = entry else { continue };
                snippets.entry(snippet.code.to_string()).or_default().push((snippet.id, snippet.status));
            }
        }
        Self { effects, snippets }
    }
}

impl Told {
    fn check(&self, records: &Records, sums: &mut BTreeMap<&str, usize>) {
        for (id, asked) in &self.asked {
            let answers = self.bridge.answers.get(id).map_or(&[][..], Vec::as_slice);
            let named = format!("{} {id} {:?}: {answers:?}", self.bridge.name, asked.code);
            assert!(answers.len() <= 1, "answered twice: {named}");
            assert!(!answers.is_empty() || asked.cancelled, "not answered: {named}");
            let Some(token) = &asked.token else { continue };
            let effects = records.effects.get(token).copied().unwrap_or_default();
            let recorded = records.snippets.get(&asked.code).map_or(&[][..], Vec::as_slice);
            let facts = format!("{effects} effects, recorded {recorded:?}: {named}");
            assert!(effects <= 1 && recorded.len() <= 1, "done twice: {facts}");
            assert!(effects == 0 || recorded.len() == 1, "ran unrecorded: {facts}");
            let result = answers.first().map_or(&Value::Null, |answer| &answer["result"]);
            let text = result["content"][0]["text"].as_str().unwrap_or_default();
            let kind = match (result["structuredContent"]["status"].as_str(), recorded) {
                (Some(status), [(number, recorded)]) => {
                    assert_eq!(status, recorded.word(), "{facts}");
                    assert_eq!(result["structuredContent"]["snippet"], number.0, "{facts}");
                    // What ended by an error may have done so before the line that counts.
                    assert!(effects == 1 || status != "ok", "told to have run: {facts}");
                    assert!(effects == 0 || status != "cancelled", "told not to have run: {facts}");
                    if status == "ok" { "ran" } else { "failed" }
                }
                (Some(_), _) => panic!("told, but not recorded: {facts}"),
                (None, recorded) if text.contains("Nothing was run") => {
                    assert!(recorded.is_empty() && effects == 0, "told that nothing was run: {facts}");
                    "refused"
                }
                (None, _) if answers.is_empty() => "cancelled by the client",
                (None, _) if asked.cancelled => "cancelled too late",
                (None, _) => {
                    assert!(text.contains("is unknown") && !text.contains("may be repeated"), "{facts}");
                    "of an unknown end"
                }
            };
            *sums.entry(kind).or_default() += 1;
        }
    }
}
