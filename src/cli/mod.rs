//! The command line, with a file for each command. It loads no Python: a session runs in a process of its own.

mod arguments;
mod attach;
mod bridge;
mod completions;
mod config;
mod dashboard;
mod demo;
mod doctor;
mod environment;
mod export;
mod farewell;
mod guarded_session;
mod output;
mod past;
mod resume;
mod serve;
mod sessions;
mod setup;
mod stage;
mod start;
mod stop;
mod suggestion;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, Parser, Subcommand};
use nix::sys::stat::{Mode, umask};

use crate::launch;

const AFTER_LONG_HELP: &str = "\
Examples:
  fourhands                            Open the dashboard in this folder
  fourhands --python .venv             Use the Python of a virtual environment
  fourhands --with numpy,pandas        Add packages, without a project
  fourhands --script report.py         Use the packages that a script names (PEP 723)
  fourhands --plain                    Use plain lines, for screen readers
  fourhands demo                       See it at work: a scripted client plays a short piece
  fourhands setup                      List AI clients; `fourhands setup cursor` sets one up
  fourhands bridge                     The MCP server command of AI clients
  fourhands bridge --serve             The same; starts a session if none is running
  fourhands --resume                   Resume the last session of this folder
  fourhands --resume sales --replay    Resume session \"sales\" and rerun its snippets
  fourhands serve --session analysis   Run a session without a terminal
  fourhands --session analysis         Open the dashboard of that session
  fourhands serve --stdio              Be an MCP server on stdin and stdout
  fourhands sessions                   List running and past sessions
  fourhands export -o work.ipynb       Export this folder's session as a notebook
  fourhands config                     Check the settings
  fourhands doctor                     Check everything else: Python, terminal, clients, files
  fourhands stop analysis              End session \"analysis\"
  fourhands completions zsh            Print completions: bash, zsh, fish; or `man`, a manual page

Python:
  The first of: --python, VIRTUAL_ENV, CONDA_PREFIX, .venv in this or a parent folder, python3 on
  PATH. It must be a 64-bit CPython 3.10 or newer, and not a free-threaded build.

Environment variables:
  VIRTUAL_ENV, CONDA_PREFIX  Environment whose Python is used
  PYTHONSTARTUP              Not run; `%run FILE` runs a file
  FOURHANDS_SESSION          Session that `fourhands bridge` connects to
  FOURHANDS_JOURNAL_MAX      Size limit of all recorded sessions (1GB); 0 records nothing
  FOURHANDS_JOURNAL_DAYS     Days after which unused sessions are removed (90)
  FOURHANDS_FIGURES          How figures are drawn: auto, blocks, kitty, sixel, iterm2, off
  FOURHANDS_HOME             Folder for sessions, records and cache instead of the usual ones
  FOURHANDS_TMP              Folder to use instead of /tmp
  VISUAL, EDITOR             Editor for the input (vi)
  NO_COLOR                   Show no colours
  TERM, COLORTERM, TMUX, ... Detect what the terminal can do; TERM=dumb implies --plain
  XDG_CONFIG_HOME            Settings are in fourhands/config.toml there (~/.config)
  XDG_STATE_HOME             Recorded sessions and long outputs (~/.local/state)
  XDG_RUNTIME_DIR            Sockets, if the folder is private (~/.local/state/fourhands/sessions)
  XDG_CACHE_HOME             Cache of Python versions and packages (~/.cache)
  CLAUDE_CONFIG_DIR          Where `fourhands setup` finds Claude Code's files (~)
  CODEX_HOME                 Where it finds those of Codex (~/.codex)

Exit codes:
  0        Success
  1        Failure. `stop`: the session is still running
  2        Wrong usage, no terminal, or no suitable Python
  3        `stop`, `export`, `sessions`: no such session
  128 + N  Killed by signal N
  Other    The exit code of Python

Security:
  There is NO sandbox. Code from AI clients runs with all your rights.";

#[derive(Debug, Parser)]
#[command(
    name = "fourhands",
    version,
    about = "One live Python session for you and your AI assistants. Opens the dashboard.",
    after_long_help = AFTER_LONG_HELP,
    // On one line, and without an empty line above, so that the short help fits a screen.
    override_usage = "fourhands [OPTIONS | COMMAND]",
    help_template = "{about-with-newline}{usage-heading} {usage}\n\n{all-args}{after-help}",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    dashboard: dashboard::DashboardArguments,
    #[command(subcommand)]
    command: Option<CliCommand>,
}

