//! Changes of configurations as people and programs write them, hostile ones among them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::*;
use crate::session::discovery::paths::Paths;

struct World {
    folder: tempfile::TempDir,
    folders: ConfigFolders,
    paths: Paths,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let project = home.join("project");
        fs::create_dir_all(&project).unwrap();
        let folders = ConfigFolders {
            config: home.join(".config"),
            app_data: home.join(".config"),
            claude: None,
            codex: None,
            path: None,
            project,
            home: home.clone(),
        };
        let state = home.join(".local/state");
        let paths = Paths {
            home: Some(home),
            state: Some(state),
            runtime: None,
            shared: folder.path().join("tmp"),
            creates: true,
        };
        Self { folder, folders, paths }
    }

    /// Writes the client's file.
    fn with(&self, client: KnownClient, text: &str) -> PathBuf {
        let file = client.file(Scope::User, &self.folders).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    fn add(&self, client: KnownClient) -> Result<Plan, PlanError> {
        Plan::add(client, Scope::User, &self.folders, &entry(), &is_kept)
    }

    /// The text of the client's file after a change.
    fn added(&self, client: KnownClient, before: &str) -> String {
        let file = self.with(client, before);
        self.add(client).unwrap().servers.apply(&self.paths).unwrap();
        fs::read_to_string(file).unwrap()
    }
}

fn is_kept(args: &[String]) -> bool {
    args.first().is_some_and(|word| word == "bridge")
}

fn entry() -> ServerEntry {
    ServerEntry { command: "/opt/bin/fourhands".to_owned(), args: vec!["bridge".to_owned()] }
}

/// Configurations that the entry is added to, with a name for the snapshot.
const CONFIGURATIONS: &[(&str, KnownClient, &str)] = &[
    ("claude_code", KnownClient::ClaudeCode, include_str!("golden/claude_code.json")),
    ("cursor", KnownClient::Cursor, include_str!("golden/cursor.json")),
    ("vscode", KnownClient::VsCode, include_str!("golden/vscode.jsonc")),
    ("zed", KnownClient::Zed, include_str!("golden/zed.jsonc")),
    ("gemini_on_one_line", KnownClient::Gemini, include_str!("golden/gemini.json")),
    ("codex", KnownClient::Codex, include_str!("golden/codex.toml")),
    ("codex_inline", KnownClient::Codex, "mcp_servers = { docs = { command = \"docs\" } } # all of them\n"),
    ("codex_dotted", KnownClient::Codex, "model = \"o\"\nmcp_servers.docs.command = \"docs\"\n"),
    ("an_empty_object", KnownClient::ClaudeDesktop, "{}"),
    ("an_empty_file", KnownClient::Windsurf, ""),
    ("only_a_comment", KnownClient::Zed, "// Zed settings\n"),
    ("an_entry_under_another_name", KnownClient::Cursor, include_str!("golden/renamed.json")),
    ("names_that_stand_there_twice", KnownClient::Cursor, include_str!("golden/twice.json")),
];

/// The lines of a text, without the commas that an addition may bring.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty()).collect()
}

#[test]
fn an_entry_is_added_and_everything_else_stays() {
    for (name, client, before) in CONFIGURATIONS {
        let world = World::new();
        let after = world.added(*client, before);
        insta::assert_snapshot!(*name, after);
        // Nothing is left to do, and the file is as its parser sees it.
        assert!(world.add(*client).unwrap().servers.is_empty(), "{name}: {after}");
        let states = statuses(&world.folders);
        let state = states.iter().find(|status| status.client == *client).unwrap();
        assert!(matches!(&state.state, SetupState::Gone(server) if server.command == entry().command), "{name}");
        // What stood there stands there, in its order.
        let mut rest = lines(&after).into_iter();
        let is_kept = !before.contains("mcp_servers = {") && !before.contains("{\"") && !before.contains("/old/");
        for line in lines(before).into_iter().filter(|line| is_kept && *line != "{}") {
            assert!(rest.any(|other| other == line), "{name}: {line:?} is lost in\n{after}");
        }
    }
}

