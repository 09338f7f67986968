//! What is typed at a hidden prompt is shown and kept nowhere.

use std::fs;
use std::time::{Duration, Instant};

use crate::security::{bridge, contains};
use crate::support;
use crate::support::terminal::Terminal;
use crate::support::{Home, children, python};
use serde_json::json;

#[test]
fn what_is_typed_at_getpass_is_kept_nowhere() {
    let home = Home::new();
    let secret = "hunter2-Tr0ub4dor";
    let python = python();
    let mut terminal = Terminal::start(&home, &["--session", "vault", "--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for_text("ready");
    let mut client = bridge(&home, "curious", &[]);
    let call =
        json!({"name": "run_python_code", "arguments": {"code": "import getpass\nlen(getpass.getpass('Token: '))"}});
    let id = client.send("tools/call", call);
    terminal.wait_for_text("wants hidden input");
    terminal.wait_for_text("Enter answer");
    let mut heard = client.answer(id).to_string();
    terminal.send(secret);
    terminal.wait_for_text("••••");
    terminal.send("\r");
    let waited = client.call("wait_for_snippet", json!({"snippet": 1}));
    heard.push_str(&waited.to_string());
    assert_eq!(waited["structuredContent"]["result"], secret.len().to_string(), "{waited}");

    assert!(!heard.contains(secret), "a client was told");
    let shown = terminal.received();
    assert!(!contains(&shown, secret), "it was shown");
    assert!(!terminal.text().contains(secret));
    client.close();
    terminal.wait_for_row(&secret.len().to_string());
    terminal.quit();
    is_in_no_file(&home, secret);
}

/// A session that runs may take a file away at any moment.
fn is_in_no_file(home: &Home, secret: &str) {
    let mut look_into = vec![home.path().to_owned()];
    while let Some(folder) = look_into.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => look_into.push(entry.path()),
                Ok(facts) if facts.is_file() => {
                    let bytes = fs::read(entry.path()).unwrap_or_default();
                    assert!(!contains(&bytes, secret), "{}", entry.path().display());
                }
                _ => {}
            }
        }
    }
}

/// Python dies while a password is being typed, and after one was entered: the draft comes back, the password does not.
#[test]
fn a_crash_at_getpass_leaves_no_trace_of_it() {
    let home = Home::new();
    let (half, whole) = ("Corr3ct-h0rse", "b4ttery-St4ple");
    let python = python();
    let mut terminal = Terminal::start(&home, &["--session", "vault", "--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for_text("ready");
    terminal.send("6 * 7");
    for secret in [half, whole] {
        let mut client = bridge(&home, "curious", &[]);
        let call = json!({"name": "run_python_code", "arguments": {"code": "import getpass\nx = getpass.getpass('Token: ')\n'got it'"}});
        let id = client.send("tools/call", call);
        // The draft keeps the keys until then.
        terminal.wait_for_text("Esc to answer");
        terminal.send("\x1b");
        terminal.wait_for_text("Enter answer");
        terminal.send(secret);
        terminal.wait_for_text("••••");
        if secret == whole {
            terminal.send("\r");
            terminal.wait_for_row("'got it'");
        }
        let session = support::wait_until("the session process", || children(terminal.pid()).first().copied());
        is_in_no_file(&home, secret);
        support::signal(session, nix::sys::signal::Signal::SIGKILL);
        support::wait_until("another Python", || {
            children(terminal.pid()).first().copied().filter(|pid| *pid != session)
        });
        let told = client.answer(id).to_string();
        assert!(!told.contains(secret), "{told}");
        terminal.wait_for_text("6 * 7");
        let environment = fs::read(format!("/proc/{}/environ", children(terminal.pid())[0])).unwrap();
        assert!(!contains(&environment, secret));
        is_in_no_file(&home, secret);
    }
    // In its first second after a question, the next process takes Enter for an answer that came too late. Enters that a
    // slow machine reads at once would be pasted lines.
    let is_shown = |screen: String| screen.lines().any(|row| row.trim_start().starts_with("42"));
    let mut pressed: Option<Instant> = None;
    support::wait_until("the draft to run", || {
        if pressed.is_none_or(|at| at.elapsed() > Duration::from_secs(2)) {
            terminal.send("\r");
            pressed = Some(Instant::now());
        }
        is_shown(terminal.text()).then_some(())
    });
    terminal.quit();
    for secret in [half, whole] {
        assert!(!contains(&terminal.received(), secret), "it was shown");
        is_in_no_file(&home, secret);
    }
}
