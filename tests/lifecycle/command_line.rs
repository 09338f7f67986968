//! What the command line refuses: one plain sentence on stderr, nothing on stdout, exit code 2.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Home;
use crate::support::terminal::Terminal;

/// Runs `fourhands` in an empty home, without a terminal and with nothing but `python3` from `path` to be found.
fn refused(arguments: &[&str], path: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fourhands"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", path)
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: stdout belongs to the protocol");
    assert_eq!(said.trim_end().lines().count(), 1, "{arguments:?}: {said}");
    said
}

fn executable(path: PathBuf, text: &str) -> String {
    // Copied by another process: a fork of a test beside this one would keep our own descriptor open for writing, and
    // then the file cannot be run.
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    assert!(Command::new("cp").args([&draft, &path]).status().unwrap().success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.into_os_string().into_string().unwrap()
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let said = refused(&[], Path::new("/nowhere"));
    assert!(said.contains("`fourhands serve`") && said.contains("`fourhands serve --stdio`"), "{said}");
}

#[test]
fn a_name_that_cannot_be_one_is_told_from_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let python = executable(
        folder.path().join("python"),
        "#!/bin/sh\necho 'fourhands-probe cpython 3.12.1 gil 64 =2f =2f =2f'\n",
    );
    for name in ["", "a b", "../up", ".hidden", "a/b", "\u{e9}", &"a".repeat(65)] {
        let said = refused(&["serve", "--python", &python, "--session", name], Path::new("/nowhere"));
        assert!(said.contains("is not a valid session name: use "), "{name:?}: {said}");
    }
}

#[test]
fn a_python_that_does_not_fit_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let missing = at("missing").into_os_string().into_string().unwrap();
    let pypy = executable(at("pypy"), "#!/bin/sh\necho 'fourhands-probe pypy 3.10.14 gil 64 =2f =2f =2f'\n");
    let old = executable(at("old"), "#!/bin/sh\necho 'fourhands-probe cpython 3.9.18 gil 64 =2f =2f =2f'\n");
    let free = executable(at("free"), "#!/bin/sh\necho 'fourhands-probe cpython 3.13.0 free 64 =2f =2f =2f'\n");
    for (path, fault) in [
        (missing.as_str(), "does not exist"),
        (&pypy, "is PyPy 3.10.14, not CPython"),
        (&old, "is Python 3.9.18, which is too old"),
        (&free, "is a free-threaded build of Python 3.13.0"),
        ("/bin/ls", "is not a Python interpreter"),
        ("/dev/null", "is not executable"),
        ("/", "is a folder without bin/python"),
        ("no-such-command", "does not exist"),
    ] {
        for command in [&["serve", "--python", path][..], &["serve", "--stdio", "--python", path]] {
            let said = refused(command, Path::new("/nowhere"));
            assert!(said.contains(path) && said.contains(fault) && said.contains("--python"), "{path}: {said}");
        }
    }
}

#[test]
fn where_the_python_came_from_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&["serve"], folder.path());
    assert!(said.contains("No python3 was found on PATH") && said.contains("--python"), "{said}");
    symlink("/bin/true", folder.path().join("python3")).unwrap();
    let said = refused(&["serve"], folder.path());
    assert!(said.contains("(python3 on PATH) is not a Python interpreter"), "{said}");
}

#[test]
fn a_wrong_word_is_answered_with_the_command_that_was_meant() {
    for (arguments, meant) in [
        (&["resume"][..], "try `fourhands --resume [SESSION]`"),
        (&["sessions", "prune"], "try `fourhands sessions --prune`"),
        (&["--sessions"], "try `fourhands sessions`"),
        (&["exprot"], "try `fourhands export`"),
        (&["stauts"], "try `fourhands sessions`"),
        (&["setpu", "claude"], "try `fourhands setup`"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_fourhands")).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(meant), "{arguments:?}: {said}");
    }
}

#[test]
fn the_bridge_in_a_terminal_says_how_to_configure_a_client() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["bridge", "--serve"], 24, 120);
    let status = terminal.wait();
    assert_eq!(status.exit_code(), 2);
    terminal.wait_for_all(&["add this MCP server", r#"["bridge", "--serve"]"#, "claude mcp add --scope user"]);
}
