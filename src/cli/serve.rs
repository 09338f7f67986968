//! `fourhands serve`: a session without a dashboard.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::start::{self, Start};
use crate::launch::boot::Mode;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the session [default: named after the working directory]
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Python to use: an interpreter, a virtual environment's folder, or a command on PATH
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Be an MCP server on stdin and stdout for the one client that started this; ends when stdin does
    #[arg(long)]
    pub stdio: bool,
}

pub fn run(arguments: &Arguments, engine: &'static [u8]) -> ExitCode {
    if arguments.stdio && arguments.session.is_some() {
        return super::fail(
            super::USAGE,
            &"--session cannot be used with --stdio: such a session belongs to the client that started it, and has no \
              name by which others could find it. Leave out one of the two.",
        );
    }
    if arguments.stdio && io::stdin().is_terminal() {
        eprintln!("fourhands: waiting for an MCP client on standard input; Ctrl-C ends.");
    }
    start::run(&Start {
        mode: if arguments.stdio { Mode::Stdio } else { Mode::Serve },
        session: arguments.session.as_deref(),
        python: arguments.python.as_deref(),
        engine,
    })
}
