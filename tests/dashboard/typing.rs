//! What a person types in a pseudo-terminal, beyond keys that one process alone can test: earlier inputs of other
//! sessions, and their own editor.

use crate::support;
use std::os::unix::fs::PermissionsExt;

use crate::support::Home;
use crate::support::terminal::Terminal;

fn open(home: &Home, session: &str) -> Terminal {
    let python = support::python();
    let terminal = Terminal::start(home, &["--session", session, "--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎") && screen.contains("ready"));
    terminal
}

fn run(terminal: &mut Terminal, code: &str, result: &str) {
    terminal.send(&format!("{code}\r"));
    terminal.wait_for(result, |screen| screen.contains(result) && screen.contains("ready"));
}

fn quit(terminal: &mut Terminal) {
    terminal.leave();
    assert_eq!(terminal.wait().exit_code(), 0);
}

#[test]
fn what_other_sessions_ran_is_found_again() {
    let home = Home::new();
    let mut first = open(&home, "first");
    run(&mut first, "total = sum(range(1_000))", "✓");
    run(&mut first, "print('a ' + 'lemon')", "a lemon");
    quit(&mut first);

    let mut second = open(&home, "second");
    run(&mut second, "total_2 = 6 * 7", "✓");
    // By its letters, in their order.
    second.send("my draft\u{12}");
    second.wait_for_text("history");
    second.send("tlsmrng");
    second.wait_for("the one that fits", |screen| {
        screen.contains("› total = sum(range(1_000))") && screen.contains("first") && screen.contains("1 of 3")
    });
    second.send("\u{1b}");
    second.wait_for("the draft", |screen| screen.contains("▎ my draft") && !screen.contains("history"));
    second.send("\u{12}lemon");
    second.wait_for("the one that fits", |screen| screen.contains("› print('a ' + 'lemon')"));
    second.send("\r");
    let screen = second.wait_for("it in the input", |screen| screen.contains("▎ print('a ' + 'lemon')"));
    assert!(!screen.contains("a lemon"), "it is not run: {screen}");
    second.send("\u{3}");
    second.wait_for("an empty input", |screen| !screen.contains("lemon"));

    // Those that begin with what is typed, of this session and then of the one before.
    second.send("tot\u{1b}[A");
    second.wait_for("the newest", |screen| screen.matches("▎ total_2 = 6 * 7").count() == 2);
    second.send("\u{1b}[A");
    second.wait_for_text("▎ total = sum(range(1_000))");
    second.send("\u{1b}[B\u{1b}[B");
    second.wait_for("the draft", |screen| screen.contains("▎ total_2 = 6 * 7") && screen.contains("▎ tot"));
    second.send("\u{3}");
    second.wait_for("an empty input", |screen| !screen.contains("▎ tot\n"));
    quit(&mut second);
}

#[test]
fn a_background_task_that_never_yields_is_seen_and_ctrl_c_stops_it() {
    let home = Home::new();
    let mut terminal = open(&home, "busy");
    let code = "import asyncio; asyncio.get_running_loop().call_soon(exec, 'while True: pass');";
    terminal.send(&format!("{code}\r"));
    terminal.wait_for_all(&["a background task of 1 is busy", "Ctrl-C interrupt"]);
    terminal.send("6 * 7\r");
    terminal.wait_for_text("2 waits for a background task of 1; Ctrl-C interrupts both");
    terminal.send("\u{3}");
    terminal.wait_for("the end of both", |screen| screen.contains("ready") && screen.contains("KeyboardInterrupt"));
    terminal.send(&format!("{code}\r"));
    terminal.wait_for_text("a background task of 3 is busy");
    terminal.send("\u{3}");
    terminal.wait_for_text("ready");
    run(&mut terminal, "6 * 7", "42");
    quit(&mut terminal);
}

/// An editor that waits for a key, and for which `edit` stands in the middle.
pub fn editor(home: &Home, edit: &str) -> String {
    let file = home.work().join("editor.sh");
    let script = format!(
        "#!/bin/sh\nread -r line < /dev/tty\n[ -t 0 ] && [ -t 1 ] || exit 9\necho \"editing: $(cat \"$1\")\"\nread -r line\n{edit}\n"
    );
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file.display().to_string()
}

fn open_with_editor(home: &Home, edit: &str) -> Terminal {
    let mut command = portable_pty::CommandBuilder::new("env");
    let python = support::python();
    command.args([&format!("EDITOR={}", editor(home, edit)), support::BINARY, "--python", python.to_str().unwrap()]);
    let terminal = Terminal::run(home, command, 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎") && screen.contains("ready"));
    terminal
}

#[test]
fn the_input_is_edited_in_the_persons_own_editor() {
    let home = Home::new();
    let mut terminal =
        open_with_editor(&home, r#"printf 'answer = 6 * 7\nprint(f"it is {answer}")\n' > "$1"; exit $line"#);
    terminal.send("x = 1\u{1b}e");
    terminal.wait_for("the terminal", |screen| !screen.contains("ready"));
    // The modes are put back after the screen.
    support::wait_until("its modes", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    terminal.send("\r");
    terminal.wait_for_text("editing: x = 1");
    terminal.send("0\r");
    terminal.wait_for_all(&["▎ print(f\"it is {answer}\")", "▎ answer = 6 * 7"]);
    assert!(terminal.is_alternate() && terminal.is_raw());
    terminal.send("\u{1f}");
    terminal.wait_for("the text before, by one undo", |screen| screen.contains("▎ x = 1"));
    terminal.send("\u{1b}_\r");
    terminal.wait_for_text("it is 42");
    // One that fails leaves the input as it was.
    terminal.send("draft\u{1b}e");
    terminal.wait_for("the terminal", |screen| !screen.contains("ready"));
    support::wait_until("its modes", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    terminal.send("\r");
    terminal.wait_for_text("editing: draft");
    terminal.send("3\r");
    terminal.wait_for_all(&["ended with exit code 3", "▎ draft"]);
    terminal.send("\u{3}");
    terminal.wait_for("an empty input", |screen| !screen.contains("▎ draft"));
    quit(&mut terminal);
    let state = home.path();
    let left = std::process::Command::new("find").arg(state).args(["-name", "input-*.py"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "no file is left");
}

#[test]
fn a_crash_waits_for_the_editor_and_keeps_what_was_edited() {
    let home = Home::new();
    let mut terminal = open_with_editor(&home, r#"echo 'edited = 1' > "$1"; exit 0"#);
    let session = support::wait_until("the session process", || support::children(terminal.pid()).first().copied());
    terminal.send("x = 1\u{1b}e");
    terminal.wait_for("the terminal", |screen| !screen.contains("ready"));
    // The modes are put back after the screen, and what was typed before goes.
    support::wait_until("its modes", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    terminal.send("\r");
    terminal.wait_for_text("editing: x = 1");
    support::signal(session, nix::sys::signal::Signal::SIGSEGV);
    support::wait_until("its end", || {
        let stat = std::fs::read_to_string(format!("/proc/{session}/stat"));
        stat.map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
    });
    terminal.send("\r");
    terminal.wait_for_text("▎ edited = 1");
    terminal.send("\redited + 41\r");
    terminal.wait_for_text("42");
}
