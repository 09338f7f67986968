//! `fourhands setup`: the configurations of clients in a fake home, and that what is written works.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home};

const CLIENTS: &[(&str, &str)] = &[
    ("claude-code", ".claude.json"),
    ("claude-desktop", ".config/Claude/claude_desktop_config.json"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code/User/mcp.json"),
    ("codex", ".codex/config.toml"),
    ("gemini", ".gemini/settings.json"),
    ("zed", ".config/zed/settings.json"),
    ("windsurf", ".codeium/windsurf/mcp_config.json"),
];

/// Runs `fourhands setup` without a terminal and without any client on PATH.
fn setup(home: &Home, arguments: &[&str]) -> Output {
    home.fourhands().arg("setup").args(arguments).env("PATH", "/nowhere").stdin(Stdio::null()).output().unwrap()
}

/// Writes a program by another process: a fork beside this one would keep our descriptor open for writing.
fn write_program(path: &Path, script: &str) {
    let mut cat = Command::new("sh").args(["-c", "cat > \"$0\""]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    cat.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(cat.wait().unwrap().success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The command and the arguments that a configuration has for the server `fourhands`.
fn configured(text: &str) -> (String, Vec<String>) {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        let servers = json.as_object().unwrap().values().find_map(|servers| servers.get("fourhands")).unwrap();
        let args = servers["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().to_owned()).collect();
        return (servers["command"].as_str().unwrap().to_owned(), args);
    }
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).unwrap();
    (serde_json::from_str(value("command")).unwrap(), serde_json::from_str(value("args")).unwrap())
}

#[test]
fn each_client_is_set_up_and_starts_what_was_written() {
    let home = Home::new();
    let listed = text(&setup(&home, &[]).stdout);
    assert!(listed.contains("No AI client was found") && listed.contains("[\"bridge\"]"), "{listed}");
    for (client, file) in CLIENTS {
        let done = setup(&home, &[client, "--yes"]);
        let said = text(&done.stdout);
        assert!(done.status.success(), "{client}: {said}{}", text(&done.stderr));
        assert!(said.contains("--- /dev/null") && said.contains("Next: "), "{client}: {said}");
        let (command, args) = configured(&fs::read_to_string(home.path().join(file)).unwrap());
        assert_eq!(command, BINARY, "the absolute path of the program");

        let mut bridge = Command::new(command)
            .args(args)
            .env_clear()
            .env("HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = bridge.stdin.take().unwrap();
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
        writeln!(stdin, "{hello}").unwrap();
        let mut answer = String::new();
        BufReader::new(bridge.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        assert!(answer.contains("\"name\":\"fourhands\""), "{client}: {answer}");
        drop(stdin);
        assert!(bridge.wait().unwrap().success());

        let again = text(&setup(&home, &[client, "--yes"]).stdout);
        assert!(again.contains("already set up"), "{client}: {again}");
    }
    let listed = text(&setup(&home, &[]).stdout);
    assert_eq!(listed.matches("\u{2713} set up").count(), CLIENTS.len(), "{listed}");
    for (client, file) in CLIENTS {
        assert!(setup(&home, &[client, "--remove", "--yes"]).status.success());
        assert!(!fs::read_to_string(home.path().join(file)).unwrap().contains("fourhands"), "{client}");
    }
}

#[test]
fn nothing_is_written_without_an_answer() {
    let home = Home::new();
    let refused = setup(&home, &["cursor"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stdout).contains("+++ ~/.cursor/mcp.json"), "the change is shown");
    assert!(text(&refused.stderr).contains("--yes writes without asking"), "{}", text(&refused.stderr));
    let printed = setup(&home, &["cursor", "codex", "--print"]);
    assert!(text(&printed.stdout).contains("[mcp_servers.fourhands]") && text(&printed.stderr).contains("~/.codex"));
    assert!(!home.path().join(".cursor").exists() && !home.path().join(".codex").exists());

    // A broken file is left alone, and the entry is printed for the person.
    fs::create_dir(home.path().join(".cursor")).unwrap();
    fs::write(home.path().join(".cursor/mcp.json"), "{ broken").unwrap();
    let broken = setup(&home, &["cursor", "--yes"]);
    let said = text(&broken.stderr);
    assert_eq!(broken.status.code(), Some(1));
    assert!(said.contains("is not valid JSON") && said.contains("\"args\": [\"bridge\"]"), "{said}");
    assert_eq!(fs::read_to_string(home.path().join(".cursor/mcp.json")).unwrap(), "{ broken");
    assert!(text(&setup(&home, &[]).stdout).contains("\u{2717} the file is not valid JSON"));
}

#[test]
fn a_person_sees_the_change_and_decides() {
    let home = Home::new();
    let file = home.path().join(".codex/config.toml");
    let mut terminal = Terminal::start(&home, &["setup", "codex"], 50, 120);
    terminal.wait_for_all(&["+[mcp_servers.fourhands]", "Set up Codex? [y/N]"]);
    terminal.send("n\r");
    terminal.wait_for_all(&["Nothing was changed."]);
    assert_eq!(terminal.wait().exit_code(), 1);
    assert!(!file.exists());

    let mut terminal = Terminal::start(&home, &["setup", "codex", "--serve"], 60, 120);
    terminal.wait_for_all(&["Set up Codex? [y/N]"]);
    terminal.send("y\r");
    terminal.wait_for_all(&["Changed ~/.codex/config.toml.", "only read without asking you", "Allow this? [y/N]"]);
    terminal.send("y\r");
    terminal
        .wait_for_all(&["The file before is kept as ~/.local/state/fourhands/backups/", "Next: Start a new `codex`"]);
    assert_eq!(terminal.wait().exit_code(), 0);
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("\"--serve\"") && text.contains("[mcp_servers.fourhands.tools.read_output]"), "{text}");
}

#[test]
fn an_entry_that_leads_elsewhere_or_nowhere_is_named() {
    let home = Home::new();
    fs::create_dir(home.path().join(".cursor")).unwrap();
    let file = home.path().join(".cursor/mcp.json");
    let entry = |entry: &str| {
        let text = format!("{{\"mcpServers\": {{\"fourhands\": {entry}}}}}\n");
        fs::write(&file, &text).unwrap();
        text
    };

    let far = entry(r#"{"command": "ssh", "args": ["server", "fourhands", "bridge"]}"#);
    let done = setup(&home, &["cursor", "--yes"]);
    let said = text(&done.stdout);
    assert!(done.status.success() && said.contains("ssh server fourhands bridge (~/.cursor/mcp.json)"), "{said}");
    assert!(said.contains("left as it is") && said.contains("`fourhands setup cursor --remove`"), "{said}");
    assert_eq!(setup(&home, &["cursor", "--serve", "--yes"]).status.code(), Some(1), "what was asked for is not done");
    assert_eq!(fs::read_to_string(&file).unwrap(), far);
    let listed = text(&setup(&home, &[]).stdout);
    assert!(listed.contains("\u{2713} set up in another way: ssh server fourhands bridge"), "{listed}");

    for (faulty, expected) in [
        (format!(r#"{{"command": "{BINARY}", "args": ["brige"]}}"#), "its arguments `brige` start no MCP server"),
        (format!(r#"{{"command": "{BINARY}", "args": ["bridge"], "disabled": true}}"#), "its entry is disabled"),
    ] {
        entry(&faulty);
        let listed = text(&setup(&home, &[]).stdout);
        assert!(listed.contains(&format!("\u{2717} {expected}: run `fourhands setup cursor`")), "{listed}");
        assert!(setup(&home, &["cursor", "--yes"]).status.success());
        assert!(text(&setup(&home, &[]).stdout).contains("\u{2713} set up\n"), "{faulty}");
    }
}

#[test]
fn claude_code_is_changed_by_its_own_command() {
    let home = Home::new();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let log = home.path().join("log");
    let file = home.path().join(".claude.json");
    let claude = |body: &str| {
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> {}\n{body}\n", log.display());
        write_program(&bin.join("claude"), &script);
    };
    claude("");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let run = |arguments: &[&str]| home.fourhands().arg("setup").args(arguments).env("PATH", &path).output().unwrap();
    // A command that does nothing and reports no error is not believed.
    let idle = run(&["claude-code", "--yes"]);
    let said = text(&idle.stderr);
    assert!(!idle.status.success() && !text(&idle.stdout).contains("Changed"), "{}", text(&idle.stdout));
    assert!(said.contains("does not have the entry") && said.contains("\"args\": [\"bridge\"]"), "{said}");
    assert!(!file.exists(), "the file is Claude Code's");

    claude(&format!("printf '{{\"mcpServers\": {{\"fourhands\": %s}}}}' \"$6\" > {}", file.display()));
    fs::remove_file(&log).unwrap();
    let done = run(&["claude-code", "--yes"]);
    assert!(done.status.success() && text(&done.stdout).contains("Changed ~/.claude.json"), "{}", text(&done.stderr));
    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.starts_with("mcp\nadd-json\n--scope\nuser\nfourhands\n{"), "{calls}");
    // For a project, the file is plain and shared.
    assert!(run(&["claude-code", "--project", "--yes"]).status.success());
    assert!(home.work().join(".mcp.json").exists());
}
