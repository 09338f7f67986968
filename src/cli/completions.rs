//! `fourhands completions`: completions for shells and the manual page, from the definition of the command line.

use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::output::{self, fail};

#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// What to print
    #[arg(value_name = "KIND")]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// For ~/.local/share/bash-completion/completions/fourhands
    Bash,
    /// For a file _fourhands in a folder of $fpath
    Zsh,
    /// For ~/.config/fish/completions/fourhands.fish
    Fish,
    /// The manual page, for ~/.local/share/man/man1/fourhands.1
    Man,
}

pub fn run(arguments: &CompletionsArguments, command: Command) -> ExitCode {
    match render(arguments.kind, command) {
        Ok(text) => {
            output::print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(1, &error),
    }
}

pub fn render(kind: Kind, mut command: Command) -> std::io::Result<String> {
    let mut text = Vec::new();
    let shell = match kind {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
        Kind::Man => {
            clap_mangen::Man::new(command).render(&mut text)?;
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    };
    clap_complete::generate(shell, &mut command, "fourhands", &mut text);
    Ok(String::from_utf8_lossy(&text).into_owned())
}
