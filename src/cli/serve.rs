//! `fourhands serve`: a session without a dashboard.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;

use super::start::{self, SessionArguments, Start};
use crate::launch::boot::Mode;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub session: SessionArguments,
    /// Be an MCP server on stdin and stdout for the one client that started this; ends when stdin does
    #[arg(long)]
    pub stdio: bool,
    /// End when no client has been connected for 5 seconds, or a dashboard takes the session over
    #[arg(long, conflicts_with = "stdio")]
    pub until_unused: bool,
}

pub fn run(arguments: &Arguments, engine: &'static [u8]) -> ExitCode {
    if arguments.stdio && arguments.session.session.is_some() {
        return super::fail(
            super::USAGE,
            &"--session cannot be used with --stdio: such a session belongs to the client that started it, and has no \
              name by which others could find it. Leave out one of the two.",
        );
    }
    if arguments.stdio && io::stdin().is_terminal() {
        eprintln!("fourhands: waiting for an MCP client on standard input; Ctrl-C ends.");
    }
    let mode = if arguments.stdio { Mode::Stdio } else { Mode::Serve };
    start::run(&Start { mode, arguments: &arguments.session, until_unused: arguments.until_unused, engine })
}
