//! What the clients of this machine have of fourhands.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::change;
use super::client::{Client, Scope};
use super::document::Document;
use super::places::{Places, is_program};
use super::plan;
use super::server::ConfiguredServer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientState {
    NotInstalled,
    NotSetUp,
    SetUp(ConfiguredServer),
    /// The entry names a program that is not there.
    Gone(ConfiguredServer),
    /// The file cannot be read or understood.
    Unreadable(String),
}

#[derive(Clone, Debug)]
pub struct Status {
    pub client: Client,
    pub scope: Scope,
    pub file: PathBuf,
    pub state: ClientState,
}

/// Returns the state of each client for this user, and of the project where it has an entry of fourhands.
pub fn statuses(places: &Places) -> Vec<Status> {
    let clients = Client::value_variants().iter();
    clients
        .flat_map(|client| [Scope::User, Scope::Project].into_iter().filter_map(|scope| status(*client, scope, places)))
        .collect()
}

fn status(client: Client, scope: Scope, places: &Places) -> Option<Status> {
    let file = client.file(scope, places)?;
    // In the home folder both scopes may be one file.
    if scope == Scope::Project && client.file(Scope::User, places).as_ref() == Some(&file) {
        return None;
    }
    let state = match look(client, &file) {
        Ok(Some(server)) if is_there(&server) => ClientState::SetUp(server),
        Ok(Some(server)) => ClientState::Gone(server),
        Ok(None) if scope == Scope::Project => return None,
        Ok(None) if client.is_installed(places) => ClientState::NotSetUp,
        Ok(None) => ClientState::NotInstalled,
        Err(fault) => ClientState::Unreadable(fault),
    };
    Some(Status { client, scope, file, state })
}

fn look(client: Client, file: &Path) -> Result<Option<ConfiguredServer>, String> {
    let Some(text) = change::read(file).map_err(|fault| fault.to_string())? else { return Ok(None) };
    let found = Document::parse(&text, client.format()).and_then(|document| plan::find(&document, client));
    found.map_err(|fault| fault.to_string())
}

/// Whether the client finds the program. Bare names depend on the PATH of the client.
fn is_there(server: &ConfiguredServer) -> bool {
    let command = Path::new(&server.command);
    !command.is_absolute() || is_program(command)
}
