//! `fourhands setup`: registers fourhands with AI clients.

pub mod entry;
mod list;
mod remote;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::{self, USAGE, fail, warn};
use crate::bridge;
use crate::clients::{
    self, ConfigFolders, ConfiguredServer, FileChange, KnownClient, OwnCommand, Plan, PlanError, Scope, ServerEntry,
};
use crate::domain::welcome::SAY_TO_THE_ASSISTANT;
use crate::session::discovery::paths::Paths;

#[derive(Args, Debug)]
pub struct SetupArguments {
    /// Clients to set up [default: list those found]
    #[arg(value_name = "CLIENT", value_enum)]
    clients: Vec<KnownClient>,
    /// For this folder only, in the client's project file
    #[arg(long, requires = "clients")]
    project: bool,
    /// Have the client start a session if none is running
    #[arg(long)]
    serve: bool,
    /// Session to connect to [default: found by folder]
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Reach fourhands on another machine by ssh
    ///
    /// HOST is what `ssh` takes, such as user@server. fourhands is looked for there first. ssh must log in without a
    /// question: use a key or an agent.
    #[arg(long, value_name = "HOST", requires = "clients")]
    ssh: Option<String>,
    /// Let the client call the tools that only read without asking
    ///
    /// These tools show variables, output and history. A value's own repr and properties are the only code that runs
    /// for them, while the gate is open. Without this option, you are asked. Holds for clients that have such a setting
    /// in a file: claude-code, codex, gemini, zed, and cursor if it already has a list of allowed tools.
    #[arg(long, requires = "clients", conflicts_with = "remove")]
    allow_reading: bool,
    /// Remove fourhands from the client
    #[arg(long, requires = "clients", conflicts_with_all = ["serve", "session", "ssh"])]
    remove: bool,
    /// Write without asking
    #[arg(long, short, requires = "clients")]
    yes: bool,
    /// Print the entry and its place, and write nothing
    #[arg(long, requires = "clients", conflicts_with_all = ["remove", "yes"])]
    print: bool,
}

/// Why a client was not set up: an exit code, and the message if there is one to print.
type Refusal = (u8, Option<String>);

pub fn run(arguments: &SetupArguments) -> ExitCode {
    let Some(folders) = ConfigFolders::of_this_process() else {
        return fail(1, &"the configurations of clients are in your home folder: set HOME");
    };
    let program = clients::stable_program(&folders, &bridge::program());
    if arguments.clients.is_empty() {
        return list::run(&folders, &program);
    }
    let desired = match desired_entry(arguments, program) {
        Ok(desired) => desired,
        Err(why) => return fail(1, &format_args!("{why}. Nothing was changed.")),
    };
    let mut worst = 0;
    for client in &arguments.clients {
        let done = if arguments.print {
            print(*client, arguments, &folders, &desired)
        } else {
            set_up(*client, arguments, &folders, &desired)
        };
        if let Err((code, message)) = done {
            if let Some(message) = message {
                warn(&message);
            }
            worst = worst.max(code);
        }
    }
    ExitCode::from(worst)
}

fn desired_entry(arguments: &SetupArguments, program: PathBuf) -> Result<ServerEntry, String> {
    let mut args = vec!["bridge".to_owned()];
    if arguments.serve {
        args.push("--serve".to_owned());
    }
    if let Some(session) = &arguments.session {
        args.extend(["--session".to_owned(), session.clone()]);
    }
    if let Some(host) = &arguments.ssh {
        return remote::entry(host, &args);
    }
    let command = program.into_os_string().into_string().map_err(|_| {
        "the path of this program is not UTF-8, which configurations cannot hold; install it elsewhere".to_owned()
    })?;
    Ok(ServerEntry { command, args })
}

fn scope(arguments: &SetupArguments) -> Scope {
    if arguments.project { Scope::Project } else { Scope::User }
}

