//! Nobody else gets in, nothing of ours lies open, and nothing that a client or a snippet sends reaches the terminal.

use crate::support;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, python};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, setresgid, setresuid};
use serde_json::json;

const NOBODY: u32 = 65_534;

/// Does something as another user, in a process of its own; answers the exit code.
#[allow(unsafe_code, reason = "only a process of its own can change its user")]
fn as_nobody(act: impl FnOnce() -> i32) -> nix::unistd::Pid {
    // SAFETY: the child allocates, which the C library allows after a fork, and leaves by _exit.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            let changed = setresgid(group, group, group).and_then(|()| setresuid(user, user, user));
            let code = if changed.is_ok() { act() } else { 99 };
            // SAFETY: ends this process and does nothing else.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => child,
    }
}

fn may_change_user() -> bool {
    let may = Uid::effective().is_root();
    if !may {
        eprintln!("skipped: only root can act as another user");
    }
    may
}

fn sessions(home: &Home) -> PathBuf {
    home.path().join(".local/state/fourhands/sessions")
}

pub fn bridge(home: &Home, name: &str, arguments: &[&OsStr]) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge").args(arguments);
    Client::start(bridge, name, Era::Legacy)
}

#[test]
fn another_user_is_turned_away_even_where_the_file_would_let_it_in() {
    if !may_change_user() {
        return;
    }
    let home = Home::new();
    let _server = home.serve("private");
    let socket = sessions(&home).join("private.sock");
    let try_to_talk = || match UnixStream::connect(&socket) {
        Err(_) => 1,
        Ok(mut stream) => {
            let _ = stream.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            if answer.is_empty() { 2 } else { 3 }
        }
    };
    let end = |child| match waitpid(child, None).unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    };
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(end(as_nobody(try_to_talk)), 1, "the folder keeps others out");
    for folder in sessions(&home).ancestors().take_while(|folder| *folder != home.path()) {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(end(as_nobody(try_to_talk)), 1, "the socket keeps others out");
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(end(as_nobody(try_to_talk)), 2, "who gets through is hung up on without a word");
    let socket = socket.as_os_str();
    assert_eq!(bridge(&home, "me", &["--socket".as_ref(), socket]).run("6 * 7")["result"], "42", "and we are served");
}

#[test]
fn a_bridge_does_not_talk_to_a_session_of_another_user() {
    if !may_change_user() {
        return;
    }
    let home = Home::new();
    let open = home.path().join("open");
    fs::create_dir(&open).unwrap();
    for folder in [home.path(), &open] {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    }
    let path = open.join("trap.sock");
    let trap = as_nobody(|| {
        let Ok(listener) = UnixListener::bind(&path) else { return 1 };
        for stream in listener.incoming().map_while(Result::ok) {
            if BufReader::new(stream).lines().next().is_some() {
                return 2;
            }
        }
        3
    });
    support::wait_until("the trap", || path.exists().then_some(()));
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let mut command = home.fourhands();
    command.args(["bridge", "--socket"]).arg(&path).stderr(Stdio::piped());
    let mut client = Client::start(command, "careful", Era::Legacy);
    let result = client.call("run_python_code", json!({"code": "print('secret')"}));
    assert!(Client::text(&result).starts_with("Nothing was run."), "{result}");
    let mut stderr = client.child.stderr.take().unwrap();
    client.close();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(said.contains("served by another user (uid 65534)"), "{said}");
    nix::sys::signal::kill(trap, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(matches!(waitpid(trap, None).unwrap(), WaitStatus::Signaled(..)), "it was told something");
}

#[test]
fn nothing_lies_open_whatever_the_umask_is() {
    ["000", "777"].into_iter().for_each(nothing_lies_open_with);
}

fn nothing_lies_open_with(umask: &str) {
    let home = Home::new();
    // A careless umask made this one before.
    let cache = home.path().join(".cache/fourhands");
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();
    let mut shell = home.fourhands();
    let program = shell.get_program().to_owned();
    shell = std::process::Command::new("sh");
    shell.current_dir(home.work()).env_clear().envs(home.environment());
    let line = format!("umask {umask}; exec \"$0\" serve --session wide --python \"$1\"");
    shell.arg("-c").arg(line).arg(program).arg(python());
    let server = Server::start(shell);
    let mut client = bridge(&home, "tester", &[]);
    client.run("class Kept: pass\ndef f(): pass\nprint('x' * 400_000)");

    let mut seen = Vec::new();
    let mut look_into = vec![home.path().join(".local/state/fourhands"), cache];
    while let Some(folder) = look_into.pop() {
        let mode = folder.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                look_into.push(entry.path());
                continue;
            }
            // The session's own `python` and `pip`.
            let is_program = folder.file_name().unwrap().to_str().unwrap().starts_with("bin-");
            let mode = if is_program { 0o700 } else { 0o600 };
            assert_eq!(facts.mode() & 0o777, mode, "{} with umask {umask}", entry.path().display());
            assert!(facts.is_file() || facts.file_type().is_socket());
            seen.push(entry.file_name().into_string().unwrap());
        }
    }
    for name in ["wide.sock", "wide.json", "wide.lock", "wide.py", "pythons.json", "journal.db", "1.out"] {
        assert!(seen.iter().any(|file| file == name), "{name} is not in {seen:?}");
    }
    drop(server);
}