/// The commands that have a help, for the completions of `fourhands help`.
const COMMANDS: [&str; 10] =
    ["demo", "setup", "serve", "bridge", "sessions", "export", "config", "doctor", "completions", "stop"];

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// See fourhands at work, with a scripted client
    #[command(
        long_about = "See fourhands at work: a dashboard in which a scripted client plays a short piece, through the \
                      bridge that AI clients use. It needs no network and no key. The session is a throw-away one: \
                      your sessions are not touched, and nothing of it is kept."
    )]
    Demo(demo::DemoArguments),
    /// Register fourhands with AI clients
    #[command(
        long_about = "Register fourhands with AI clients. Shows the change of the client's configuration, asks, and keeps \
                      a copy of the file. Without a client, lists those found on this machine."
    )]
    Setup(setup::SetupArguments),
    /// Run a session without a dashboard
    #[command(
        long_about = "Run a session without a dashboard, on its socket or (--stdio) on stdin and stdout. `fourhands \
                      --session NAME` opens a dashboard on it at any time, and closing that leaves the session running."
    )]
    Serve(serve::ServeArguments),
    /// Connect an AI client to a session (its MCP server command)
    #[command(
        long_about = "Connect an AI client to a session. This is the MCP server command of AI clients, which start it \
                      themselves."
    )]
    Bridge(bridge::BridgeArguments),
    /// List, prune, restore and erase sessions
    Sessions(sessions::SessionsArguments),
    /// Export a session as a script, notebook, document or JSON
    Export(export::ExportArguments),
    /// Check the settings, or print an example
    Config(config::ConfigArguments),
    /// Check Python, terminal, clients and files, with remedies
    Doctor(doctor::DoctorArguments),
    /// Print completions for bash, zsh or fish, or a manual page
    Completions(completions::CompletionsArguments),
    /// End a running session
    Stop(stop::StopArguments),
    /// Print the help of a command
    // Hidden, as clap's own is not, for the short help to fit a screen.
    #[command(hide = true)]
    Help {
        #[arg(value_parser = PossibleValuesParser::new(COMMANDS))]
        command: Option<String>,
    },
}

/// Runs the command line. `engine` is the shared library that the session's Python loads.
pub fn main(engine: &'static [u8]) -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| suggestion::add(error, &Cli::command()).exit());
    // New files and folders are private, but this process must be able to use them, whatever the umask is.
    let mask = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    umask(mask & !Mode::S_IRWXU);
    launch::signals::survive_file_size_limits();
    launch::expect_children();
    match cli.command {
        None => dashboard::run(&cli.dashboard, engine),
        Some(CliCommand::Demo(arguments)) => demo::run(&arguments, engine),
        Some(CliCommand::Setup(arguments)) => setup::run(&arguments),
        Some(CliCommand::Serve(arguments)) => serve::run(&arguments, engine),
        Some(CliCommand::Bridge(arguments)) => bridge::run(arguments),
        Some(CliCommand::Sessions(arguments)) => sessions::run(&arguments),
        Some(CliCommand::Export(arguments)) => export::run(&arguments),
        Some(CliCommand::Config(arguments)) => config::run(&arguments),
        Some(CliCommand::Doctor(arguments)) => doctor::run(&arguments),
        Some(CliCommand::Completions(arguments)) => completions::run(&arguments, Cli::command()),
        Some(CliCommand::Stop(arguments)) => stop::run(&arguments),
        Some(CliCommand::Help { command }) => help(command.as_deref()),
    }
}

