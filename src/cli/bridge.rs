//! `fourhands bridge`: connects an AI client to a session.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::bridge::{self, BridgeOptions};
use crate::cli::arguments::ResultFormArguments;
use crate::cli::output::{USAGE, fail};
use crate::tui::settings;

#[derive(Args, Debug)]
pub struct BridgeArguments {
    /// Session to connect to [default: found by folder]
    ///
    /// Without this option: `FOURHANDS_SESSION`, else the session of this or the nearest parent folder, else the only
    /// running session.
    #[arg(long, value_name = "NAME", conflicts_with = "socket")]
    pub session: Option<String>,
    /// Socket to connect to, instead of looking for a session
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Start a session without a dashboard if none is running
    ///
    /// The session is shared with other clients of this folder. It ends after its last client has left. `fourhands` in
    /// the folder opens its dashboard, which keeps it as well.
    #[arg(long, conflicts_with = "socket")]
    pub serve: bool,
    /// Open the dashboard in a tmux pane if no session is running
    ///
    /// Works only if the client runs inside tmux. Combined with --serve, a session without a dashboard is started
    /// outside tmux.
    #[arg(long, conflicts_with = "socket")]
    pub tmux: bool,
    /// Python of a session that --serve or --tmux starts
    #[arg(long, value_name = "PATH", conflicts_with = "socket")]
    pub python: Option<PathBuf>,
    /// Packages of such a session, such as numpy,pandas
    ///
    /// As `fourhands --with`. The first start takes as long as their installation.
    #[arg(long = "with", value_name = "PACKAGES", conflicts_with = "socket")]
    pub with: Vec<String>,
    /// Script that names the packages of such a session
    #[arg(long, value_name = "FILE", conflicts_with = "socket", hide_short_help = true)]
    pub script: Option<PathBuf>,
    /// With --serve: environment variables to pass on
    ///
    /// Names such as `OPENAI_API_KEY`, prefixes such as `AWS_*`, or `all`. A session started by --serve is shared, so
    /// it gets only the usual variables (paths, locale, Python's own) and these. Other clients of the session can read
    /// them. The setting `keep_env` in config.toml does the same.
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "serve")]
    pub keep_env: Vec<String>,
    #[command(flatten)]
    pub results: ResultFormArguments,
}

pub fn run(arguments: BridgeArguments) -> ExitCode {
    let BridgeArguments { session, socket, serve, tmux, python, with, script, mut keep_env, results } = arguments;
    if io::stdin().is_terminal() {
        return fail(USAGE, &explanation(&bridge::program(), std::env::args().skip(1)));
    }
    if (python.is_some() || script.is_some() || !with.is_empty()) && !(serve || tmux) {
        return fail(
            USAGE,
            &"--python, --with and --script need --serve or --tmux: a running session already has its Python.",
        );
    }
    if serve {
        keep_env.extend(settings::read(settings::path()).settings.keep_env);
    }
    let form = results.form();
    bridge::run(BridgeOptions { session, socket, serve, tmux, python, with, script, form, keep_env })
}

/// The text for a person who types the command into a terminal, where it would wait for a client in silence.
fn explanation(program: &Path, arguments: impl Iterator<Item = String>) -> String {
    let arguments: Vec<String> = arguments.collect();
    let quoted = serde_json::to_string(&arguments).unwrap_or_default().replace("\",\"", "\", \"");
    let (program, line) = (program.display(), arguments.join(" "));
    format!(
        "this is the MCP server command of AI clients, which start it themselves.\n\n\
         `fourhands setup` finds your AI clients and adds fourhands to them. By hand, add this MCP server:\n\
         \x20 command  {program}\n\
         \x20 args     {quoted}\n\n\
         For Claude Code:\n\
         \x20 claude mcp add --scope user fourhands -- {program} {line}\n\n\
         To open the dashboard, run `fourhands`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_how_to_configure_a_client() {
        let text = explanation(Path::new("/bin/fourhands"), ["bridge", "--serve"].into_iter().map(str::to_owned));
        assert!(text.contains(r#"args     ["bridge", "--serve"]"#), "{text}");
        assert!(text.contains("fourhands -- /bin/fourhands bridge --serve\n"), "{text}");
    }
}