#[test]
fn folders_that_others_could_use_are_refused_with_the_remedy() {
    let home = Home::new();
    let folder = sessions(&home);
    let refused = |remedy: &str| {
        for arguments in [&["serve", "--session", "x"][..], &["sessions"], &["stop", "x"]] {
            let mut command = home.fourhands();
            if arguments[0] == "serve" {
                command.args(arguments).arg("--python").arg(python());
            } else {
                command.args(arguments);
            }
            let output = command.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
            assert!(said.contains(folder.to_str().unwrap()) && said.contains(remedy), "{said}");
        }
        let mut client = bridge(&home, "told", &[]);
        let result = client.call("run_python_code", json!({"code": "1"}));
        assert!(Client::text(&result).contains(remedy), "the model is told as well: {result}");
    };
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
    refused("chmod 700");
    fs::remove_dir(&folder).unwrap();
    let elsewhere = home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
    for target in [elsewhere.as_path(), Path::new("/nowhere")] {
        symlink(target, &folder).unwrap();
        refused("move it away");
        fs::remove_file(&folder).unwrap();
    }
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(folder.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
    refused("chmod o-w");
}

#[test]
fn no_network_is_listened_on() {
    let home = Home::new();
    let server = home.serve("local");
    let session = children(server.child.id())[0];
    let mut inodes = Vec::new();
    // The host's threads have descriptors of their own.
    for task in fs::read_dir(format!("/proc/{session}/task")).unwrap().flatten() {
        for fd in fs::read_dir(task.path().join("fd")).unwrap().flatten() {
            let target = fs::read_link(fd.path()).unwrap_or_default().to_string_lossy().into_owned();
            inodes.extend(target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned));
        }
    }
    assert!(!inodes.is_empty(), "its Unix sockets");
    for table in ["tcp", "tcp6", "udp", "udp6", "raw"] {
        let open = fs::read_to_string(format!("/proc/{session}/net/{table}")).unwrap_or_default();
        let ours = open.lines().find(|line| inodes.iter().any(|inode| line.split_whitespace().nth(9) == Some(inode)));
        assert_eq!(ours, None, "{table}");
    }
}

