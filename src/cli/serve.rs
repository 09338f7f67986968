//! `fourhands serve`: a session without a dashboard.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;

use super::start::{self, Start};
use crate::cli::arguments::{ResultFormArguments, SessionArguments, UnattendedArgument};
use crate::cli::output::{USAGE, fail, warn};
use crate::launch::boot::Mode;

#[derive(Args, Debug)]
pub struct ServeArguments {
    #[command(flatten)]
    pub session: SessionArguments,
    /// Be an MCP server on stdin and stdout, for one client
    ///
    /// The session ends when stdin is closed.
    #[arg(long)]
    pub stdio: bool,
    /// End the session when no client uses it
    ///
    /// It ends 5 s after its last client and its dashboard have left, or 60 s after its start if none has come.
    #[arg(long, conflicts_with = "stdio")]
    pub until_unused: bool,
    /// What happens to code that the gate would ask about [default: wait]
    #[arg(long, value_name = "WHAT")]
    pub unattended: Option<UnattendedArgument>,
    #[command(flatten)]
    pub results: ResultFormArguments,
}

pub fn run(arguments: &ServeArguments, engine: &'static [u8]) -> ExitCode {
    if arguments.stdio && io::stdin().is_terminal() {
        warn(&"waiting for an MCP client on standard input; press Ctrl-C to stop.");
    }
    let form = arguments.results.form();
    if form.is_some() && !arguments.stdio {
        let text =
            "--structured, --text-only and --no-images need --stdio: without it, give them to `fourhands bridge`.";
        return fail(USAGE, &text);
    }
    start::run(&Start {
        mode: Mode::Serve,
        arguments: &arguments.session,
        until_unused: arguments.until_unused,
        stdio: arguments.stdio,
        form,
        unattended: arguments.unattended.map(UnattendedArgument::unattended),
        stage: None,
        engine,
    })
}
