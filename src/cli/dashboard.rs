//! `fourhands`: a session with its dashboard on this terminal.

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
}

pub fn run(arguments: &Arguments, engine: &'static [u8]) -> ExitCode {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return super::fail(
            super::USAGE,
            &"the dashboard needs a terminal on standard input and output. Without one, use `fourhands serve` to hold a \
              session that `fourhands bridge` connects to, or `fourhands serve --stdio` to be an MCP server on standard \
              input and output.",
        );
    }
    start::run(&Start {
        mode: Mode::Dashboard,
        session: arguments.session.as_deref(),
        python: arguments.python.as_deref(),
        engine,
    })
}
