//! The clients that are known, and the facts about each.

use std::path::PathBuf;

use clap::ValueEnum;

use super::config_folders::ConfigFolders;

/// A client that `fourhands setup` knows, in the order of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KnownClient {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    #[value(name = "vscode")]
    VsCode,
    Codex,
    Gemini,
    Zed,
    Windsurf,
}

/// For whom a configuration holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All projects of this user.
    User,
    /// One folder.
    Project,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigFormat {
    Json,
    Toml,
}

impl KnownClient {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Zed => "zed",
            Self::Windsurf => "windsurf",
        }
    }

    /// The name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Zed => "Zed",
            Self::Windsurf => "Windsurf",
        }
    }

    pub fn format(self) -> ConfigFormat {
        if self == Self::Codex { ConfigFormat::Toml } else { ConfigFormat::Json }
    }

    /// The key of the table of servers.
    pub fn servers_key(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    /// Whether an entry names its transport.
    pub fn names_transport(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::VsCode)
    }

    /// The file with the servers. `None` if the client has no such scope.
    pub fn file(self, scope: Scope, folders: &ConfigFolders) -> Option<PathBuf> {
        let user = match self {
            Self::ClaudeCode => folders.claude.as_ref().unwrap_or(&folders.home).join(".claude.json"),
            Self::ClaudeDesktop => folders.app_data.join("Claude/claude_desktop_config.json"),
            Self::Cursor => folders.home.join(".cursor/mcp.json"),
            Self::VsCode => folders.app_data.join("Code/User/mcp.json"),
            Self::Codex => folders.codex.clone().unwrap_or_else(|| folders.home.join(".codex")).join("config.toml"),
            Self::Gemini => folders.home.join(".gemini/settings.json"),
            Self::Zed => folders.config.join("zed/settings.json"),
            Self::Windsurf => folders.home.join(".codeium/windsurf/mcp_config.json"),
        };
        let project = match self {
            Self::ClaudeCode => ".mcp.json",
            Self::Cursor => ".cursor/mcp.json",
            Self::VsCode => ".vscode/mcp.json",
            Self::Codex => ".codex/config.toml",
            Self::Gemini => ".gemini/settings.json",
            Self::Zed => ".zed/settings.json",
            Self::ClaudeDesktop | Self::Windsurf => return (scope == Scope::User).then_some(user),
        };
        Some(if scope == Scope::User { user } else { folders.project.join(project) })
    }

    /// The list in the file of the servers that names those not to be used. Other clients say so in the entry.
    pub fn disabled_list(self, folders: &ConfigFolders) -> Option<Vec<String>> {
        let project = folders.project.to_str()?;
        let path: &[&str] = match self {
            Self::ClaudeCode => &["projects", project, "disabledMcpServers"],
            Self::Gemini => &["mcp", "excluded"],
            _ => return None,
        };
        Some(path.iter().map(|key| (*key).to_owned()).collect())
    }

    /// Whether the client seems to be installed: it has its command on PATH, or a folder of its own.
    pub fn is_installed(self, folders: &ConfigFolders) -> bool {
        let (command, folder) = match self {
            Self::ClaudeCode => ("claude", folders.claude.clone().unwrap_or_else(|| folders.home.join(".claude"))),
            Self::ClaudeDesktop => ("claude-desktop", folders.app_data.join("Claude")),
            Self::Cursor => ("cursor", folders.home.join(".cursor")),
            Self::VsCode => ("code", folders.app_data.join("Code")),
            Self::Codex => ("codex", folders.codex.clone().unwrap_or_else(|| folders.home.join(".codex"))),
            Self::Gemini => ("gemini", folders.home.join(".gemini")),
            Self::Zed => ("zed", folders.config.join("zed")),
            Self::Windsurf => ("windsurf", folders.home.join(".codeium/windsurf")),
        };
        folder.is_dir()
            || folders.find_program(command).is_some()
            || self.file(Scope::User, folders).is_some_and(|file| file.exists())
    }

    /// What the person does so that the client reads its configuration.
    pub fn reload(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Start a new `claude`; `/mcp` in it shows whether fourhands is connected.",
            Self::ClaudeDesktop => "Quit Claude Desktop and start it again.",
            Self::Cursor => "Cursor asks whether to enable the server; its settings list it under MCP.",
            Self::VsCode => "In VS Code, run `MCP: List Servers`, choose fourhands and start it.",
            Self::Codex => "Start a new `codex`; `/mcp` in it lists the server.",
            Self::Gemini => "Start a new `gemini` in a folder that it trusts; `/mcp` in it lists the server.",
            Self::Zed => "Zed starts the server at once; its Agent settings list it.",
            Self::Windsurf => "Press refresh in Windsurf's list of MCP servers.",
        }
    }

    /// A note for the person about servers of a project.
    pub fn project_note(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("Claude Code asks once whether it may use the servers of this project."),
            Self::Codex => Some("Codex reads this file only in projects that you trust."),
            Self::Gemini => Some("Gemini CLI reads this file only in folders that you trust."),
            _ => None,
        }
    }
}
