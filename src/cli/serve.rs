//! `fourhands serve`: a session without a dashboard.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;

use super::start::{self, Start};
use crate::cli::arguments::SessionArguments;
use crate::cli::output::warn;
use crate::launch::boot::Mode;

#[derive(Args, Debug)]
pub struct ServeArguments {
    #[command(flatten)]
    pub session: SessionArguments,
    /// Be an MCP server on stdin and stdout for the one client that started this; ends when stdin does
    #[arg(long)]
    pub stdio: bool,
    /// End when no client has been connected for 5 seconds, or a dashboard takes the session over
    #[arg(long, conflicts_with = "stdio")]
    pub until_unused: bool,
}

pub fn run(arguments: &ServeArguments, engine: &'static [u8]) -> ExitCode {
    if arguments.stdio && io::stdin().is_terminal() {
        warn(&"waiting for an MCP client on standard input; Ctrl-C ends.");
    }
    start::run(&Start {
        mode: Mode::Serve,
        arguments: &arguments.session,
        until_unused: arguments.until_unused,
        stdio: arguments.stdio,
        engine,
    })
}
