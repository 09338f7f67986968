//! `fourhands completions`: completions for shells and the manual pages, from the definition of the command line.

use std::io;
use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::output::{self, USAGE, fail};

#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// What to print
    #[arg(value_name = "KIND")]
    kind: Kind,
    /// With man: the command of the page, such as setup
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// For ~/.local/share/bash-completion/completions/fourhands
    Bash,
    /// For a file _fourhands in a folder of $fpath
    Zsh,
    /// For ~/.config/fish/completions/fourhands.fish
    Fish,
    /// A manual page, for ~/.local/share/man/man1/fourhands.1, or fourhands-setup.1 and the like
    Man,
}

pub fn run(arguments: &CompletionsArguments, command: Command) -> ExitCode {
    if let Some(name) = &arguments.command {
        if arguments.kind != Kind::Man {
            return fail(USAGE, &"completions are for all commands at once; only a manual page is for one of them");
        }
        let wanted = format!("fourhands-{name}.1");
        return match manual_pages(command) {
            Ok(pages) => match pages.into_iter().find(|(file, _)| *file == wanted) {
                Some((_, text)) => {
                    output::print(&text);
                    ExitCode::SUCCESS
                }
                None => fail(USAGE, &format_args!("there is no command {name}; `fourhands --help` lists the commands")),
            },
            Err(error) => fail(1, &error),
        };
    }
    match render(arguments.kind, command) {
        Ok(text) => {
            output::print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(1, &error),
    }
}

pub fn render(kind: Kind, mut command: Command) -> io::Result<String> {
    let shell = match kind {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
        Kind::Man => return manual_page(command.disable_help_subcommand(true)).map(|(_, text)| text),
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "fourhands", &mut text);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Returns the pages of all commands that `--help` lists, by the names of their files.
pub fn manual_pages(command: Command) -> io::Result<Vec<(String, String)>> {
    let mut command = command.disable_help_subcommand(true);
    // The names of the commands then begin with that of the program.
    command.build();
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect::<Vec<_>>();
    [command].into_iter().chain(shown).map(manual_page).collect()
}

fn manual_page(command: Command) -> io::Result<(String, String)> {
    let page = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok((page.get_filename(), String::from_utf8_lossy(&text).into_owned()))
}