/// What lies where fourhands writes may lead elsewhere, by a mistake or a mischief: nothing is written there.
#[test]
fn no_link_is_followed_where_something_is_written() {
    let home = Home::new();
    // Makes all folders, and lets go of them again.
    drop(home.serve("first"));
    let precious = home.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "kept").unwrap();
    let state = home.path().join(".local/state/fourhands");
    let cache = home.path().join(".cache/fourhands");
    for (path, target) in [
        (state.join("sessions/linked.json"), "file"),
        (state.join("sessions/.linked.new"), "new1"),
        (state.join("sessions/linked.sock"), "file"),
        (state.join("sessions/linked.py"), "file"),
        (state.join("sessions/linked.draft"), "new2"),
        (state.join("journal/journal.lock"), "new3"),
        (state.join("journal/journal.db-wal"), "new4"),
        (state.join("spool"), ""),
        (cache.join("pythons.json"), "file"),
    ] {
        let _ = fs::remove_file(&path);
        symlink(precious.join(target), &path).unwrap();
    }
    let server = home.serve("linked");
    let note = server.wait_for_line("note: ");
    assert!(note.contains("journal.db-wal was not created by fourhands; move it away"), "{note}");
    let mut client = bridge(&home, "tester", &[]);
    let answer = client.run("def f(): pass\nprint('x' * 400_000)\n42");
    assert_eq!(answer["result"], "42");
    drop((client, server));
    assert_eq!(fs::read_to_string(precious.join("file")).unwrap(), "kept");
    let left: Vec<_> = fs::read_dir(&precious).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["file"]);

    // The lock of the name is refused, with the reason.
    symlink(precious.join("new5"), state.join("sessions/locked.lock")).unwrap();
    let mut command = home.fourhands();
    command.args(["serve", "--session", "locked", "--python"]).arg(python());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("symbolic link") && said.lines().count() == 1, "{said}");
    assert_eq!(fs::read_dir(&precious).unwrap().count(), 1);
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What a terminal would obey: its title, its clipboard, the whole screen, a report that comes back as typed keys.
const HOSTILE: &str = "\u{1b}]0;PWNED\u{7}\u{1b}]52;c;UFdORUQ=\u{7}\u{1b}[2J\u{1b}[6n\u{9b}2J\u{90}PWNED\u{9c}\u{202e}";

/// Code that puts that wherever a snippet can. `code` runs `HOSTILE` as Python text.
fn hostile_code() -> Vec<String> {
    let h = HOSTILE.chars().fold(String::new(), |text, c| format!("{text}\\U{:08x}", u32::from(c)));
    vec![
        format!("h = '{h}'"),
        format!("print('{h}')\nimport sys; sys.stderr.write('{h}\\n')"),
        format!("'{h}'"),
        format!("class R:\n    def __repr__(self): return '{h}'\nR()"),
        format!("raise type('{h}', (Exception,), {{}})('{h}')"),
        format!("exec(compile('1/0', '{h}.py', 'exec'))"),
        format!("globals()['{h}'] = 1\nv = type('T{h}', (), {{}})()"),
        format!("{HOSTILE} # in the code itself"),
        format!("import os; os.write(1, '{h}\\n'.encode()); os.system(\"printf '\\\\033]0;PWNED\\\\007'\")"),
        format!("import warnings; warnings.warn('{h}')"),
        format!("import threading; t = threading.Thread(target=lambda: 1/0, name='{h}'); t.start(); t.join()"),
    ]
}

fn is_harmless(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for sign in ["\u{1b}]0;", "\u{1b}]52;", "\u{1b}[6n", "\u{9b}", "\u{90}", "\u{202e}"] {
        assert!(!text.contains(sign), "{sign:?} reached the terminal: {:?}", around(&text, sign));
    }
}

fn around(text: &str, sign: &str) -> String {
    let at = text.find(sign).unwrap_or(0);
    text[..at].chars().rev().take(60).collect::<String>().chars().rev().chain(text[at..].chars().take(60)).collect()
}

