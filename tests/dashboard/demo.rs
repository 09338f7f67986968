//! `fourhands demo`: the whole piece with a person's answer, a person who types along, and ends midway.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::terminal::Terminal;
use crate::support::{self, Home, python, wait_until};

fn start(home: &Home, options: &[&str]) -> Terminal {
    let python = python();
    let arguments = [&["demo", "--python", python.to_str().unwrap()], options].concat();
    Terminal::start(home, &arguments, 44, 118)
}

/// The processes whose environment names the folder, such as those of a demo with that home.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let is_ours = |pid: &String| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| String::from_utf8_lossy(&environment).contains(folder))
    };
    pids.filter(is_ours).collect()
}

/// Nothing of the demo is there any more: no process, no folder with socket and journal, and nothing among the person's
/// own sessions.
fn leaves_nothing(home: &Home) {
    wait_until("the end of all processes", || processes(home.path()).is_empty().then_some(()));
    let files = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Libraries of the Python may keep something in the cache folder.
    let left: Vec<String> = files.filter(|name| name != "work" && name != ".cache").collect();
    assert!(left.is_empty() && !home.path().join(".cache/fourhands").exists(), "{left:?}");
    assert_eq!(std::fs::read_dir(home.work()).unwrap().count(), 0);
}

#[test]
fn the_whole_piece_is_played_with_the_persons_answer() {
    let home = Home::new();
    let mut terminal = start(&home, &["--fast"]);
    terminal.wait_for_all(&["ValueError: invalid literal for int() with base 10: 'n/a'", "demo asks you", "12 scoops"]);
    terminal.wait_for_text("Enter answer");
    terminal.send("1\r");
    terminal.wait_for_all(&["sample 30:", "That was the piece.", "Ctrl-D ends the demo.", "demo, nothing is kept"]);
    terminal.wait_until_idle();
    // The names are real, the answer left a day out, and one key ends it.
    terminal.send("len(days), odd['scoops']\r");
    terminal.wait_for_row("(29, 12)");
    terminal.wait_until_idle();
    terminal.send("\u{4}");
    assert_eq!(terminal.wait().exit_code(), 0);
    let end = terminal.text();
    assert!(
        end.contains("the demo has ended") && end.contains("fourhands setup") && !end.contains("--resume"),
        "{end}"
    );
    leaves_nothing(&home);
}

#[test]
fn a_person_types_along_and_may_leave_at_any_time() {
    let home = Home::new();
    let mut terminal = start(&home, &[]);
    terminal.wait_for_all(&["A scripted client named \"demo\"", "Ctrl-D ends the demo", "demo, nothing is kept"]);
    terminal.send("6 * 7\r");
    terminal.wait_for_row("42");
    terminal.wait_for_text("# I see that you ran snippet 1.");
    terminal.wait_until_idle();
    terminal.send("\u{4}");
    assert_eq!(terminal.wait().exit_code(), 0);
    leaves_nothing(&home);

    // The window is closed, which tells the program so by SIGHUP.
    let terminal = start(&home, &[]);
    terminal.wait_for_text("Load a month of an ice cream stand");
    let pid = terminal.pid();
    let session = support::children(pid);
    assert!(session.len() >= 2, "the session process and the bridge: {session:?}");
    support::signal(pid, Signal::SIGHUP);
    drop(terminal);
    leaves_nothing(&home);
}

#[test]
fn a_question_that_nobody_answers_does_not_hold_up_the_plain_demo() {
    let home = Home::new();
    let mut terminal = start(&home, &["--plain", "--fast"]);
    terminal.wait_for_text("What shall I do with that day?");
    terminal.send(":decline\r");
    terminal.wait_for_text("Nobody answered");
    terminal.wait_for_text("That was the piece.");
    terminal.send("\u{4}");
    assert_eq!(terminal.wait().exit_code(), 0);
    leaves_nothing(&home);
}

#[test]
fn the_next_demo_removes_what_a_killed_one_left_and_nothing_of_a_living_one() {
    let home = Home::new();
    let folders = || {
        let names =
            std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("fourhands-demo-")).count()
    };
    let killed = start(&home, &[]);
    killed.wait_for_text("nothing is kept");
    support::signal(killed.pid(), Signal::SIGKILL);
    drop(killed);
    wait_until("the end of all processes", || processes(home.path()).is_empty().then_some(()));
    assert_eq!(folders(), 1);

    let mut living = start(&home, &[]);
    living.wait_for_text("nothing is kept");
    assert_eq!(folders(), 1);
    let mut other = start(&home, &[]);
    other.wait_for_text("nothing is kept");
    assert_eq!(folders(), 2);
    for demo in [&mut living, &mut other] {
        demo.send("6 * 7\r");
        demo.wait_for_row("42");
        demo.wait_until_idle();
        demo.send("\u{4}");
        assert_eq!(demo.wait().exit_code(), 0);
    }
    leaves_nothing(&home);
}
