//! `fourhands`: a session with its dashboard on this terminal.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;

use super::attach;
use super::start::{self, Start};
use crate::cli::arguments::SessionArguments;
use crate::cli::output::{USAGE, fail, warn};
use crate::launch::boot::Mode;

#[derive(Args, Debug)]
pub struct DashboardArguments {
    #[command(flatten)]
    pub session: SessionArguments,
    /// Use plain lines: for screen readers and pipes
    ///
    /// The same session as lines of text, without escape sequences. Type `:help` for its commands.
    #[arg(long)]
    pub plain: bool,
}

pub fn run(arguments: &DashboardArguments, engine: &'static [u8]) -> ExitCode {
    let mode = mode(arguments.plain);
    let folder = std::env::current_dir().unwrap_or_default();
    if let (Ok(mode), Some(running)) = (mode, attach::find(&arguments.session, &folder)) {
        return attach::run(running, &arguments.session, mode);
    }
    match mode {
        Ok(mode) => start::run(&Start {
            mode,
            arguments: &arguments.session,
            until_unused: false,
            stdio: false,
            form: None,
            unattended: None,
            stage: None,
            engine,
        }),
        Err(code) => code,
    }
}

/// The kind of dashboard that this terminal can show.
pub fn mode(plain: bool) -> Result<Mode, ExitCode> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !is_terminal && !plain {
        return Err(fail(
            USAGE,
            &"the dashboard needs a terminal on standard input and output. Without a terminal, use `fourhands --plain` \
              to read and write lines, `fourhands serve` for a session that clients reach with `fourhands bridge`, or \
              `fourhands serve --stdio` for an MCP server on standard input and output.",
        ));
    }
    if is_dumb && !plain {
        warn(&"this terminal (TERM=dumb) cannot move its cursor, so the plain dashboard is used (--plain)");
    }
    Ok(if plain || is_dumb { Mode::Plain } else { Mode::Dashboard })
}