#[test]
fn no_escape_sequence_reaches_the_terminal_through_the_dashboard() {
    let home = Home::new();
    let folder = home.work().join(format!("dir{HOSTILE}").replace('/', ""));
    fs::create_dir(&folder).unwrap();
    let python = python();
    let mut command = portable_pty::CommandBuilder::new("sh");
    command.args(["-c", "cd dir* && exec \"$0\" --python \"$1\"", support::BINARY, python.to_str().unwrap()]);
    let mut terminal = Terminal::run(&home, command, 40, 140);
    terminal.wait_for_text("ready");
    let mut client = bridge(&home, &format!("cur{HOSTILE}sor"), &[]);
    for (nth, code) in hostile_code().iter().enumerate() {
        client.run(code);
        terminal.wait_for("the snippet's card", |text| text.contains(&format!("  {}  ", nth + 1)));
    }
    let id = client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": "input(h)"}}));
    terminal.wait_for_text("wants input: ⟨U+202E⟩");
    // Variables, clients, help, and all of the transcript.
    for keys in ["\u{1b}OS", "\u{1b}OR", "\u{1b}OP", "\u{1b}[5~", "\u{1b}[5~", "\u{1b}[6~"] {
        terminal.send(keys);
    }
    terminal.wait_for("the keys to be read, which would scroll in the next Python", |text| text.contains("─ help ─"));
    client.call("answer_input", json!({"snippet": hostile_code().len() + 1, "text": HOSTILE.replace('\u{7}', "")}));
    client.answer(id);
    client.call("run_python_code", json!({"code": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"}));
    terminal.wait_for_text("taken over");
    support::signal(terminal.pid(), nix::sys::signal::Signal::SIGTERM);
    terminal.wait();
    let shown = terminal.received();
    assert!(contains(&shown, "killed by SIGKILL"), "its last words");
    is_harmless(without_own_titles(&String::from_utf8_lossy(&shown)).as_bytes());
}

/// The dashboard sets a title of its own; one of `HOSTILE` would be that text alone.
fn without_own_titles(text: &str) -> String {
    let mut parts = text.split("\u{1b}]0;");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('\u{7}') {
            Some((title, after)) if title != "PWNED" && !title.chars().any(char::is_control) => rest += after,
            _ => rest = rest + "\u{1b}]0;" + part,
        }
    }
    rest
}

#[test]
fn no_escape_sequence_gets_into_the_log_and_no_line_of_it_is_forged() {
    let home = Home::new();
    let mut command = home.fourhands();
    command.args(["serve", "--session", "logged", "--python"]).arg(python());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("listening on") {
        assert_ne!(log.read_line(&mut text).unwrap(), 0, "{text}");
    }
    let mut client = bridge(&home, &format!("cur{HOSTILE}\n1 you runs: PWNED"), &[]);
    for code in hostile_code() {
        client.run(&code);
    }
    let forged = "\\n99 you runs: PWNED\\r99 you runs: PWNED";
    client.run(&format!("raise type('X{forged}', (Exception,), {{}})('{forged}')"));
    client.call("run_python_code", json!({"code": format!("input(h + '{forged}')"), "wait_s": 1}));
    client.call("interrupt_snippet", json!({}));
    client.call("run_python_code", json!({"code": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"}));
    while !text.contains("taken over") {
        assert_ne!(log.read_line(&mut text).unwrap(), 0, "{text}");
    }
    support::signal(child.id(), nix::sys::signal::Signal::SIGTERM);
    log.read_to_string(&mut text).unwrap();
    let output = child.wait_with_output().unwrap();
    is_harmless(text.as_bytes());
    is_harmless(&output.stderr);
    let forged: Vec<_> = text.lines().filter(|line| line.starts_with("99 ") || line.starts_with("1 you")).collect();
    assert!(forged.is_empty(), "{forged:?}");
    assert!(!text.contains('\r') && !text.contains('\u{1b}'));
}

#[test]
fn what_the_command_line_repeats_is_harmless() {
    let home = Home::new();
    let hostile = OsStr::from_bytes(b"x\x1b]0;PWNED\x07\xff\xc2\x9b2J");
    for arguments in [&["serve", "--session"][..], &["serve", "--python"], &["stop", "--"], &["--session"], &["bogus"]]
    {
        let output = home.fourhands().args(arguments).arg(hostile).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        is_harmless(&output.stdout);
        is_harmless(&output.stderr);
    }
}