fn print(
    client: KnownClient,
    arguments: &SetupArguments,
    folders: &ConfigFolders,
    desired: &ServerEntry,
) -> Result<(), Refusal> {
    let Some(file) = client.file(scope(arguments), folders) else {
        return Err((USAGE, Some(format!("{} has no configuration for single projects", client.title()))));
    };
    let entry = clients::example(client, desired).map_err(|error| (1, Some(error.to_string())))?;
    // The comment is one in TOML; in JSON it goes to stderr, so that stdout is the entry alone.
    warn(&format_args!("{}: add to {}", client.title(), folders.shorten(&file)));
    output::print(&entry);
    Ok(())
}

fn set_up(
    client: KnownClient,
    arguments: &SetupArguments,
    folders: &ConfigFolders,
    desired: &ServerEntry,
) -> Result<(), Refusal> {
    let title = client.title();
    let scope = scope(arguments);
    let asks_for_arguments = arguments.serve || arguments.session.is_some() || arguments.ssh.is_some();
    let make_plan = || {
        if arguments.remove {
            return Plan::remove(client, scope, folders);
        }
        // What is asked for replaces the arguments that are there.
        let keeps = |args: &[String]| !asks_for_arguments && entry::starts_a_server(args);
        Plan::add(client, scope, folders, desired, &keeps)
    };
    let plan = make_plan().map_err(|error| {
        let by_hand = match clients::example(client, desired) {
            Ok(entry) if !arguments.remove => format!(" By hand, this is the entry:\n\n{entry}"),
            _ => String::new(),
        };
        (1, Some(format!("{title}: {error}. Nothing was changed.{by_hand}")))
    })?;
    if let Some(way) = &plan.other_way {
        let is_done = leave(&plan, way, folders);
        if asks_for_arguments || !is_done {
            return Err((1, None));
        }
    } else if plan.servers.is_empty() {
        let state = if arguments.remove { "has no entry of fourhands" } else { "is already set up" };
        output::print(&format!("{title} {state} ({}).\n", folders.shorten(&plan.servers.path)));
    } else {
        warn_of_temporary(arguments, desired);
        let own = OwnCommand::of(&plan, folders);
        show(&plan.servers, folders);
        if let Some(own) = &own {
            output::print(&format!("Claude Code's own command does this:\n  {}\n", own.shown()));
        }
        confirm(
            arguments,
            &if arguments.remove { format!("Remove fourhands from {title}?") } else { format!("Set up {title}?") },
        )?;
        let written = match own {
            Some(own) => change_by_own_command(&own, client, &make_plan).map(|()| None),
            None => write(&plan.servers),
        };
        let kept = written.map_err(|message| (1, Some(message)))?;
        report(&plan.servers, kept.as_ref(), folders);
    }
    permission(&plan, arguments, folders)?;
    if !arguments.remove && !plan.servers.is_empty() {
        let note = client.project_note().filter(|_| arguments.project).map(|note| format!(" {note}"));
        output::print(&format!(
            "\nNext: {}{}\nRun `fourhands` in the folder you work in{}, and say to the assistant, for example:\n  \
             {}\n",
            client.reload(),
            note.unwrap_or_default(),
            arguments.ssh.as_ref().map(|host| format!(" on {host}")).unwrap_or_default(),
            SAY_TO_THE_ASSISTANT,
        ));
    }
    Ok(())
}

/// Says that an entry is left as it is, and returns whether it is one of fourhands.
fn leave(plan: &Plan, way: &str, folders: &ConfigFolders) -> bool {
    let (title, file, server) = (plan.client.title(), folders.shorten(&plan.servers.path), &plan.server);
    let is_ours = plan.found.as_ref().is_some_and(ConfiguredServer::is_fourhands);
    let what = if is_ours { "fourhands in another way" } else { "another server under this name" };
    let project = if plan.scope == Scope::Project { " --project" } else { "" };
    let text = format!(
        "{title} has {what}: its entry `{server}` leads to {way} ({file}). It was left as it is. To replace it, remove it \
         first: `fourhands setup {}{project} --remove`.",
        plan.client.name()
    );
    if is_ours {
        output::print(&format!("{text}\n"));
    } else {
        warn(&text);
    }
    is_ours
}

