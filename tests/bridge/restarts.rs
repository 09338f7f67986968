//! Crashes and restarts of Python: the session goes on, and the dashboard comes back as it was.

use crate::support;
use std::time::{Duration, Instant};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::json;

const F8: &str = "\x1b[19~";

fn open(home: &Home) -> Terminal {
    let python = support::python();
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    terminal
}

/// The session process, child of the guardian.
fn session_process(guardian: u32) -> u32 {
    wait_until("the session process", || children(guardian).first().copied())
}

/// Again and again it is the end: on a slow machine the first ones may have lived too long to have died at their start.
fn kill_whatever_runs(guardian: u32) {
    for process in children(guardian) {
        signal(process, Signal::SIGKILL);
    }
}

/// Python dies by `end` while a draft is being written; all is there again, and the terminal is left as it was.
fn comes_back(end: impl Fn(&mut Terminal), sentence: &str) {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("kept = 41\r");
    terminal.wait_for_text("✓");
    terminal.wait_until_idle();
    let before = session_process(terminal.pid());
    end(&mut terminal);
    terminal.wait_for_text("a new Python has taken over");
    let screen =
        terminal.wait_for("all that stood there", |screen| screen.contains(sentence) && screen.contains("kept = 41"));
    assert!(terminal.is_alternate() && terminal.is_raw(), "{screen}");
    assert_ne!(session_process(terminal.pid()), before);
    // As the terminal was, with what happened on it, and a session that has gone on in good order.
    terminal.send("kept\r");
    terminal.wait_for_text("NameError");
    terminal.send("6 * 7\r");
    terminal.wait_for_row("42");
    assert_eq!(terminal.quit().exit_code(), 0);
    terminal.wait_for("its last words", |screen| screen.contains("its variables are lost"));
    assert!(!terminal.is_alternate() && !terminal.is_raw() && terminal.has_cursor() && !terminal.has_bracketed_paste());
}

#[test]
fn after_os_exit() {
    comes_back(
        |terminal| terminal.send("import os; os._exit(1)\r"),
        "Python ended unexpectedly with exit code 1 while running snippet 2",
    );
}

#[test]
fn after_a_segmentation_fault_with_the_place_on_the_card() {
    comes_back(
        |terminal| terminal.send("import ctypes; ctypes.string_at(0)\r"),
        "PythonDied: Python was killed by SIGSEGV",
    );
}

#[test]
fn after_an_abort() {
    comes_back(|terminal| terminal.send("import os; os.abort()\r"), "SIGABRT");
}

#[test]
fn after_kill_nine_between_two_snippets() {
    comes_back(|terminal| signal(session_process(terminal.pid()), Signal::SIGKILL), "SIGKILL");
}

#[test]
fn the_terminal_is_given_back_even_if_the_guardian_is_killed_after_a_crash() {
    let home = Home::new();
    let mut terminal = open(&home);
    signal(session_process(terminal.pid()), Signal::SIGKILL);
    terminal.wait_for_text("a new Python has taken over");
    signal(terminal.pid(), Signal::SIGKILL);
    terminal.wait();
    wait_until("the terminal as it was", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
}

#[test]
fn the_draft_and_the_place_in_the_transcript_come_back() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("print(*(f'line {i}' for i in range(200)), sep='\\n')\r");
    terminal.wait_for_text("line 199");
    terminal.send("\x1b[200~def draft(a,\n          b):\x1b[201~");
    terminal.wait_for_text("def draft(a,");
    for times in 1..=2 {
        signal(session_process(terminal.pid()), Signal::SIGKILL);
        terminal.wait_for("the draft", |screen| {
            screen.matches("taken over").count() == times && screen.contains("def draft(a,")
        });
        // The cursor is where it was.
        terminal.send("X");
        terminal.wait_for_text("b):X");
        terminal.send("\x7f");
        terminal.wait_for("the character to go", |screen| !screen.contains("b):X"));
    }
}

