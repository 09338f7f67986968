//! `fourhands config`: where the settings are, and what is wrong with them.

use std::process::ExitCode;

use clap::Args;

use crate::tui::settings::{self, EXAMPLE};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Print a file with every setting and key, as they are by default, to begin with
    #[arg(long)]
    example: bool,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    if arguments.example {
        super::print(&format!("{EXAMPLE}{}", settings::all_keys()));
        return ExitCode::SUCCESS;
    }
    let Some(path) = settings::path() else {
        return super::fail(1, &"there is no home to look for settings in; set HOME or XDG_CONFIG_HOME");
    };
    let loaded = settings::read(Some(path.clone()));
    let path = path.display();
    if loaded.path.is_none() {
        super::print(&format!("{path} is not there; all is as by default. `fourhands config --example` prints one.\n"));
        return ExitCode::SUCCESS;
    }
    if loaded.problems.is_empty() {
        super::print(&format!("{path} is fine.\n"));
        return ExitCode::SUCCESS;
    }
    for problem in &loaded.problems {
        super::tell(&format_args!("{path}: {problem}"));
    }
    ExitCode::from(1)
}