/// Runs the client's own command, and looks whether it did what it said.
fn change_by_own_command(
    own: &OwnCommand,
    client: KnownClient,
    plan_again: &dyn Fn() -> Result<Plan, PlanError>,
) -> Result<(), String> {
    let title = client.title();
    own.run().map_err(|said| format!("{title}: its command `claude` {said}"))?;
    let left = plan_again().map_err(|error| format!("{title}: its command `claude` ran, and now {error}."))?;
    if left.servers.is_empty() {
        return Ok(());
    }
    let (file, claims) = (left.servers.path.display(), "its command `claude` reported no error, but");
    Err(match &left.entry {
        None => format!("{title}: {claims} {file} still has the entry `{}`. Remove it by hand.", left.server),
        Some(entry) => format!(
            "{title}: {claims} {file} does not have the entry. Update Claude Code and try again, or add it by hand:\n\n{}",
            clients::example(client, entry).unwrap_or_default()
        ),
    })
}

/// Offers the permission of tools that only read, or removes it with the entry.
fn permission(plan: &Plan, arguments: &SetupArguments, folders: &ConfigFolders) -> Result<(), Refusal> {
    let failed = |message: String| (1, Some(message));
    let title = plan.client.title();
    let change = plan.permission(folders, !arguments.remove).map_err(|error| failed(format!("{title}: {error}.")))?;
    let Some(change) = change else {
        if arguments.allow_reading {
            warn(&format_args!("{title} has no such permission in a file; allow the tools when it asks."));
        }
        return Ok(());
    };
    let may_ask = !arguments.yes && io::stdin().is_terminal();
    if change.is_empty() || !(arguments.remove || arguments.allow_reading || may_ask) {
        return Ok(());
    }
    if !arguments.remove {
        output::print(&format!(
            "\n{title} can call the tools of fourhands that only read without asking you each time:\n  {}\nThey run no \
             code and change nothing. For code, {title} goes on asking as you have set it.\n",
            clients::reading_tools().join(", ")
        ));
    }
    show(&change, folders);
    let question = if arguments.remove { "Remove this permission?" } else { "Allow this?" };
    if !arguments.allow_reading && confirm(arguments, question).is_err() {
        return Ok(());
    }
    let kept = write(&change).map_err(failed)?;
    report(&change, kept.as_ref(), folders);
    Ok(())
}

fn write(change: &FileChange) -> Result<Option<PathBuf>, String> {
    let written = change.apply(&Paths::of_this_process());
    written.map_err(|error| format!("{} {error}.", change.path.display()))
}

fn show(change: &FileChange, folders: &ConfigFolders) {
    output::print(&format!("\n{}\n", change.diff(&folders.shorten(&change.path))));
}

fn report(change: &FileChange, kept: Option<&PathBuf>, folders: &ConfigFolders) {
    let kept = kept.map(|path| format!(" The file before is kept as {}.", folders.shorten(path))).unwrap_or_default();
    output::print(&format!("Changed {}.{kept}\n", folders.shorten(&change.path)));
}

fn warn_of_temporary(arguments: &SetupArguments, desired: &ServerEntry) {
    if !arguments.remove && clients::is_temporary(desired.command.as_ref()) {
        warn(&format_args!(
            "{} is in a cache that may be cleared at any time; better install fourhands first, such as with `uv tool \
             install` or `pipx install`.",
            desired.command
        ));
    }
}

/// Asks the person. An error ends the command for this client.
fn confirm(arguments: &SetupArguments, question: &str) -> Result<(), Refusal> {
    if arguments.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let message = "nothing was written, because there is no terminal to ask on; --yes writes without asking";
        return Err((USAGE, Some(message.to_owned())));
    }
    output::print(&format!("{question} [y/N] "));
    let _ = io::stdout().flush();
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    output::print("Nothing was changed.\n");
    Err((1, None))
}
