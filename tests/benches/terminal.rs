//! The dashboard as a person feels it, in a pseudo-terminal: `cargo bench --bench terminal`. Prints, with the bounds
//! that hold on an idle machine of two cores:
//!
//! - from a key to its echo on the screen, while Python burns CPU and while it prints without end (< 16 ms);
//! - from the start to the first frame, beyond Python's own start (< 60 ms);
//! - wake-ups of the session process while nothing happens (0 in 3 s);
//! - memory per small finished snippet, beyond its text (< 2 kB).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark has nothing better to do than to stop")]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use support::terminal::Terminal;
use support::{Home, children, pythons, wait_until};

const KEYS: usize = 200;
const STARTS: usize = 15;
const SNIPPETS: u64 = 10_000;

fn main() {
    let python = pythons().into_iter().next().expect("a Python");
    let python = python.to_str().unwrap();
    first_frame(python);
    key_to_screen(python, "Python burns CPU", "while True: pass");
    key_to_screen(python, "Python prints without end", "while True: print('x' * 60)");
    idle(python);
    memory(python);
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100], *times.last().unwrap())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn open(home: &Home, python: &str) -> Terminal {
    let terminal = Terminal::start(home, &["--session", "bench", "--python", python], 50, 200);
    terminal.wait_for_text("ready");
    terminal
}

fn wait_for_frame(terminal: &Terminal, sign: &str) {
    while !terminal.has_received(sign) {
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn first_frame(python: &str) {
    let bare = |_| {
        let begun = Instant::now();
        Command::new(python).args(["-X", "utf8", "-c", "pass"]).status().unwrap();
        begun.elapsed()
    };
    let (own, _, _) = median((0..STARTS).map(bare).collect());
    let home = Home::new();
    let start = |_| {
        let begun = Instant::now();
        let mut terminal = Terminal::start(&home, &["--session", "bench", "--python", python], 50, 200);
        wait_for_frame(&terminal, "ready");
        let time = begun.elapsed();
        terminal.leave();
        terminal.wait();
        time
    };
    // The first one looks for the Python.
    let (time, _, worst) = median((0..=STARTS).map(start).skip(1).collect());
    println!(
        "first frame              p50 {:6.1} ms, worst {:6.1}; Python's own start {:5.1}, so {:5.1} ms beyond it",
        millis(time),
        millis(worst),
        millis(own),
        millis(time.saturating_sub(own))
    );
}

fn key_to_screen(python: &str, what: &str, code: &str) {
    let home = Home::new();
    let mut terminal = open(&home, python);
    terminal.send(&format!("{code}\r\r"));
    terminal.wait_for_text("running");
    terminal.wait_for("an input that is clear", |screen| screen.contains("2 you"));
    let mut times = Vec::new();
    for n in 0..KEYS {
        let before = terminal.received().len();
        // Something that stands nowhere else on the screen.
        let key = ["漢", "字"][n % 2];
        let begun = Instant::now();
        terminal.send(key);
        while !terminal.received_since(before).windows(3).any(|window| window == key.as_bytes()) {
            std::hint::spin_loop();
            std::thread::yield_now();
        }
        times.push(begun.elapsed());
        terminal.send("\u{7f}");
        std::thread::sleep(Duration::from_millis(31));
    }
    let (time, p99, worst) = median(times);
    println!(
        "key to screen            p50 {:6.1} ms, p99 {:6.1}, worst {:6.1}; {what}",
        millis(time),
        millis(p99),
        millis(worst)
    );
    terminal.send("\u{3}");
    terminal.wait_for_text("ready");
}

fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .map(|status| field(&status, "voluntary_ctxt_switches:"))
        .sum()
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn session_process(terminal: &Terminal) -> u32 {
    wait_until("the session process", || children(terminal.pid()).first().copied())
}

fn idle(python: &str) {
    let home = Home::new();
    let mut terminal = open(&home, python);
    terminal.send("x = 1\r");
    terminal.wait_for_text("✓");
    std::thread::sleep(Duration::from_secs(3));
    let processes = [terminal.pid(), session_process(&terminal)];
    let count = || processes.map(wake_ups).iter().sum::<u64>();
    let before = count();
    std::thread::sleep(Duration::from_secs(3));
    println!("idle                     {} wake-ups in 3 s, of all threads of both processes", count() - before);
}

fn memory(python: &str) {
    let home = Home::new();
    let mut terminal = open(&home, python);
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "bench"]);
    let mut client = support::client::Client::start(bridge, "bench", support::client::Era::Legacy);
    let code = |n: u64| format!("value = {n:08}; value + 1");
    let run = |client: &mut support::client::Client, from: u64, count: u64| {
        for n in from..from + count {
            client.run(&code(n));
        }
    };
    // What is made once is made by then.
    run(&mut client, 0, 1_000);
    let pid = session_process(&terminal);
    let resident = || field(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), "VmRSS:") * 1_024;
    let before = resident();
    run(&mut client, 1_000, SNIPPETS);
    let grown = resident().saturating_sub(before);
    let text = code(0).len() as u64 + 8;
    println!(
        "memory                   {} bytes per finished snippet beyond its text, of {SNIPPETS} (the whole process)",
        (grown / SNIPPETS).saturating_sub(text)
    );
    client.close();
    terminal.leave();
    terminal.wait();
}
