//! Settings and colours in a real terminal: faults are told and nothing is lost by them, keys of one's own work, and
//! the colours follow the terminal, or are not there.

use crate::support;
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home};
use portable_pty::CommandBuilder;

fn configure(home: &Home, text: &str) {
    let folder = home.path().join(".config/fourhands");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
}

/// With these variables in the environment.
fn open(home: &Home, environment: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new("env");
    command.args(environment);
    command.args([BINARY, "--python", support::python().to_str().unwrap()]);
    let terminal = Terminal::run(home, command, 40, 120);
    terminal.wait_for_text("Python");
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    terminal
}

fn has(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

/// The sequences that set colours, other than back to the default.
fn colours(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let sequences = text.split("\u{1b}[").skip(1).filter_map(|rest| Some(rest.split_once('m')?.0.to_owned()));
    let is_style = |sequence: &String| sequence.chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | ':'));
    let is_colour = |number: &str| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107));
    sequences.filter(is_style).filter(|sequence| sequence.split([';', ':']).any(is_colour)).collect()
}

#[test]
fn faults_in_the_settings_are_told_and_the_rest_holds() {
    let home = Home::new();
    configure(&home, "[keys]\ncontrl-r = \"help\"\nctrl-g = \"help\"\nf1 = \"none\"\n");
    let checked = home.fourhands().arg("config").output().unwrap();
    let told = String::from_utf8(checked.stderr).unwrap();
    let fault = "line 2, column 1: `contrl-r` is no key; did you mean `ctrl-r`?";
    assert!(checked.status.code() == Some(1) && told.contains(fault), "{told}");

    let mut terminal = open(&home, &[]);
    terminal.wait_for_text(fault);
    terminal.send("x");
    terminal.wait_for("the key in the input", |screen| screen.contains("▎ x") && !screen.contains("contrl-r"));
    terminal.send("\u{7}");
    terminal.wait_for("the help with its key", |screen| screen.contains("Ctrl-G             help"));
    terminal.send("\u{1b}");
    terminal.wait_for("the help to close", |screen| !screen.contains("─ help ─"));
    terminal.send("\u{1b}OP");
    terminal.send("y");
    let screen = terminal.wait_for_text("▎ xy");
    assert!(!screen.contains("─ help ─"), "F1 was unbound:\n{screen}");

    configure(&home, "mouse = false\n");
    let checked = home.fourhands().arg("config").output().unwrap();
    assert!(checked.status.success() && String::from_utf8(checked.stdout).unwrap().contains("is valid"));
}

/// A person's own settings begin from the example, whose every line may be taken out of its comment.
#[test]
fn the_example_is_fine() {
    let home = Home::new();
    let example = home.fourhands().args(["config", "--example"]).output().unwrap();
    configure(&home, &String::from_utf8(example.stdout).unwrap());
    let checked = home.fourhands().arg("config").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn without_colours_none_are_sent() {
    let home = Home::new();
    let mut terminal = open(&home, &["NO_COLOR=1"]);
    terminal.send("print('\\x1b[31mred')\r");
    terminal.wait_for_row("red");
    terminal.send("1/0\r");
    terminal.wait_for_text("ZeroDivisionError");
    terminal.quit();
    assert_eq!(colours(&terminal.received()), [] as [&str; 0]);

    // Somebody who names a theme wants its colours.
    configure(&home, "theme = \"dark\"\n");
    let mut terminal = open(&home, &["NO_COLOR=1"]);
    terminal.wait_until_idle();
    terminal.quit();
    assert!(!colours(&terminal.received()).is_empty());
}

#[test]
fn the_theme_follows_the_ground_of_the_terminal() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    assert!(has(&terminal.received(), "\u{1b}]11;?\u{7}"), "the terminal was not asked");
    terminal.send("1 +");
    terminal.wait_for_text("▎ 1 +");
    assert!(!has(&terminal.received(), "38;5;24"));
    // Late, and in the midst of what is typed.
    terminal.send(" 1\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\ + 40");
    let screen = terminal.wait_for_text("▎ 1 + 1 + 40");
    assert!(!screen.contains("rgb"), "{screen}");
    support::wait_until("the colours for light ground", || has(&terminal.received(), "38;5;24").then_some(()));
    terminal.send("\r");
    terminal.wait_for_row("42");
    terminal.quit();

    let mut terminal = open(&home, &["COLORFGBG=0;15"]);
    terminal.wait_until_idle();
    assert!(has(&terminal.received(), "38;5;24"));
    terminal.quit();
}

/// A person who names their windows themselves finds the name untouched.
#[test]
fn a_title_that_is_not_wanted_is_not_set() {
    let home = Home::new();
    configure(&home, "[terminal]\ntitle = false\nprogress = false\nnotices = false\nfigures = \"off\"\n");
    let mut terminal = open(&home, &["TERM_PROGRAM=ghostty"]);
    terminal.send("import time; time.sleep(1); print('slept')\r");
    terminal.wait_for_row("slept");
    terminal.quit();
    let received = terminal.received();
    assert!(!has(&received, "\u{1b}]0;") && !has(&received, "\u{1b}]9;4;"), "{}", String::from_utf8_lossy(&received));
}