#[test]
fn a_removal_leaves_the_others() {
    for (name, client, before) in CONFIGURATIONS {
        let world = World::new();
        let after = world.added(*client, before);
        let plan = Plan::remove(*client, Scope::User, &world.folders).unwrap();
        plan.servers.apply(&world.paths).unwrap();
        let removed = fs::read_to_string(&plan.servers.path).unwrap();
        assert!(!removed.contains("/opt/bin/fourhands"), "{name}: {removed}");
        assert!(Plan::remove(*client, Scope::User, &world.folders).unwrap().servers.is_empty(), "{name}: {removed}");
        // What the entry itself had goes with it.
        let is_whole = !before.contains("/old/");
        for word in ["docs", "API_KEY", "comment", "theme", "model", "history"].iter().filter(|_| is_whole) {
            assert_eq!(removed.matches(*word).count(), after.matches(*word).count(), "{name}: {word} in\n{removed}");
        }
    }
}

#[test]
fn line_ends_and_byte_order_marks_stay() {
    for (client, before) in [
        (KnownClient::Cursor, "\u{feff}{\r\n  \"mcpServers\": {}\r\n}\r\n"),
        (KnownClient::Codex, "\u{feff}model = \"o\" # mine\r\n\r\n[tui]\r\ntheme = \"x\"\r\n"),
    ] {
        let after = World::new().added(client, before);
        assert!(after.starts_with('\u{feff}') && after.matches('\u{feff}').count() == 1, "{after:?}");
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
        assert!(after.contains("/opt/bin/fourhands"), "{after:?}");
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_the_place() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (client, text, expected) in [
        (KnownClient::Cursor, "{\"a\": 1 \"b\": 2}", "line 1 column"),
        (KnownClient::Cursor, "{\n  'mcpServers': {}\n}", "is not valid JSON"),
        (KnownClient::Cursor, "{\n  \"mcpServers\": {\n", "is not valid JSON"),
        (KnownClient::Cursor, "[]", "`the top level`, which is not an object"),
        (KnownClient::Cursor, "{\"mcpServers\": []}", "`mcpServers`, which is not an object"),
        (KnownClient::Cursor, "{\"mcpServers\": {\"fourhands\": 3}}", "`mcpServers.fourhands`, which is not an object"),
        (KnownClient::Cursor, &deep, "nesting"),
        (KnownClient::Codex, "model = \n[x]", "line 1, column"),
        (KnownClient::Codex, "mcp_servers = 3", "`mcp_servers`, which is not a table"),
        (KnownClient::Codex, "[[mcp_servers]]\na = 1", "`mcp_servers`, which is not a table"),
    ] {
        let world = World::new();
        let file = world.with(client, text);
        let error = match world.add(client) {
            Err(error) => error.to_string(),
            Ok(plan) => panic!("{text}: {:?}", plan.servers.after),
        };
        assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{text}: {error}");
        assert!(error.contains(file.to_str().unwrap()), "{error}");
        assert_eq!(fs::read_to_string(file).unwrap(), text, "the file is as it was");
    }
}

#[test]
fn files_that_are_no_plain_text_are_refused() {
    let world = World::new();
    let file = world.with(KnownClient::Cursor, "");
    fs::write(&file, b"{\"a\": \"\xff\"}").unwrap();
    assert!(world.add(KnownClient::Cursor).unwrap_err().to_string().contains("not text in UTF-8"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(world.add(KnownClient::Cursor).unwrap_err().to_string().contains("not a regular file"));
    fs::remove_dir(&file).unwrap();
    symlink("/no/such/file", &file).unwrap();
    assert!(world.add(KnownClient::Cursor).unwrap_err().to_string().contains("a link to nowhere"));
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(
        world.add(KnownClient::Cursor).unwrap_err().to_string().contains("not a regular file"),
        "and nothing hangs"
    );
}

#[test]
fn links_and_permissions_stay_and_a_copy_is_kept() {
    let world = World::new();
    let file = world.with(KnownClient::Cursor, "");
    let dotfiles = world.folder.path().join("dotfiles/cursor.json");
    fs::create_dir(dotfiles.parent().unwrap()).unwrap();
    fs::write(&dotfiles, "{\"secret\": 1}\n").unwrap();
    fs::set_permissions(&dotfiles, Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(&file).unwrap();
    symlink(&dotfiles, &file).unwrap();

    let kept = world.add(KnownClient::Cursor).unwrap().servers.apply(&world.paths).unwrap().unwrap();
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(dotfiles.metadata().unwrap().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&dotfiles).unwrap().contains("/opt/bin/fourhands"));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "{\"secret\": 1}\n");
    assert_eq!(kept.metadata().unwrap().mode() & 0o077, 0, "a configuration may hold secrets");
    let names: Vec<_> = fs::read_dir(dotfiles.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["cursor.json"], "no draft is left");

    // A second change in the same second has a copy of its own.
    let plan = Plan::remove(KnownClient::Cursor, Scope::User, &world.folders).unwrap();
    assert_ne!(plan.servers.apply(&world.paths).unwrap().unwrap(), kept);
}

#[test]
fn a_file_that_is_read_only_or_changes_meanwhile_is_left_alone() {
    let world = World::new();
    let file = world.with(KnownClient::Cursor, "{}");
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    let plan = world.add(KnownClient::Cursor).unwrap();
    assert!(matches!(plan.servers.apply(&world.paths), Err(ChangeError::ReadOnly)));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "{\"new\": 1}").unwrap();
    assert!(matches!(plan.servers.apply(&world.paths), Err(ChangeError::Raced)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"new\": 1}");
}

#[test]
fn arguments_that_a_person_chose_stay() {
    let world = World::new();
    let old =
        r#"{"mcpServers": {"py": {"command": "/old/fourhands", "args": ["bridge", "--serve"], "env": {"A": "b"}}}}"#;
    let after = world.added(KnownClient::Cursor, old);
    assert_eq!(after, old.replace("/old/fourhands", "/opt/bin/fourhands"));
    let wanted = ServerEntry { args: vec!["bridge".to_owned(), "--session".to_owned(), "x".to_owned()], ..entry() };
    let plan = Plan::add(KnownClient::Cursor, Scope::User, &world.folders, &wanted, &|_| false).unwrap();
    assert!(plan.servers.after.unwrap().contains("\"--session\""), "those that were asked for replace them");
    assert_eq!(plan.server, "py");
}

#[test]
fn an_entry_that_leads_elsewhere_stays_until_that_is_asked_for() {
    for (client, old, way) in [
        (
            KnownClient::Cursor,
            r#"{"mcpServers": {"py": {"command": "ssh", "args": ["-T", "-o", "BatchMode=yes", "host", "fourhands", "bridge"]}}}"#,
            "ssh host fourhands bridge",
        ),
        (
            KnownClient::Cursor,
            r#"{"mcpServers": {"fourhands": {"command": "docker", "args": ["run", "-i", "image"]}}}"#,
            "docker run -i image",
        ),
        (
            KnownClient::Windsurf,
            r#"{"mcpServers": {"fourhands": {"serverUrl": "https://x.example/mcp"}}}"#,
            "https://x.example/mcp",
        ),
        (
            KnownClient::Codex,
            "[mcp_servers.fourhands]\ncommand = \"uvx\"\nargs = [\"fourhands\", \"bridge\"]\n",
            "uvx fourhands bridge",
        ),
    ] {
        let world = World::new();
        world.with(client, old);
        let plan = world.add(client).unwrap();
        assert_eq!((plan.other_way.as_deref(), plan.servers.is_empty()), (Some(way), true), "{old}");
        let ssh = ServerEntry { command: "ssh".to_owned(), args: vec!["other".to_owned()] };
        let asked = Plan::add(client, Scope::User, &world.folders, &ssh, &|_| false).unwrap();
        assert_eq!(asked.other_way.is_none(), way.starts_with("ssh"), "{old}");
        assert_eq!(asked.servers.is_empty(), !way.starts_with("ssh"), "{old}");
    }
}

#[test]
fn arguments_that_are_no_list_of_texts_are_seen_and_mended() {
    for (client, args, seen) in [
        (KnownClient::Cursor, r#""args": "bridge""#, Some("\"bridge\"")),
        (KnownClient::Zed, r#""args": ["bridge", 7]"#, Some("[\"bridge\", 7]")),
        (KnownClient::Cursor, r#""args": ["bridge"]"#, None),
        (KnownClient::Codex, "args = \"bridge\" # mine", Some("\"bridge\"")),
        (KnownClient::Codex, "args = [\"bridge\", true]", Some("[\"bridge\", true]")),
    ] {
        let world = World::new();
        let text = match client {
            KnownClient::Codex => format!("[mcp_servers.fourhands]\ncommand = \"sh/fourhands\"\n{args}\n"),
            _ => format!(r#"{{"{}": {{"fourhands": {{"command": "sh/fourhands", {args}}}}}}}"#, client.servers_key()),
        };
        world.with(client, &text);
        let wrong = || {
            let states = statuses(&world.folders);
            match states.into_iter().find(|status| status.client == client).unwrap().state {
                SetupState::SetUp(server) | SetupState::Gone(server) => server.wrong_args,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wrong().as_deref(), seen, "{text}");
        world.added(client, &text);
        assert_eq!(wrong(), None, "{text}");
    }
}

#[test]
fn what_is_no_entry_is_told_and_arguments_in_the_command_are_mended() {
    for (client, text) in [
        (KnownClient::Cursor, r#"{"mcpServers": {"fourhands": null}}"#),
        (KnownClient::Zed, r#"{"context_servers": {"fourhands": ["sh/fourhands", "bridge"]}}"#),
        (KnownClient::Codex, "mcp_servers.fourhands = \"sh/fourhands bridge\"\n"),
    ] {
        let world = World::new();
        let file = world.with(client, text);
        let states = statuses(&world.folders);
        let state = &states.iter().find(|status| status.client == client).unwrap().state;
        assert!(
            matches!(state, SetupState::Unreadable(fault) if fault.contains(".fourhands`, which is not")),
            "{state:?}"
        );
        assert!(world.add(client).is_err(), "{text}");
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
    let world = World::new();
    let text = r#"{"mcpServers": {"fourhands": {"command": "/opt/bin/fourhands bridge"}}}"#;
    let after = world.added(KnownClient::Cursor, text);
    assert!(after.contains(r#""/opt/bin/fourhands""#) && after.contains(r#"["bridge"]"#), "{after}");
}

#[test]
fn a_disabled_entry_is_seen_and_enabled() {
    for (client, old, mended) in [
        (
            KnownClient::Cursor,
            r#"{"mcpServers": {"fourhands": {"command": "sh/fourhands", "args": ["bridge"], "disabled": true}}}"#,
            "\"disabled\": false",
        ),
        (
            KnownClient::Zed,
            r#"{"context_servers": {"fourhands": {"command": "sh/fourhands", "args": ["bridge"], "enabled": false}}}"#,
            "\"enabled\": true",
        ),
        (
            KnownClient::Codex,
            "[mcp_servers.fourhands]\ncommand = \"sh/fourhands\"\nargs = [\"bridge\"]\nenabled = false # for now\n",
            "enabled = true # for now",
        ),
        (
            KnownClient::Gemini,
            r#"{"mcp": {"excluded": ["docs", "fourhands"]}, "mcpServers": {"fourhands": {"command": "sh/fourhands", "args": ["bridge"]}}}"#,
            "\"docs\"",
        ),
        (
            KnownClient::ClaudeCode,
            r#"{"projects": {"PROJECT": {"disabledMcpServers": ["fourhands"]}}, "mcpServers": {"fourhands": {"command": "sh/fourhands", "args": ["bridge"]}}}"#,
            "\"disabledMcpServers\": []",
        ),
    ] {
        let world = World::new();
        let old = &old.replace("PROJECT", world.folders.project.to_str().unwrap());
        world.with(client, old);
        let states = statuses(&world.folders);
        let state = states.iter().find(|status| status.client == client).unwrap();
        assert!(matches!(&state.state, SetupState::Disabled(_)), "{old}");
        let after = world.added(client, old);
        assert!(after.contains(mended), "{after}");
        let states = statuses(&world.folders);
        let state = states.iter().find(|status| status.client == client).unwrap();
        assert!(!matches!(&state.state, SetupState::Disabled(_)), "{after}");
    }
}

#[test]
fn tools_that_only_read_are_allowed_and_asked_for_again() {
    for client in KnownClient::value_variants() {
        let world = World::new();
        world.add(*client).unwrap().servers.apply(&world.paths).unwrap();
        let plan = world.add(*client).unwrap();
        let Some(allow) = plan.permission(&world.folders, true).unwrap() else {
            assert!(matches!(
                client,
                KnownClient::ClaudeDesktop | KnownClient::VsCode | KnownClient::Windsurf | KnownClient::Cursor
            ));
            continue;
        };
        let text = allow.after.clone().unwrap();
        insta::assert_snapshot!(format!("permission_{}", client.name()), text);
        for tool in reading_tools() {
            assert!(text.contains(tool), "{tool} in {text}");
        }
        assert!(!text.contains("run_python_code") && !text.contains("reset_python"), "{text}");
        allow.apply(&world.paths).unwrap();
        assert!(plan.permission(&world.folders, true).unwrap().unwrap().is_empty(), "{text}");

        let removal = Plan::remove(*client, Scope::User, &world.folders).unwrap();
        removal.servers.apply(&world.paths).unwrap();
        if let Some(change) = removal.permission(&world.folders, false).unwrap().filter(|change| !change.is_empty()) {
            change.apply(&world.paths).unwrap();
        }
        let left = fs::read_to_string(&allow.path).unwrap_or_default();
        assert!(!left.contains("inspect_variable"), "{left}");
    }
}

#[test]
fn a_list_of_allowed_tools_is_extended_but_not_begun_where_it_would_hide_another() {
    let world = World::new();
    world.add(KnownClient::Cursor).unwrap().servers.apply(&world.paths).unwrap();
    let file = world.folders.home.join(".cursor/permissions.json");
    fs::write(&file, "{\n  // mine\n  \"mcpAllowlist\": [\"github:*\"],\n}\n").unwrap();
    let change = world.add(KnownClient::Cursor).unwrap().permission(&world.folders, true).unwrap().unwrap();
    let text = change.after.unwrap();
    assert!(
        text.contains("// mine") && text.contains("\"github:*\"") && text.contains("\"fourhands:read_output\""),
        "{text}"
    );
}

#[test]
fn a_diff_shows_what_changes() {
    let world = World::new();
    world.with(KnownClient::Codex, "model = \"o\"\n");
    let diff = world.add(KnownClient::Codex).unwrap().servers.diff("~/.codex/config.toml");
    insta::assert_snapshot!(diff, @r#"
    --- ~/.codex/config.toml
    +++ ~/.codex/config.toml
    @@ -1 +1,5 @@
     model = "o"
    +
    +[mcp_servers.fourhands]
    +command = "/opt/bin/fourhands"
    +args = ["bridge"]
    "#);
    let world = World::new();
    let diff = world.add(KnownClient::Cursor).unwrap().servers.diff("~/.cursor/mcp.json");
    assert!(diff.starts_with("--- /dev/null\n+++ ~/.cursor/mcp.json\n"), "{diff}");
}

#[test]
fn scopes_are_files_of_their_own() {
    let world = World::new();
    for client in KnownClient::value_variants() {
        let user = client.file(Scope::User, &world.folders).unwrap();
        assert!(user.starts_with(&world.folders.home) && !user.starts_with(&world.folders.project));
        match client.file(Scope::Project, &world.folders) {
            Some(project) => assert!(project.starts_with(&world.folders.project)),
            None => assert!(matches!(
                Plan::add(*client, Scope::Project, &world.folders, &entry(), &is_kept),
                Err(PlanError::NoSuchScope(_))
            )),
        }
    }
    let mut folders = world.folders.clone();
    folders.claude = Some("/c".into());
    folders.codex = Some("/x".into());
    assert_eq!(KnownClient::ClaudeCode.file(Scope::User, &folders).unwrap(), Path::new("/c/.claude.json"));
    assert_eq!(KnownClient::Codex.file(Scope::User, &folders).unwrap(), Path::new("/x/config.toml"));
}

#[test]
fn the_path_of_the_program_is_the_one_that_updates_keep() {
    let world = World::new();
    let (real, bin) = (world.folder.path().join("venvs/fourhands"), world.folder.path().join("bin"));
    fs::create_dir_all(&real).unwrap();
    fs::create_dir(&bin).unwrap();
    let program = real.join("fourhands");
    fs::write(&program, "").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    symlink(&program, bin.join("fourhands")).unwrap();
    let mut folders = world.folders.clone();
    assert_eq!(stable_program(&folders, &program), program);
    folders.path = Some(format!("relative:/no/such:{}", bin.display()).into());
    assert_eq!(stable_program(&folders, &program), bin.join("fourhands"));
    assert!(is_temporary(Path::new("/home/a/.cache/uv/archive-v0/x/bin/fourhands")) && !is_temporary(&program));
}
