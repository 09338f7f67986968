//! Values in a real session in a pseudo-terminal: how they are written, and walking into them.

use crate::support::terminal::Terminal;
use crate::support::{Home, python};

const ALT_UP: &str = "\u{1b}[1;3A";
const DOWN: &str = "\u{1b}[B";
const END: &str = "\u{1b}[F";
const HOME: &str = "\u{1b}[H";
const BACKSPACE: &str = "\u{7f}";
const ESC: &str = "\u{1b}";

fn start(home: &Home) -> Terminal {
    let terminal = Terminal::start(home, &["--python", python().to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    terminal
}

#[test]
fn a_nested_value_is_written_by_structure_and_walked_into() {
    let home = Home::new();
    let mut terminal = start(&home);
    terminal.send("cfg = {'a': [{'id': n, 'tags': ['x', 'y'] * 9} for n in range(30)], 'b': 1}; cfg\r");
    terminal.wait_for_all(&["  'a': [… 30 items],", "  'b': 1"]);
    terminal.send(ALT_UP);
    terminal.wait_for_text("1 selected");
    terminal.send("\r");
    terminal.wait_for_all(&["╭─ cfg ", "'a'  list"]);
    terminal.send("\r");
    terminal.wait_for_all(&["╭─ cfg['a'] ", "{'id': 0"]);
    terminal.send(DOWN);
    terminal.send("\r");
    terminal.wait_for_all(&["╭─ cfg['a'][1] ", "'tags'"]);
    terminal.send(BACKSPACE);
    terminal.send(BACKSPACE);
    terminal.wait_for_all(&["╭─ cfg ", "'b'"]);
    terminal.send(ESC);
    terminal.wait_for_text("1 selected");
}

#[test]
fn rows_scroll_to_their_end_and_are_sorted_and_filtered() {
    let home = Home::new();
    let mut terminal = start(&home);
    terminal.send("[{'n': 7 * n % 100_003, 'w': f'word {n}'} for n in range(100_000)]\r");
    terminal.wait_for_text("'word 1'");
    terminal.send(ALT_UP);
    terminal.wait_for_text("1 selected");
    terminal.send("\r");
    terminal.wait_for_all(&["result of 1: _", "items 0 to"]);
    terminal.send("\t\t");
    terminal.wait_for_all(&["rows 0 to", "word 0"]);
    terminal.send(END);
    terminal.wait_for_all(&["word 99999", "of 100,000"]);
    terminal.send("g");
    terminal.wait_for_text("row:");
    terminal.send("50_000\r");
    terminal.wait_for_text("word 50000");
    terminal.send(HOME);
    terminal.wait_for_text("word 0");
    terminal.send("s");
    terminal.wait_for_all(&["n ▲", "word 85717"]);
    terminal.send("/");
    terminal.wait_for_text("filter,");
    terminal.send("word 777\r");
    terminal.wait_for_all(&["of 111", "111 of 100,000 rows match"]);
    // The list is no longer the last value, and nothing else holds it.
    terminal.send(ESC);
    terminal.wait_for_text("1 selected");
    terminal.send(ESC);
    terminal.wait_for_text("F4 variables");
    terminal.send("1\r");
    terminal.wait_for_text("3 you");
    terminal.send(ALT_UP);
    terminal.wait_for_text("2 selected");
    terminal.send(ALT_UP);
    terminal.wait_for_text("1 selected");
    terminal.send("\r");
    terminal.wait_for_all(&["output of 1", "the value of snippet 1 is gone"]);
}
