//! `fourhands setup` without a client: the clients of this machine, and the setup of fourhands in each.

use std::path::Path;
use std::process::ExitCode;

use super::entry;
use crate::cli::output;
use crate::clients::{self, ClientSetup, ConfigFolders, Scope, SetupState};

pub fn run(folders: &ConfigFolders, program: &Path) -> ExitCode {
    let statuses = clients::statuses(folders);
    let (there, absent): (Vec<_>, Vec<_>) =
        statuses.iter().partition(|status| status.state != SetupState::NotInstalled);
    let rows: Vec<[String; 3]> = there.iter().map(|status| row(status, folders, program)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let mut text = String::new();
    for [client, file, state] in &rows {
        text.push_str(&format!("{client:first$}  {file:second$}  {state}\n"));
    }
    if there.is_empty() {
        text.push_str("No AI client was found on this machine.\n");
    }
    let absent: Vec<_> = absent.iter().map(|status| status.client.name()).collect();
    if !absent.is_empty() {
        text.push_str(&format!("\nNot found: {}\n", absent.join(", ")));
    }
    let example = there.iter().find(|status| status.state == SetupState::NotSetUp).or(there.first());
    let example = example.map_or("CLIENT", |status| status.client.name());
    text.push_str(&format!("\nSet one up: fourhands setup {example}\n"));
    text.push_str(&format!("Any other client: command {}, arguments [\"bridge\"]\n", program.display()));
    output::print(&text);
    ExitCode::SUCCESS
}

fn row(status: &ClientSetup, folders: &ConfigFolders, program: &Path) -> [String; 3] {
    let name = match status.scope {
        Scope::User => status.client.name().to_owned(),
        Scope::Project => format!("{} (project)", status.client.name()),
    };
    let state = match &status.state {
        SetupState::NotInstalled => "not found".to_owned(),
        SetupState::NotSetUp => "not set up".to_owned(),
        SetupState::Disabled(server) => format!(
            "\u{2717} its entry is disabled: {}",
            if server.other_way().is_none() {
                entry::remedy(status, server)
            } else {
                "enable it in the file".to_owned()
            }
        ),
        SetupState::SetUp(server) => match (entry::fault(status.client, server), server.other_way()) {
            (Some(fault), _) => format!("\u{2717} {fault}: {}", entry::remedy(status, server)),
            (None, Some(way)) => format!("\u{2713} set up in another way: {way}"),
            (None, None) if Path::new(&server.command) == program => "\u{2713} set up".to_owned(),
            (None, None) => format!("\u{2713} set up with {}", server.command),
        },
        SetupState::Gone(server) => {
            let (command, remedy) = (&server.command, entry::remedy(status, server));
            format!("\u{2717} its program {command} {}: {remedy}", entry::fault_of_program(command))
        }
        SetupState::Unreadable(fault) => format!("\u{2717} the file {fault}"),
    };
    [name, folders.shorten(&status.file), state]
}
