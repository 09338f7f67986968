//! The AI clients of this machine.

use super::finding::Finding;
use crate::cli::setup::entry;
use crate::clients::{self, ConfigFolders, SetupState};

const SECTION: &str = "clients";

/// Whether a name without a folder is not found: a client rarely has more on its PATH than a terminal.
fn is_missing(command: &str, folders: &ConfigFolders) -> bool {
    !command.contains(['/', '$', '~']) && folders.find_program(command).is_none()
}

pub fn check() -> Vec<Finding> {
    let Some(folders) = ConfigFolders::of_this_process() else { return Vec::new() };
    let found = clients::statuses(&folders).into_iter().filter_map(|status| {
        let file = folders.shorten(&status.file);
        let (title, name) = (status.client.title(), status.client.name());
        Some(match &status.state {
            SetupState::NotInstalled => return None,
            SetupState::NotSetUp => {
                Finding::note(SECTION, format!("{title} is not set up; `fourhands setup {name}` does it"))
            }
            SetupState::SetUp(server) => {
                if let Some(fault) = entry::fault(status.client, server) {
                    Finding::fault(SECTION, format!("{title}: {fault} ({file}); {}", entry::remedy(&status, server)))
                } else if is_missing(&server.command, &folders) {
                    let command = &server.command;
                    let remedy = entry::remedy(&status, server);
                    Finding::fault(
                        SECTION,
                        format!("{title} would start `{command}`, which is not on PATH here ({file}); {remedy}"),
                    )
                } else {
                    let command = &server.command;
                    Finding::ok(SECTION, format!("{title} starts {command} {} ({file})", server.args.join(" ")))
                }
            }
            SetupState::Disabled(_) => Finding::note(
                SECTION,
                format!("{title} has fourhands, but disabled ({file}); enable it there if the client is to use it"),
            ),
            SetupState::Gone(server) => Finding::fault(
                SECTION,
                format!(
                    "{title} would start {}, which {} ({file}); {}",
                    server.command,
                    entry::fault_of_program(&server.command),
                    entry::remedy(&status, server)
                ),
            ),
            SetupState::Unreadable(fault) => {
                Finding::fault(SECTION, format!("{title}: {file} {fault}; mend the file, the client cannot read it"))
            }
        })
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return vec![Finding::note(SECTION, "No AI client was found; `fourhands setup` lists those that it knows")];
    }
    found
}
