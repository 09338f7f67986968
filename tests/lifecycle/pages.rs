//! Each command of the README and of the pages is run, as a reader would, in a home with a recorded session.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use portable_pty::CommandBuilder;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home, Server, python, wait_until};

/// Options whose commands need a package index or another machine. `tests/lifecycle/packages.rs` and
/// `tests/lifecycle/remote.rs` run these.
const ELSEWHERE: [&str; 3] = ["--with", "--script", "--ssh"];

/// Commands that a page only names, without what they need, and what they say then.
const NAMED: [(&str, &str); 2] =
    [("fourhands stop", "required"), ("fourhands sessions --restore NAME", "no session is set aside")];

/// The command lines in shell blocks and in code spans.
fn commands() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("assets/docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut found = BTreeSet::new();
    for page in pages.chain([root.join("README.md")]) {
        let page = fs::read_to_string(page).unwrap();
        let shell = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).flat_map(str::lines);
        let shell = shell.filter_map(|line| line.split(['#', '>']).next());
        let spans = page.split('`').filter(|span| !span.contains('\n'));
        let ours = |line: &str| line == "fourhands" || line.starts_with("fourhands ");
        found.extend(shell.chain(spans).map(str::trim).filter(|line| ours(line)).map(str::to_owned));
    }
    found
}

/// A home with a `python3` on PATH and a copy of the recorded session.
fn furnished(recorded: Option<&Home>) -> Home {
    let home = Home::new();
    fs::create_dir(home.path().join("bin")).unwrap();
    symlink(python(), home.path().join("bin/python3")).unwrap();
    if let Some(recorded) = recorded {
        let copied = Command::new("cp").arg("-a").arg(recorded.path().join(".local")).arg(home.path()).status();
        assert!(copied.unwrap().success());
        // The session was recorded in the folder of that home.
        fs::remove_dir(home.work()).unwrap();
        symlink(recorded.work(), home.work()).unwrap();
    }
    home
}

fn path(home: &Home) -> String {
    format!("{}:/usr/bin:/bin", home.path().join("bin").display())
}

fn record() -> Home {
    let home = furnished(None);
    let mut session = home.fourhands();
    session.args(["--plain", "--session", "sales"]).env("PATH", path(&home));
    let mut session = session.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let code = "x = 1\n".repeat(13);
    std::io::Write::write_all(&mut session.stdin.take().unwrap(), code.as_bytes()).unwrap();
    assert!(session.wait().unwrap().success());
    home
}

fn command(home: &Home, words: &[&str]) -> Command {
    let mut command = home.fourhands();
    command.args(words).env("PATH", path(home)).stdin(Stdio::null());
    command
}

/// Opens a dashboard, waits until it is ready, and leaves.
fn open(home: &Home, words: &[&str]) -> Result<(), String> {
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", &format!("PATH={} exec {BINARY} {}", path(home), words.join(" "))]);
    let mut terminal = Terminal::run(home, shell, 40, 120);
    let is_plain = words.contains(&"--plain");
    let ready = if is_plain { "Ctrl-D to quit" } else { "Ctrl-D quit" };
    let screen = wait_until(&format!("the dashboard of {words:?}"), || {
        let screen = terminal.text();
        (screen.contains(ready) || terminal.child.try_wait().unwrap().is_some()).then_some(screen)
    });
    if is_plain {
        terminal.send("\u{4}");
    } else if terminal.is_alternate() {
        terminal.leave();
    }
    if terminal.wait().exit_code() == 0 { Ok(()) } else { Err(screen) }
}

fn in_order(is_so: bool) -> Result<(), String> {
    is_so.then_some(()).ok_or_else(|| "it did not end in order".to_owned())
}

/// Runs one command. An error says what went wrong.
fn run(line: &str, recorded: &Home) -> Result<(), String> {
    let home = furnished(Some(recorded));
    let words: Vec<&str> = line.split_ascii_whitespace().skip(1).collect();
    let ends = words.contains(&"--help");
    match words.first() {
        Some(&"serve") if words.contains(&"--stdio") => {
            let mut client = Client::start(command(&home, &words), "reader", Era::Legacy);
            in_order(client.run("6 * 7")["result"] == "42" && client.close().success())
        }
        Some(&"serve") => in_order(Server::start(command(&home, &words)).terminate().success()),
        Some(&"bridge") => in_order(Client::start(command(&home, &words), "reader", Era::Legacy).close().success()),
        None => open(&home, &words),
        Some(first) if !ends && (first.starts_with('-') || *first == "demo") => open(&home, &words),
        _ => {
            let is_stop = words.first() == Some(&"stop");
            let running = words.get(1).filter(|_| is_stop);
            let _running = running.map(|name| Server::start(command(&home, &["serve", "--session", name])));
            let asks = words.first() == Some(&"setup") && words.len() > 1 && !words.contains(&"--print");
            let output = command(&home, &words)
                .args(asks.then_some("--yes").filter(|_| !words.contains(&"--yes")))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let is_right = match NAMED.iter().find(|(named, _)| *named == line) {
                Some((_, why)) => !output.status.success() && said.contains(why),
                None => output.status.success(),
            };
            if is_right { Ok(()) } else { Err(said) }
        }
    }
}

#[test]
fn every_command_of_the_pages_does_what_it_is_there_for() {
    let recorded = record();
    let is_here = |line: &String| !ELSEWHERE.iter().any(|option| line.contains(option));
    let all: Vec<String> = commands().into_iter().filter(is_here).collect();
    assert!(all.len() > 35, "{all:?}");
    let (next, failed) = (Mutex::new(all.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(line) = next.lock().unwrap().next() else { return };
                    if let Err(why) = run(line, &recorded) {
                        failed.lock().unwrap().push(format!("`{line}`: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
