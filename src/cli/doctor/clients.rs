//! The AI clients of this machine.

use super::finding::Finding;
use crate::clients::{self, ClientState, Places, Scope};

const SECTION: &str = "clients";

pub fn check() -> Vec<Finding> {
    let Some(places) = Places::of_this_process() else { return Vec::new() };
    let found = clients::statuses(&places).into_iter().filter_map(|status| {
        let file = places.shorten(&status.file);
        let (title, name) = (status.client.title(), status.client.name());
        let project = if status.scope == Scope::Project { " --project" } else { "" };
        Some(match status.state {
            ClientState::NotInstalled => return None,
            ClientState::NotSetUp => {
                Finding::note(SECTION, format!("{title} is not set up; `fourhands setup {name}` does it"))
            }
            ClientState::SetUp(server) => {
                let command = server.command;
                Finding::ok(SECTION, format!("{title} starts {command} {} ({file})", server.args.join(" ")))
            }
            ClientState::Gone(server) => Finding::fault(
                SECTION,
                format!(
                    "{title} would start {}, which does not exist ({file}); run `fourhands setup {name}{project}`",
                    server.command
                ),
            ),
            ClientState::Unreadable(fault) => {
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