/// Prints the long help of the program or of one command.
fn help(name: Option<&str>) -> ExitCode {
    let mut cli = Cli::command();
    // The usage of a command then begins with the name of the program.
    cli.build();
    let text = match name.and_then(|name| cli.find_subcommand_mut(name)) {
        Some(command) => command.render_long_help(),
        None => cli.render_long_help(),
    };
    output::print(&text.to_string());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion, MissingRequiredArgument};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let cli = Cli::command();
        let shown = cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
        assert_eq!(shown.collect::<Vec<_>>(), COMMANDS);
    }

    #[test]
    fn flags_belong_to_the_command_they_are_given_to() {
        let cli = Cli::try_parse_from(["fourhands", "--session", "a", "--python", "/p"]).unwrap();
        assert!(cli.command.is_none() && cli.dashboard.session.session.as_deref() == Some("a"));
        let cli = Cli::try_parse_from(["fourhands", "serve", "--session", "a", "--python", "/p"]).unwrap();
        assert!(matches!(cli.command, Some(CliCommand::Serve(serve)) if serve.session.session.as_deref() == Some("a")));
        assert!(Cli::try_parse_from(["fourhands", "bridge", "--session", "a", "--socket", "/s"]).is_err());
        assert!(Cli::try_parse_from(["fourhands", "--session", "a", "serve"]).is_err());
    }

    #[test]
    fn short_help_fits_a_screen() {
        for command in std::iter::once(Cli::command()).chain(Cli::command().get_subcommands().cloned()) {
            let help = command.clone().term_width(80).render_help().to_string();
            assert!(help.lines().count() <= 24, "{help}");
            let long = command.term_width(100).render_long_help().to_string();
            assert!(long.lines().all(|line| line.chars().count() <= 100), "{long}");
        }
    }

    /// The completions that the wheel installs.
    const SHARED: [(completions::Kind, &str); 3] = [
        (completions::Kind::Bash, "bash-completion/completions/fourhands"),
        (completions::Kind::Zsh, "zsh/site-functions/_fourhands"),
        (completions::Kind::Fish, "fish/vendor_completions.d/fourhands.fish"),
    ];

    #[test]
    fn completions_and_manual_of_the_wheel_are_up_to_date() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/wheel/data/share");
        let completions =
            SHARED.map(|(kind, file)| (file.to_owned(), completions::render(kind, Cli::command()).unwrap()));
        let pages = completions::manual_pages(Cli::command()).unwrap();
        assert_eq!(pages[0].1, completions::render(completions::Kind::Man, Cli::command()).unwrap());
        // The page of the program names the others.
        for (file, text) in &pages {
            let reference = file.replace('-', "\\-").replace(".1", "(1)");
            assert!(file == "fourhands.1" || pages[0].1.contains(&reference), "{file}");
            assert!(text.contains("SYNOPSIS"), "{file}");
        }
        assert_eq!(pages[0].1.matches("(1)").count() + 1, pages.len());
        let pages = pages.into_iter().map(|(file, text)| (format!("man/man1/{file}"), text));
        for (file, text) in completions.into_iter().chain(pages) {
            let path = folder.join(&file);
            if std::env::var_os("UPDATE_README").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(there == text, "{file} is out of date: UPDATE_README=1 cargo test --lib completions_and_manual");
        }
    }

    /// Variables by which terminals are detected, and those of tests.
    const OTHER_VARIABLES: &str = "HOME USER LOGNAME TMUX_PANE COLORFGBG FOURHANDS_FUZZ FOURHANDS_MODEL_SURVEY UPDATE_README OUT_DIR \
        CARGO_CFG_TARGET_VENDOR PATH PYTHONPATH PYTHONSAFEPATH PYTHONVERBOSE";

    #[test]
    fn help_has_every_environment_variable_that_the_program_reads() {
        fn read(folder: &std::path::Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    read(&entry, names);
                } else if entry.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&entry).unwrap();
                    for call in ["env::var(\"", "env::var_os(\"", " set(\"", "value(\"FOURHANDS", "chosen(\""] {
                        names.extend(text.split(call).skip(1).filter_map(|rest| {
                            let name = rest.split('"').next()?;
                            let name =
                                if call.contains("FOURHANDS") { format!("FOURHANDS{name}") } else { name.to_owned() };
                            name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_').then_some(name)
                        }));
                    }
                }
            }
        }
        let mut names = Vec::new();
        read(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut names);
        assert!(names.iter().any(|name| name == "FOURHANDS_FIGURES") && names.len() > 10, "{names:?}");
        let help = Cli::command().render_long_help().to_string();
        for name in names {
            let is_other = OTHER_VARIABLES.split_ascii_whitespace().any(|other| other == name);
            assert!(is_other || name.is_empty() || help.contains(&name), "{name} is missing in:\n{help}");
        }
        for word in ["NO sandbox", "Exit codes", "serve --stdio", "CONDA_PREFIX"] {
            assert!(help.contains(word), "{word} is missing in:\n{help}");
        }
    }

    /// The command lines of a page: in shell blocks, in code spans, and as arguments in configurations of clients.
    fn commands(page: &str) -> Vec<Vec<String>> {
        let words = |line: &str| line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let shell = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).flat_map(str::lines);
        let shell = shell.filter_map(|line| line.split(['#', '>']).next()).map(words);
        let spans = page.split('`').filter(|span| span.starts_with("fourhands ") && !span.contains('\n')).map(words);
        let configured =
            page.lines().filter(|line| line.contains("\"/path/to/fourhands\", \"args\"")).filter_map(|line| {
                let arguments = line.split("\"args\": ").nth(1)?.split_inclusive(']').next()?;
                let mut command = vec!["fourhands".to_owned()];
                command.extend(serde_json::from_str::<Vec<String>>(arguments).ok()?);
                Some(command)
            });
        shell
            .chain(spans)
            .chain(configured)
            .filter(|command| command.first().is_some_and(|word| word == "fourhands"))
            .collect()
    }

    #[test]
    fn every_command_of_the_pages_is_valid() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let pages = std::fs::read_dir(root.join("assets/docs")).unwrap().map(|entry| entry.unwrap().path());
        let mut count = 0;
        for page in pages.chain([root.join("README.md")]) {
            for command in commands(&std::fs::read_to_string(&page).unwrap()) {
                count += 1;
                // A page names `fourhands stop` without its argument.
                let wrong = Cli::try_parse_from(&command)
                    .err()
                    .filter(|error| !matches!(error.kind(), DisplayHelp | DisplayVersion | MissingRequiredArgument));
                assert!(wrong.is_none(), "{}: {command:?}: {}", page.display(), wrong.unwrap());
            }
        }
        assert!(count > 30, "{count} commands were found");
    }
}