#[test]
fn the_restart_key_asks_and_gives_a_new_python() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("old = 1\r");
    terminal.wait_for_text("✓");
    terminal.wait_until_idle();
    let before = session_process(terminal.pid());
    terminal.send(F8);
    terminal.wait_for_text("F8 again: restart and lose all variables");
    terminal.send("\x1b");
    terminal.wait_for("the question to go", |screen| !screen.contains("F8 again"));
    assert_eq!(session_process(terminal.pid()), before);
    terminal.send("import time; time.sleep(1000)\r");
    terminal.wait_for_text("running");
    terminal.send(F8);
    terminal.wait_for_text("F8 again: stop 2, restart and lose all variables");
    terminal.send(F8);
    terminal.wait_for("the new Python", |screen| {
        screen.contains("you restarted Python") && screen.contains("old = 1") && screen.contains("ready")
    });
    assert_ne!(session_process(terminal.pid()), before);
    assert_eq!(terminal.quit().exit_code(), 0);
}

/// A headless session and a client of it behind a bridge.
fn serve(home: &Home, era: Era) -> (Server, Client) {
    let server = home.serve("test");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "test"]);
    (server, Client::start(bridge, "tester", era))
}

#[test]
fn a_client_restarts_python_and_goes_on() {
    for era in [Era::Legacy, Era::Modern] {
        let home = Home::new();
        let (server, mut client) = serve(&home, era);
        let pid = client.run("import os; x = 1; os.getpid()")["result"].clone();
        let result = client.call("reset_python_environment", json!({"mode": "restart"}));
        assert_eq!(result["structuredContent"]["done"], true, "{result}");
        let run = client.run("import os; ('x' in globals(), os.getpid())");
        assert_eq!((&run["status"], &run["snippet"]), (&json!("ok"), &json!(2)), "{run}");
        let value = run["result"].as_str().unwrap();
        assert!(value.starts_with("(False, ") && !value.contains(pid.as_str().unwrap()), "{value}");
        server.wait_for_line("tester restarted Python");
        let fault = Client::text(&client.call("reset_python_environment", json!({"mode": "reboot"})));
        assert!(fault.contains("reboot") && fault.contains("namespace") && fault.contains("restart"), "{fault}");
    }
}

#[test]
fn what_waits_when_python_dies_is_cancelled_and_told() {
    let home = Home::new();
    let (server, mut client) = serve(&home, Era::Legacy);
    let first = client.send(
        "tools/call",
        json!({"name": "run_python_code", "arguments": {
        "code": "import os, time\nwhile not os.path.exists('die'): time.sleep(0.01)\nos.abort()"}}),
    );
    let second = client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": "1"}}));
    server.wait_for_line("2 tester runs");
    std::fs::write(home.work().join("die"), "").unwrap();
    for id in [first, second] {
        let answer = client.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    let run = client.run("1 + 1");
    assert_eq!((&run["snippet"], &run["result"]), (&json!(3), &json!("2")), "{run}");
    let told = |client: &mut Client, snippet: u32| client.call("wait_for_snippet", json!({"snippet": snippet}));
    let first = told(&mut client, 1)["structuredContent"].clone();
    assert_eq!(first["error"]["type"], "PythonDied", "{first}");
    assert!(first["error"]["traceback"].as_str().unwrap().contains("<snippet 1>\", line 3"), "{first}");
    assert_eq!(told(&mut client, 2)["structuredContent"]["status"], "cancelled");
}

#[test]
fn a_python_that_dies_at_its_start_again_and_again_is_left_alone() {
    let home = Home::new();
    let mut server = home.serve("test");
    // A site-packages gone bad, as it would be after a broken update.
    let guardian = server.child.id();
    wait_until("a session that waits", || {
        kill_whatever_runs(guardian);
        let listed = home.fourhands().args(["sessions", "--json"]).output().unwrap().stdout;
        String::from_utf8_lossy(&listed).contains("waiting").then_some(())
    });
    signal(guardian, Signal::SIGTERM);
    let status = wait_until("the end", || server.child.try_wait().unwrap());
    // By the last death: of a Python that was killed before it had begun, or after.
    assert!(matches!(status.code(), Some(2 | 137)), "{status}");
}

/// The eye sees one dashboard that goes on: no shell in between, no echo, and what was typed meanwhile is in the
/// editor.
#[test]
fn between_two_dashboards_the_screen_stays_and_no_key_is_lost() {
    let home = Home::new();
    let mut terminal = open(&home);
    for round in 0..4 {
        let before = terminal.received().len();
        let process = session_process(terminal.pid());
        if round % 2 == 0 {
            signal(process, Signal::SIGKILL);
        } else {
            terminal.send(F8);
            terminal.wait_for_text("F8 again");
            terminal.send(F8);
        }
        wait_until("the death", || (children(terminal.pid()).first() != Some(&process)).then_some(()));
        assert!(terminal.is_raw());
        // The last key does nothing here, and shows as `^G` where a terminal echoes.
        terminal.send(&format!("typed{round}\x07"));
        terminal.resize(40 + round, 120);
        terminal.wait_for("the editor with what was typed", |screen| {
            let returns = screen.matches("taken over").count() + screen.matches("you restarted").count();
            screen.contains(&format!("typed{round}")) && returns == usize::from(round) + 1
        });
        let received = terminal.received();
        let text = String::from_utf8_lossy(&received[before..]);
        assert!(!text.contains("\x1b[?1049l"), "{text:?}");
        assert!(!text.contains("^G"), "{text:?}");
        // A snippet, so that it does not look like a Python that cannot start.
        terminal.send(&format!("\x15\rprint('round', {round})\r"));
        terminal.wait_for_row(&format!("round {round}"));
        terminal.wait_until_idle();
    }
    assert_eq!(terminal.quit().exit_code(), 0);
    assert!(!terminal.is_alternate() && !terminal.is_raw());
    assert_eq!(terminal.text().matches("Python was killed by SIGKILL").count(), 2, "{}", terminal.text());
}

#[test]
fn a_python_that_dies_in_its_own_end_is_not_replaced() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("import atexit, os; atexit.register(os.abort)\r");
    terminal.wait_for_text("✓");
    let status = terminal.quit();
    assert!(!status.success() && !terminal.is_alternate() && !terminal.is_raw(), "{status:?}");
}

