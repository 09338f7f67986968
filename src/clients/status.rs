//! The setup of fourhands in each client of this machine.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::change;
use super::config_folders::{ConfigFolders, is_program};
use super::document::ConfigDocument;
use super::known_client::{KnownClient, Scope};
use super::plan;
use super::server::ConfiguredServer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupState {
    NotInstalled,
    NotSetUp,
    SetUp(ConfiguredServer),
    /// There is an entry, which the client is told not to use.
    Disabled(ConfiguredServer),
    /// The entry names a program that is not there.
    Gone(ConfiguredServer),
    /// The file cannot be read or understood.
    Unreadable(String),
}

#[derive(Clone, Debug)]
pub struct ClientSetup {
    pub client: KnownClient,
    pub scope: Scope,
    pub file: PathBuf,
    pub state: SetupState,
}

/// Returns the state of each client for this user, and of the project where it has an entry of fourhands.
pub fn statuses(folders: &ConfigFolders) -> Vec<ClientSetup> {
    let clients = KnownClient::value_variants().iter();
    clients
        .flat_map(|client| {
            [Scope::User, Scope::Project].into_iter().filter_map(|scope| status(*client, scope, folders))
        })
        .collect()
}

fn status(client: KnownClient, scope: Scope, folders: &ConfigFolders) -> Option<ClientSetup> {
    let file = client.file(scope, folders)?;
    // In the home folder both scopes may be one file.
    if scope == Scope::Project && client.file(Scope::User, folders).as_ref() == Some(&file) {
        return None;
    }
    let state = match look(client, &file, folders) {
        Ok(Some(server)) if server.is_disabled => SetupState::Disabled(server),
        Ok(Some(server)) if is_there(&server) => SetupState::SetUp(server),
        Ok(Some(server)) => SetupState::Gone(server),
        Ok(None) if scope == Scope::Project => return None,
        Ok(None) if client.is_installed(folders) => SetupState::NotSetUp,
        Ok(None) => SetupState::NotInstalled,
        Err(fault) => SetupState::Unreadable(fault),
    };
    Some(ClientSetup { client, scope, file, state })
}

fn look(client: KnownClient, file: &Path, folders: &ConfigFolders) -> Result<Option<ConfiguredServer>, String> {
    let Some(text) = change::read(file).map_err(|fault| fault.to_string())? else { return Ok(None) };
    let found =
        ConfigDocument::parse(&text, client.format()).and_then(|document| plan::find(&document, client, folders));
    found.map_err(|fault| fault.to_string())
}

/// Whether the client finds the program. Bare names depend on the PATH of the client.
fn is_there(server: &ConfiguredServer) -> bool {
    let command = Path::new(&server.command);
    !command.is_absolute() || is_program(command)
}
