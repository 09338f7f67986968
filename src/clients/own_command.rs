//! Changes by a client's own command line, where that is safer than to write its file.
//!
//! Claude Code keeps its state in the file of its servers and writes it all the time, under a lock of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::config_folders::ConfigFolders;
use super::known_client::{KnownClient, Scope};
use super::plan::Plan;
use super::server::ServerEntry;
use super::time_limit::output_within;

/// It writes a file, and starts slowly at most. Nobody sees what it waits for.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct OwnCommand {
    program: PathBuf,
    /// Each with its arguments, one after the other.
    calls: Vec<Vec<String>>,
}

impl OwnCommand {
    /// Returns the calls for a plan, if the client has a command on PATH that is to be used.
    pub fn of(plan: &Plan, folders: &ConfigFolders) -> Option<Self> {
        if plan.client != KnownClient::ClaudeCode || plan.scope != Scope::User {
            return None;
        }
        let simple = |entry: &ServerEntry| json!({"type": "stdio", "command": entry.command, "args": entry.args});
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut calls = Vec::new();
        match (&plan.found, &plan.entry) {
            // The command cannot change an entry without losing what else is in it.
            (Some(_), Some(_)) => return None,
            (Some(_), None) => calls.push(words(&["mcp", "remove", "--scope", "user", &plan.server])),
            (None, Some(entry)) => {
                let entry = simple(entry).to_string();
                calls.push(words(&["mcp", "add-json", "--scope", "user", &plan.server, &entry]));
            }
            (None, None) => {}
        }
        Some(Self { program: folders.find_program("claude")?, calls })
    }

    /// Returns the calls as a person would type them.
    pub fn shown(&self) -> String {
        let quote = |word: &String| if word.starts_with('{') { format!("'{word}'") } else { word.clone() };
        let lines =
            self.calls.iter().map(|call| format!("claude {}", call.iter().map(quote).collect::<Vec<_>>().join(" ")));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Runs the calls. On failure, returns what the command did, as words that follow its name.
    pub fn run(&self) -> Result<(), String> {
        for call in &self.calls {
            let mut command = Command::new(&self.program);
            let output =
                output_within(command.args(call), LIMIT).map_err(|error| format!("cannot be started: {error}"))?;
            let Some(output) = output else {
                let limit = LIMIT.as_secs();
                return Err(format!(
                    "did not end within {limit} s and was stopped. Run `claude` once to see what it waits for, then try again"
                ));
            };
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(format!("refused: {}", if said.is_empty() { output.status.to_string() } else { said }));
            }
        }
        Ok(())
    }
}
