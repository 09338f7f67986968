//! Plans to set a client up, or to remove fourhands from it.

use std::path::PathBuf;

use super::change::{self, FileChange};
use super::config_folders::ConfigFolders;
use super::document::ConfigDocument;
use super::known_client::{KnownClient, Scope};
use super::permission;
use super::plan_error::PlanError;
use super::server::{ConfiguredServer, EditError, ServerEntry};

/// The name of the server in configurations that have none yet.
pub const SERVER: &str = "fourhands";

/// What is to change for one client.
#[derive(Debug)]
pub struct Plan {
    pub client: KnownClient,
    pub scope: Scope,
    /// The name of the server, which the person may have chosen.
    pub server: String,
    /// The entry before, if there is one.
    pub found: Option<ConfiguredServer>,
    /// The entry after; `None` removes it.
    pub entry: Option<ServerEntry>,
    pub servers: FileChange,
    /// How the entry that is there starts its server, if that is not the way that was asked for. It is left as it is.
    pub other_way: Option<String>,
}

impl Plan {
    /// Plans the entry of fourhands. Arguments of an entry that is there already stay if `keeps` says so of them. An
    /// entry that starts something else than fourhands on this machine stays, too: only by hand could it be made again.
    /// One by ssh is changed if ssh is asked for.
    pub fn add(
        client: KnownClient,
        scope: Scope,
        folders: &ConfigFolders,
        desired: &ServerEntry,
        keeps: &dyn Fn(&[String]) -> bool,
    ) -> Result<Self, PlanError> {
        let (path, before) = read(client, scope, folders)?;
        let content = |fault| PlanError::Content { path: path.clone(), fault };
        let text = before.as_deref().unwrap_or_default();
        let mut document = ConfigDocument::parse(text, client.format()).map_err(content)?;
        let found = find(&document, client, folders).map_err(content)?;
        let is_asked_for = |found: &ConfiguredServer| found.command == desired.command;
        let other_way = found.as_ref().filter(|found| !is_asked_for(found)).and_then(ConfiguredServer::other_way);
        let mut entry = desired.clone();
        if let Some(found) = found.as_ref().filter(|found| found.command != "ssh" && keeps(&found.args)) {
            entry.args.clone_from(&found.args);
        }
        let server = found.as_ref().map_or_else(|| SERVER.to_owned(), |found| found.name.clone());
        let key = client.servers_key();
        let after = if other_way.is_some() {
            before.clone()
        } else {
            document.put_server(key, &server, &entry, client.names_transport()).map_err(content)?;
            if let Some(list) = disabling_list(&document, client, folders, &server) {
                let path: Vec<&str> = list.iter().map(String::as_str).collect();
                document.change_list(&path, std::slice::from_ref(&server), false).map_err(content)?;
            }
            let after = document.text();
            Some(if before.is_none() && !after.ends_with('\n') { after + "\n" } else { after })
        };
        let servers = FileChange { path, before, after };
        Ok(Self { client, scope, server, found, entry: Some(entry), servers, other_way })
    }

    /// Plans that no entry of fourhands remains.
    pub fn remove(client: KnownClient, scope: Scope, folders: &ConfigFolders) -> Result<Self, PlanError> {
        let (path, before) = read(client, scope, folders)?;
        let content = |fault| PlanError::Content { path: path.clone(), fault };
        let mut document =
            ConfigDocument::parse(before.as_deref().unwrap_or_default(), client.format()).map_err(content)?;
        let found = find(&document, client, folders).map_err(content)?;
        let server = found.as_ref().map_or_else(|| SERVER.to_owned(), |found| found.name.clone());
        let after = if found.is_some() {
            document.remove(&[client.servers_key(), &server]).map_err(content)?;
            Some(document.text())
        } else {
            before.clone()
        };
        let servers = FileChange { path, before, after };
        Ok(Self { client, scope, server, found, entry: None, servers, other_way: None })
    }

    /// Plans the permission of the tools that only read, once the entry has been written: both may be in one file.
    /// `None` if the client has no such setting.
    pub fn permission(&self, folders: &ConfigFolders, allow: bool) -> Result<Option<FileChange>, PlanError> {
        permission::plan(self.client, self.scope, folders, &self.server, allow)
    }
}

fn read(client: KnownClient, scope: Scope, folders: &ConfigFolders) -> Result<(PathBuf, Option<String>), PlanError> {
    let path = client.file(scope, folders).ok_or(PlanError::NoSuchScope(client.title()))?;
    let before = change::read(&path).map_err(|fault| PlanError::File { path: path.clone(), fault })?;
    Ok((path, before))
}

/// Finds the entry of fourhands, which people may give another name.
pub fn find(
    document: &ConfigDocument,
    client: KnownClient,
    folders: &ConfigFolders,
) -> Result<Option<ConfiguredServer>, EditError> {
    let servers = document.servers(client.servers_key())?;
    let ours = servers.iter().find(|server| server.is_fourhands());
    let mut found = ours.or_else(|| servers.iter().find(|server| server.name == SERVER)).cloned();
    if found.is_none() {
        document.check_server(client.servers_key(), SERVER)?;
    }
    if let Some(found) = &mut found {
        found.is_disabled |= disabling_list(document, client, folders, &found.name).is_some();
    }
    Ok(found)
}

/// Returns the list that disables a server, if it names this one.
fn disabling_list(
    document: &ConfigDocument,
    client: KnownClient,
    folders: &ConfigFolders,
    server: &str,
) -> Option<Vec<String>> {
    let list = client.disabled_list(folders)?;
    let path: Vec<&str> = list.iter().map(String::as_str).collect();
    // Something else at this place is no list that the client heeds.
    let names = document.list(&path).ok().flatten()?;
    names.iter().any(|name| name == server).then_some(list)
}

/// Returns a configuration with nothing but the entry, for a person who writes it.
pub fn example(client: KnownClient, entry: &ServerEntry) -> Result<String, EditError> {
    let mut document = ConfigDocument::parse("", client.format())?;
    document.put_server(client.servers_key(), SERVER, entry, client.names_transport())?;
    Ok(document.text().trim_end().to_owned() + "\n")
}
