//! The recording of the demo at the top of the README: `cargo test --test dashboard recording:: -- --ignored` plays
//! `fourhands demo` in a pseudo-terminal with a person who types, and writes an animated picture to `assets/demo.svg`.
//!
//! Each row of the screen is a strip of all that stands there in the course of time, and moves by the width of the screen
//! whenever the row changes. Rows that are the same share their drawing.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::picture::{BAR, CELL, MARGIN, PALETTES, draw_row, size, window};
use crate::support::terminal::{Screen, Terminal};
use crate::support::{BINARY, Home, venv};

const ROWS: u16 = 34;
const COLUMNS: u16 = 104;
/// The longest time without a change, and how long the end stands, in milliseconds.
const LONGEST: u64 = 2_200;
const LAST: u64 = 5_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);
const BETWEEN_KEYS: Duration = Duration::from_millis(70);

/// A screen, row by row, and for how long it stood there, in milliseconds.
type Frame = (Vec<String>, u64);

#[test]
#[ignore = "records the demo for the README, which takes a minute"]
fn recording_of_the_demo() {
    let home = Home::new();
    let python = venv::scientific();
    // What matplotlib does on its first day would stand in the card of the figure.
    let mut warm = Command::new(&python);
    warm.args(["-c", "import matplotlib.pyplot"]).env("HOME", home.path());
    assert!(warm.status().unwrap().success());
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", &format!("COLORTERM=truecolor exec {BINARY} demo --python {}", python.display())]);
    let mut terminal = Terminal::run(&home, command, ROWS, COLUMNS);
    let screen = terminal.reader();
    let over = AtomicBool::new(false);
    let frames = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&screen, &over));
        play(&mut terminal);
        over.store(true, Ordering::Release);
        watching.join().unwrap()
    });
    terminal.send("\u{4}");
    terminal.wait();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    std::fs::write(assets.join("demo.svg"), animation(&frames)).unwrap();
}

/// The person beside the scripted client.
fn play(terminal: &mut Terminal) {
    terminal.wait_for_text("Leave that day out, and count again");
    terminal.wait_until_idle();
    write(terminal, "max(days, key=lambda day: day[\"heat\"])\r");
    terminal.wait_for_text("Enter answer");
    std::thread::sleep(Duration::from_secs(2));
    write(terminal, "1\r");
    terminal.wait_for_text("sample 30:");
    terminal.wait_for_text("That was the piece.");
    terminal.wait_until_idle();
    // The last screen is seen, too.
    std::thread::sleep(4 * BETWEEN_LOOKS);
}

fn write(terminal: &mut Terminal, text: &str) {
    for key in text.chars() {
        terminal.send(&key.to_string());
        std::thread::sleep(BETWEEN_KEYS);
    }
}

/// Each screen that differs from the one before, until it is over.
fn watch(screen: &std::sync::Mutex<Screen>, over: &AtomicBool) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut since = Instant::now();
    while !over.load(Ordering::Acquire) {
        let mut screen = screen.lock().unwrap();
        let shown = screen.look();
        // Not the shell's screen before the dashboard.
        let rows: Vec<String> = if shown.alternate_screen() {
            (0..size(shown).0).map(|row| draw_row(shown, row, &PALETTES[0])).collect()
        } else {
            Vec::new()
        };
        drop(screen);
        if !rows.is_empty() && frames.last().is_none_or(|(last, _)| *last != rows) {
            if let Some((_, lasted)) = frames.last_mut() {
                *lasted = (since.elapsed().as_millis() as u64).min(LONGEST);
            }
            since = Instant::now();
            frames.push((rows, LAST));
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    frames
}

fn animation(frames: &[Frame]) -> String {
    let palette = &PALETTES[0];
    let total: u64 = frames.iter().map(|(_, lasted)| lasted).sum();
    let width = f64::from(COLUMNS) * CELL.0;
    let mut drawings: HashMap<&str, usize> = HashMap::new();
    let (mut symbols, mut strips, mut moves) = (String::new(), String::new(), String::new());
    for row in 0..usize::from(ROWS) {
        let mut changes: Vec<(u64, &str)> = Vec::new();
        let mut at = 0;
        for (rows, lasted) in frames {
            if changes.last().is_none_or(|(_, last)| *last != rows[row]) {
                changes.push((at, &rows[row]));
            }
            at += lasted;
        }
        write!(strips, "<g style=\"animation-name:r{row}\">").unwrap();
        write!(moves, "@keyframes r{row}{{").unwrap();
        for (n, (at, drawing)) in changes.iter().enumerate() {
            let x = n as f64 * width;
            write!(moves, "{:.3}%{{transform:translateX(-{x:.1}px)}}", *at as f64 * 100.0 / total as f64).unwrap();
            if drawing.is_empty() {
                continue;
            }
            let next = drawings.len();
            let known = *drawings.entry(drawing).or_insert(next);
            if known == next {
                write!(symbols, "<g id=\"d{known}\">{drawing}</g>").unwrap();
            }
            write!(strips, "<use href=\"#d{known}\" x=\"{x:.1}\" y=\"{:.1}\"/>", row as f64 * CELL.1).unwrap();
        }
        strips.push_str("</g>\n");
        moves.push_str("}\n");
    }
    let mut out =
        window(ROWS, COLUMNS, "fourhands demo: a scripted client and a person in one Python", "demo", palette);
    let height = f64::from(ROWS) * CELL.1;
    write!(
        out,
        "<style>g[style]{{animation-duration:{:.1}s;animation-timing-function:steps(1,end);\
         animation-iteration-count:infinite}}\n{moves}</style>\n<defs>{symbols}</defs>\n\
         <svg x=\"{MARGIN}\" y=\"{BAR}\" width=\"{width:.1}\" height=\"{height:.1}\" overflow=\"hidden\">\n{strips}</svg>\n</svg>\n",
        total as f64 / 1000.0
    )
    .unwrap();
    out
}
