//! The clients' settings by which tools that only read run without a question.

use super::change::{self, FileChange};
use super::config_folders::ConfigFolders;
use super::document::ConfigDocument;
use super::known_client::{ConfigFormat, KnownClient, Scope};
use super::plan_error::PlanError;
use crate::mcp;

/// The tools that only read.
pub fn reading_tools() -> Vec<&'static str> {
    mcp::reading_tools().collect()
}

/// Where a client has the permission for one tool.
enum Setting {
    /// A list of names. With `only_existing`, the list is not created: it would replace one that the client has
    /// elsewhere.
    List { file: std::path::PathBuf, path: &'static [&'static str], only_existing: bool },
    /// A key for each tool, with this value.
    Key {
        file: std::path::PathBuf,
        format: ConfigFormat,
        parents: Vec<String>,
        last: &'static str,
        value: &'static str,
    },
    /// A file of its own.
    File { file: std::path::PathBuf, text: String },
}

/// Plans to allow or to ask again. `None` if the client has no such setting in a file.
pub fn plan(
    client: KnownClient,
    scope: Scope,
    folders: &ConfigFolders,
    server: &str,
    allow: bool,
) -> Result<Option<FileChange>, PlanError> {
    let Some(setting) = setting(client, scope, folders, server) else { return Ok(None) };
    let tools = reading_tools();
    let path = match &setting {
        Setting::List { file, .. } | Setting::Key { file, .. } | Setting::File { file, .. } => file.clone(),
    };
    let at = |fault| PlanError::File { path: path.clone(), fault };
    let before = change::read(&path).map_err(at)?;
    let edit_error = |fault| PlanError::Content { path: path.clone(), fault };
    let after = match setting {
        Setting::File { text, .. } => allow.then_some(text),
        _ if before.is_none() && !allow => None,
        Setting::List { path: list, only_existing, .. } => {
            let mut document =
                ConfigDocument::parse(before.as_deref().unwrap_or_default(), ConfigFormat::Json).map_err(edit_error)?;
            if only_existing && document.list(list).map_err(edit_error)?.is_none() {
                return Ok(None);
            }
            let names: Vec<String> = tools.iter().map(|tool| list_name(client, server, tool)).collect();
            document.change_list(list, &names, allow).map_err(edit_error)?;
            Some(document.text())
        }
        Setting::Key { format, parents, last, value, .. } => {
            let mut document =
                ConfigDocument::parse(before.as_deref().unwrap_or_default(), format).map_err(edit_error)?;
            for tool in tools {
                let own = if client == KnownClient::Zed { format!("mcp:{server}:{tool}") } else { tool.to_owned() };
                let mut keys: Vec<&str> = parents.iter().map(String::as_str).collect();
                keys.push(&own);
                if allow {
                    keys.push(last);
                    document.set_string(&keys, value).map_err(edit_error)?;
                } else {
                    document.remove(&keys).map_err(edit_error)?;
                }
            }
            Some(document.text())
        }
    };
    Ok(Some(FileChange { path, before, after }))
}

fn list_name(client: KnownClient, server: &str, tool: &str) -> String {
    if client == KnownClient::ClaudeCode { format!("mcp__{server}__{tool}") } else { format!("{server}:{tool}") }
}

fn setting(client: KnownClient, scope: Scope, folders: &ConfigFolders, server: &str) -> Option<Setting> {
    let base = if scope == Scope::User { &folders.home } else { &folders.project };
    match client {
        KnownClient::ClaudeCode => {
            let file = match scope {
                Scope::User => {
                    folders.claude.clone().unwrap_or_else(|| folders.home.join(".claude")).join("settings.json")
                }
                // Who trusts a server is each person's own decision, so the file is the one that is not shared.
                Scope::Project => folders.project.join(".claude/settings.local.json"),
            };
            Some(Setting::List { file, path: &["permissions", "allow"], only_existing: false })
        }
        KnownClient::Cursor => Some(Setting::List {
            file: folders.home.join(".cursor/permissions.json"),
            path: &["mcpAllowlist"],
            only_existing: true,
        }),
        KnownClient::Codex => Some(Setting::Key {
            file: client.file(scope, folders)?,
            format: ConfigFormat::Toml,
            parents: vec![client.servers_key().to_owned(), server.to_owned(), "tools".to_owned()],
            last: "approval_mode",
            value: "approve",
        }),
        KnownClient::Zed => Some(Setting::Key {
            file: client.file(scope, folders)?,
            format: ConfigFormat::Json,
            parents: ["agent", "tool_permissions", "tools"].map(str::to_owned).to_vec(),
            last: "default",
            value: "allow",
        }),
        KnownClient::Gemini => Some(Setting::File {
            file: base.join(".gemini/policies/fourhands.toml"),
            text: format!(
                "# The tools of fourhands that only read run without a question.\n[[rule]]\nmcpName = \"{server}\"\n\
                 toolName = {:?}\ndecision = \"allow\"\npriority = 100\n",
                reading_tools()
            ),
        }),
        KnownClient::ClaudeDesktop | KnownClient::VsCode | KnownClient::Windsurf => None,
    }
}
