//! The command line, with a file for each command.

mod arguments;
mod bridge;
mod config;
mod dashboard;
mod export;
mod farewell;
mod guarded_session;
mod output;
mod past;
mod resume;
mod serve;
mod sessions;
mod start;
mod stop;
mod take_over;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nix::sys::stat::{Mode, umask};

use crate::launch;

const AFTER_HELP: &str = "\
Examples:
  fourhands                            open the dashboard here
  fourhands --python .venv             with the Python of a virtual environment
  fourhands --plain                    the same as plain lines, for screen readers
  fourhands bridge                     what an AI client runs (see the README)
  fourhands bridge --serve             the same; holds a session if there is none
  fourhands --resume                   go on with the last session of this folder
  fourhands --resume sales --replay    and run again what ran well in it
  fourhands serve --session analysis   hold a session without a terminal
  fourhands serve --stdio              be an MCP server on stdin and stdout
  fourhands sessions                   list the sessions that run, and the last past ones
  fourhands export -o work.ipynb       write this folder's session to a notebook
  fourhands config                     check your settings
  fourhands stop analysis              end one of them

Which Python: --python, else VIRTUAL_ENV, else CONDA_PREFIX, else .venv here or
in a parent folder, else python3 on PATH. It must be CPython 3.10 or newer.

Environment:
  VIRTUAL_ENV, CONDA_PREFIX   the environment whose Python is used
  FOURHANDS_SESSION           the session that `fourhands bridge` connects to
  FOURHANDS_JOURNAL_MAX       what recorded sessions may take on the disk (1GB);
                              0 records nothing
  FOURHANDS_JOURNAL_DAYS      how long they are kept (90)
  NO_COLOR                    show no colours
  XDG_CONFIG_HOME             fourhands/config.toml in it has your settings (~/.config)
  XDG_CACHE_HOME              where fit Pythons are remembered (~/.cache)

Exit codes: 0 ended in good order; 1 failed; 2 wrong usage, no terminal, or no
Python that fits and starts; 128 + N killed by signal N; any other is Python's own.
`stop`: 0 it has ended; 1 it still runs, or could not be asked; 3 no session of
that name. `export`: 3 no such session.

Security: there is NO sandbox. Code from AI clients runs with all your
rights.";

#[derive(Debug, Parser)]
#[command(
    name = "fourhands",
    version,
    about = "One live Python session for you and your AI assistants.\n\nWithout a command: opens the dashboard.",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    max_term_width = 120
)]
struct Cli {
    #[command(flatten)]
    dashboard: dashboard::DashboardArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold a session without a dashboard, on its socket or (--stdio) on stdin and stdout
    Serve(serve::ServeArguments),
    /// Connect an AI client, on stdin and stdout, to a running session
    Bridge(bridge::BridgeArguments),
    /// List the sessions that run, what killed ones left behind, and past ones
    Sessions(sessions::SessionsArguments),
    /// Write a running or past session to a script, a notebook, a document, or JSON
    Export(export::ExportArguments),
    /// Check your settings (config.toml), or print an example of them
    Config(config::ConfigArguments),
    /// End a running session in good order
    Stop(stop::StopArguments),
}

/// Runs the command line. `engine` is the shared library that the session's Python loads.
pub fn main(engine: &'static [u8]) -> ExitCode {
    let cli = Cli::parse();
    // New files and folders are private, but this process must be able to use them, whatever the umask is.
    let mask = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    umask(mask & !Mode::S_IRWXU);
    launch::signals::survive_file_size_limits();
    launch::expect_children();
    match cli.command {
        None => dashboard::run(&cli.dashboard, engine),
        Some(Command::Serve(arguments)) => serve::run(&arguments, engine),
        Some(Command::Bridge(arguments)) => bridge::run(arguments),
        Some(Command::Sessions(arguments)) => sessions::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Config(arguments)) => config::run(&arguments),
        Some(Command::Stop(arguments)) => stop::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_belong_to_the_command_they_are_given_to() {
        let cli = Cli::try_parse_from(["fourhands", "--session", "a", "--python", "/p"]).unwrap();
        assert!(cli.command.is_none() && cli.dashboard.session.session.as_deref() == Some("a"));
        let cli = Cli::try_parse_from(["fourhands", "serve", "--session", "a", "--python", "/p"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(serve)) if serve.session.session.as_deref() == Some("a")));
        assert!(Cli::try_parse_from(["fourhands", "bridge", "--session", "a", "--socket", "/s"]).is_err());
        assert!(Cli::try_parse_from(["fourhands", "--session", "a", "serve"]).is_err());
    }

    #[test]
    fn help_describes_the_dangers_and_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        for word in [
            "NO sandbox",
            "sessions",
            "stop",
            "export",
            "Exit codes",
            "VIRTUAL_ENV",
            "FOURHANDS_SESSION",
            "serve --stdio",
            "bridge",
        ] {
            assert!(help.contains(word), "{word} is missing in:\n{help}");
        }
    }
}
