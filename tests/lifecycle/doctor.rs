//! `fourhands doctor` names the cause in each broken surrounding, and its remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::terminal::Terminal;
use crate::support::{Home, python};

/// A home with a working Python on PATH, and what a case breaks in it.
struct World {
    home: Home,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(python(), bin.join("python3")).unwrap();
        let variables = vec![("PATH".to_owned(), bin.display().to_string())];
        Self { home, variables, arguments: Vec::new() }
    }

    fn at(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn private(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// A script that takes the place of `python3`.
    fn python(&self, text: &str) {
        let path = self.at("bin/python3");
        fs::remove_file(&path).unwrap();
        // Copied by another process: a fork beside this one would keep our descriptor open for writing.
        let draft = self.write("draft", text);
        assert!(Command::new("cp").args([&draft, &path]).status().unwrap().success());
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn set(&mut self, name: &str, value: impl AsRef<Path>) {
        self.variables.push((name.to_owned(), value.as_ref().display().to_string()));
    }

    /// The findings that are not in order, and the exit code.
    fn examine(&self) -> (Vec<String>, Option<i32>) {
        let mut command = self.home.fourhands();
        command.args(["doctor", "--json"]).args(&self.arguments).stdin(Stdio::null());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let text = |finding: &Value| format!("{}: {}", finding["state"], finding["text"].as_str().unwrap());
        let wrong = found.iter().filter(|finding| finding["state"] != "ok").map(text).collect();
        (wrong, output.status.code())
    }
}

/// What is broken, how, the cause that is named, and the remedy.
type Case = (&'static str, fn(&mut World), &'static str, &'static str);

const FAULTS: &[Case] = &[
    (
        "a virtual environment that is gone",
        |w| w.set("VIRTUAL_ENV", "/no/env"),
        "VIRTUAL_ENV is /no/env",
        "unset VIRTUAL_ENV",
    ),
    (
        "a virtual environment whose Python was removed",
        |w| {
            symlink("/no/python3.9", w.at("env/bin/python")).unwrap();
            let folder = w.at("env");
            w.set("VIRTUAL_ENV", folder);
        },
        "is a broken link",
        "recreate the environment",
    ),
    (
        "a conda environment that is gone",
        |w| w.set("CONDA_PREFIX", "/no/conda"),
        "CONDA_PREFIX is /no/conda",
        "conda deactivate",
    ),
    (
        "a .venv without a Python",
        |w| drop(w.write("work/.venv/pyvenv.cfg", "home = /gone")),
        ".venv has no bin/python",
        "recreate it",
    ),
    ("no Python at all", |w| w.set("PATH", "/nowhere"), "No python3 was found on PATH", "install CPython 3.10"),
    ("a python3 that is none", |w| w.python("#!/bin/sh\necho hello\n"), "is not a Python interpreter", "give --python"),
    (
        "a python3 that is too old",
        |w| w.python("#!/bin/sh\necho 'fourhands-probe cpython 3.9.18 gil 64 =2f =2f =2f'\n"),
        "is Python 3.9.18, which is too old",
        "choose one with --python",
    ),
    (
        "PyPy",
        |w| w.python("#!/bin/sh\necho 'fourhands-probe pypy 3.10.14 gil 64 =2f =2f =2f'\n"),
        "is PyPy 3.10.14, not CPython",
        "--python",
    ),
    (
        "a free-threaded Python",
        |w| w.python("#!/bin/sh\necho 'fourhands-probe cpython 3.13.0 free 64 =2f =2f =2f'\n"),
        "free-threaded",
        "choose a regular build",
    ),
    (
        "a 32-bit Python",
        |w| w.python("#!/bin/sh\necho 'fourhands-probe cpython 3.12.0 gil 32 =2f =2f =2f'\n"),
        "32-bit",
        "choose a 64-bit CPython",
    ),
    (
        "a Python that is asked for and missing",
        |w| w.arguments = vec!["--python".to_owned(), "/no/python".to_owned()],
        "/no/python does not exist",
        "give --python",
    ),
    (
        "PYTHONHOME of another Python",
        |w| w.set("PYTHONHOME", "/gone"),
        "It does not start",
        "PYTHONHOME=/gone (unset it to check)",
    ),
    (
        "a sitecustomize that ends Python",
        |w| {
            w.write("site/sitecustomize.py", "import os; os._exit(4)");
            let folder = w.at("site");
            w.set("PYTHONPATH", folder);
        },
        "exit status: 4",
        "sitecustomize.py or a .pth file; fix that",
    ),
    (
        "a sitecustomize that raises SystemExit",
        |w| {
            w.write("site/sitecustomize.py", "raise SystemExit('not today')");
            let folder = w.at("site");
            w.set("PYTHONPATH", folder);
        },
        "It does not start",
        "fix that, or choose another Python",
    ),
    (
        "a runtime folder that others may enter",
        |w| {
            let folder = w.private("run");
            fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            w.set("XDG_RUNTIME_DIR", folder);
        },
        "is open to other users (mode 755)",
        "chmod 700",
    ),
    (
        "a runtime folder that is missing",
        |w| w.set("XDG_RUNTIME_DIR", "/no/run"),
        "which is not a folder",
        "create it with mode 700",
    ),
    (
        "records that others may read",
        |w| {
            let folder = w.private(".local/state/fourhands/sessions");
            fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        },
        "who could use its files to run code as you",
        "chmod 700",
    ),
    (
        "records behind a link",
        |w| {
            let folder = w.private("elsewhere");
            w.private(".local/state/fourhands");
            symlink(folder, w.at(".local/state/fourhands/sessions")).unwrap();
        },
        "is not a plain folder",
        "move it away",
    ),
    (
        "a session that is not there",
        |w| w.set("FOURHANDS_SESSION", "sales"),
        "FOURHANDS_SESSION is sales",
        "fourhands --session sales",
    ),
    (
        "a session name that can be none",
        |w| w.set("FOURHANDS_SESSION", "../x"),
        "FOURHANDS_SESSION: \"../x\" is not a valid session name",
        "change or unset the variable",
    ),
    ("a size without a unit", |w| w.set("FOURHANDS_JOURNAL_MAX", "5"), "a number without a unit", "did you mean 5GB"),
    (
        "a journal that is damaged",
        |w| {
            w.private(".local/state/fourhands");
            let folder = w.private(".local/state/fourhands/journal");
            fs::write(folder.join("journal.db"), [7; 8192]).unwrap();
        },
        "journal.db",
        "begins a new one; nothing is deleted",
    ),
    ("a journal with a damaged page", |w| damage_a_page(w), "is damaged in parts", "fourhands export"),
    (
        "settings with a mistake",
        |w| drop(w.write(".config/fourhands/config.toml", "mouse = true\n\n[editr]\nvi = true\n")),
        "line 3",
        "did you mean",
    ),
    (
        "a client whose file is broken",
        |w| drop(w.write(".cursor/mcp.json", "{\n  \"mcpServers\": {\n")),
        "Cursor: ~/.cursor/mcp.json is not valid JSON",
        "mend the file",
    ),
    (
        "a client that starts no server",
        |w| {
            let entry = r#"{"mcpServers": {"fourhands": {"command": "fourhands", "args": ["brige"]}}}"#;
            w.write(".cursor/mcp.json", entry);
        },
        "its arguments `brige` start no MCP server",
        "run `fourhands setup cursor`",
    ),
    (
        "a client with its arguments as one text",
        |w| {
            let entry = r#"{"mcpServers": {"fourhands": {"command": "fourhands", "args": "bridge"}}}"#;
            w.write(".cursor/mcp.json", entry);
        },
        "its arguments `\"bridge\"` are no list of texts",
        "run `fourhands setup cursor`",
    ),
    (
        "a client with a path that only a shell understands",
        |w| {
            let entry = "[mcp_servers.fourhands]\ncommand = \"~/bin/fourhands\"\nargs = [\"bridge\"]\n";
            w.write(".codex/config.toml", entry);
        },
        "its program `~/bin/fourhands` is no path",
        "fourhands setup codex",
    ),
    (
        "a client that starts a program that is gone",
        |w| {
            drop(w.write(
                ".codex/config.toml",
                "[mcp_servers.fourhands]\ncommand = \"/old/fourhands\"\nargs = [\"bridge\"]\n",
            ));
        },
        "Codex would start /old/fourhands, which does not exist",
        "fourhands setup codex",
    ),
    (
        "a client that starts a name which is not on PATH",
        |w| {
            let entry = r#"{"mcpServers":{"fourhands":{"command":"fourhands","args":["bridge"]}}}"#;
            drop(w.write(".cursor/mcp.json", entry));
        },
        "Cursor would start `fourhands`, which is not on PATH here",
        "fourhands setup cursor",
    ),
    (
        "a state folder that cannot be written",
        |w| {
            let file = w.write("state", "a file");
            w.set("XDG_STATE_HOME", file);
        },
        "state, which cannot be written (not a directory), so the journal and whole outputs are in",
        "make",
    ),
    (
        "a module of Python's own in the working directory",
        |w| drop(w.write("work/random.py", "")),
        "work/random.py takes the place of Python's own module random",
        "rename it, or move it out of the working directory",
    ),
    (
        "a module of Python's own on PYTHONPATH",
        |w| {
            w.write("site/types.py", "raise RuntimeError('mine')");
            let folder = w.at("site");
            w.set("PYTHONPATH", folder);
        },
        "site/types.py takes the place of Python's own module types",
        "rename it, or move it out of PYTHONPATH",
    ),
    (
        "an editor that is not there",
        |w| w.set("VISUAL", "vmi -u NONE"),
        "`vmi -u NONE` cannot be started",
        "set $VISUAL or $EDITOR",
    ),
    ("no TERM", |w| w.set("TERM", ""), "TERM is not set", "TERM=xterm-256color"),
    (
        "figures of an unknown kind",
        |w| w.set("FOURHANDS_FIGURES", "jpeg"),
        "FOURHANDS_FIGURES is jpeg",
        "none of auto, blocks",
    ),
];

/// Records a session, and then overwrites a page of the journal that no list of sessions reads.
fn damage_a_page(world: &World) {
    const DAMAGE: &str = r#"
import sqlite3, sys
journal = sqlite3.connect(sys.argv[1])
(page,), = journal.execute("select rootpage from sqlite_master where name = 'displays_by_snippet'")
(size,), = journal.execute("pragma page_size")
journal.close()
with open(sys.argv[1], "r+b") as file:
    file.seek((page - 1) * size)
    file.write(b"\7" * size)
"#;
    let mut session = world.home.fourhands();
    session.args(["--plain", "--python"]).arg(python()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut session = session.spawn().unwrap();
    std::io::Write::write_all(&mut session.stdin.take().unwrap(), b"1 + 1\n").unwrap();
    assert!(session.wait().unwrap().success());
    let journal = world.at(".local/state/fourhands/journal/journal.db");
    assert!(Command::new(python()).args(["-c", DAMAGE]).arg(journal).status().unwrap().success());
}

/// What there is, how it comes about, and what is said of it.
type Note = (&'static str, fn(&mut World), &'static str);

/// What is not broken, and worth knowing.
const NOTES: &[Note] = &[
    (
        "a conda environment without a Python",
        |w| {
            let folder = w.private("conda");
            w.set("CONDA_PREFIX", folder);
        },
        "has no Python, so python3 on PATH was chosen",
    ),
    (
        "a .venv that is empty",
        |w| drop(w.private("work/.venv")),
        "work/.venv has no Python, so python3 on PATH was chosen",
    ),
    (
        "a .venv that is a dead link",
        |w| symlink("/no/environment", w.at("work/.venv")).unwrap(),
        "work/.venv is a link to nowhere",
    ),
    (
        "a client that has fourhands disabled",
        |w| {
            let entry =
                r#"{"mcpServers": {"fourhands": {"command": "fourhands", "args": ["bridge"], "disabled": true}}}"#;
            w.write(".cursor/mcp.json", entry);
        },
        "Cursor has fourhands, but disabled (~/.cursor/mcp.json)",
    ),
    (
        "a sitecustomize that prints",
        |w| {
            w.write("site/sitecustomize.py", "print('hello from site')");
            let folder = w.at("site");
            w.set("PYTHONPATH", folder);
        },
        "hello from site",
    ),
    (
        "a verbose Python with an encoding of its own",
        |w| {
            w.set("PYTHONVERBOSE", "1");
            w.set("PYTHONIOENCODING", "utf-16");
        },
        "It prints when it starts, from PYTHONVERBOSE:",
    ),
    ("a startup file", |w| w.set("PYTHONSTARTUP", "/home/ada/.pythonrc"), "sessions do not run it: `%run FILE`"),
    ("a journal that is off", |w| w.set("FOURHANDS_JOURNAL_MAX", "0"), "not recorded, as you have set it"),
    ("a terminal without a cursor", |w| w.set("TERM", "dumb"), "the dashboard is plain lines"),
    ("tmux", |w| w.set("TMUX", "/tmp/tmux-0/default,1,0"), "set-clipboard on"),
    ("a client that is not set up", |w| drop(w.private(".config/zed")), "`fourhands setup zed`"),
];

#[test]
fn each_broken_surrounding_is_named_with_its_remedy() {
    std::thread::scope(|scope| {
        for cases in FAULTS.chunks(FAULTS.len().div_ceil(4)) {
            scope.spawn(move || {
                for (what, break_it, cause, remedy) in cases {
                    let mut world = World::new();
                    break_it(&mut world);
                    let (wrong, code) = world.examine();
                    let named = wrong
                        .iter()
                        .any(|line| line.starts_with("\"fault\"") && line.contains(cause) && line.contains(remedy));
                    assert!(named, "{what}: {wrong:#?}");
                    assert_eq!(code, Some(1), "{what}: {wrong:#?}");
                }
            });
        }
    });
}

#[test]
fn what_is_only_worth_knowing_is_no_fault() {
    for (what, change, text) in NOTES {
        let mut world = World::new();
        change(&mut world);
        let (wrong, code) = world.examine();
        assert!(wrong.iter().any(|line| line.starts_with("\"note\"") && line.contains(text)), "{what}: {wrong:#?}");
        assert_eq!(code, Some(0), "{what}: {wrong:#?}");
    }
}

#[test]
fn nothing_is_created() {
    let mut world = World::new();
    let state = world.at("states/mine");
    world.set("XDG_STATE_HOME", state);
    let names = || {
        let mut found = Vec::new();
        let mut folders = vec![world.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            let within: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            folders.extend(within.iter().filter(|path| path.is_dir() && !path.is_symlink()).cloned());
            found.extend(within);
        }
        found
    };
    let before = names();
    let (wrong, code) = world.examine();
    assert_eq!((names(), code), (before, Some(0)), "{wrong:#?}");
}

#[test]
fn a_folder_of_its_own_is_no_fault() {
    let mut world = World::new();
    let (own, runtime) = (world.private("own"), world.private("run"));
    world.set("FOURHANDS_HOME", own);
    world.set("XDG_RUNTIME_DIR", runtime);
    let (wrong, code) = world.examine();
    assert!(code == Some(0) && !wrong.iter().any(|line| line.starts_with("\"fault\"")), "{wrong:#?}");
}

#[test]
fn a_person_reads_a_page_and_the_terminal_is_asked() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["doctor", "--python", python().to_str().unwrap()], 40, 120);
    // This terminal answers nothing.
    terminal.wait_for_all(&[
        "Python\r\n".trim(),
        "\u{2713} It starts in",
        "does not answer questions",
        "Nothing is broken.",
    ]);
    assert_eq!(terminal.wait().exit_code(), 0);
    assert!(terminal.has_received("\x1b[?u") && terminal.echoes() && !terminal.is_raw());
}