#[test]
fn an_end_that_is_asked_for_while_python_is_dead_is_the_end() {
    for pause in [0, 30, 120] {
        let home = Home::new();
        let mut terminal = open(&home);
        signal(session_process(terminal.pid()), Signal::SIGKILL);
        std::thread::sleep(Duration::from_millis(pause));
        signal(terminal.pid(), Signal::SIGTERM);
        terminal.wait();
        assert!(!terminal.is_alternate() && !terminal.is_raw() && terminal.has_cursor(), "{}", terminal.text());
        assert!(terminal.text().contains("SIGKILL"), "{}", terminal.text());
    }
}

#[test]
fn a_python_that_does_not_come_up_again_leaves_the_terminal_and_says_so() {
    let home = Home::new();
    let mut terminal = open(&home);
    let guardian = terminal.pid();
    wait_until("a session that waits", || {
        kill_whatever_runs(guardian);
        terminal.text().contains("Enter to try again").then_some(())
    });
    wait_until("the terminal as it was", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    terminal.send("\u{3}");
    assert!([2, 137].contains(&terminal.wait().exit_code()));
    assert!(!terminal.is_alternate() && !terminal.is_raw() && terminal.has_cursor() && !terminal.has_bracketed_paste());
}

/// No interrupt reaches a call of C code, so nothing is waited for.
#[test]
fn a_restart_ends_what_cannot_be_interrupted() {
    let home = Home::new();
    let mut terminal = open(&home);
    let restart = |terminal: &mut Terminal, times: usize| {
        terminal.send(F8);
        terminal.wait_for_text("F8 again");
        let start = Instant::now();
        terminal.send(F8);
        terminal.wait_for("the restart", |screen| screen.matches("\n  you restarted Python").count() == times);
        start.elapsed()
    };
    let idle = restart(&mut terminal, 1);
    terminal.send("sum(range(10 ** 13))\r");
    terminal.wait_for_text("running");
    let busy = restart(&mut terminal, 2);
    // What this machine needs for it anyhow, and the pause in which an interrupt might have had an effect.
    assert!(busy < 3 * idle + Duration::from_secs(5), "{busy:?}, and {idle:?} with nothing to end");
    terminal.send("6 * 7\r");
    terminal.wait_for_row("42");
}
