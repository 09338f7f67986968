//! `fourhands`: a session with its dashboard on this terminal.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use super::start::{self, SessionArguments, Start};
use crate::launch::boot::Mode;

pub fn run(arguments: &SessionArguments, engine: &'static [u8]) -> ExitCode {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return super::fail(
            super::USAGE,
            &"the dashboard needs a terminal on standard input and output. Without one, use `fourhands serve` to hold a \
              session that `fourhands bridge` connects to, or `fourhands serve --stdio` to be an MCP server on standard \
              input and output.",
        );
    }
    start::run(&Start { mode: Mode::Dashboard, arguments, until_unused: false, engine })
}
